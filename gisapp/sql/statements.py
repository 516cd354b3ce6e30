"""The sentences of the database: small pure functions, each returning one clause or one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    Text,
    Update,
    and_,
    cast,
    delete,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSON, insert

from gisapp.crs import CRS84, Crs
from gisapp.layers import Layer
from gisapp.params import Query, Span
from gisapp.sql.cql2 import Writer
from gisapp.sql.shapes import in_drawn_box, shown
from gisapp.sql.words import has_word, texts
from gisapp.tables import SRID, column_type

Condition = ColumnElement[bool]

def conditions(layer: Layer, table: Table, query: Query, *, local: bool = False) -> list[Condition]:
    """What the query asks of a feature, without its page; `local` when it is asked of a place only."""
    found = [_equals(layer, table, name, value) for name, value in query.equals]
    if query.as_of:
        found.append(at_moment(table, query.as_of))
    if query.bbox:
        found.append(in_box(layer, table, query))
    if query.period and any(query.period):
        found.append(in_period(layer, table, query))
    if query.ids:
        found.append(table.c.id.in_(query.ids))
    found += [has_word(texts(layer, table), word) for word in query.words]
    if query.filter:
        found.append(Writer(layer, table, query.as_of, local or query.bbox is not None).write(query.filter.root))
    for one in query.also:
        found += conditions(layer, table, replace(one, as_of=query.as_of), local=local or query.bbox is not None)
    return found


def _equals(layer: Layer, table: Table, name: str, value: Any) -> Condition:
    if isinstance(value, tuple):
        return or_(_among(layer, table, name, [one for one in value if one is not None]),
                   *([table.c[name].is_(None)] if None in value else []))
    if isinstance(value, Span):
        return _within(table.c[name], value.first, value.last)
    if value is None:
        return table.c[name].is_(None)
    if layer.field(name).type == "codes":
        return _among(layer, table, name, [value])
    return table.c[name] == literal(value, column_type(layer.field(name)))


def _among(layer: Layer, table: Table, name: str, values: list[Any]) -> Condition:
    column = table.c[name]
    if layer.field(name).type == "codes":
        return column.bool_op("&&")(literal(values, column.type))
    return column.in_(values)


def at_moment(history: Table, moment: datetime) -> Condition:
    """The version of a history table that was valid at the moment."""
    return and_(history.c.valid_from <= moment, history.c.valid_to > moment)


def in_box(layer: Layer, table: Table, query: Query) -> Condition:
    """Geometry meets the box. Asked of the Web Mercator index first, then exactly."""
    assert query.bbox is not None  # noqa: S101
    box = func.ST_MakeEnvelope(*query.bbox, query.bbox_crs.database_srid)
    if query.bbox_crs.database_srid != SRID:
        # A straight edge in one system is curved in the other: densify before it is moved.
        box = func.ST_Transform(func.ST_Segmentize(box, max(query.bbox[2] - query.bbox[0], 1.0) / 50), SRID)
    if "geom_3857" not in table.c:  # history keeps what was stored, not what was drawn
        return func.ST_Intersects(shown(layer, table), box)
    return and_(in_drawn_box(table, box), func.ST_Intersects(shown(layer, table), box))


def instant(layer: Layer, table: Table) -> ColumnElement[Any]:
    """When the thing was found, as far as the layer says so; else when it was registered."""
    has_found = layer.has_field("found_at") and layer.field("found_at").type == "datetime"
    return func.coalesce(table.c.found_at, table.c.created_at) if has_found else table.c.created_at


def in_period(layer: Layer, table: Table, query: Query) -> Condition:
    """The layer's instant lies in the period, both ends included."""
    return _within(instant(layer, table), *(query.period or (None, None)))


def _within(moment: ColumnElement[Any], first: Any, last: Any) -> Condition:
    return and_(*([moment >= first] if first else []), *([moment <= last] if last else []))


def _order(table: Table, query: Query) -> list[ColumnElement[Any]]:
    keys = [table.c[name].desc().nulls_last() if down else table.c[name].asc().nulls_last()
            for name, down in query.sortby]
    return [*keys, table.c.id]


def geojson(column: ColumnElement[Any], crs: Crs) -> ColumnElement[Any]:
    """A geometry as GeoJSON in the axis order of the system's authority, to 1e-7 degree or 0.1 mm."""
    shape = column if crs.database_srid == SRID else func.ST_Transform(column, crs.srid)
    if crs.axis_swapped:
        shape = func.ST_FlipCoordinates(shape)
    digits = 4 if crs.projected or crs.srid == 3857 else 7
    return cast(func.ST_AsGeoJSON(shape, digits), JSON)


def reckoned(layer: Layer, table: Table, query: Query) -> list[ColumnElement[Any]]:
    """The columns that the query asks to compute, by their names."""
    writer = Writer(layer, table, query.as_of)
    return [writer.write(one.root).label(one.name) for one in query.computed]


def feature_json(layer: Layer, table: Table, names: Sequence[str], crs: Crs,
                 more: Sequence[ColumnElement[Any]] = ()) -> ColumnElement[str]:
    """A whole GeoJSON feature as text; `names` are the properties to carry, `more` further columns with a name."""
    columns: list[ColumnElement[Any]] = [*(table.c[name] for name in names), *more]
    if layer.second_geometry:
        columns.append(geojson(table.c[layer.second_geometry.id], crs).label(layer.second_geometry.id))
    row = select(*columns).correlate(table).subquery("p")
    properties = select(func.row_to_json(literal_column("p"))).select_from(row).scalar_subquery()
    return cast(func.json_build_object(
        "type", "Feature", "id", table.c.id, "geometry", geojson(shown(layer, table), crs),
        "properties", properties), Text)


def count(layer: Layer, table: Table, query: Query) -> Select[Any]:
    """How many features answer the query."""
    return select(func.count()).select_from(table).where(*conditions(layer, table, query))


def extent(table: Table) -> Select[Any]:
    """The layer's bounds in degrees: min lon, min lat, max lon, max lat; all NULL when it is empty."""
    box = select(func.ST_Transform(func.ST_SetSRID(cast(
        func.ST_Extent(table.c.geom_3857), Geometry), 3857), SRID).label("box")).subquery()
    return select(*(function(box.c.box) for function in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))


def extent_of(layer: Layer, table: Table, query: Query) -> Select[Any]:
    """The bounds, as of `extent`, of the features that answer the query."""
    box = select(func.ST_Extent(shown(layer, table)).label("box")).where(*conditions(layer, table, query)).subquery()
    return select(*(function(box.c.box) for function in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))


def select_one(layer: Layer, table: Table, feature_id: UUID, names: Sequence[str], crs: Crs,
               as_of: datetime | None = None) -> Select[Any]:
    """One feature as text, with its version, state and squadron; from the history table with `as_of`."""
    found = select(
        feature_json(layer, table, names, crs).label("feature"), table.c.version,
        (table.c.status if layer.states else literal(None)).label("status"),
        (table.c.squadron_code if layer.assigned else literal(None)).label("squadron_code"),
    ).where(table.c.id == feature_id)
    return found.where(at_moment(table, as_of)) if as_of else found


def select_version(layer: Layer, history: Table, feature_id: UUID, names: Sequence[str], version: int) -> Select[Any]:
    """A feature as it was at a version, as text."""
    return select(feature_json(layer, history, names, CRS84).label("feature")).where(
        history.c.id == feature_id, history.c.version == version, history.c.operation != "delete")


def lock_one(layer: Layer, table: Table, feature_id: UUID) -> Select[Any]:
    """Version, state and squadron of a feature, held until the end of the transaction."""
    return select(
        table.c.version, (table.c.status if layer.states else literal(None)).label("status"),
        (table.c.squadron_code if layer.assigned else literal(None)).label("squadron_code"),
    ).where(table.c.id == feature_id).with_for_update()


def shape_value(wkb: bytes | None) -> Any:
    """A geometry parameter from EWKB."""
    return None if wkb is None else func.ST_GeomFromEWKB(wkb)


def insert_one(table: Table, feature_id: UUID, values: Mapping[str, Any]) -> Insert:
    """Insert unless the id is taken; returns the version (and no row when it was taken)."""
    return insert(table).values(id=feature_id, **values).on_conflict_do_nothing(
        index_elements=[table.c.id]).returning(table.c.version)


def update_one(table: Table, feature_id: UUID, values: Mapping[str, Any]) -> Update:
    return update(table).where(table.c.id == feature_id).values(**values)


def delete_one(table: Table, feature_id: UUID) -> Delete:
    return delete(table).where(table.c.id == feature_id)


def first_version(history: Table, feature_id: UUID, values: Mapping[str, Any]) -> Select[Any]:
    """Whether the feature's first version has just these values (True, False; no row: never was there)."""
    same = and_(*(history.c[name].is_not_distinct_from(_typed(history, name, value))
                  for name, value in values.items()))
    return select(same).where(history.c.id == feature_id, history.c.operation == "insert").order_by(
        history.c.version).limit(1)


def _typed(table: Table, name: str, value: Any) -> Any:
    return value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)


def select_rows(layer: Layer, table: Table, query: Query, names: Sequence[str], srid: int) -> Select[Any]:
    """Plain rows for files: id, the named columns, `geometry` and `second_geometry` as WKB, easting first."""
    def wkb(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.ST_AsBinary(column if srid == SRID else func.ST_Transform(column, srid))

    columns: list[Any] = [table.c.id, *(table.c[name] for name in names), wkb(table.c.geom).label("geometry")]
    if layer.second_geometry:
        columns.append(wkb(table.c[layer.second_geometry.id]).label("second_geometry"))
    statement = select(*columns).where(*conditions(layer, table, query))
    return statement.order_by(*_order(table, query)) if query.sortby or query.filters else statement


def reassign(layer: Layer, table: Table) -> Update:
    """Give every feature the codes of the areas that cover its representative point, where they changed."""
    names = [field.id for field in layer.derived_fields if field.id.endswith("_code")]
    live = table.alias("live")
    now = func.gisapp.territory(func.gisapp.place_of(shown(layer, live))).table_valued(*names, name="now").lateral()
    changed = or_(*(live.c[name].is_distinct_from(now.c[name]) for name in names))
    found = select(live.c.id, *(now.c[name] for name in names)).select_from(live).join(now, literal(True)).where(
        changed).subquery("found")
    return update(table).where(table.c.id == found.c.id).values({name: found.c[name] for name in names})


def upsert_codes(table: Table, rows: list[dict[str, Any]]) -> Insert:
    """Put the codes of a list; rows that are so already stay untouched."""
    statement = insert(table).values(rows)
    new = {column.name: statement.excluded[column.name] for column in table.columns if column.name != "code"}
    differs = or_(*(table.c[name].is_distinct_from(value) for name, value in new.items()))
    return statement.on_conflict_do_update(index_elements=[table.c.code], set_=new, where=differs)


def retire_codes(table: Table, kept: list[str]) -> Update:
    """Retire the codes that are not among `kept`."""
    return update(table).where(table.c.code.not_in(kept), not_(table.c.retired)).values(retired=True)
