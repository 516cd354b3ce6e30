"""A FlatGeobuf file: features in the order of a Hilbert curve behind a packed tree of their boxes.

The layout: FlatGeobuf 3 (magic bytes, header, index, features). The features wait in a file without a name until all
boxes are known; of each only where it lies and how far along the curve is kept in memory.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.fgb_features import BOX_WORDS
from gisapp.formats.hilbert import along_the_curve
from gisapp.formats.pieces import Ints
from gisapp.formats.texts import parts

Boxes = NDArray[np.float64]
_MAGIC = 8
_NODE, _ITEM = 16, np.dtype([("box", "<f8", 4), ("offset", "<u8")])
_BOX_BYTES = 4 * BOX_WORDS
#: Features written at a time; those that lie so near each other in the spool are read at once.
_AT_ONCE, _NEAR = 1 << 13, 512
#: Fields of the header: the box of all, their number. https://github.com/flatgeobuf/flatgeobuf, header.fbs
_ENVELOPE, _COUNT = 1, 8


class FgbWriter:
    """Keeps features until `finish` writes the file."""

    def __init__(self, folder: Path) -> None:
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (gone with the writer)
        self._ends: list[Ints] = [np.zeros(1, np.int64)]
        self._middles: list[NDArray[np.float32]] = []
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def write(self, records: pa.Array) -> None:
        """Append the features of a batch (`fgb_features.records`)."""
        bounds, data = parts(records)
        self._spool.write(data[bounds[0]:bounds[-1]].data)
        self._ends.append(bounds[1:] - bounds[0] + self._ends[-1][-1])
        found = _boxes(data, bounds[:-1])
        np.minimum(self._box[:2], found[:, :2].min(axis=0, initial=np.inf), out=self._box[:2])
        np.maximum(self._box[2:], found[:, 2:].max(axis=0, initial=-np.inf), out=self._box[2:])
        with np.errstate(invalid="ignore"):
            self._middles.append(((found[:, :2] + found[:, 2:]) / 2).astype(np.float32))

    def finish(self, path: Path) -> None:
        """Write over `path`, a FlatGeobuf of a single feature whose header is kept; there are features."""
        with self._spool, path.open("r+b") as file:
            self._spool.flush()
            ends, order = np.concatenate(self._ends), self._order()
            sizes = levels(len(order))
            head = self._filled(read_header(path), len(order))
            file.truncate(0)
            file.write(head)
            features = len(head) + sum(sizes) * _ITEM.itemsize
            self._write_features(file, order, ends, features, features - len(order) * _ITEM.itemsize)
            _write_branches(file, len(head), self._parents, sizes)

    def _order(self) -> Ints:
        """The features along the curve."""
        middles = np.concatenate(self._middles)
        self._middles.clear()
        box = self._box if np.isfinite(self._box).all() else np.zeros(4)
        return np.argsort(along_the_curve(middles[:, 0], middles[:, 1], box), kind="stable")

    def _write_features(self, file: IO[bytes], order: Ints, ends: Ints, features: int, leaves: int) -> None:
        """The features from one place on, and what the tree says of them at another."""
        self._parents: list[Boxes] = []
        at = 0
        for first in range(0, len(order), _AT_ONCE):
            data, bounds = self._gathered(order[first:first + _AT_ONCE], ends)
            sizes = np.diff(bounds) - _BOX_BYTES
            items = np.zeros(len(sizes), _ITEM)
            items["box"] = _boxes(data, bounds[:-1])
            items["offset"] = np.cumsum(sizes) - sizes + at
            file.seek(leaves + first * _ITEM.itemsize)
            file.write(items.tobytes())
            self._parents.append(_around(items["box"]))
            file.seek(features + at)
            file.write(_without_boxes(data, bounds).data)
            at += int(sizes.sum())

    def _gathered(self, rows: Ints, ends: Ints) -> tuple[NDArray[np.uint8], Ints]:
        """The records of these rows end to end, and where each begins and the last one ends."""
        begins, stops = ends[rows], ends[rows + 1]
        by_place = np.argsort(begins)
        low, high = begins[by_place], stops[by_place]
        gaps = np.flatnonzero(low[1:] - high[:-1] > _NEAR) + 1
        firsts, lasts = np.append(0, gaps), np.append(gaps, len(rows)) - 1
        runs = high[lasts] - low[firsts]
        data = bytearray(int(runs.sum()))
        view, at = memoryview(data), np.cumsum(runs) - runs
        for place, start, size in zip(at.tolist(), low[firsts].tolist(), runs.tolist(), strict=True):
            _read(self._spool.fileno(), view[place:place + size], start)
        moved = np.empty(len(rows), np.int64)
        moved[by_place] = low + np.repeat(at - low[firsts], lasts - firsts + 1)
        return _taken(np.frombuffer(data, np.uint8), moved, stops - begins)

    def _filled(self, head: bytes, count: int) -> bytes:
        """Magic bytes and header with the number of features and their box."""
        header = bytearray(head)
        box = self._box if np.isfinite(self._box).all() else np.zeros(4)
        vector = _field(header, _ENVELOPE)
        struct.pack_into("<4d", header, vector + struct.unpack_from("<I", header, vector)[0] + 4, *box)
        struct.pack_into("<Q", header, _field(header, _COUNT), count)
        return bytes(header)


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


def _boxes(data: NDArray[np.uint8], at: Ints) -> Boxes:
    """The boxes that stand before the records."""
    view = np.ndarray((max(len(data) - _BOX_BYTES + 1, 0), 4), "<f8", data, 0, (1, 8))
    found: Boxes = view[at]
    return found


def _taken(data: NDArray[np.uint8], begins: Ints, sizes: Ints) -> tuple[NDArray[np.uint8], Ints]:
    """Pieces that lie anywhere, end to end: told as views (length, first four bytes, buffer, place), which Arrow
    copies."""
    views = np.zeros((len(begins), 4), np.int32)
    views[:, 0], views[:, 3] = sizes, begins
    views[:, 1] = np.ndarray((len(data) - 3,), "<i4", data, 0, (1,))[begins]
    told = pa.Array.from_buffers(pa.binary_view(), len(begins), [None, pa.py_buffer(views), pa.py_buffer(data)])
    bounds, copied = parts(told.cast(pa.binary()))
    return copied, bounds


def _without_boxes(data: NDArray[np.uint8], bounds: Ints) -> NDArray[np.uint8]:
    copied, ends = _taken(data, bounds[:-1] + _BOX_BYTES, np.diff(bounds) - _BOX_BYTES)
    return copied[ends[0]:ends[-1]]


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


def _write_branches(file: IO[bytes], start: int, parents: list[Boxes], sizes: list[int]) -> None:
    """All levels above the features, which begin at `start`; each item says where its children begin."""
    boxes = np.concatenate(parents)
    begins = [sum(sizes[:level]) for level in range(len(sizes))]
    for level in range(len(sizes) - 2, -1, -1):
        items = np.zeros(len(boxes), _ITEM)
        items["box"], items["offset"] = boxes, begins[level + 1] + _NODE * np.arange(len(boxes))
        file.seek(start + begins[level] * _ITEM.itemsize)
        file.write(items.tobytes())
        boxes = _around(boxes)
