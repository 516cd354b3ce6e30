"""Counts and sums by group: the same question as the items, told in numbers.

Everything is read in one snapshot, so that the groups add up to the total and the total is what a count says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from gisapp import maps
from gisapp.crs import local_zone
from gisapp.errors import Problem
from gisapp.features import layer_for, layers_for, open_layer, visible_names
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.panels import TERRITORIES
from gisapp.params import Query, parse
from gisapp.params.grouping import (
    MOST_GROUPS,
    OWN,
    Grouping,
    Key,
    fields_named,
    groupable,
    parse_grouping,
    summable,
)
from gisapp.permissions import Actor
from gisapp.question_groups import Groups, groups_of
from gisapp.questions import Question, listed
from gisapp.sql import search as sql_search, statistics as sql_statistics
from gisapp.sql.statistics import Place
from gisapp.style import is_reference
from gisapp.timeline import next_start
from gisapp.words import Words

#: Parameters of items that numbers have no place for.
_NO_PLACE = ("after", "before", "crs", "properties", "encoding", "compute")
#: Shapes of unit grids come along for so many groups; more are no map.
MOST_SHAPES = 1_000
_NO_VALUE = Words("（空）", "(no value)")
_YES, _NO = Words("是", "Yes"), Words("否", "No")


@dataclass(frozen=True)
class Label:
    """What a value is called; `retired` when its code is no longer given to new records."""

    title: str
    colour: str | None = None
    retired: bool = False


@dataclass(frozen=True)
class Group:
    """Values by key (a date by its unit, such as 2024-03; None for no value), their labels, and the numbers."""

    values: tuple[str | None, ...]
    labels: tuple[Label, ...]
    count: int
    sums: tuple[int | float | None, ...]
    shape: dict[str, Any] | None = None
    first_day: date | None = None


@dataclass(frozen=True)
class Step:
    """One unit of a trend: what came, what left, and what there is at its end."""

    value: str
    came: int
    left: int
    stock: int


@dataclass(frozen=True)
class Statistics:
    """`count` and `sums` are of all features that answer the question; `number_of_groups` counts also those that a
    limit left out. `names` are those of the questions that groups are made by."""

    layer: Layer
    grouping: Grouping
    groups: list[Group]
    number_of_groups: int
    count: int
    sums: tuple[int | float | None, ...]
    trend: list[Step]
    names: Mapping[str, str] = field(default_factory=dict)


def ask(house: House, actor: Actor, layer_id: str, args: Mapping[str, Sequence[str]], language: str) -> Statistics:
    """The statistics that a request's arguments ask for, labels in `language`.

    Problems: `layer_unknown` (404), `field_masked` (403), `statistics_too_many` (422), those of
    `params.grouping.parse_grouping` and of `params.parse` (400).
    """
    layer = layer_for(house, actor, layer_id, "read")
    for name in fields_named(args, layer):
        if name not in visible_names(actor, layer):
            raise Problem("field_masked", field=name)
    grouping = parse_grouping(args, layer)
    if misplaced := [name for name in args if name in _NO_PLACE]:
        raise Problem("parameter_unknown", name=misplaced[0], known=", ".join(OWN))
    query = parse({name: given for name, given in args.items() if name not in OWN}, layer, house.catalogue).plain()
    made = {key.name: groups_of(house, actor, layer, key.question, language) for key in grouping.keys if key.question}
    keys = tuple(replace(key, cases=made[key.name].cases) if key.name in made else key for key in grouping.keys)
    return statistics(house, actor, layer_id, query, replace(grouping, keys=keys), language, made)


def statistics(house: House, actor: Actor, layer_id: str, query: Query, grouping: Grouping, language: str,
               questions: Mapping[str, Groups] | None = None) -> Statistics:
    """What answers the query, by group; `questions` are those that groups are made by, by the key's name. Sums are in
    the fields' units. Problems: `layer_unknown` (404), `field_masked` (403), `statistics_too_many` (422)."""
    layer, table = open_layer(house, actor, layer_id, "read", replace(query, properties=grouping.fields))
    place = _place(house, actor, grouping)
    names = [one.id for one in grouping.sums]
    with house.db.snapshot() as connection:
        total = connection.execute(sql_statistics.select_total(layer, table, query, names)).one()
        rows: Sequence[Any] = connection.execute(sql_statistics.select_groups(
            layer, table, query, grouping, place, grouping.limit or MOST_GROUPS + 1)).all() if grouping.keys else []
        if len(rows) > MOST_GROUPS:
            raise Problem("statistics_too_many", limit=MOST_GROUPS)
        labels = [_named(questions[key.name]) if questions and key.name in questions else
                  _labels(connection, house, key, language) for key in grouping.keys]
        shapes = _shapes(connection, house, grouping, rows)
        left = _left(connection, layer, table, query, grouping, place)
    groups = [_group(row, grouping, labels, shapes, language) for row in rows]
    return Statistics(layer, grouping, groups, rows[0].all if rows else 0, total[0],
                      tuple(map(_number, total[1:])), list(_trend(grouping, groups, left)),
                      {name: one.title for name, one in (questions or {}).items()})


def _named(made: Groups) -> dict[str, Label]:
    return {key: Label(title) for key, title in made.titles.items()}


def _place(house: House, actor: Actor, grouping: Grouping) -> Place:
    zone = house.settings.time_zone
    if not any(key.side for key in grouping.keys):
        return Place(zone, 0, 0)
    home = maps.home(house, actor)
    middle = (home.west + home.east) / 2
    return Place(zone, local_zone(middle)[1].database_srid, 3 * round(middle / 3))


def _number(value: Any) -> int | float | None:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2 ** 53 else float(value)
    found: int | float | None = value
    return found


def _group(row: Any, grouping: Grouping, labels: list[dict[str, Label]], shapes: Mapping[str, str],
           language: str) -> Group:
    size = len(grouping.keys)
    values = tuple(_written(key, value) for key, value in zip(grouping.keys, row[:size], strict=True))
    named = tuple(_label(known, value, language) for known, value in zip(labels, values, strict=True))
    shape = row.shape or next((shapes[value] for value in values if value and value in shapes), None)
    return Group(values, named, row.count, tuple(map(_number, row[size + 1:size + 1 + len(grouping.sums)])),
                 json.loads(shape) if shape else None, row[0] if grouping.dated else None)


def _written(key: Key, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return period(key.unit, value) if key.unit else str(value)


def period(unit: str, day: date) -> str:
    """A unit that starts on the day, as people write it: 2024, 2024-Q1, 2024-03, 2024-W09 (ISO), 2024-03-01."""
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    if unit == "quarter":
        return f"{day.year:04d}-Q{(day.month + 2) // 3}"
    return day.isoformat()[:{"year": 4, "month": 7, "day": 10}[unit]]


def _label(known: dict[str, Label], value: str | None, language: str) -> Label:
    return Label(_NO_VALUE.get(language)) if value is None else known.get(value, Label(value))


def _labels(connection: Connection, house: House, key: Key, language: str) -> dict[str, Label]:
    field = key.field
    if field is None or key.unit:
        return {}
    if field.type == "boolean":
        return {"true": Label(_YES.get(language)), "false": Label(_NO.get(language))}
    if field.codelist:
        rows = connection.execute(sql_statistics.code_titles(house.tables.codes[field.codelist])).all()
        return {row.code: Label(row.title_zh if language == "zh" else row.title_en, row.colour, row.retired)
                for row in rows}
    area = TERRITORIES.get(field.id, ("", None))[0]
    if area not in house.catalogue.layers or field.id == "grid_code":
        return {}
    found = connection.execute(sql_search.names(house.tables.layers[area], house.layer(area).name_field)).all()
    return {code: Label(name or code) for code, name in found}


def _shapes(connection: Connection, house: House, grouping: Grouping, rows: Sequence[Any]) -> dict[str, str]:
    """The outlines of unit grids, for groups by grid: GeoJSON texts by code."""
    place = next((n for n, key in enumerate(grouping.keys) if key.field and key.field.id == "grid_code"), None)
    if place is None or len(rows) > MOST_SHAPES or "unit_grids" not in house.catalogue.layers:
        return {}
    codes = [row[place] for row in rows if row[place]]
    found = connection.execute(sql_statistics.shapes_of(house.tables.layers["unit_grids"], codes)).all()
    return {code: shape for code, shape in found}  # noqa: C416  (mypy knows no pairs in rows)


def _left(connection: Connection, layer: Layer, table: Any, query: Query, grouping: Grouping,
          place: Place) -> dict[date, int]:
    if not (grouping.dated and grouping.until):
        return {}
    rows = connection.execute(sql_statistics.select_leaving(
        layer, table, query, grouping.dated, grouping.until.id, place)).all()
    return {day: count for day, count in rows}  # noqa: C416  (mypy knows no pairs in rows)


def _trend(grouping: Grouping, groups: list[Group], left: Mapping[date, int]) -> Iterator[Step]:
    """Every unit from the first to the last, those without any feature too; nothing where a limit cut groups off."""
    key = grouping.dated
    came = {group.first_day: group.count for group in groups if group.first_day}
    if key is None or not key.unit or grouping.limit or not came:
        return
    day: date | None = min(one for one in (*came, *left) if one)
    last, stock = max(one for one in (*came, *left) if one), 0
    for _ in range(MOST_GROUPS):
        if day is None or day > last:
            return
        stock += came.get(day, 0) - left.get(day, 0)
        yield Step(period(key.unit, day), came.get(day, 0), left.get(day, 0), stock)
        day = next_start(key.unit, day)


@dataclass(frozen=True)
class Offer:
    """What a reader may ask of a layer: fields to group by, by kind; dates; fields to add up."""

    codes: list[Field]
    areas: list[Field]
    dates: list[Field]
    sums: list[Field]


def offered(house: House, actor: Actor) -> list[Layer]:
    """The layers to choose from, mission layers first."""
    return sorted(layers_for(house, actor), key=is_reference)


def questions_about(house: House, actor: Actor, layer: Layer, language: str) -> list[Question]:
    """The saved questions that groups may be made by."""
    return [one for one in listed(house, actor, language) if one.layer == layer.id]


def offer(actor: Actor, layer: Layer) -> Offer:
    """What this reader may ask of the layer."""
    shown = set(visible_names(actor, layer))
    fields = [one for one in layer.all_fields if one.id in shown]
    groups = [one for one in fields if groupable(one)]
    dates = [one for one in groups if one.type in ("date", "datetime")]
    areas = [one for one in groups if one.id in TERRITORIES]
    return Offer([one for one in groups if one not in dates and one not in areas], areas, dates,
                 [one for one in fields if summable(one)])


def title_of(one: Field) -> Words:
    """What a field is called among groups; a territory by its kind."""
    return TERRITORIES[one.id][1] if one.id in TERRITORIES else one.title
