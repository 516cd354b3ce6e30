"""Dates of a layer for the page's slider, and since when the layers are recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from gisapp.errors import Problem
from gisapp.features import layers_for, open_layer, visible_names
from gisapp.filters import dates_of
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.sql import timeline as sql_timeline
from gisapp.style import is_reference

UNITS = ("day", "week", "month", "quarter", "year")
#: A histogram has no more bars; a coarser unit is taken rather than more of them.
MOST_BARS = 400
_DAYS = {"day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Choice:
    """A date to slide through: one field, or two that say from when until when something holds.

    `instant` when it has a time of day.
    """

    fields: tuple[str, ...]
    title: str
    instant: bool = False

    @property
    def id(self) -> str:
        return "-".join(self.fields)


@dataclass(frozen=True)
class Dated:
    """A mission layer with its dates."""

    layer: Layer
    title: str
    choices: list[Choice]


@dataclass(frozen=True)
class Histogram:
    """How many features fall into each unit: (its first day, count), without gaps."""

    unit: str
    bars: list[tuple[date, int]]


def choices(layer: Layer, language: str) -> list[Choice]:
    """The dates of a layer; `x_from` and `x_to` are also offered together, as the time in between."""
    dated = dates_of(layer)
    made = [Choice((one.id,), one.title.get(language), one.type == "datetime") for one in dated]
    for one in dated:
        until = one.id.removesuffix("_from") + "_to"
        if one.id.endswith("_from") and layer.has_field(until):
            both = f"{one.title.get(language)} – {layer.field(until).title.get(language)}"
            made.append(Choice((one.id, until), both))
    return made


def dated_layers(house: House, actor: Actor, language: str) -> list[Dated]:
    """The mission layers that this reader may slide through."""
    return [Dated(layer, layer.title.get(language), choices(layer, language))
            for layer in layers_for(house, actor) if not is_reference(layer)]


def beginnings(house: House, actor: Actor) -> dict[str, datetime | None]:
    """When the first record of each layer was made; None for an empty one."""
    layers = layers_for(house, actor)
    with house.db.read() as connection:
        return {layer.id: connection.execute(sql_timeline.first_record(house.tables.history[layer.id])).scalar_one()
                for layer in layers}


def titles(house: House, actor: Actor, language: str) -> dict[str, dict[str, Any]]:
    """Of each mission layer the naming field and the titles of the fields that this reader may see."""
    return {layer.id: {"name": layer.name_field,
                       "fields": {name: layer.field(name).title.get(language) for name in visible_names(actor, layer)}}
            for layer in layers_for(house, actor) if not is_reference(layer)}


def histogram(house: House, actor: Actor, layer_id: str, choice: str, unit: str, query: Query) -> Histogram:
    """How many features that answer the query have the date in each unit, by the clock of the settings' zone; of two
    dates, how many lay between them at any time of the unit. The unit is coarser than asked where there would be too
    many bars.

    Problems: `layer_unknown` (404), `parameter_invalid` (400), `field_masked` (403).
    """
    layer, table = open_layer(house, actor, layer_id, "read", query)
    names = next((one.fields for one in choices(layer, "en") if one.id == choice), ())
    if not names:
        raise Problem("parameter_invalid", name="field", reason=", ".join(one.id for one in choices(layer, "en")))
    hidden = [name for name in names if name not in visible_names(actor, layer)]
    if hidden:
        raise Problem("field_masked", field=hidden[0])
    zone = house.settings.time_zone
    with house.db.snapshot() as connection:
        first, last = connection.execute(sql_timeline.span(layer, table, names, query, zone)).one()
        if first is None:
            return Histogram(unit, [])
        unit = _affordable(unit, first, last)
        found = [{day: count for day, count in connection.execute(  # noqa: C416  (mypy knows no pairs in rows)
            sql_timeline.per_unit(layer, table, name, names, query, unit, zone))} for name in names]
    return Histogram(unit, list(_bars(unit, first, last, found)))


def _affordable(unit: str, first: date, last: date) -> str:
    finer = UNITS[UNITS.index(unit):]
    return next((one for one in finer if (last - first).days / _DAYS[one] < MOST_BARS), finer[-1])


def _bars(unit: str, first: date, last: date, found: list[dict[date, int]]) -> Iterator[tuple[date, int]]:
    day, holding = start_of(unit, first), 0
    for _ in range(10 * MOST_BARS):  # a date far off by mistake must not make bars for ever
        if day > last:
            return
        if len(found) == 1:
            yield day, found[0].get(day, 0)
        else:
            holding += found[0].get(day, 0)
            yield day, holding
            holding -= found[1].get(day, 0)
        following = next_start(unit, day)
        if following is None:
            return
        day = following


def start_of(unit: str, day: date) -> date:
    """The first day of the unit around a day; weeks start on Monday."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS.get(unit)
    return day.replace(month=(day.month - 1) // months * months + 1, day=1) if months else day


def next_start(unit: str, day: date) -> date | None:
    """The first day of the unit after the one that starts on `day`; None beyond the calendar."""
    try:
        if unit in ("day", "week"):
            return day + timedelta(days=_DAYS[unit])
        month = day.month - 1 + _MONTHS[unit]
        return day.replace(year=day.year + month // 12, month=month % 12 + 1)
    except (OverflowError, ValueError):
        return None


def document(made: Histogram) -> dict[str, Any]:
    """The histogram as plain JSON."""
    return {"unit": made.unit, "bars": [[day.isoformat(), count] for day, count in made.bars]}
