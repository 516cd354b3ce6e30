"""Features as lines of COPY's text format."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from gisapp.demo.feature import Feature
from gisapp.demo.files import Record
from gisapp.demo.frame import feature_id, to_lonlat

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def field(value: Any) -> str:
    """One value in COPY's text format; a list becomes an array of plain codes."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(map(str, value)) + "}"
    return str(value).translate(_ESCAPES)


def ewkb(shapes: Any) -> list[str]:
    """Hexadecimal EWKB (EPSG:4326) of geometries in lon/lat; None stays NULL."""
    turned = shapely.set_srid(np.asarray(shapes, dtype=object), 4326)
    return [NULL if text is None else text for text in shapely.to_wkb(turned, hex=True, include_srid=True)]


def from_records(columns: Sequence[str], records: Sequence[Record]) -> Iterator[str]:
    """Lines for GeoJSON features."""
    shapes = {"geom": ewkb(_parsed([r["geometry"] for r in records]))}
    second = columns[-1] if columns[-1] != "geom" else None
    if second:
        shapes[second] = ewkb(_parsed([r["properties"].get(second) for r in records]))
    for i, record in enumerate(records):
        known = record["properties"]
        yield line(
            shapes[c][i] if c in shapes else field(record["id"] if c == "id" else known.get(c))
            for c in columns
        )


def _parsed(geometries: list[Any]) -> list[Any]:
    return [None if g is None else shapely.from_geojson(json.dumps(g)) for g in geometries]


def from_features(
    columns: Sequence[str], features: Sequence[Feature], east: float, north: float
) -> Iterator[str]:
    """Lines for features of the local frame, moved by so many metres."""
    names = ["geom", *([columns[-1]] if columns[-1] != "geom" else [])]
    found = {name: [f.geometry if name == "geom" else f.second.get(name) for f in features] for name in names}
    shapes = {name: ewkb(to_lonlat(_objects(items), east, north)) for name, items in found.items()}
    for i, item in enumerate(features):
        known: dict[str, Any] = {**item.properties, "id": feature_id(item.layer, item.key), "synthetic": True}
        yield line(shapes[c][i] if c in shapes else field(known.get(c)) for c in columns)


def _objects(shapes: list[Any]) -> Any:
    made = np.empty(len(shapes), dtype=object)
    made[:] = shapes
    return shapely.orient_polygons(made)


def line(values: Iterable[str]) -> str:
    """One row."""
    return "\t".join(values) + "\n"


def from_columns(columns: Sequence[str], given: dict[str, Sequence[str]], count: int) -> str:
    """Many rows at once from whole columns of ready text; a missing column is NULL."""
    empty = [NULL] * count
    rows = zip(*(given.get(name, empty) for name in columns), strict=True)
    return "".join(map(line, rows))
