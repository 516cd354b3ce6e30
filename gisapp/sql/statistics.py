"""Sentences of statistics: features that answer a question, counted and added up by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    null,
    select,
    true,
)

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.params.grouping import REST, Grouping, Key
from gisapp.sql.shapes import shown
from gisapp.sql.statements import conditions
from gisapp.tables import SRID

#: Degrees from the meridian beyond which its plane is of no use.
_FAR = 30


@dataclass(frozen=True)
class Place:
    """Where and when the office is: its time zone, and the plane that hexagons lie in."""

    time_zone: str
    srid: int
    meridian: float


def day(layer: Layer, table: Table, name: str, zone: str) -> ColumnElement[Any]:
    """The day of a date; of an instant its day by the clock of the zone."""
    moment = table.c[name]
    return cast(func.timezone(zone, moment), Date) if layer.field(name).type == "datetime" else moment


def _case(layer: Layer, table: Table, query: Query, key: Key) -> ColumnElement[Any]:
    """The number of the first case that a feature answers, at the moment of the whole question."""
    whens = [(and_(true(), *conditions(layer, table, replace(one, as_of=query.as_of))), str(n))
             for n, one in enumerate(key.cases, 1)]
    return case(*whens, else_=REST)


def _key(layer: Layer, table: Table, query: Query, key: Key, place: Place) -> ColumnElement[Any]:
    if key.cases:
        return _case(layer, table, query, key)
    assert key.field is not None  # noqa: S101
    name = key.field.id
    if key.unit:
        return cast(func.date_trunc(literal(key.unit), day(layer, table, name, place.time_zone)), Date)
    if key.field.type == "codes":  # a feature counts for each of its codes, and for none when it has none
        return func.unnest(func.coalesce(func.nullif(table.c[name], cast([], ARRAY(Text))), cast([None], ARRAY(Text))))
    return table.c[name]


def _spot(layer: Layer, table: Table, place: Place) -> ColumnElement[Any]:
    """Where a feature counts, in the plane of hexagons; NULL too far away."""
    point = func.gisapp.place_of(shown(layer, table), type_=Geometry)
    near = func.abs(func.ST_X(point) - place.meridian) < _FAR
    return case((near, func.ST_Transform(point, place.srid)), else_=null())


def _hexagon(asked: Any, side: int) -> Any:
    """The one hexagon that the spot lies in: columns i and j; no row without a spot."""
    grid = func.ST_HexagonGrid(side, asked.c.spot).table_valued(
        column("geom", Geometry), column("i", Integer), column("j", Integer), name="grid").lateral()
    return select(grid.c.i, grid.c.j).where(func.ST_Intersects(grid.c.geom, asked.c.spot)).order_by(
        grid.c.i, grid.c.j).limit(1).lateral("hexagon")


def select_groups(layer: Layer, table: Table, query: Query, grouping: Grouping, place: Place, most: int) -> Select[Any]:
    """A row a group: k0…, count, s0…, all (how many groups there are), shape (GeoJSON text in degrees of a hexagon,
    else NULL); at most `most` of them. Unknown keys come last."""
    columns: list[Any] = [table.c[one.id].label(f"v{n}") for n, one in enumerate(grouping.sums)]
    columns += [_key(layer, table, query, key, place).label(f"k{n}")
                for n, key in enumerate(grouping.keys) if not key.side]
    side = next((key.side for key in grouping.keys if key.side), None)
    if side:
        columns.append(_spot(layer, table, place).label("spot"))
    asked = select(*columns).select_from(table).where(*conditions(layer, table, query)).subquery("asked")
    hexagon = _hexagon(asked, side) if side else None
    source = asked if hexagon is None else asked.outerjoin(hexagon, true())
    return _grouped(asked, hexagon, grouping, place).select_from(source).limit(most)


def _grouped(inner: Any, hexagon: Any, grouping: Grouping, place: Place) -> Select[Any]:
    keys = [hexagon.c.i.op("||")(",").op("||")(hexagon.c.j) if key.side else inner.c[f"k{n}"]
            for n, key in enumerate(grouping.keys)]
    count = func.count().label("count")
    sums = [func.sum(inner.c[f"v{n}"]).label(f"s{n}") for n in range(len(grouping.sums))]
    shape: ColumnElement[Any] = null()
    if side := next((key.side for key in grouping.keys if key.side), None):
        flat = func.ST_SetSRID(func.ST_Hexagon(float(side), func.min(hexagon.c.i), func.min(hexagon.c.j)), place.srid)
        shape = func.ST_AsGeoJSON(func.ST_Transform(flat, SRID, type_=Geometry), 7)
    columns: list[Any] = [*keys, count, *sums, func.count().over().label("all"), shape.label("shape")]
    name, down = grouping.order
    order = [one.asc().nulls_last() for one in keys]
    if name == "key":
        order = [one.desc().nulls_last() if down else one.asc().nulls_last() for one in keys]
    else:
        chosen = func.count() if name == "count" else sums[[one.id for one in grouping.sums].index(name)].element
        order = [chosen.desc().nulls_last() if down else chosen.asc().nulls_last(), *order]
    return select(*columns).group_by(*(inner.c[f"k{n}"] for n, key in enumerate(grouping.keys) if not key.side),
                                     *([hexagon.c.i, hexagon.c.j] if side else [])).order_by(*order)


def select_total(layer: Layer, table: Table, query: Query, names: Sequence[str]) -> Select[Any]:
    """One row: how many features answer the query, then the sum of each named field (NULL when none has a value)."""
    columns: list[Any] = [func.count(), *(func.sum(table.c[name]) for name in names)]
    return select(*columns).select_from(table).where(
        *conditions(layer, table, query))


def select_leaving(layer: Layer, table: Table, query: Query, key: Key, until: str, place: Place) -> Select[Any]:
    """(first day of the unit, count) of the features with both dates, by the one at which they leave the stock."""
    assert key.field is not None  # noqa: S101
    days = [day(layer, table, name, place.time_zone) for name in (key.field.id, until)]
    # What was entered after it had gone came and left on the same day: the stock is never below nothing.
    left = cast(func.date_trunc(literal(key.unit), func.greatest(*days)), Date).label("left")
    inner = select(left).where(table.c[key.field.id].is_not(None), table.c[until].is_not(None),
                               *conditions(layer, table, query)).subquery("leaving")
    return select(inner.c.left, func.count().label("count")).group_by(inner.c.left)


def code_titles(codes: Table) -> Select[Any]:
    """Every code of a list, those no longer in use too: code, title_zh, title_en, colour, retired; in their order."""
    return select(codes.c.code, codes.c.title_zh, codes.c.title_en, codes.c.colour, codes.c.retired).order_by(
        codes.c.sort, codes.c.code)


def shapes_of(table: Table, codes: Sequence[str]) -> Select[Any]:
    """Code and GeoJSON text (degrees) of the territories with these codes."""
    return select(table.c.code, func.ST_AsGeoJSON(table.c.geom, 7)).where(table.c.code.in_(codes))
