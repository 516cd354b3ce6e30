"""The tree of boxes of an SQLite R*Tree, packed: leaves filled along a Hilbert curve, the levels above them likewise.

The layout: https://www.sqlite.org/rtree.html and the tables that an R*Tree keeps ("Shadow Tables"). A node is a blob:
its depth (in the root), its number of cells, then cells of an id and four numbers of single precision, big end first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.hilbert import along_the_curve
from gisapp.formats.pieces import Ints, blocks
from gisapp.formats.sqlite_pages import Pages, TableFiller
from gisapp.formats.sqlite_records import Value, rows, value

Boxes = NDArray[np.float32]
#: A cell: whose box it is, then west, east, south and north.
_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
_HEAD = 4
#: Rows and nodes that are written at a time.
_AT_ONCE, _NODES = 1 << 14, 1 << 10


def rounded(boxes: NDArray[np.float64]) -> Boxes:
    """West, south, east and north in single precision, no box smaller than it is."""
    found = boxes.astype(np.float32)
    low, high = found[:, :2], found[:, 2:]
    found[:, :2] = np.where(low > boxes[:, :2], np.nextafter(low, np.float32(-np.inf)), low)
    found[:, 2:] = np.where(high < boxes[:, 2:], np.nextafter(high, np.float32(np.inf)), high)
    return found


def fill(pages: Pages, roots: Mapping[str, int], rowids: Ints, boxes: Boxes, node_bytes: int) -> None:
    """Write the three tables of an R*Tree that holds nothing; `roots` are their pages: rowid, node, parent.

    `boxes` (`rounded`) are those of the rows, whose ids grow; a node has `node_bytes`.
    """
    if not len(rowids):
        return
    most = (node_bytes - _HEAD) // _CELL.itemsize
    order = _along(boxes)
    counts = levels(len(order), most)
    leaf = np.empty(len(order), np.int32)
    leaf[order] = sum(counts[:-1]) + 1 + np.repeat(np.arange(counts[-1], dtype=np.int32),
                                                   np.diff(_bounds(len(order), counts[-1])))
    with TableFiller(pages, roots["rowid"]) as table:
        _write(table, rowids, leaf)
    del leaf
    with TableFiller(pages, roots["parent"]) as table:
        _write(table, np.arange(2, sum(counts) + 1), _parents(counts))
    with TableFiller(pages, roots["node"]) as table:
        _Nodes(table, counts, node_bytes).write(rowids, boxes, order)


def _along(boxes: Boxes) -> NDArray[np.int32]:
    """The boxes in the order of the curve."""
    box = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    codes = along_the_curve((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, box)
    return np.argsort(codes, kind="stable").astype(np.int32)


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

    def write(self, ids: Ints, boxes: Boxes, order: NDArray[np.int32]) -> None:
        """All nodes of the rows with these ids and boxes, in this order along the curve."""
        *above, lowest = self._counts
        around = np.concatenate([_around(boxes[order[bounds[0]:bounds[-1]]], bounds)
                                 for _, bounds in _pieces(len(order), lowest)])
        number = 1
        for level, (cell_ids, cell_boxes) in enumerate(self._upper(around)):
            for first, bounds in _pieces(len(cell_ids), above[level]):
                part = slice(bounds[0], bounds[-1])
                self._put(number + first, cell_ids[part], cell_boxes[part], bounds - bounds[0])
            number += above[level]
        for first, bounds in _pieces(len(order), lowest):
            rows_of = order[bounds[0]:bounds[-1]]
            self._put(number + first, ids[rows_of], boxes[rows_of], bounds - bounds[0])

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
