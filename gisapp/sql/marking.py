"""The sentences behind marking: what lies near, what a rule finds, and copies of a feature's row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import (
    Column,
    ColumnElement,
    Insert,
    Select,
    Table,
    Text,
    cast,
    column,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
)

from gisapp.layers import Layer
from gisapp.sql.shapes import shown
from gisapp.tables import LAYERS

#: Degrees, about 2 cm: shapes are drawn and sent to the centimetre, so what is narrower than this is rounding.
_SLIVER = 2e-7
#: Square degrees, a tenth of a square centimetre: less than this is rounding whatever its form.
_ROUNDING = 1e-15
#: And of a line, less than this many degrees (a tenth of a millimetre).
_ROUNDING_LENGTH = 1e-9
#: Metres of Web Mercator are metres on the ellipsoid divided by the cosine of latitude, within this factor.
_SLACK = 1.02


def lock_rules(layer: Layer) -> Select[Any]:
    """Let one writer at a time judge the layer: two that cannot see each other yet could both be right alone."""
    return select(func.pg_advisory_xact_lock(func.hashtext(f"gisapp.rules.{layer.id}")))


def _judged(table: Table, feature_id: UUID, shape: bytes | None, stored: ColumnElement[Any]) -> ColumnElement[Any]:
    """The shape that a rule judges: the one given, else the stored one."""
    if shape is not None:
        return func.ST_GeomFromEWKB(shape)
    return select(stored).where(table.c.id == feature_id).scalar_subquery()


def _point(shape: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.ST_AsGeoJSON(func.ST_PointOnSurface(shape), 7).label("point")


def is_wide(rest: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether areas are more than a sliver along a border: on the mean wider than 2 cm."""
    return func.ST_Area(rest) > _ROUNDING + func.ST_Perimeter(rest) / 2 * _SLIVER


def overlapping_feature(layer: Layer, table: Table, feature_id: UUID, shape: bytes | None = None) -> Select[Any]:
    """Id and title of another feature whose area overlaps this one's, and a point (GeoJSON) in what they share."""
    mine, other = _judged(table, feature_id, shape, table.c.geom), table.alias("other")
    shared = func.ST_Intersection(mine, other.c.geom)
    return select(other.c.id, cast(other.c[layer.name_field], Text).label("title"), _point(shared)).where(
        other.c.id != feature_id, other.c.geom.op("&&")(mine), func.ST_Intersects(mine, other.c.geom),
        not_(func.ST_Touches(mine, other.c.geom)), is_wide(shared)).limit(1)


def outside_territory(layer: Layer, table: Table, feature_id: UUID, shape: bytes | None = None) -> Select[Any]:
    """A point (GeoJSON) of the feature outside the squadron territory of its representative point; no row when
    it lies inside. In no territory at all, the whole feature is outside."""
    areas = table.metadata.tables[f"{LAYERS}.squadron_territories"].alias("area")
    mine = select(_judged(table, feature_id, shape, shown(layer, table)).label("shape")).cte("mine")
    code = func.gisapp.territory(func.gisapp.place_of(mine.c.shape)).table_valued(column("squadron_code")).lateral()
    whole = select(func.ST_Buffer(func.ST_Union(areas.c.geom), _SLIVER, 2)).where(
        areas.c.code == code.c.squadron_code).scalar_subquery()
    rest = select(func.coalesce(func.ST_Difference(mine.c.shape, whole), mine.c.shape).label("rest")).select_from(
        mine).join(code, literal(True)).subquery("outside")
    counts = or_(func.ST_Dimension(rest.c.rest) == 0, func.ST_Length(rest.c.rest) > _ROUNDING_LENGTH,
                 is_wide(rest.c.rest))
    return select(_point(rest.c.rest)).where(not_(func.ST_IsEmpty(rest.c.rest)), counts)


def territory_of(shape: bytes) -> Select[Any]:
    """The territory codes of a shape's representative point."""
    names = ("district_code", "street_code", "community_code", "grid_code", "squadron_code")
    place = func.gisapp.place_of(func.ST_GeomFromEWKB(shape))
    return select(func.gisapp.territory(place).table_valued(*(column(name) for name in names)))


def near(layer: Layer, table: Table, shape: bytes, metres: float, title: str | None, most: int,
         but: UUID | None = None) -> Select[Any]:
    """Features within `metres` of a shape, on the ellipsoid, nearest first: id, title, status, distance_m, point."""
    mine, found = func.ST_GeomFromEWKB(shape), shown(layer, table)
    distance = func.ST_Distance(cast(found, Geography), cast(mine, Geography))
    columns = [table.c.id, (cast(table.c[title], Text) if title else literal(None, Text)).label("title"),
               (table.c.status if layer.states else literal(None, Text)).label("status"),
               distance.label("distance_m"), _point(found)]
    return select(*columns).where(
        table.c.geom_3857.op("&&")(reach(mine, metres)), distance <= metres,
        *([table.c.id != but] if but else [])).order_by(distance, table.c.id).limit(most)


def reach(shape: ColumnElement[Any], metres: float) -> ColumnElement[Any]:
    """A box of Web Mercator that holds everything within `metres` of a shape."""
    highest = func.greatest(func.abs(func.ST_YMin(shape)), func.abs(func.ST_YMax(shape)))
    scale = func.cos(func.radians(func.least(highest, 85.0)))
    return func.ST_Expand(func.ST_Transform(shape, 3857), literal(metres * _SLACK) / scale)


def shape_of(layer: Layer, table: Table, feature_id: UUID) -> Select[Any]:
    """The shown geometry, the main one and the second one of a feature as WKB; no row when there is none."""
    second = table.c[layer.second_geometry.id] if layer.second_geometry else literal(None)
    return select(func.ST_AsBinary(shown(layer, table)).label("shown"), func.ST_AsBinary(table.c.geom).label("geom"),
                  (func.ST_AsBinary(second) if layer.second_geometry else second).label("second")).where(
        table.c.id == feature_id)


def copy_row(layer: Layer, table: Table, source: UUID, made: UUID, values: Mapping[str, Any]) -> Insert:
    """A new feature with what a client may send of the source, and `synthetic`; `values` take the place of some."""
    names = [*(field.id for field in layer.writable_fields), "synthetic"]
    fresh = {"id": literal(made, table.c.id.type), **{name: _typed(table.c[name], v) for name, v in values.items()}}
    kept = {name: table.c[name] for name in names if name not in fresh}
    whole = kept | fresh
    return insert(table).from_select(list(whole), select(*whole.values()).where(table.c.id == source))


def _typed(target: Column[Any], value: Any) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, target.type)


def value_of(table: Table, name: str, feature_id: UUID) -> Select[Any]:
    """One value of a feature."""
    return select(table.c[name]).where(table.c.id == feature_id)


def taken(table: Table, name: str, candidates: Sequence[str]) -> Select[Any]:
    """Those of the texts that some feature has in a field already."""
    return select(table.c[name]).where(table.c[name].in_(candidates))
