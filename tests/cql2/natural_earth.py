"""The collections of the standard's own count tables, as layers, and their features in a database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas
import psycopg
import pyogrio
import shapely
from geoalchemy2 import Geometry
from psycopg import sql
from sqlalchemy import Column, MetaData, Table, Uuid

from gisapp.layers import Catalogue, Field, Layer, Style
from gisapp.tables import LAYERS, column_type
from gisapp.words import Words

GEOMETRIES = {"ne_110m_admin_0_countries": "MultiPolygon", "ne_110m_populated_places_simple": "Point",
              "ne_110m_rivers_lake_centerlines": "MultiLineString"}
_KINDS = {"date": "date", "start": "datetime", "end": "datetime", "boolean": "boolean"}


def layers(package: Path) -> Catalogue:
    """The three collections as layers; field ids as the GeoPackage has them."""
    found = {name: _layer(name, pyogrio.read_info(package, layer=name)) for name in GEOMETRIES}
    return Catalogue(found, {})


def _layer(name: str, info: dict[str, Any]) -> Layer:
    fields = tuple(Field(field, Words(field, field), _kind(field, dtype), "X", max_length=500)
                   for field, dtype in zip(info["fields"], info["dtypes"], strict=True))
    return Layer(name, Words(name, name), "base", GEOMETRIES[name], fields, Style("#000000"), fields[0].id)


def _kind(field: str, dtype: str) -> str:
    return _KINDS.get(field) or {"object": "text", "int64": "integer", "float64": "number"}.get(dtype, "text")


def tables(catalogue: Catalogue) -> dict[str, Table]:
    """Bare tables: no checks and no drawn geometry, since Antarctica reaches the pole."""
    metadata = MetaData()
    return {layer.id: Table(
        layer.id, metadata, Column("id", Uuid), Column("geom", Geometry(layer.geometry.upper(), 4326)),
        *(Column(field.id, column_type(field)) for field in layer.fields), schema=LAYERS)
        for layer in catalogue.layers.values()}


def load(driver: psycopg.Connection[Any], package: Path, layer: Layer) -> None:
    """The collection's features into its table."""
    names = ["geom", *(field.id for field in layer.fields)]
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(LAYERS, layer.id), sql.SQL(", ").join(map(sql.Identifier, names)))
    with driver.cursor() as cursor, cursor.copy(copy) as sink:
        for row in _rows(package, layer):
            sink.write_row(row)


def _rows(package: Path, layer: Layer) -> Iterator[list[Any]]:
    frame = pyogrio.read_dataframe(package, layer=layer.id)
    multi = {"MultiPolygon": shapely.MultiPolygon, "MultiLineString": shapely.MultiLineString}.get(layer.geometry)
    for record in frame.astype({"boolean": object} if "boolean" in frame else {}).to_dict("records"):
        shape = record["geometry"]
        if multi and not shape.geom_type.startswith("Multi"):
            shape = multi([shape])
        located = shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True)
        yield [located, *(_value(record[f.id], f.type) for f in layer.fields)]


def _value(value: Any, kind: str) -> Any:
    if pandas.isna(value):
        return None
    if kind == "datetime":
        return value.tz_localize("UTC").isoformat()  # the file's stamps carry no zone and are UTC
    return {"date": lambda: str(value)[:10], "boolean": lambda: bool(value), "number": lambda: float(value)}.get(
        kind, lambda: value)()
