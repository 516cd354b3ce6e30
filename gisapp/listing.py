"""The list beside the map: the same question as the items, a few telling columns, and where each feature lies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from gisapp import features
from gisapp.asking.words import computed_column
from gisapp.filters import areas, kind_of
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.panels import TERRITORIES, Fact, Writer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.photos import attachments
from gisapp.words import Words

#: Fields that tell features of a layer apart, as far as the layer has them; the naming field stands before them.
_TELLING = ("name", "address", "street_code", "district_code", "found_at", "geom_area_m2", "geom_length_m",
            "updated_at")
MOST_COLUMNS = 7


@dataclass(frozen=True)
class Row:
    """A feature of the list, at its `version`. `point` is a place on or near it, `bbox` its bounds (degrees,
    EPSG:4326, lon first); both are None while it lies nowhere. `photos` is how many it has."""

    id: str
    title: str
    state: Fact | None
    facts: list[Fact]
    point: tuple[float, float] | None
    bbox: tuple[float, float, float, float] | None
    version: int
    photos: int = 0


@dataclass(frozen=True)
class Listing:
    """A page of the list; `after` is the key of the next page, None on the last."""

    layer: Layer
    columns: list[Field]
    rows: list[Row]
    number_matched: int
    after: str | None


def columns(layer: Layer) -> list[Field]:
    """The fields of the list beside name and state; none of them personal."""
    kind = kind_of(layer)
    wanted = [*([kind] if kind else []), *(layer.field(name) for name in _TELLING if layer.has_field(name))]
    return [one for one in dict.fromkeys(wanted) if not one.personal and one.id != layer.name_field][:MOST_COLUMNS]


def sortable(layer: Layer) -> list[Field]:
    """The fields that the list is sorted by: what it shows."""
    return [layer.field(layer.name_field), *([layer.field("status")] if layer.states else []), *columns(layer)]


def title_of(one: Field) -> Words:
    """What a column is called; a territory by its kind, since its name is shown and not its code."""
    return TERRITORIES[one.id][1] if one.id in TERRITORIES else one.title


def page(house: House, actor: Actor, layer_id: str, query: Query, language: str,
         chosen: Sequence[Field] | None = None) -> Listing:
    """A page of features that answer the query, in its order; `chosen` are columns instead of the usual ones. Those
    that the query computes come last.

    Problems: `layer_unknown` (404), `field_masked` (403).
    """
    layer = house.layer(layer_id)
    shown = columns(layer) if chosen is None else list(chosen)
    state = ["status"] if layer.states else []
    names = dict.fromkeys((layer.name_field, "version", *state, *(one.id for one in shown)))
    shown += [computed_column(one) for one in query.computed]
    asked = replace(query, properties=tuple(names))
    found = features.list_features(house, actor, layer_id, asked)
    known = _names_of_areas(house, actor, shown)
    writer = Writer.of(house, language)
    rows = [_row(layer, shown, writer, known, json.loads(text)) for text in found.features]
    photos = attachments.counts(house, actor, layer_id, [UUID(row.id) for row in rows], query.as_of)
    rows = [replace(row, photos=photos.get(UUID(row.id), 0)) for row in rows]
    return Listing(layer, shown, rows, found.number_matched, found.after)


def _names_of_areas(house: House, actor: Actor, shown: Sequence[Field]) -> dict[str, dict[str, str]]:
    """Names by code for the columns that hold codes of territories."""
    return {one.id: {area.code: area.title for area in areas(house, actor, TERRITORIES[one.id][0])}
            for one in shown if one.id in TERRITORIES}


def _row(layer: Layer, shown: Sequence[Field], writer: Writer, known: dict[str, dict[str, str]],
         feature: dict[str, Any]) -> Row:
    values = feature["properties"]
    shape = feature["geometry"] or (values.get(layer.stand_in.id) if layer.stand_in else None)
    state = writer.fact(layer.field("status"), values["status"], coloured=True) if values.get("status") else None
    return Row(feature["id"], str(values.get(layer.name_field) or ""), state,
               [_fact(writer, one, values.get(one.id), known) for one in shown], _point(shape), _bounds(shape),
               values["version"])


def _fact(writer: Writer, one: Field, value: Any, known: dict[str, dict[str, str]]) -> Fact:
    title = title_of(one).get(writer.language)
    if value in (None, "", []):
        return Fact(title, "")
    if one.id in known:
        return Fact(title, known[one.id].get(value, value))
    return writer.fact(one, value, coloured=False)


def _vertices(coordinates: Any) -> list[Any]:
    if not coordinates or isinstance(coordinates[0], (int, float)):
        return [coordinates] if coordinates else []
    return [vertex for part in coordinates for vertex in _vertices(part)]


def _point(shape: dict[str, Any] | None) -> tuple[float, float] | None:
    """The point itself, the middle vertex of a line, the middle of an area's bounds."""
    box = _bounds(shape)
    if shape is None or box is None:
        return None
    if "Line" in shape["type"]:
        vertices = _vertices(shape["coordinates"])
        lon, lat = vertices[len(vertices) // 2][:2]
        return lon, lat
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _bounds(shape: dict[str, Any] | None) -> tuple[float, float, float, float] | None:
    vertices = _vertices(shape["coordinates"]) if shape else []
    if not vertices:
        return None
    lons, lats = [one[0] for one in vertices], [one[1] for one in vertices]
    return min(lons), min(lats), max(lons), max(lats)
