"""The stored face of the layers: SQLAlchemy tables made from the catalogue.

Layer tables live in schema `layers`, one table a code list in schema `codes`. Geometry is EPSG:4326 with
x = longitude; `geom_3857` is what the tiles read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from gisapp.layers import Catalogue, CodeList, Field, Layer

LAYERS = "layers"
CODES = "codes"
SRID = 4326
#: The latitude at which Web Mercator ends; beyond it a feature could not be drawn.
MAX_LATITUDE = 85.0511
INDEXED_TERRITORIES = ("street_code", "community_code", "grid_code", "squadron_code")
#: Columns of a history table beside those of its layer.
HISTORY_COLUMNS = ("history_id", "valid_from", "valid_to", "operation", "changed_by", "request_id", "db_user")


class Tables:
    """`metadata`, and by layer id the table and its history; by code list id the code table."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.metadata = MetaData()
        self.codes = {key: _code_table(self.metadata, value) for key, value in catalogue.codelists.items()}
        self.layers = {key: _layer_table(self.metadata, value) for key, value in catalogue.layers.items()}
        self.history = {key: _history_table(self.metadata, layer, self.layers[key])
                        for key, layer in catalogue.layers.items()}


def object_name(prefix: str, *parts: str) -> str:
    """A name of at most 63 bytes, PostgreSQL's limit; a long one ends in a hash of the whole."""
    whole = "_".join((prefix, *parts))
    return whole if len(whole) <= 63 else f"{whole[:54]}_{_hash(whole)}"


def _hash(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def _check(name: str, condition: str) -> CheckConstraint:
    """A CHECK whose name carries a hash of its text, so that a changed range is seen as a changed name."""
    return CheckConstraint(text(condition), name=object_name("ck", name[:40], _hash(condition)))


def _code_table(metadata: MetaData, codelist: CodeList) -> Table:
    return Table(
        codelist.id, metadata,
        Column("code", Text, primary_key=True),
        Column("title_zh", Text, nullable=False),
        Column("title_en", Text, nullable=False),
        Column("colour", Text),
        Column("sort", Integer, nullable=False),
        Column("retired", Boolean, nullable=False, server_default=text("false")),
        Column("standards", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
        schema=CODES)


def column_type(field: Field) -> TypeEngine[Any]:
    """The SQL type of a field; numbers with fixed decimals are exact."""
    if field.type == "number":
        return Double() if field.decimals is None else Numeric(18, field.decimals)
    plain: dict[str, TypeEngine[Any]] = {
        "text": Text(), "integer": BigInteger(), "boolean": Boolean(), "date": Date(),
        "datetime": DateTime(timezone=True), "code": Text(), "codes": ARRAY(Text())}
    return plain[field.type]


def _layer_table(metadata: MetaData, layer: Layer) -> Table:
    return Table(
        layer.id, metadata,
        *_stamp_columns(), *_status_columns(layer), *_field_columns(layer), *_territory_columns(layer),
        *_geometry_columns(layer), *_field_constraints(layer), *_geometry_constraints(layer), *_indexes(layer),
        schema=LAYERS)


def _stamp_columns() -> list[Column[Any]]:
    return [
        Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
        Column("version", Integer, nullable=False, server_default=text("1")),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("created_by", Text, nullable=False, server_default=text("''::text")),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("updated_by", Text, nullable=False, server_default=text("''::text")),
        Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    ]


def _status_columns(layer: Layer) -> list[Column[Any]]:
    if not layer.states:
        return []
    return [Column("status", Text, nullable=False, server_default=text(f"'{layer.states[0].id}'::text"))]


def _field_columns(layer: Layer) -> list[Column[Any]]:
    return [Column(field.id, column_type(field), nullable=not field.required) for field in layer.fields]


def _territory_columns(layer: Layer) -> list[Column[Any]]:
    return [Column(field.id, Text) for field in layer.derived_fields if field.id.endswith("_code")]


def shown_geometry(layer: Layer) -> str:
    """SQL for the geometry that stands for the feature: the main one, else the one standing in."""
    return f"COALESCE(geom, {quoted(layer.stand_in.id)})" if layer.stand_in else "geom"


def _geometry_columns(layer: Layer) -> list[Column[Any]]:
    columns = [Column("geom", _geometry(layer.geometry), nullable=layer.stand_in is not None)]
    if layer.second_geometry:
        columns.append(Column(layer.second_geometry.id, _geometry(layer.second_geometry.geometry)))
    # Filled by the trigger b4_shape, whatever a statement says (migration 0022).
    columns.append(Column("geom_3857", Geometry("GEOMETRY", 3857, spatial_index=False)))
    if layer.geometry == "MultiPolygon":
        columns.append(Column("geom_area_m2", Numeric(18, 2)))
    if layer.geometry == "MultiLineString":
        columns.append(Column("geom_length_m", Numeric(18, 2)))
    return columns


def _geometry(kind: str) -> Geometry:
    return Geometry(kind.upper(), SRID, spatial_index=False)


def _field_constraints(layer: Layer) -> Iterator[Any]:
    if layer.status_codelist:
        yield _code_key("status", layer.status_codelist)
    for field in layer.fields:
        if field.type == "code":
            yield _code_key(field.id, field.codelist or "")
        if field.unique:
            yield UniqueConstraint(field.id, name=object_name("uq", layer.id, field.id))
        condition = _range_condition(field)
        if condition:
            yield _check(field.id, condition)


def _code_key(column: str, codelist: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint([column], [f"{CODES}.{codelist}.code"], name=object_name("fk", column))


def _range_condition(field: Field) -> str:
    name = quoted(field.id)
    parts = []
    if field.max_length is not None:
        parts.append(f"char_length({name}) <= {field.max_length}")
    if field.required and field.type == "text":
        parts.append(f"btrim({name}) <> ''")
    if field.min is not None:
        parts.append(f"{name} >= {field.min}")
    if field.max is not None:
        parts.append(f"{name} <= {field.max}")
    return " AND ".join(parts)


def quoted(name: str) -> str:
    """An id of the catalogue as an SQL identifier; ids are letters, digits and _ only, but may be keywords."""
    return f'"{name}"'


def _geometry_constraints(layer: Layer) -> Iterator[CheckConstraint]:
    names = ["geom"] + ([layer.second_geometry.id] if layer.second_geometry else [])
    for plain in names:
        name = quoted(plain)
        yield _check(f"{plain}_valid", f"st_isvalid({name}) AND NOT st_isempty({name})")
        yield _check(f"{plain}_place",
                     f"st_xmin({name}) >= -180 AND st_xmax({name}) <= 180"
                     f" AND st_ymin({name}) >= -{MAX_LATITUDE} AND st_ymax({name}) <= {MAX_LATITUDE}")
    if layer.stand_in:
        yield _check("geom_present", f"geom IS NOT NULL OR {quoted(layer.stand_in.id)} IS NOT NULL")


def indexed_columns(layer: Layer) -> list[str]:
    """Columns with an index of their own: what is filtered by, and what colours the map."""
    fields = [f.id for f in layer.all_fields
              if f.indexed or f.id == layer.style.colour_by or (layer.assigned and f.id in INDEXED_TERRITORIES)]
    return [name for name in fields if not layer.field(name).unique]


def _indexes(layer: Layer) -> Iterator[Index]:
    yield _boxed(layer.id)
    yield Index(object_name("gx", layer.id, "geom_3857"), "geom_3857", postgresql_using="gist")
    if layer.second_geometry:
        yield _rare(layer.id, layer.second_geometry.id)
    for name in indexed_columns(layer):
        method = "gin" if layer.field(name).type == "codes" else "btree"
        yield Index(object_name("ix", layer.id, name), name, postgresql_using=method)


def _boxed(table: str) -> Index:
    """The index of the main geometry: an R-tree. PostGIS's trees of quarters take rows in at a third of the cost, but a
    plan that reads one of them alone, such as that of a plain count, ends the server."""
    return Index(object_name("gx", table, "geom"), "geom", postgresql_using="gist")


def _rare(table: str, name: str) -> Index:
    """The index of a geometry that few features have; the others would only make each write dearer."""
    return Index(object_name("gx", table, name), name, postgresql_using="gist",
                 postgresql_where=text(f"{quoted(name)} IS NOT NULL"))


def _history_table(metadata: MetaData, layer: Layer, live: Table) -> Table:
    copied = [Column(c.name, c.type) for c in live.columns if c.name != "geom_3857"]
    name = f"{layer.id}_history"
    return Table(
        name, metadata,
        Column("history_id", BigInteger, Identity(always=True), primary_key=True),
        Column("valid_from", DateTime(timezone=True), nullable=False),
        Column("valid_to", DateTime(timezone=True), nullable=False, server_default=text("'infinity'::timestamptz")),
        Column("operation", Text, nullable=False),
        Column("changed_by", Text, nullable=False),
        Column("request_id", Text),
        Column("db_user", Text, nullable=False),
        *copied,
        Index(object_name("ix", name, "id_version"), "id", "version"),
        Index(object_name("ux", name, "current"), "id", unique=True,
              postgresql_where=text("valid_to = 'infinity'::timestamptz")),
        Index(object_name("ix", name, "period"), "valid_from", "valid_to"),
        _boxed(name),
        *([_rare(name, layer.stand_in.id)] if layer.stand_in else []),
        schema=LAYERS)


__all__ = ["CODES", "HISTORY_COLUMNS", "LAYERS", "SRID", "Tables", "column_type", "shown_geometry"]
