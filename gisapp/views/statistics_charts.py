"""What the charts of statistics are drawn from: plain data for static/js/statistics.js, words in it already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_babel import gettext as _

from gisapp.statistics import Group, Statistics

#: Bars, and series in a stack, that can still be told apart; the table has the rest.
MOST_BARS, MOST_SERIES = 40, 12

Value = Callable[[Group], int | float | None]


def charts_of(found: Statistics, language: str) -> list[dict[str, Any]]:
    """The charts of the answer: of the counts, then of each sum. `title` says what is drawn, `left_out` how many
    groups are in the table only."""
    if not found.groups:
        return []
    drawn = [_trend(found)] if found.trend else [_chart(found, _("Records"), "", lambda group: group.count)]
    for place, one in enumerate(found.grouping.sums):
        drawn.append(_chart(found, one.title.get(language), one.unit or "", _sum_at(place)))
    return drawn


def _sum_at(place: int) -> Value:
    return lambda group: group.sums[place]


def _trend(found: Statistics) -> dict[str, Any]:
    steps = found.trend
    series: list[dict[str, Any]] = [{"name": _("New"), "type": "bar", "values": [one.came for one in steps]}]
    if found.grouping.until:
        series.append({"name": _("Left"), "type": "bar", "values": [-one.left for one in steps]})
    series.append({"name": _("Stock"), "type": "line", "values": [one.stock for one in steps]})
    return {"kind": "bars", "title": _("New and in stock"), "unit": "", "labels": [one.value for one in steps],
            "series": series, "left_out": 0}


def _chart(found: Statistics, title: str, unit: str, value: Value) -> dict[str, Any]:
    head = {"title": title, "unit": unit}
    shaped = [group for group in found.groups if group.shape]
    if shaped:
        cells = [{"name": group.labels[0].title, "value": value(group), "ring": _ring(group.shape or {})}
                 for group in shaped]
        return head | {"kind": "cells", "cells": cells, "left_out": len(found.groups) - len(cells)}
    if len(found.grouping.keys) > 1:
        keys = found.grouping.keys
        # Time runs from left to right, whichever was asked first.
        return head | _stack(found.groups, value, (1, 0) if keys[1].unit and not keys[0].unit else (0, 1))
    groups = found.groups[:MOST_BARS]
    series = [{"name": title, "type": "bar", "values": [value(group) for group in groups],
               "colours": [group.labels[0].colour for group in groups]}]
    return head | {"kind": "bars", "labels": [group.labels[0].title for group in groups], "series": series,
                   "left_out": len(found.groups) - len(groups)}


def _ring(shape: dict[str, Any]) -> list[list[float]]:
    ring: list[list[float]] = (shape["coordinates"][0][0] if shape["type"] == "MultiPolygon"
                               else shape["coordinates"][0])
    return ring


def _stack(groups: Sequence[Group], value: Value, order: tuple[int, int]) -> dict[str, Any]:
    """Bars by one key, stacked by the other."""
    (first, second) = ({group.values[place]: group.labels[place] for group in groups} for place in order)
    along = sorted(first, key=lambda one: (one is None, one or "")) if order == (1, 0) else list(first)
    labels, parts = along[-MOST_BARS:] if order == (1, 0) else along[:MOST_BARS], list(second)[:MOST_SERIES]
    found = {(group.values[order[0]], group.values[order[1]]): value(group) for group in groups}
    series = [{"name": second[part].title, "type": "bar", "stack": "all", "colour": second[part].colour,
               "values": [found.get((label, part)) for label in labels]} for part in parts]
    drawn = sum(pair[0] in labels and pair[1] in parts for pair in found)
    return {"kind": "bars", "labels": [first[label].title for label in labels], "series": series,
            "left_out": max(len(groups) - drawn, 0)}
