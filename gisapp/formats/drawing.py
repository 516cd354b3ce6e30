"""Features as the objects of a drawing: a point, a line or a ring each, with a label and the feature's data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import shapely

from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.dxf_texts import ENTITY_BYTES, GROUP_BYTES, groups_of
from gisapp.formats.noting import Noting
from gisapp.formats.sheet import Sheet
from gisapp.formats.xml_writing import told

#: Height of a label in metres; in degrees as much on the ground.
LABEL_M, _DEGREE_M = 2.5, 111_000.0
_LONGEST_LABEL = 60


@dataclass(frozen=True)
class Entity:
    """One object: `points` of a point, line or ring (first and last alike), or the place of a label `text`.

    `data` are groups of extended data; the first object of a feature has them all, the others its id.
    """

    layer: str
    points: Sequence[tuple[float, float]]
    closed: bool = False
    data: tuple[str, ...] = ()
    text: str | None = None
    height: float = LABEL_M


def entities(sheet: Sheet, noting: Noting) -> Iterator[Entity]:
    """All objects of the drawing; features of several objects, and data that has no room, are noted."""
    first = 1
    for batch in sheet.table.batches():
        here = Noting(noting.book, noting.file, first)
        shapes = _shapes(batch, GEOMETRY)
        seconds = _shapes(batch, SECOND) if sheet.table.second else [None] * len(shapes)
        for index, (data, label) in enumerate(_told(sheet, batch, here)):
            yield from _feature(sheet, batch, index, shapes[index], seconds[index], data, label, here)
        first += batch.num_rows


def _shapes(batch: pa.RecordBatch, name: str) -> Sequence[Any]:
    found: Sequence[Any] = shapely.from_wkb(batch[name].to_numpy(zero_copy_only=False))
    return found


def _feature(sheet: Sheet, batch: pa.RecordBatch, index: int, shape: Any, second: Any, data: tuple[str, ...],
             label: str, noting: Noting) -> Iterator[Entity]:
    name, ids = sheet.job.layer.id.upper(), batch[ID.id]
    parts = list(_objects(name, shape))
    if sheet.table.second and not (shape is not None and shape == second):
        parts += list(_objects(f"{name}_{sheet.table.second.upper()}", second))
    if not parts:
        noting.add(ids, index, "geometry", "unplaced")
        return
    if len(parts) > 1:
        noting.add(ids, index, "geometry", "split", "", str(len(parts)))
    own = (f"id={ids[index].as_py()}",)
    for number, (layer, points, closed) in enumerate(parts):
        yield Entity(layer, points, closed, own if number else data)
    if label:
        height = LABEL_M if sheet.job.crs.projected else LABEL_M / _DEGREE_M
        place = shapely.point_on_surface(shape if shape is not None else second)
        yield Entity(f"{name}_TEXT", [(place.x, place.y)], data=own, text=label, height=height)


def _objects(layer: str, shape: Any) -> Iterator[tuple[str, list[tuple[float, float]], bool]]:
    """Layer, points and whether closed, of each part of a shape; holes lie on a layer of their own."""
    for part in shapely.get_parts(shape) if shape is not None else ():
        if part.geom_type == "Polygon":
            yield layer, list(part.exterior.coords), True
            yield from ((f"{layer}_HOLES", list(ring.coords), True) for ring in part.interiors)
        else:
            yield layer, list(part.coords), False


def _told(sheet: Sheet, batch: pa.RecordBatch, noting: Noting) -> Iterator[tuple[tuple[str, ...], str]]:
    """The extended data and the label of each row; titles of codes stay out."""
    columns = sheet.values(batch)
    kept = [(column.name, columns[number].to_pylist()) for number, column in enumerate(sheet.columns)
            if column.titles is None]
    labels = next((values for name, values in kept if name == sheet.job.layer.name_field), [None] * batch.num_rows)
    for index in range(batch.num_rows):
        groups: list[str] = []
        for name, values in kept:
            if values[index] is not None:
                groups += _with_room(groups, name, told(values[index]), batch[ID.id], index, noting)
        yield tuple(groups), _label(labels[index])


def _with_room(groups: list[str], name: str, text: str, ids: pa.Array, index: int, noting: Noting) -> list[str]:
    more = groups_of(name, text)
    # No group takes more than its bytes and a head of three.
    if (len(groups) + len(more)) * (GROUP_BYTES + 3) <= ENTITY_BYTES or sum(
            len(group.encode("gbk")) + 3 for group in (*groups, *more)) <= ENTITY_BYTES:
        return more
    noting.add(ids, index, name, "no_room", text)
    return []


def _label(value: Any) -> str:
    """A label: one line, no longer than a drawing can bear."""
    return " ".join(str(value or "").split())[:_LONGEST_LABEL]
