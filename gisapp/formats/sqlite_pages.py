"""Rows of an SQLite table written as finished pages: the table's tree is made from its leaves up, in order of the rows.

The layout: https://www.sqlite.org/fileformat2.html, "The Database Header" and "B-tree Pages".
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisapp.formats.pieces import Ints, cells as fixed, joined, masked
from gisapp.formats.sqlite_records import varints
from gisapp.formats.texts import parts

_LEAF, _BRANCH, _BRANCH_HEAD = 0x0D, 0x05, 12
_LEAF_HEAD = np.dtype([("kind", "u1"), ("free", ">u2"), ("count", ">u2"), ("begin", ">u2"), ("odd", "u1")])
_ROOM = _LEAF_HEAD.itemsize
#: SQLite locks the byte at 1 GiB: the page that has it stays unused.
_LOCKED = 1 << 30


class Pages:
    """A closed SQLite file that grows by whole pages; complete once it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        head = self._file.read(100)
        self.size = struct.unpack_from(">H", head, 16)[0]
        self.size = 65536 if self.size == 1 else self.size
        self._changes, self.count = struct.unpack_from(">II", head, 24)
        if head[20] or self.count * self.size != path.stat().st_size:
            self._file.close()
            raise ValueError("not a file of whole plain pages")

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._file.seek(24)
            self._file.write(struct.pack(">II", self._changes + 1, self.count))
            self._file.seek(92)
            self._file.write(struct.pack(">I", self._changes + 1))
        self._file.close()

    def append(self, data: bytes | bytearray) -> Ints:
        """Write pages to the end; answers with their numbers."""
        count = len(data) // self.size
        numbers = following(self.count, count, self.size)
        before = int((numbers - self.count <= np.arange(1, count + 1)).sum())
        view = memoryview(data)
        for first, last in ((0, before), (before, count)):
            if last > first:
                self.put(int(numbers[first]), view[first * self.size:last * self.size])
        self.count = int(numbers[-1]) if count else self.count
        return numbers

    def put(self, number: int, data: bytes | bytearray | memoryview) -> None:
        """Write over pages from this number on."""
        self._file.seek((number - 1) * self.size)
        self._file.write(data)


def following(last: int, count: int, size: int) -> Ints:
    """The numbers of so many pages after the last, without the one that is locked."""
    numbers = last + 1 + np.arange(count)
    found: Ints = numbers + (numbers > _LOCKED // size) * (last <= _LOCKED // size)
    return found


class TableFiller:
    """Writes all rows of an empty table whose tree begins at page `root`; complete once it is closed."""

    def __init__(self, pages: Pages, root: int) -> None:
        self._pages, self._root = pages, root
        self._first: bytearray | None = None  # a leaf that may stay the only one
        self._leaves: list[Ints] = []
        self._keys: list[Ints] = []

    def __enter__(self) -> TableFiller:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._finish()

    def write(self, rowids: Ints, cells: pa.Array, payload: Ints) -> None:
        """Append rows (`sqlite_records.rows`) behind those that are there; their ids grow."""
        if not len(rowids):
            return
        large = payload > self._pages.size - 35
        if bool(large.any()):
            cells = self._shortened(cells, payload, large)
        data, last = self._packed(cells)
        self._keys.append(rowids[last])
        if self._first is None and not self._leaves and len(last) == 1:
            self._first = data
            return
        self._settle()
        self._leaves.append(self._pages.append(data))

    def _settle(self) -> None:
        """The first leaf is not the only one."""
        if self._first is not None:
            self._leaves.append(self._pages.append(self._first))
            self._first = None

    def _shortened(self, cells: pa.Array, payload: Ints, large: NDArray[np.bool_]) -> pa.Array:
        """The same cells, those that are too large for a leaf with their ends on pages of their own."""
        size, kept = self._pages.size, []
        least = (size - 12) * 32 // 255 - 23
        for cell, whole in zip(cells.filter(pa.array(large)).to_pylist(), payload[large].tolist(), strict=True):
            local = least + (whole - least) % (size - 4)
            local = local if local <= size - 35 else least
            cut = len(cell) - whole + local
            kept.append(cell[:cut] + struct.pack(">I", self._overflow(cell[cut:])))
        return pc.replace_with_mask(cells, pa.array(large), pa.array(kept, pa.binary()))

    def _overflow(self, rest: bytes) -> int:
        """A chain of pages with the rest of a cell; the number of the first."""
        room = self._pages.size - 4
        count = -(-len(rest) // room)
        numbers = following(self._pages.count, count, self._pages.size).tolist()
        chain = b"".join(struct.pack(">I", number) + rest[at * room:(at + 1) * room]
                         for at, number in enumerate([*numbers[1:], 0]))
        self._pages.append(chain.ljust(count * self._pages.size, b"\0"))
        return int(numbers[0])

    def _packed(self, cells: pa.Array) -> tuple[bytearray, Ints]:
        """Leaves filled with cells, and which cell is the last of each."""
        size = self._pages.size
        bounds, data = parts(cells)
        begun = int(bounds[0])
        bounds = bounds - begun
        last = _last_ones(bounds, size - _ROOM)
        first = np.append(0, last[:-1] + 1)
        out = bytearray(len(last) * size)
        view, source = memoryview(out), data[begun:].data
        begin = size - (bounds[last + 1] - bounds[first])
        copies = zip(bounds[first].tolist(), bounds[last + 1].tolist(), begin.tolist(), strict=True)
        for number, (start, stop, place) in enumerate(copies):
            view[number * size + place:(number + 1) * size] = source[start:stop]
        made = np.frombuffer(out, np.uint8)
        counts = last - first + 1
        heads = np.zeros(len(last), _LEAF_HEAD)
        heads["kind"], heads["count"], heads["begin"] = _LEAF, counts, begin % 65536
        made.reshape(len(last), size)[:, :_ROOM] = heads.view(np.uint8).reshape(len(last), _ROOM)
        rank = np.arange(len(bounds) - 1) - np.repeat(first, counts)
        page = np.repeat(np.arange(len(last)), counts)
        places = (bounds[:-1] - np.repeat(bounds[first] - begin, counts)).astype(">u2")
        made.view(">u2")[(page * size + _ROOM) // 2 + rank] = places
        return out, last

    def _finish(self) -> None:
        """The branches above the leaves, up to the one page that is the root."""
        if self._first is not None:
            self._pages.put(self._root, self._first)
        if not self._leaves:
            return
        numbers, keys = np.concatenate(self._leaves), np.concatenate(self._keys)
        most = (self._pages.size - _BRANCH_HEAD) // (6 + varints(keys[-1:])[0].shape[1]) + 1
        while len(numbers) > most:
            groups = -(-len(numbers) // most)
            bounds = np.arange(groups + 1) * len(numbers) // groups
            made = [self._branch(numbers[a:b], keys[a:b]) for a, b in pairwise(bounds.tolist())]
            numbers, keys = self._pages.append(b"".join(made)), keys[bounds[1:] - 1]
        self._pages.put(self._root, self._branch(numbers, keys))

    def _branch(self, children: Ints, keys: Ints) -> bytes:
        """A page that leads to children, by the greatest row of each but the last."""
        places = children[:-1].astype(">u4").view(np.uint8).reshape(-1, 4)
        made = joined([fixed(places, np.ones(len(places), bool)), masked(*varints(keys[:-1]))])
        bounds, data = parts(made)
        begin = self._pages.size - int(bounds[-1])
        head = struct.pack(">BHHHBI", _BRANCH, 0, len(places), begin % 65536, 0, int(children[-1]))
        pointers = (bounds[:-1] + begin).astype(">u2").tobytes()
        return bytes((head + pointers).ljust(begin, b"\0") + data[:bounds[-1]].tobytes())


def _last_ones(bounds: Ints, room: int) -> Ints:
    """The last cell of each leaf, as many in each as there is room for; each needs two bytes more for its place."""
    ends = (bounds[1:] + 2 * np.arange(1, len(bounds))).tolist()
    found: list[int] = []
    spent = after = 0
    while after < len(ends):
        found.append(bisect_right(ends, spent + room, after) - 1)
        if found[-1] < after:
            raise ValueError("a cell larger than a page")
        spent, after = ends[found[-1]], found[-1] + 1
    return np.array(found)
