"""Fetching a page of features with the count of all that answer, in the way that looks at the fewest of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import Table

from gisapp.counts import WATCHED, Facets, facets_of
from gisapp.cql2.tree import Call, Column, Literal
from gisapp.db_lookups import Lookups
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql import grid as sql_grid
from gisapp.sql.counting import estimate
from gisapp.sql.grid import Cells
from gisapp.sql.pages import Values, Where, drawn, select_counted_page, select_page, where
from gisapp.tables import SRID

#: Leafing by rows of cells pays when a page is that small a part of what answers.
_FEW, _PART = 600, 3
#: Under what the tables' metadata keep what the grid knows.
_WATCHED = "watched"
Row = tuple[Any, ...]


@dataclass(frozen=True)
class Fetched:
    """`features` are GeoJSON texts; `first` and `last` the page keys of the outer ones, None where nothing is; `more`
    whether others follow behind the last one (or stand before the first, when it was leafed back)."""

    features: list[bytes]
    matched: int
    estimated: bool
    more: bool
    first: list[str | None] | None
    last: list[str | None] | None


@dataclass(frozen=True)
class _Look:
    """One question with what its statements need; `count_to` bounds the counting, None counts all."""

    ask: Callable[[str, Values], list[Row]]
    layer: Layer
    table: Table
    query: Query
    names: Sequence[str]
    count_to: int | None
    asked: Where
    driver: psycopg.Connection[Any] | None

    def rows(self, statement: tuple[str, Values]) -> list[Row]:
        """The rows of a statement, texts as bytes."""
        return self.ask(*statement)

    def page(self, asked: Where | None = None) -> list[Row]:
        return self.rows(select_page(self.layer, self.table, self.query, asked or self.asked, self.names))


def fetch(driver: psycopg.Connection[Any], layer: Layer, table: Table, query: Query, names: Sequence[str],
          count_to: int | None) -> Fetched:
    """The page that the query asks for; beyond `count_to` the count may be an estimate."""
    def ask(text: str, values: Values) -> list[Row]:
        with driver.cursor(binary=True) as cursor:
            cursor.adapters.register_loader("text", ByteaBinaryLoader)
            return cursor.execute(text.encode(), values).fetchall()

    return _fetch(_Look(ask, layer, table, query, names, count_to, where(layer, table, query), driver))


class _NotSure(Exception):
    """The short way does not lead to the answer."""


def fetch_proven(pages: Lookups, proof: str, proven: Values, layer: Layer, table: Table, query: Query,
                 names: Sequence[str], count_to: int) -> Fetched | None:
    """The page of a question that asks for a box and nothing else, if `proof` (a statement, with the values `proven`)
    gives a row at the moment when the features are counted. None where it gives none, and for other questions."""
    plain = query.bbox is not None and query.bbox_crs.database_srid == SRID and "geom_3857" in table.c
    if not plain or query != _boxed(query) or query.equals or query.computed or _WATCHED not in table.metadata.info:
        return None
    proofs = [proof]

    def ask(text: str, values: Values) -> list[Row]:
        if not proofs:
            return pages.rows(text, values)
        first = f"WITH proof AS MATERIALIZED ({proofs.pop()}) SELECT answer.* FROM proof, ({text}) AS answer"  # noqa: S608
        found = pages.rows(first, values | proven)
        if not found:  # a count is a row even of nothing
            raise _NotSure
        return found

    try:
        return _fetch(_Look(ask, layer, table, query, names, count_to, where(layer, table, query), None))
    except _NotSure:
        return None


def _fetch(look: _Look) -> Fetched:
    layer, table, query = look.layer, look.table, look.query
    facets = _facets(look)
    if facets is None and (plainer := _by_codes(layer, query)) is not None:
        other = replace(look, query=plainer, asked=where(layer, table, plainer))
        facets = _facets(other)
        look, query = (look, query) if facets is None else (other, plainer)
    if facets is not None and query.bbox is not None:
        fine, coarse = (sql_grid.cells_within(drawn(query.bbox), facets.kept, across)
                        for across in (sql_grid.FINE, sql_grid.COARSE))
        if fine is not None and coarse is not None:
            return _by_grid(look, fine, coarse, facets)
    if query.filters:
        return _together(look)
    rows = look.page()
    if len(rows) <= query.limit and query.after is None and query.before is None:
        return _fetched(look, rows, len(rows), False)
    return _fetched(look, rows, *_count(look))


def _by_codes(layer: Layer, query: Query) -> Query | None:
    """The same question with a filter that asks for codes only, such as `status = '02' AND kind IN ('01', '02')`, told
    as codes; None for any other."""
    root = query.filter.root if query.filter else None
    parts = root.args if isinstance(root, Call) and root.op == "and" else (root,)
    codes = [_codes(part) for part in parts]
    if query.filter is None or not all(one and _is_code(layer, one[0]) for one in codes):
        return None
    return replace(query, filter=None, equals=(*query.equals, *(one for one in codes if one)))


def _is_code(layer: Layer, name: str) -> bool:
    return layer.has_field(name) and layer.field(name).type == "code"


def _codes(part: Any) -> tuple[str, Any] | None:
    match part:
        case Call(op="=", args=(Column(name=name, kind="text"), Literal(value=str(value)))):
            return name, value
        case Call(op="in", args=(Column(name=name, kind="text"), *items)):
            values = tuple(one.value for one in items if isinstance(one, Literal))
            return (name, values) if len(values) == len(items) else None
    return None


def _facets(look: _Look) -> Facets | None:
    """What the grid is asked, where it knows the question's filters: a box, codes of its own columns."""
    query = look.query
    kept = "geom_3857" in look.table.c and "Line" not in look.layer.geometry
    if not kept or not query.by_place or query.bbox_crs.database_srid != SRID or query != _boxed(query):
        return None
    watched = _watched(look)
    return facets_of(watched[look.layer.id], query.equals) if look.layer.id in watched else None


def _boxed(query: Query) -> Query:
    """What of the question a box with codes, in pages from north to south, can be."""
    return Query(bbox=query.bbox, bbox_crs=query.bbox_crs, crs=query.crs, equals=query.equals,
                 properties=query.properties, limit=query.limit, after=query.after, before=query.before,
                 computed=query.computed)


def _watched(look: _Look) -> dict[str, str | None]:
    """The code field that the grid of each layer knows; migrations alone change it."""
    kept: dict[str, dict[str, str | None]] = look.table.metadata.info
    if _WATCHED not in kept:
        kept[_WATCHED] = {layer.decode(): kind.decode() if kind else None for layer, kind in look.rows((WATCHED, {}))}
    return kept[_WATCHED]


def _by_grid(look: _Look, fine: Cells, coarse: Cells, facets: Facets) -> Fetched:
    others = where(look.layer, look.table, replace(look.query, bbox=None, computed=()))
    rows, counts, matched = look.rows(sql_grid.select_count(
        look.layer, look.table, fine, coarse, facets, look.asked, others))[0]
    counted = list(zip(rows or (), counts or (), strict=True))
    return _fetched(look, _leaf(look, coarse, counted, matched), matched, False)


def _leaf(look: _Look, cells: Cells, counted: list[tuple[int, int]], matched: int) -> list[Row]:
    """The page's rows, from a strip of the box where it is a small part of what answers; from wider and wider ones
    should the features lie less evenly."""
    query = look.query
    key, back, wanted = query.after or query.before, query.before is not None, query.limit + 1
    row = int(key[0]) if key else None
    spare = 1.5 if matched > max(_FEW, _PART * query.limit) else math.inf
    while wanted * spare < matched:
        end = sql_grid.strip_end(cells, counted, round(wanted * spare) + 20, row, back)
        if end is None:
            break
        rows = look.page(sql_grid.in_strip(look.table, cells, row, end, look.asked, back))
        if len(rows) == wanted:
            return rows
        spare *= 4
    return look.page(None if row is None else sql_grid.in_strip(look.table, cells, row, None, look.asked, back))


def _together(look: _Look) -> Fetched:
    rows = look.rows(select_counted_page(look.layer, look.table, look.query, look.asked, look.names, look.count_to))
    matched = rows[0][0]
    if look.count_to is None or matched <= look.count_to:
        return _fetched(look, [row[1:] for row in rows if row[1] is not None], matched, False)
    return _fetched(look, look.page(), *_count(look, matched))


def _count(look: _Look, counted: int | None = None) -> tuple[int, bool]:
    """How many answer, and whether that is an estimate; `counted` are known already, too many to count on."""
    if counted is None:
        stop = "" if look.count_to is None else f" LIMIT {look.count_to + 1}"
        text = f"SELECT count(*) FROM (SELECT FROM {look.table} WHERE {look.asked.text}{stop}) AS found"  # noqa: S608
        counted = int(look.rows((text, look.asked.values))[0][0])
    if look.count_to is None or counted <= look.count_to:
        return counted, False
    if look.driver is None:
        raise _NotSure
    rough = where(look.layer, look.table, look.query, exact=False)
    return max(counted, estimate(look.driver, f"SELECT FROM {look.table} WHERE {rough.text}", rough.values)), True


def _fetched(look: _Look, rows: list[Row], matched: int, estimated: bool) -> Fetched:
    page, more = rows[:look.query.limit], len(rows) > look.query.limit
    if look.query.before is not None:
        page.reverse()
    ends = [[None if value is None else value.decode() for value in page[at][1:]] if page else None for at in (0, -1)]
    return Fetched([row[0] for row in page], matched, estimated, more, ends[0], ends[1])
