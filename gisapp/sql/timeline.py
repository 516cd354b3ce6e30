"""Sentences about dates: since when a layer is recorded, how many features fall into each day, month or year."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Date, Select, Table, and_, cast, func, literal, literal_column, select

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql.statements import conditions


def first_record(history: Table) -> Select[Any]:
    """When the first version of any feature was written; NULL when there is none."""
    return select(func.min(history.c.valid_from))


def _day(layer: Layer, table: Table, name: str, zone: str) -> ColumnElement[Any]:
    """The day of a field; of an instant its day by the clock of the zone."""
    column = table.c[name]
    return cast(func.timezone(zone, column), Date) if layer.field(name).type == "datetime" else column


def _dated(layer: Layer, table: Table, names: tuple[str, ...], query: Query) -> ColumnElement[bool]:
    return and_(*(table.c[name].is_not(None) for name in names), *conditions(layer, table, query))


def span(layer: Layer, table: Table, names: tuple[str, ...], query: Query, zone: str) -> Select[Any]:
    """The first and the last day of all the fields among the features that have them; NULL when none has."""
    days = [_day(layer, table, name, zone) for name in names]
    return select(func.min(func.least(*days)), func.max(func.greatest(*days))).where(
        _dated(layer, table, names, query))


def per_unit(layer: Layer, table: Table, name: str, names: tuple[str, ...], query: Query, unit: str,
             zone: str) -> Select[Any]:
    """(first day, count) for each day, week, month, quarter or year that the field `name` falls into."""
    start = cast(func.date_trunc(literal(unit), _day(layer, table, name, zone)), Date).label("start")
    columns: list[Any] = [start, func.count()]
    return select(*columns).where(_dated(layer, table, names, query)).group_by(
        literal_column("1")).order_by(literal_column("1"))
