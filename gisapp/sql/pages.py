"""A page of features: its order, its key, its text. Behind a box the order is from north to south, else by id.

The sentences are text: SQLAlchemy writes what a question asks, and the rest is the same for every page of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql.features import feature_text
from gisapp.sql.statements import conditions, feature_json, reckoned
from gisapp.sql.tiles import WORLD_M, filter_text
from gisapp.tables import MAX_LATITUDE, SRID, column_type, quoted

#: A box is widened by this much, in metres of Web Mercator, to ask the index; the exact test follows.
MARGIN_M = 0.05
#: An index knows boxes to 2 m: what lies so far within the box needs no exact test.
INNER_M = 4.0
_LEAST_BOX_M = 10 * INNER_M
#: A page's key knows where a feature's middle lies to one of 2 to this power rows of the world.
KEY_ZOOM = 26
_EARTH_M = 6378137.0
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
Values = dict[str, Any]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Key:
    """One of the values that a page is ordered by; `kind` is its type in SQL."""

    expression: str
    down: bool
    kind: str


@dataclass(frozen=True)
class Where:
    """What a question asks of a feature: text to follow a WHERE, with the values it binds."""

    text: str
    values: Values

    def also(self, text: str, values: Values) -> Where:
        return Where(f"{self.text} AND {text}", self.values | values)


def row_of(table: Table) -> str:
    """SQL for how far south a feature's middle lies, in rows of 0.6 m at the equator."""
    box = f"{table}.geom_3857::box2d::box3d"
    return f"gisapp.cell_of({WORLD_M / 2} - (ST_YMin({box}) + ST_YMax({box})) / 2, {1 << KEY_ZOOM})"


def keys(layer: Layer, table: Table, query: Query) -> list[Key]:
    """What the pages of the question are ordered by; the last one is the id."""
    found = [Key(f"{table}.{quoted(name)}", down, column_type(layer.field(name)).compile(_DIALECT))
             for name, down in query.sortby]
    if query.by_place:
        found = [Key(row_of(table), False, "integer")]
    return [*found, Key(f"{table}.id", False, "uuid")]


def drawn(box: Box) -> Box:
    """A box of degrees in metres of Web Mercator, cut off where its map ends."""
    def north(lat: float) -> float:
        return _EARTH_M * math.log(math.tan(math.pi / 4 + math.radians(max(-MAX_LATITUDE, min(MAX_LATITUDE, lat))) / 2))

    return math.radians(box[0]) * _EARTH_M, north(box[1]), math.radians(box[2]) * _EARTH_M, north(box[3])


def where(layer: Layer, table: Table, query: Query, *, exact: bool = True) -> Where:
    """The whole question, without its page; unless `exact`, a box is asked of the index alone, whose share of the
    table the planner knows."""
    if query.bbox is None or query.bbox_crs.database_srid != SRID or "geom_3857" not in table.c:
        text, values = filter_text(table, conditions(layer, table, query))
        return Where("true" + text, values)
    boxed = _in_box(layer, table, query.bbox, exact)
    if query == Query(bbox=query.bbox, bbox_crs=query.bbox_crs, crs=query.crs, properties=query.properties,
                      limit=query.limit, after=query.after, before=query.before, computed=query.computed):
        return boxed
    text, values = filter_text(table, conditions(layer, table, replace(query, bbox=None), local=True))
    return Where(boxed.text + text, boxed.values | values)


def _in_box(layer: Layer, table: Table, box: Box, whole: bool) -> Where:
    x0, y0, x1, y1 = drawn(box)
    if not whole:
        return Where(f"{table}.geom_3857 && {envelope('near')}", envelope_values("near", (x0, y0, x1, y1)))
    exact = exactly_in(layer, table)
    near, within = outer_and_inner((x0, y0, x1, y1))
    values = dict(zip(("box_w", "box_s", "box_e", "box_n"), box, strict=True)) | envelope_values("near", near)
    if min(x1 - x0, y1 - y0) > _LEAST_BOX_M:
        values |= envelope_values("within", within)
        exact = f"({table}.geom_3857 @ {envelope('within')} OR {exact})"
    return Where(f"{table}.geom_3857 && {envelope('near')} AND {exact}", values)


def exactly_in(layer: Layer, table: Table) -> str:
    """Condition on what lies in a box of degrees that `where` has bound."""
    shown = f"COALESCE({table}.geom, {table}.{quoted(layer.stand_in.id)})" if layer.stand_in else f"{table}.geom"
    return f"ST_Intersects({shown}, ST_MakeEnvelope(%(box_w)s, %(box_s)s, %(box_e)s, %(box_n)s, {SRID}))"


def outer_and_inner(box: Box) -> tuple[Box, Box]:
    """What the index is asked for a box (metres of Web Mercator), and in what of it nothing needs the exact test."""
    x0, y0, x1, y1 = box
    return ((x0 - MARGIN_M, y0 - MARGIN_M, x1 + MARGIN_M, y1 + MARGIN_M),
            (x0 + INNER_M, y0 + INNER_M, x1 - INNER_M, y1 - INNER_M))


def envelope(name: str) -> str:
    """SQL for a box of Web Mercator whose values are bound under `name`."""
    return f"ST_MakeEnvelope(%({name}_w)s, %({name}_s)s, %({name}_e)s, %({name}_n)s, 3857)"


def envelope_values(name: str, box: Box) -> Values:
    """The values that `envelope` binds."""
    return dict(zip((f"{name}_w", f"{name}_s", f"{name}_e", f"{name}_n"), box, strict=True))


def _beyond(columns: Sequence[str], ordered: Sequence[Key], given: Sequence[Any], back: bool, at: int = 0) -> str:
    """Condition on what follows the key (or stands before it), empty values last."""
    column, key = columns[at], ordered[at]
    value = f"%(key_{at})s::text::{key.kind}"
    further = ">" if key.down == back else "<"
    if at == len(ordered) - 1:
        return f"{column} {further} {value}"
    rest = _beyond(columns, ordered, given, back, at + 1)
    if given[at] is None:
        return f"({column} IS NOT NULL OR {rest})" if back else f"({column} IS NULL AND {rest})"
    empty = "" if back else f" OR {column} IS NULL"
    return f"({column} {further} {value}{empty} OR ({column} = {value} AND {rest}))"


def _order(ordered: Sequence[Key], columns: Sequence[str], back: bool) -> str:
    """The order on `columns`, that of the index where the id alone decides."""
    return ", ".join(f"{column} {'DESC' if key.down != back else 'ASC'}"
                     + ("" if key is ordered[-1] else " NULLS FIRST" if back else " NULLS LAST")
                     for column, key in zip(columns, ordered, strict=True))


def order_of(layer: Layer, table: Table, query: Query) -> str:
    """The order of all that answers."""
    ordered = keys(layer, table, query)
    return _order(ordered, [key.expression for key in ordered], back=False)


def _page(layer: Layer, table: Table, query: Query, columns: Sequence[str]) -> tuple[str, str, Values]:
    """What follows or stands before the page's key, the order, and the values of both; on `columns`."""
    ordered, given, back = keys(layer, table, query), query.after or query.before, query.before is not None
    order = _order(ordered, columns, back)
    values: Values = {f"key_{at}": str(value) for at, value in enumerate(given or ()) if value is not None}
    return (_beyond(columns, ordered, given, back) if given else "true"), order, values | {"most": query.limit + 1}


def _feature(layer: Layer, table: Table, query: Query, names: Sequence[str]) -> tuple[str, Values]:
    """SQL for the feature's text, with the columns that the query computes."""
    if not query.computed:
        return feature_text(layer, table, names, query.crs), {}
    whole = select(feature_json(layer, table, names, query.crs, reckoned(layer, table, query)).label("feature"))
    compiled = whole.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    text = str(compiled).removeprefix("SELECT ").rpartition(" AS feature")[0]
    # The conditions are compiled apart and number their values from the start too.
    return text.replace("%(", "%(reckoned_"), {f"reckoned_{name}": value for name, value in compiled.params.items()}


def select_page(layer: Layer, table: Table, query: Query, asked: Where, names: Sequence[str]) -> tuple[str, Values]:
    """Rows of feature (text), the values of the page key (text): one more than the limit, to see whether more follow.
    Behind a page key `before` they come in turned order."""
    columns = [key.expression for key in keys(layer, table, query)]
    beyond, order, values = _page(layer, table, query, columns)
    feature, reckoned_values = _feature(layer, table, query, names)
    shown = ", ".join(f"{column}::text" for column in columns)
    return (f"SELECT {feature}, {shown} FROM {table}"  # noqa: S608
            f" WHERE {asked.text} AND {beyond} ORDER BY {order} LIMIT %(most)s",
            asked.values | values | reckoned_values)


def select_counted_page(layer: Layer, table: Table, query: Query, asked: Where, names: Sequence[str],
                        count_to: int | None) -> tuple[str, Values]:
    """The same with one look at what answers: before each row how many do, up to `count_to` + 1; a row of nothing but
    that where the page is empty. Beyond `count_to` the page is not to be trusted."""
    ordered = keys(layer, table, query)
    columns = [f"k{at}" for at in range(len(ordered))]
    beyond, order, values = _page(layer, table, query, columns)
    feature, reckoned_values = _feature(layer, table, query, names)
    found = ", ".join(f"{key.expression} AS {column}" for key, column in zip(ordered, columns, strict=True))
    shown = ", ".join(f"page.{column}::text" for column in columns)
    # By its whole name: alone it would mean the text that is shown.
    outer = _order(ordered, [f"page.{column}" for column in columns], query.before is not None)
    stop = "" if count_to is None else f" LIMIT {count_to + 1}"
    return (f"""
        WITH hit AS MATERIALIZED (SELECT {table}.ctid AS place, {found} FROM {table} WHERE {asked.text}{stop}),
             page AS MATERIALIZED (SELECT * FROM hit WHERE {beyond} ORDER BY {order} LIMIT %(most)s)
        SELECT counted.n, CASE WHEN page.place IS NULL THEN NULL ELSE {feature} END, {shown}
          FROM (SELECT count(*) AS n FROM hit) AS counted
          LEFT JOIN page ON true LEFT JOIN {table} ON {table}.ctid = page.place ORDER BY {outer}""",  # noqa: S608
            asked.values | values | reckoned_values)
