"""The tree of boxes of an SQLite R*Tree, packed: leaves filled along a Hilbert curve, the levels above them likewise.

The layout: https://www.sqlite.org/rtree.html and the tables that an R*Tree keeps ("Shadow Tables"). A node is a blob:
its depth (in the root), its number of cells, then cells of an id and four numbers of single precision, big end first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.hilbert import along_the_curve
from gisapp.formats.pieces import Ints, blocks
from gisapp.formats.runs import Runs
from gisapp.formats.sqlite_pages import Pages, TableFiller
from gisapp.formats.sqlite_records import Value, rows, value

Boxes = NDArray[np.float32]
#: A cell: whose box it is, then west, east, south and north.
_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
#: A row of the tree, and in which node it is.
_PLACE, _LEAF = np.dtype([("id", "<i8"), ("box", "<f4", 4)]), np.dtype([("id", "<i8"), ("leaf", "<i4")])
_HEAD = 4
#: Rows and nodes that are written at a time.
_AT_ONCE, _NODES = 1 << 14, 1 << 10
_READ = 1 << 16


def rounded(boxes: NDArray[np.float64]) -> Boxes:
    """West, south, east and north in single precision, no box smaller than it is."""
    found = boxes.astype(np.float32)
    low, high = found[:, :2], found[:, 2:]
    found[:, :2] = np.where(low > boxes[:, :2], np.nextafter(low, np.float32(-np.inf)), low)
    found[:, 2:] = np.where(high < boxes[:, 2:], np.nextafter(high, np.float32(np.inf)), high)
    return found


class Tree:
    """Takes the boxes of rows as they come and writes the three tables of an R*Tree that holds nothing.

    What is known of each row waits on disk under `folder`, sorted in runs: memory stays flat.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (gone with the tree)
        self._count = 0
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._places.close()

    def add(self, rowids: Ints, boxes: NDArray[np.float64]) -> None:
        """Rows behind those that are there, their ids grow; infinite boxes are of rows that the tree does not have."""
        has = np.isfinite(boxes[:, 0])
        told = np.empty(int(has.sum()), _PLACE)
        told["id"], told["box"] = rowids[has], rounded(boxes[has])
        self._places.write(told.data)
        self._count += len(told)
        np.minimum(self._box[:2], told["box"][:, :2].min(axis=0, initial=np.inf), out=self._box[:2])
        np.maximum(self._box[2:], told["box"][:, 2:].max(axis=0, initial=-np.inf), out=self._box[2:])

    def write(self, pages: Pages, roots: Mapping[str, int], node_bytes: int) -> None:
        """Write the tables; `roots` are their pages: rowid, node, parent; a node has `node_bytes`."""
        if not self._count:
            return
        counts = levels(self._count, (node_bytes - _HEAD) // _CELL.itemsize)
        with Runs(self._folder, _LEAF) as by_row, tempfile.TemporaryFile(dir=self._folder) as leaves:
            around = self._sort(counts, by_row, leaves)
            with TableFiller(pages, roots["rowid"]) as table:
                for some in by_row.blocks():
                    _write(table, some["id"], some["leaf"])
            with TableFiller(pages, roots["parent"]) as table:
                _write(table, np.arange(2, sum(counts) + 1), _parents(counts))
            with TableFiller(pages, roots["node"]) as table:
                _Nodes(table, counts, node_bytes).write(around, leaves)

    def _sort(self, counts: list[int], by_row: Runs, leaves: IO[bytes]) -> Boxes:
        """Put the rows into `leaves` in order of the curve, and into `by_row` the leaf of each; the leaves' boxes."""
        found, first_leaf = [], sum(counts[:-1]) + 1
        with Runs(self._folder, _PLACE) as along:
            for keys, places in self._along():
                along.add(keys, places)
            self._places.close()
            pieces = list(_pieces(self._count, counts[-1]))
            blocks = _sized(along.blocks(), [int(bounds[-1] - bounds[0]) for _, bounds in pieces])
            for (first, bounds), places in zip(pieces, blocks, strict=True):
                found.append(_around(places["box"], bounds))
                told = np.empty(len(places), _LEAF)
                told["id"] = places["id"]
                told["leaf"] = first_leaf + first + np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
                by_row.add(told["id"].astype(np.uint64), told)
                leaves.write(np.ascontiguousarray(places).data)
        return np.concatenate(found)

    def _along(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[Any]]]:
        """The rows, and how far along the curve: of two that are as far the first comes first."""
        self._places.seek(0)
        for first in range(0, self._count, _READ):
            some = np.frombuffer(self._places.read(_READ * _PLACE.itemsize), _PLACE)
            middles = (some["box"][:, :2] + some["box"][:, 2:]) / 2
            far = along_the_curve(middles[:, 0], middles[:, 1], self._box).astype(np.uint64)
            yield far << np.uint64(32) | (first + np.arange(len(some))).astype(np.uint64), some


def _sized(blocks: Iterator[NDArray[Any]], sizes: Sequence[int]) -> Iterator[NDArray[Any]]:
    """The rows of all blocks, so many at a time."""
    rest: NDArray[Any] | None = None
    for size in sizes:
        while rest is None or len(rest) < size:
            more = next(blocks)
            rest = more if rest is None or not len(rest) else np.concatenate([rest, more])
        yield rest[:size]
        rest = rest[size:]


def levels(count: int, most: int) -> list[int]:
    """Nodes of each level, the root's first."""
    found = [-(-count // most)]
    while found[0] > 1:
        found.insert(0, -(-found[0] // most))
    return found


def _bounds(count: int, nodes: int) -> Ints:
    """Where the cells of each node begin, and where the last ones end: all nodes are about as full."""
    return np.arange(nodes + 1) * count // nodes


def _pieces(count: int, nodes: int) -> Iterator[tuple[int, Ints]]:
    """So many cells in so many nodes, some nodes at a time: the first of them, and where the cells of each begin and
    the last ones end."""
    bounds = _bounds(count, nodes)
    for first in range(0, nodes, _NODES):
        yield first, bounds[first:first + _NODES + 1]


def _around(boxes: Boxes, bounds: Ints) -> Boxes:
    """The boxes about those of each node."""
    at = bounds[:-1] - bounds[0]
    return np.column_stack([np.minimum.reduceat(boxes[:, :2], at), np.maximum.reduceat(boxes[:, 2:], at)])


def _parents(counts: list[int]) -> Ints:
    """The parent of each node from the second on."""
    found, first = [np.zeros(0, np.int64)], 1
    for above, below in pairwise(counts):
        found.append(first + np.repeat(np.arange(above), np.diff(_bounds(below, above))))
        first += above
    return np.concatenate(found)


def _write(table: TableFiller, rowids: Ints, numbers: NDArray[np.integer[Any]]) -> None:
    for first in range(0, len(rowids), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        told = value(pa.array(numbers[part].astype(np.int64)))
        table.write(rowids[part], *rows(rowids[part], [Value(0), told]))


class _Nodes:
    """Writes the nodes level by level, the root first."""

    def __init__(self, table: TableFiller, counts: list[int], node_bytes: int) -> None:
        self._table, self._counts, self._bytes = table, counts, node_bytes

    def write(self, around: Boxes, leaves: IO[bytes]) -> None:
        """All nodes: `leaves` tells the rows in order of the curve, `around` the boxes about those of each leaf."""
        *above, lowest = self._counts
        number = 1
        for level, (cell_ids, cell_boxes) in enumerate(self._upper(around)):
            for first, bounds in _pieces(len(cell_ids), above[level]):
                part = slice(bounds[0], bounds[-1])
                self._put(number + first, cell_ids[part], cell_boxes[part], bounds - bounds[0])
            number += above[level]
        rows_there = leaves.seek(0, SEEK_END) // _PLACE.itemsize
        leaves.seek(0)
        for first, bounds in _pieces(rows_there, lowest):
            some = np.frombuffer(leaves.read(int(bounds[-1] - bounds[0]) * _PLACE.itemsize), _PLACE)
            self._put(number + first, some["id"], some["box"], bounds - bounds[0])

    def _upper(self, around: Boxes) -> list[tuple[Ints, Boxes]]:
        """Numbers and boxes of the nodes that are cells of the nodes above them, from the root's cells down."""
        found: list[tuple[Ints, Boxes]] = []
        for level in range(len(self._counts) - 1, 0, -1):
            found.insert(0, (sum(self._counts[:level]) + 1 + np.arange(self._counts[level]), around))
            around = _around(around, _bounds(len(around), self._counts[level - 1]))
        return found

    def _put(self, number: int, ids: Ints, boxes: Boxes, bounds: Ints) -> None:
        """Nodes of one level, from this number on; the cells of each lie between two bounds."""
        cells = np.zeros(len(ids), _CELL)
        cells["id"], cells["box"] = ids, boxes[:, [0, 2, 1, 3]]
        counts = np.diff(bounds)
        found = np.zeros((len(counts), self._bytes), np.uint8)
        found[:, 2:4] = counts.astype(">u2").view(np.uint8).reshape(-1, 2)
        if number == 1:
            found[0, :2] = np.array([len(self._counts) - 1], ">u2").view(np.uint8)
        node = np.repeat(np.arange(len(counts)), counts)
        rank = np.arange(len(ids)) - np.repeat(bounds[:-1], counts)
        room = (self._bytes - _HEAD) // _CELL.itemsize * _CELL.itemsize
        spread = np.zeros((len(counts), room // _CELL.itemsize), _CELL)
        spread[node, rank] = cells
        found[:, _HEAD:_HEAD + room] = spread.view(np.uint8).reshape(len(counts), room)
        rowids = np.arange(number, number + len(counts))
        data = blocks(np.arange(len(counts) + 1) * self._bytes, found)
        self._table.write(rowids, *rows(rowids, [Value(0), value(data)]))
