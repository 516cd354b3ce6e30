"""A FlatGeobuf file: features in the order of a Hilbert curve behind a packed tree of their boxes.

The layout: FlatGeobuf 3 (magic bytes, header, index, features). The features wait in a file without a name until all
boxes are known, and beside them where each lies; memory does not grow with their number.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.hilbert import along_the_curve
from gisapp.formats.pieces import Ints, side_by_side
from gisapp.formats.runs import Runs
from gisapp.formats.texts import parts

Boxes = NDArray[np.float64]
_MAGIC = 8
_NODE, _ITEM = 16, np.dtype([("box", "<f8", 4), ("offset", "<u8")])
#: Where a feature lies in the spool, and its box.
_PLACE = np.dtype([("begin", "<u8"), ("size", "<u4"), ("box", "<f8", 4)])
#: Features written at a time, whole branches of branches of the tree; fewer where so many bytes are more of them. Those
#: that lie so near each other in the spool are read at once.
_AT_ONCE, _BRANCH, _BYTES, _NEAR = 1 << 13, 1 << 8, 1 << 23, 512
_READ = 1 << 16
#: Fields of the header: the box of all, their number. https://github.com/flatgeobuf/flatgeobuf, header.fbs
_ENVELOPE, _COUNT = 1, 8


class FgbWriter:
    """Keeps features until `finish` writes the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (gone with the writer)
        self._places: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._rows = self._bytes = 0
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def write(self, records: pa.Array, boxes: Boxes) -> None:
        """Append the features of a batch (`fgb_features.records`)."""
        bounds, data = parts(records)
        self._spool.write(data[bounds[0]:bounds[-1]].data)
        np.minimum(self._box[:2], boxes[:, :2].min(axis=0, initial=np.inf), out=self._box[:2])
        np.maximum(self._box[2:], boxes[:, 2:].max(axis=0, initial=-np.inf), out=self._box[2:])
        told = np.empty(len(boxes), _PLACE)
        told["begin"], told["size"], told["box"] = bounds[:-1] - bounds[0] + self._bytes, np.diff(bounds), boxes
        self._places.write(told.data)
        self._rows += len(told)
        self._bytes += int(bounds[-1] - bounds[0])

    def finish(self, path: Path) -> None:
        """Write over `path`, a FlatGeobuf of a single feature whose header is kept; there are features."""
        with self._spool, self._places, path.open("r+b") as file, Runs(self._folder, _PLACE) as runs:
            self._spool.flush()
            sizes = levels(self._rows)
            head = self._filled(read_header(path), self._rows)
            file.truncate(0)
            file.write(head)
            for keys, places in self._along():
                runs.add(keys, places)
            self._places.close()
            branches = _Branches(file, len(head), sizes)
            self._write_features(file, runs.blocks(), len(head) + sum(sizes) * _ITEM.itemsize, branches)
            branches.finish()

    def _along(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[Any]]]:
        """Where the features lie, and how far along the curve: of two that are as far the first comes first."""
        box = self._box if np.isfinite(self._box).all() else np.zeros(4)
        self._places.seek(0)
        for first in range(0, self._rows, _READ):
            some = np.frombuffer(self._places.read(_READ * _PLACE.itemsize), _PLACE)
            with np.errstate(invalid="ignore"):
                middles = ((some["box"][:, :2] + some["box"][:, 2:]) / 2).astype(np.float32)
            far = along_the_curve(middles[:, 0], middles[:, 1], box).astype(np.uint64)
            yield far << np.uint64(32) | (first + np.arange(len(some))).astype(np.uint64), some

    def _write_features(self, file: IO[bytes], places: Iterator[NDArray[Any]], features: int,
                        branches: _Branches) -> None:
        """The features from one place of the file on, in this order, and what the tree says of them."""
        at = 0
        with ThreadPoolExecutor(2) as both:
            for some, data in side_by_side(both, self._gathered, _pieces(places, self._at_once())):
                items = np.empty(len(some), _ITEM)
                items["box"], sizes = some["box"], some["size"].astype(np.int64)
                items["offset"] = np.cumsum(sizes) - sizes + at
                branches.add(items)
                file.seek(features + at)
                file.write(data)
                at += int(sizes.sum())

    def _at_once(self) -> int:
        return max(_BRANCH, min(_AT_ONCE, _BYTES * self._rows // max(self._bytes, 1) // _BRANCH * _BRANCH))

    def _gathered(self, places: NDArray[Any]) -> tuple[NDArray[Any], memoryview]:
        """Where features lie, and themselves end to end."""
        begins, sizes = places["begin"].astype(np.int64), places["size"].astype(np.int64)
        by_place = np.argsort(begins)
        low, high = begins[by_place], (begins + sizes)[by_place]
        gaps = np.flatnonzero(low[1:] - high[:-1] > _NEAR) + 1
        firsts, lasts = np.append(0, gaps), np.append(gaps, len(begins)) - 1
        runs = high[lasts] - low[firsts]
        data = bytearray(int(runs.sum()))
        view, at = memoryview(data), np.cumsum(runs) - runs
        for place, start, size in zip(at.tolist(), low[firsts].tolist(), runs.tolist(), strict=True):
            _read(self._spool.fileno(), view[place:place + size], start)
        moved = np.empty(len(begins), np.int64)
        moved[by_place] = low + np.repeat(at - low[firsts], lasts - firsts + 1)
        return places, _taken(np.frombuffer(data, np.uint8), moved, sizes)

    def _filled(self, head: bytes, count: int) -> bytes:
        """Magic bytes and header with the number of features and their box."""
        header = bytearray(head)
        box = self._box if np.isfinite(self._box).all() else np.zeros(4)
        vector = _field(header, _ENVELOPE)
        struct.pack_into("<4d", header, vector + struct.unpack_from("<I", header, vector)[0] + 4, *box)
        struct.pack_into("<Q", header, _field(header, _COUNT), count)
        return bytes(header)


class _Branches:
    """The tree of boxes, which begins at `start`: the items of the features, in their order, and all levels above."""

    def __init__(self, file: IO[bytes], start: int, sizes: list[int]) -> None:
        self._file, self._start, self._sizes = file, start, sizes
        self._begins = [sum(sizes[:level]) for level in range(len(sizes))]
        self._leaves = 0
        #: The boxes two levels up: one for 256 features.
        self._above: list[Boxes] = []

    def add(self, items: NDArray[Any]) -> None:
        """The next features; whole branches of branches but for the last ones."""
        lowest = len(self._sizes) - 1
        self._put(lowest, self._leaves, items)
        boxes = _around(items["box"])
        self._put(lowest - 1, self._leaves // _NODE, self._branches(lowest - 1, self._leaves // _NODE, boxes))
        self._above.append(_around(boxes))
        self._leaves += len(items)

    def finish(self) -> None:
        """The levels above those that are there."""
        boxes = np.concatenate(self._above)
        for level in range(len(self._sizes) - 3, -1, -1):
            self._put(level, 0, self._branches(level, 0, boxes))
            boxes = _around(boxes)

    def _branches(self, level: int, first: int, boxes: Boxes) -> NDArray[Any]:
        """Items that say where their children begin."""
        items = np.zeros(len(boxes), _ITEM)
        items["box"] = boxes
        items["offset"] = self._begins[level + 1] + _NODE * (first + np.arange(len(boxes)))
        return items

    def _put(self, level: int, first: int, items: NDArray[Any]) -> None:
        self._file.seek(self._start + (self._begins[level] + first) * _ITEM.itemsize)
        self._file.write(items.tobytes())


def _pieces(blocks: Iterator[NDArray[Any]], size: int) -> Iterator[NDArray[Any]]:
    """The rows of all blocks, so many at a time."""
    rest: list[NDArray[Any]] = []
    for block in blocks:
        some = np.concatenate([*rest, block])
        whole = len(some) // size * size
        yield from np.split(some[:whole], range(size, whole, size)) if whole else ()
        rest = [some[whole:]]
    if rest and len(rest[0]):
        yield rest[0]


def read_header(path: Path) -> bytes:
    """Magic bytes, size and header of a FlatGeobuf."""
    with path.open("rb") as file:
        head = file.read(_MAGIC + 4)
        return head + file.read(struct.unpack_from("<I", head, _MAGIC)[0])


def _field(header: bytes | bytearray, number: int) -> int:
    """Where a field of the header lies, which has it."""
    root = _MAGIC + 4
    table = root + int(struct.unpack_from("<I", header, root)[0])
    vtable = table - int(struct.unpack_from("<i", header, table)[0])
    return table + int(struct.unpack_from("<H", header, vtable + 4 + 2 * number)[0])


def _taken(data: NDArray[np.uint8], begins: Ints, sizes: Ints) -> memoryview:
    """Pieces that lie anywhere, end to end: told as views (length, first four bytes, buffer, place), which Arrow
    copies."""
    views = np.zeros((len(begins), 4), np.int32)
    views[:, 0], views[:, 3] = sizes, begins
    views[:, 1] = np.ndarray((len(data) - 3,), "<i4", data, 0, (1,))[begins]
    told = pa.Array.from_buffers(pa.binary_view(), len(begins), [None, pa.py_buffer(views), pa.py_buffer(data)])
    bounds, copied = parts(told.cast(pa.binary()))
    return copied[bounds[0]:bounds[-1]].data


def _read(file: int, into: memoryview, start: int) -> None:
    while len(into):
        count = os.preadv(file, [into], start)
        if not count:
            raise OSError("the spool of features is cut short")
        into, start = into[count:], start + count


def levels(count: int) -> list[int]:
    """Items of each level of the tree, the features' own last."""
    found = [count]
    while len(found) == 1 or found[0] > 1:
        found.insert(0, -(-found[0] // _NODE))
    return found


def _around(boxes: Boxes) -> Boxes:
    """The boxes about each sixteen."""
    at = np.arange(0, len(boxes), _NODE)
    return np.column_stack([np.minimum.reduceat(boxes[:, :2], at), np.maximum.reduceat(boxes[:, 2:], at)])
