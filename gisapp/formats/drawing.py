"""Features as the objects of a drawing, a batch at a time: points, lines and rings, labels, the features' data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.drawing_data import data_of, own_data
from gisapp.formats.job import Job
from gisapp.formats.noting import Noting
from gisapp.formats.pieces import Ints, lengths
from gisapp.formats.sheet import Sheet
from gisapp.formats.vertices import Points, run_index, types_of, vertices

#: Height of a label in metres; in degrees as much on the ground.
LABEL_M, _DEGREE_M = 2.5, 111_000.0
_LONGEST_LABEL = 60
#: What objects there are.
POINT, LINE, RING, LABEL = range(4)
_KINDS = (("Point", (1, 4), POINT), ("LineString", (2, 5), LINE), ("Polygon", (3, 6), RING))
#: Layers of a drawing by number; the second geometry has two of its own.
_MAIN, _HOLES, _TEXT, _SECOND = 0, 1, 2, 3
#: Bytes of shapes that are drawn at a time; what else a row has counts for so many.
_AT_ONCE, _BESIDES = 1 << 19, 256


@dataclass(frozen=True)
class Objects:
    """Objects of a drawing: `points` of all end to end, `sizes` of them each (a ring ends where it begins), numbers of
    their layers (`layer_names`), what they are, their extended data (the first object of a feature has all of it, the
    others its id), and the texts of labels."""

    points: Points
    sizes: Ints
    layers: Ints
    kinds: Ints
    data: pa.Array
    texts: pa.Array


@dataclass(frozen=True)
class _Drawn:
    """Objects, and the row that each belongs to."""

    points: Points
    sizes: Ints
    layers: Ints
    kinds: Ints
    owners: Ints


def layer_names(job: Job) -> list[str]:
    """The layers of the drawing: the features, holes, labels, and the second geometry with its holes."""
    name, second = job.layer.id.upper(), job.layer.second_geometry
    more = [f"{name}_{second.id.upper()}"] if second else []
    holes = [f"{one}_HOLES" for one in more if second and second.geometry == "MultiPolygon"]
    return [name, f"{name}_HOLES", f"{name}_TEXT", *more, *holes]


def label_height(job: Job) -> float:
    """In the units of the drawing."""
    return LABEL_M if job.crs.projected else LABEL_M / _DEGREE_M


def objects(sheet: Sheet, noting: Noting) -> Iterator[Objects]:
    """All objects of the drawing; features of several objects, and data that has no room, are noted."""
    first = 1
    for whole in sheet.table.batches():
        for batch in _pieces(whole):
            yield _of(sheet, batch, Noting(noting.book, noting.file, first))
            first += batch.num_rows


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows of a batch, so many at a time as are not too large together."""
    far = np.cumsum(lengths(batch[GEOMETRY]) + _BESIDES) // _AT_ONCE
    starts = [0, *(np.flatnonzero(np.diff(far)) + 1).tolist(), batch.num_rows]
    for start, stop in pairwise(starts):
        yield batch.slice(start, stop - start)


def _of(sheet: Sheet, batch: pa.RecordBatch, noting: Noting) -> Objects:
    shapes, drawn = batch[GEOMETRY], [_drawn(batch[GEOMETRY], _MAIN)]
    if sheet.table.second:
        alike = pc.fill_null(pc.equal(batch[SECOND], shapes), False)  # it stands in for the main one
        drawn.append(_drawn(pc.if_else(alike, pa.scalar(None, pa.binary()), batch[SECOND]), _SECOND))
        shapes = pc.coalesce(shapes, batch[SECOND])
    counts = np.bincount(np.concatenate([one.owners for one in drawn]), minlength=batch.num_rows)
    _note(batch, counts, noting)
    labels = _labels(sheet, batch)
    drawn.append(_label_places(shapes, np.flatnonzero((counts > 0) & (lengths(labels) > 0))))
    found = _in_order(drawn)
    first = np.diff(found.owners, prepend=-1) != 0
    owners = pa.array(found.owners)
    data = pc.if_else(pa.array(first), data_of(sheet, batch, noting).take(owners), own_data(batch[ID.id]).take(owners))
    texts = pc.if_else(pa.array(found.kinds == LABEL), labels.take(owners), pa.scalar(None, pa.string()))
    return Objects(found.points, found.sizes, found.layers, found.kinds, data, texts)


def _note(batch: pa.RecordBatch, counts: NDArray[np.integer[Any]], noting: Noting) -> None:
    """Features that are not there, and those of several objects."""
    for index in np.flatnonzero(counts != 1).tolist():
        if counts[index]:
            noting.add(batch[ID.id], index, "geometry", "split", "", str(counts[index]))
        else:
            noting.add(batch[ID.id], index, "geometry", "unplaced")


def _drawn(shapes: pa.Array, layer: int) -> _Drawn:
    """An object for each point, line and ring; holes lie on the layer behind that of the others."""
    types, found = types_of(shapes), []
    for kind, numbers, told in _KINDS:
        rows = np.flatnonzero(np.isin(types, numbers))
        if len(rows):
            there = vertices(shapes.take(pa.array(rows)), kind)
            sizes = np.ones(len(there.points), np.int64) if told == POINT else there.sizes
            owners = np.repeat(rows, there.runs)
            owners = np.repeat(owners, there.sizes) if told == POINT else owners
            layers = layer + (~there.outer if told == RING else np.zeros(len(sizes), bool)).astype(np.int64)
            found.append(_Drawn(there.points, sizes, layers, np.full(len(sizes), told), owners))
    return _together(found)


def _label_places(shapes: pa.Array, rows: Ints) -> _Drawn:
    """Where the labels of these rows stand: on their shapes."""
    built = shapely.point_on_surface(shapely.from_wkb(shapes.take(pa.array(rows)).to_numpy(zero_copy_only=False)))
    points = np.ascontiguousarray(shapely.get_coordinates(built)).view(np.complex128).ravel()
    return _Drawn(points, np.ones(len(rows), np.int64), np.full(len(rows), _TEXT), np.full(len(rows), LABEL), rows)


def _together(drawn: Sequence[_Drawn]) -> _Drawn:
    nothing = np.zeros(0, np.int64)
    points = np.concatenate([one.points for one in drawn] or [np.zeros(0, np.complex128)])
    sizes, layers, kinds, owners = (
        np.concatenate([getattr(one, name) for one in drawn] or [nothing]).astype(np.int64)
        for name in ("sizes", "layers", "kinds", "owners"))
    return _Drawn(points, sizes, layers, kinds, owners)


def _in_order(drawn: Sequence[_Drawn]) -> _Drawn:
    """All objects in the order of their rows."""
    found = _together(drawn)
    order = np.argsort(found.owners, kind="stable")
    starts = np.cumsum(found.sizes) - found.sizes
    points = found.points[run_index(starts[order], found.sizes[order])]
    return _Drawn(points, found.sizes[order], found.layers[order], found.kinds[order], found.owners[order])


def _labels(sheet: Sheet, batch: pa.RecordBatch) -> pa.Array:
    """A label for each row: one line, no longer than a drawing can bear; empty where there is none."""
    names = [column.name for column in sheet.columns]
    if sheet.job.layer.name_field not in names:
        return pa.repeat(pa.scalar(""), batch.num_rows)
    told = batch[sheet.job.layer.name_field].cast(pa.string()).fill_null("").dictionary_encode()
    made = [" ".join(text.split())[:_LONGEST_LABEL] for text in told.dictionary.to_pylist()]
    return pa.array(made, pa.string()).take(told.indices)
