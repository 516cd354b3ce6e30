"""Shapes of one kind as flat arrays of vertices, taken from WKB without building a shape for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

Ints = NDArray[np.int64]
#: A vertex as one number: its real part is the easting (longitude), the imaginary one the northing.
Points = NDArray[np.complex128]

#: By kind: the WKB types of one and of many, and how far into one its number of points lies. A polygon says first
#: that it has one ring.
_WKB = {"Point": (1, 4, 5), "LineString": (2, 5, 5), "Polygon": (3, 6, 9)}
#: The most bytes that are looked at in one place.
_LOOK = 16
_HEAD = 9  # byte order, type and count of what holds many


@dataclass(frozen=True)
class Vertices:
    """`points` of all runs end to end, how many each run has (`sizes`), how many runs each shape has (`runs`).

    A run is a ring, a line or the points of one shape. `outer` tells of each ring whether it bounds its area from
    outside. A shape that is missing or empty has no run.
    """

    points: Points
    sizes: Ints
    runs: Ints
    outer: NDArray[np.bool_]


def kind_of(geometry: str) -> str:
    """Point, LineString or Polygon, whether one or many."""
    return geometry.removeprefix("Multi")


def types_of(shapes: pa.Array) -> Ints:
    """The WKB type (2D, of either byte order) of each shape, 0 for a missing one."""
    wkb = _Wkb(shapes)
    little = wkb.look("u1", wkb.starts) == 1
    types = np.where(little, wkb.look("<u4", wkb.starts + 1), wkb.look(">u4", wkb.starts + 1)).astype(np.int64)
    return np.where(wkb.lengths >= 5, types, 0)


def kind_of_all(shapes: pa.Array) -> str | None:
    """The one kind that all shapes (2D) are of, one or many, missing ones aside; None where there is no such."""
    types = {int(one) for one in np.unique(types_of(shapes))} - {0}
    return next((kind for kind, (one, many, _) in _WKB.items() if types and types <= {one, many}), None)


def vertices(shapes: pa.Array, kind: str) -> Vertices:
    """The vertices of WKB (2D) of one kind; other kinds among them raise ValueError."""
    wkb = _Wkb(shapes)
    plain, size, at = _plain(wkb, kind)
    outer = np.ones(int(plain.sum()), bool)
    taken = Vertices(wkb.points(at[plain], size[plain]), size[plain], plain.astype(np.int64), outer)
    if bool(plain.all()):
        return taken
    return _merged(taken, _others(shapes, ~plain, kind), plain)


class _Wkb:
    """The bytes of a column, looked at anywhere."""

    def __init__(self, shapes: pa.Array) -> None:
        _, offsets, data = shapes.buffers()
        bounds = np.frombuffer(offsets, np.int32)[shapes.offset:shapes.offset + len(shapes) + 1].astype(np.int64)
        self.starts, self.lengths = bounds[:-1], np.diff(bounds)
        found = np.frombuffer(data if data is not None else b"", np.uint8)
        self.data = found if len(found) > _LOOK else np.append(found, np.zeros(_LOOK, np.uint8))

    def look(self, kind: str, at: Ints) -> NDArray[Any]:
        """Values of `kind` at these places, whatever where there is none."""
        size = np.dtype(kind).itemsize
        view = np.ndarray((len(self.data) - size + 1,), kind, self.data, 0, (1,))
        found: NDArray[Any] = view[np.minimum(at, len(view) - 1)]
        return found

    def points(self, starts: Ints, counts: Ints) -> Points:
        """So many points from each place on."""
        found: Points = self.look("<c16", run_index(starts, counts, 16))
        return found


def run_index(starts: Ints, counts: Ints, step: int = 1) -> Ints:
    """Start, start + step, … of each run, end to end."""
    first = np.cumsum(counts) - counts
    return np.repeat(starts - first * step, counts) + np.arange(int(counts.sum())) * step


def _plain(wkb: _Wkb, kind: str) -> tuple[NDArray[np.bool_], Ints, Ints]:
    """Which shapes are one run of points in little-endian WKB; its number of points and where they lie."""
    one, many, before = _WKB[kind]
    first = wkb.look("<u4", wkb.starts + 1)
    inner = wkb.starts + np.where(first == many, _HEAD, 0)
    plain = (wkb.lengths > before) & (wkb.look("u1", wkb.starts) == 1) & (wkb.look("u1", inner) == 1)
    plain &= (first == one) | ((first == many) & (wkb.look("<u4", wkb.starts + 5) == 1))
    plain &= wkb.look("<u4", inner + 1) == one
    if kind == "Point":
        size, at = np.ones(len(plain), np.int64), inner + 5
    else:
        size, at = wkb.look("<u4", inner + before).astype(np.int64), inner + before + 4
    if kind == "Polygon":
        plain &= wkb.look("<u4", inner + 5) == 1
    plain &= (at + 16 * size == wkb.starts + wkb.lengths) & (size > 0)
    return plain, size, at


def _others(shapes: pa.Array, chosen: NDArray[np.bool_], kind: str) -> Vertices:
    """The same from shapes built one by one: many parts, holes, missing or empty ones, another byte order."""
    built = shapely.from_wkb(shapes.filter(pa.array(chosen)).to_numpy(zero_copy_only=False))
    parts, owners = shapely.get_parts(built, return_index=True)
    kept = ~shapely.is_empty(parts)
    parts, owners = parts[kept], owners[kept]
    if not bool(np.isin(shapely.get_type_id(parts), {"Point": [0], "LineString": [1], "Polygon": [3]}[kind]).all()):
        raise ValueError(f"a shape that is no {kind}")
    outer = np.ones(len(parts), bool)
    if kind == "Polygon":
        parts, ring_owners = shapely.get_rings(parts, return_index=True)
        outer = np.diff(ring_owners, prepend=-1) != 0
        owners = owners[ring_owners]
    found = np.ascontiguousarray(shapely.get_coordinates(parts)).view(np.complex128).ravel()
    sizes = shapely.get_num_coordinates(parts).astype(np.int64)
    runs = np.bincount(owners, minlength=int(chosen.sum())).astype(np.int64)
    return Vertices(found, sizes, runs, outer)


def _merged(one: Vertices, other: Vertices, first: NDArray[np.bool_]) -> Vertices:
    """Both in the order of the shapes; `first` tells which are of `one`, whose shapes not there have no run."""
    runs = one.runs.copy()
    runs[~first] = other.runs
    owners = np.concatenate([np.flatnonzero(first), np.repeat(np.flatnonzero(~first), other.runs)])
    order = np.argsort(owners, kind="stable")
    sizes = np.concatenate([one.sizes, other.sizes])
    starts = np.cumsum(sizes) - sizes
    points = np.concatenate([one.points, other.points])[run_index(starts[order], sizes[order])]
    return Vertices(points, sizes[order], runs, np.concatenate([one.outer, other.outer])[order])


def boxes(shape: Vertices) -> NDArray[np.float64]:
    """West, south, east and north of each shape; infinity and its opposite where it has no points."""
    found = np.tile([np.inf, np.inf, -np.inf, -np.inf], (len(shape.runs), 1))
    points = points_of(shape)
    there = points > 0
    if bool(there.any()):
        starts = (np.cumsum(points) - points)[there]
        for column, axis in enumerate((shape.points.real, shape.points.imag)):
            found[there, column] = np.minimum.reduceat(axis, starts)
            found[there, column + 2] = np.maximum.reduceat(axis, starts)
    return found


def points_of(shape: Vertices) -> Ints:
    """How many points each shape has."""
    owners = np.repeat(np.arange(len(shape.runs)), shape.runs)
    return np.bincount(owners, shape.sizes, len(shape.runs)).astype(np.int64)


def put(words: NDArray[np.uint32], at: Ints, values: NDArray[Any]) -> None:
    """The values (a row of them for each place) into words of 32 bits, from each place on."""
    if len(at):
        rows = np.ascontiguousarray(values).view(np.uint32).reshape(len(at), -1)
        words[at[:, None] + np.arange(rows.shape[1])] = rows


def put_points(words: NDArray[np.uint32], at: Ints, counts: Ints, points: Points) -> None:
    """So many of the points (16 bytes each) into words, from each place on."""
    spread = np.ndarray((max(len(words) - 3, 0),), np.complex128, words, 0, (4,))
    spread[run_index(at, counts, 4)] = points


def turned(shape: Vertices, *, clockwise: bool = True) -> Vertices:
    """Rings as a shapefile wants them, outer ones clockwise and holes the other way, or all turned round."""
    starts = np.cumsum(shape.sizes) - shape.sizes
    if not len(starts):
        return shape
    away = shape.points - np.repeat(shape.points[starts], shape.sizes)  # small numbers keep their digits
    # The last point of a ring is its first: nothing is added across two rings.
    cross = away[:-1].real * away[1:].imag - away[:-1].imag * away[1:].real
    area = np.add.reduceat(np.append(cross, 0.0), starts)
    wrong = np.where(shape.outer == clockwise, area > 0, area < 0)
    if not bool(wrong.any()):
        return shape
    sizes = shape.sizes[wrong]
    there = run_index(starts[wrong], sizes)
    back = np.repeat(starts[wrong] + sizes - 1 + (np.cumsum(sizes) - sizes), sizes) - np.arange(len(there))
    points = shape.points.copy()
    points[there] = shape.points[back]
    return Vertices(points, shape.sizes, shape.runs, shape.outer)
