"""Rows as the features of a FlatGeobuf, a batch at a time: the words of each feature up to its values, then those.

The layout: feature.fbs of FlatGeobuf 3 and the binary form of FlatBuffers. A feature is a buffer of its own behind
its size; tables are told apart by vtables that lie before them, vectors begin with their count, doubles lie at places
that eight divides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.pieces import Ints, blocks, joined, lengths
from gisapp.formats.vertices import Vertices, boxes, kind_of, put, put_points, run_index, types_of, vertices

_NAMES = {1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}
_AREA, _AREAS = 3, 6
#: Types that say where each of their rings or lines ends.
_ENDED = (3, 5, 6)
_SIZE, _ROOT, _FEATURE_VTABLE, _VTABLE = 0, 1, 2, 4
_PART_WORDS = 4


Boxes = NDArray[np.float64]


def records(shapes: pa.Array, values: pa.Array) -> tuple[pa.Array, Boxes]:
    """The features of a batch and their boxes (`vertices.boxes`), from shapes (WKB, 2D) and values (`values_of`)."""
    types = types_of(shapes)
    known = np.unique(types[types > 0])
    if len(known) == 1:
        return _records(shapes, values, int(known[0]))
    places = [np.flatnonzero(types == one) for one in (0, *known)]
    made = [_records(shapes.take(pa.array(rows)), values.take(pa.array(rows)), int(one))
            for rows, one in zip(places, (1, *known), strict=True)]
    order = np.argsort(np.concatenate(places), kind="stable")
    return (pa.concat_arrays([one for one, _ in made]).take(pa.array(order)),
            np.concatenate([found for _, found in made])[order])


def _records(shapes: pa.Array, values: pa.Array, number: int) -> tuple[pa.Array, Boxes]:
    """The same of shapes that are all of one type, or missing."""
    found = vertices(shapes, kind_of(_NAMES[number]))
    sizes = lengths(values)
    words, counts = _Layout(found, number, sizes).words()
    padding = np.zeros(int(sizes.sum()) + 8 * len(sizes), np.uint8)
    odd = -(4 * counts + sizes) % 8
    pads = blocks(np.concatenate([[0], np.cumsum(odd)]), padding[:int(odd.sum())])
    heads = blocks(np.concatenate([[0], np.cumsum(counts)]) * 4, words)
    return joined([heads, values, pads]), boxes(found)


class _Layout:
    """Where each thing of a feature lies, in words of four bytes from the beginning of the feature."""

    def __init__(self, found: Vertices, number: int, sizes: Ints) -> None:
        self._found, self._number, self._sizes = found, number, sizes
        self._many = number == _AREAS
        self._ended = number in _ENDED
        self._there = found.runs > 0
        owners = np.repeat(np.arange(len(found.runs)), found.runs)
        # The rings of an area, or all lines or points of a shape, are one part.
        self._first = np.flatnonzero(found.outer if self._many else np.diff(owners, prepend=-1) != 0)
        self._owner = owners[self._first]
        self._rings = np.diff(np.append(self._first, len(owners)))
        self._points = np.add.reduceat(found.sizes, self._first) if len(self._first) else np.zeros(0, np.int64)
        self._parts = np.bincount(self._owner, minlength=len(found.runs)).astype(np.int64)
        self._place()

    def _place(self) -> None:
        """Begin of each part, of its points, and of each feature's values."""
        self._table = 14 if self._many else 9
        body = self._table + 3
        lead = np.where(self._there, body + (4 + self._parts if self._many else 0), body)
        initial = np.diff(self._owner, prepend=-1) != 0
        ends = _PART_WORDS + (1 + self._rings if self._ended else 0)
        before = np.where(initial, lead[self._owner], 0)  # every part ends at an even word
        padding = (before + ends + 1) % 2
        size = ends + padding + 1 + 4 * self._points
        running = np.cumsum(size) - size
        self._begin = lead[self._owner] + running - np.repeat(running[initial], self._parts[self._there])
        self._xy = self._begin + ends + padding
        self._values = lead + np.bincount(self._owner, size, len(lead)).astype(np.int64)
        self._counts = self._values + 1

    def words(self) -> tuple[NDArray[np.uint32], Ints]:
        """The words of all features, and how many each has."""
        counts = self._counts
        words = np.zeros(int(counts.sum()), np.uint32)
        starts = np.cumsum(counts) - counts
        put(words, starts, self._heads())
        words[starts + self._values] = self._sizes
        begin = starts[self._owner]
        if self._many:
            self._put_parts(words, starts, begin)
        self._put_shapes(words, begin)
        return words, counts

    def _heads(self) -> NDArray[np.uint32]:
        """The words of a feature up to its values: size, vtables, the tables of the feature and of what holds parts."""
        table = self._table
        head = np.zeros((len(self._sizes), table + 3), np.uint32)
        total = 4 * self._counts + self._sizes
        head[:, _SIZE] = total + -total % 8 - 4
        head[:, _ROOT] = (table - _ROOT) * 4
        head[:, _FEATURE_VTABLE] = _pair(8, 12)
        head[:, _FEATURE_VTABLE + 1] = np.where(self._there, _pair(4, 8), _pair(0, 8))
        head[:, _VTABLE:table] = _VTABLES[self._many, self._ended]
        head[:, table] = (table - _FEATURE_VTABLE) * 4
        head[:, table + 1] = np.where(self._there, 8, 0)
        head[:, table + 2] = (self._values - table - 2) * 4
        return head

    def _put_parts(self, words: NDArray[np.uint32], starts: Ints, begin: Ints) -> None:
        """The table that holds the parts, and where each of them is."""
        at = starts[self._there] + self._table + 3
        count = self._parts[self._there]
        put(words, at, np.column_stack([np.full_like(at, (self._table + 3 - _VTABLE) * 4), np.full_like(at, 8),
                                        np.full_like(at, self._number), count]).astype(np.uint32))
        place = run_index(at + 4, count)
        words[place] = (begin + self._begin - place) * 4

    def _put_shapes(self, words: NDArray[np.uint32], begin: Ints) -> None:
        """Each part: its table, where its rings or lines end, its points."""
        at, vtable = begin + self._begin, 9 if self._many else _VTABLE
        ends = np.full_like(at, 12 if self._ended else 0)
        kind = np.full_like(at, _AREA if self._many else self._number)
        put(words, at, np.column_stack([(self._begin - vtable) * 4, ends, (self._xy - self._begin - 2) * 4,
                                        kind]).astype(np.uint32))
        if self._ended:
            words[at + _PART_WORDS] = self._rings
            running = np.cumsum(self._found.sizes)
            before = running[self._first] - self._found.sizes[self._first]
            words[run_index(at + _PART_WORDS + 1, self._rings)] = running - np.repeat(before, self._rings)
        xy = begin + self._xy
        words[xy] = 2 * self._points
        put_points(words, xy + 1, self._points, self._found.points)


def _pair(low: int, high: int) -> int:
    return low | high << 16


def _vtable(size: int, *fields: int) -> list[int]:
    """Bytes of the vtable and of its table, and where in this each field lies (0: not there), as five words."""
    numbers = [4 + 2 * len(fields), size, *fields]
    numbers += [0] * (10 - len(numbers))
    return [_pair(*numbers[at:at + 2]) for at in range(0, 10, 2)]


#: By whether a geometry is one of many areas, and whether ends are told. Fields: ends, xy, z, m, t, tm, type, parts.
_VTABLES: dict[tuple[bool, bool], Sequence[int]] = {
    (False, True): _vtable(16, 4, 8, 0, 0, 0, 0, 12), (False, False): _vtable(16, 0, 8, 0, 0, 0, 0, 12),
    (True, True): _vtable(12, 0, 0, 0, 0, 0, 0, 8, 4) + _vtable(16, 4, 8, 0, 0, 0, 0, 12)}
