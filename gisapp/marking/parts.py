"""A feature split by a line, and several merged into one. History ties the pieces by the id of their request."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import split as cut
from sqlalchemy import Connection, Table

from gisapp.changes import approve, hold, writing
from gisapp.crs import Crs
from gisapp.errors import Problem
from gisapp.features import Found, open_layer, read_one
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.marking.batch import versions
from gisapp.permissions import Actor, require
from gisapp.photos.changes import come_along
from gisapp.repairs import parts
from gisapp.shapes import check_shape, read_line, stored
from gisapp.sql import marking as sql_marking, statements as sql

MOST_PARTS = 50
_OF_MANY = {"MultiPoint": shapely.multipoints, "MultiLineString": shapely.multilinestrings,
            "MultiPolygon": shapely.multipolygons}


def split(house: House, actor: Actor, layer_id: str, feature_id: UUID, body: Any, version: int | None,
          crs: Crs) -> list[Found]:
    """Cut an area or a line by the body's `line`: the largest part keeps the id, the others are new features.

    Every attribute is copied; a unique text gets -2, -3 … behind it. Problems: `geometry_type`, `split_misses`,
    `shape_absent`, `body_invalid` (422) and those of any change.
    """
    layer, table = open_layer(house, actor, layer_id, "update")
    require(actor, "create")
    if layer.geometry not in ("MultiPolygon", "MultiLineString"):
        raise Problem("geometry_type", given=layer.geometry, wanted="MultiPolygon / MultiLineString")
    line = read_line(body.get("line") if isinstance(body, dict) else None, crs)
    with writing(house, actor, layer) as connection:
        hold(connection, actor, layer, table, feature_id, version)
        pieces = _cut(layer, _shape(connection, layer, table, feature_id), line)
        return _store(connection, actor, layer, table, feature_id, pieces)


def _shape(connection: Connection, layer: Layer, table: Table, feature_id: UUID) -> BaseGeometry:
    row = connection.execute(sql_marking.shape_of(layer, table, feature_id)).one()
    if row.geom is None:
        raise Problem("shape_absent", id=str(feature_id), wanted=layer.geometry)
    return shapely.from_wkb(bytes(row.geom))


def _cut(layer: Layer, shape: BaseGeometry, line: BaseGeometry) -> list[BaseGeometry]:
    """The parts, largest first; what the line does not meet stays with the largest."""
    whole: list[BaseGeometry] = []
    pieces: list[BaseGeometry] = []
    for part in parts(shape):
        try:
            made = parts(cut(part, line))
        except ValueError as error:  # the line runs along it
            raise Problem("split_misses") from error
        (pieces if len(made) > 1 else whole).extend(made)
    if not pieces:
        raise Problem("split_misses")
    if len(pieces) > MOST_PARTS:
        raise Problem("body_invalid", reason=f"line: > {MOST_PARTS}")
    pieces.sort(key=lambda piece: piece.area or piece.length, reverse=True)
    found = [_OF_MANY[layer.geometry](group) for group in ([pieces[0], *whole], *([one] for one in pieces[1:]))]
    for one in found:
        check_shape(one)
    return found


def _store(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
           pieces: list[BaseGeometry]) -> list[Found]:
    names = _free_names(connection, layer, table, feature_id, len(pieces) - 1)
    second = {layer.second_geometry.id: None} if layer.second_geometry else {}
    ids = [feature_id, *(uuid4() for _ in pieces[1:])]
    connection.execute(sql.update_one(table, feature_id, {"geom": sql.shape_value(stored(pieces[0]))}))
    for place, (number, piece) in enumerate(zip(ids[1:], pieces[1:], strict=True)):
        fresh = {"geom": sql.shape_value(stored(piece)), **second, **{name: new[place] for name, new in names.items()}}
        connection.execute(sql_marking.copy_row(layer, table, feature_id, number, fresh))
    for number in ids:
        approve(connection, actor, layer, table, number)
    return [read_one(connection, layer, table, number, actor) for number in ids]


def _free_names(connection: Connection, layer: Layer, table: Table, feature_id: UUID,
                count: int) -> dict[str, list[str | None]]:
    """For each unique field, values for the new parts: text goes on counting, anything else is left empty."""
    found: dict[str, list[str | None]] = {}
    for field in (field for field in layer.fields if field.unique):
        value = connection.execute(sql_marking.value_of(table, field.id, feature_id)).scalar_one()
        if value is None or field.type != "text":
            found[field.id] = [None] * count
            continue
        tried = [_numbered(str(value), number, field.max_length or 60) for number in range(2, 2 + count + 500)]
        used = set(connection.execute(sql_marking.taken(table, field.id, tried)).scalars())
        free: list[str | None] = [text for text in tried if text not in used]
        found[field.id] = free[:count]
    return found


def _numbered(text: str, number: int, longest: int) -> str:
    tail = f"-{number}"
    return text[:longest - len(tail)] + tail


def merge(house: House, actor: Actor, layer_id: str, body: Any) -> Found:
    """Unite the features of `ids` in the first one, which keeps its id and attributes; the others are deleted.

    Takes the right to delete. Problems: `body_invalid`, `geometry_type`, `shape_absent` (422), `version_stale`
    (412) and those of any change; then nothing is changed.
    """
    layer, table = open_layer(house, actor, layer_id, "delete")
    require(actor, "update")
    if layer.geometry not in _OF_MANY:
        raise Problem("geometry_type", given=layer.geometry, wanted=" / ".join(_OF_MANY))
    wanted = versions(body, MOST_PARTS, least=2)
    first, *others = wanted
    with writing(house, actor, layer) as connection:
        for number in sorted(wanted):
            hold(connection, actor, layer, table, number, wanted[number])
        whole = _union(layer, [_shape(connection, layer, table, number) for number in wanted])
        for number in others:
            connection.execute(sql.delete_one(table, number))
        connection.execute(sql.update_one(table, first, {"geom": sql.shape_value(stored(whole))}))
        come_along(connection, actor, layer, table, first, others)
        approve(connection, actor, layer, table, first)
        return read_one(connection, layer, table, first, actor)


def _union(layer: Layer, shapes: list[BaseGeometry]) -> BaseGeometry:
    united = shapely.union_all(shapes)
    if layer.geometry == "MultiLineString":
        united = shapely.line_merge(united)
    whole = _OF_MANY[layer.geometry](parts(united))
    check_shape(whole)
    return whole
