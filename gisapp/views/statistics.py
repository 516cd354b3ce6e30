"""Statistics: numbers by group as JSON and CSV for programs, as charts and tables for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from gisapp import statistics
from gisapp.formats.losses import defused
from gisapp.statistics import Group, Statistics
from gisapp.views import context
from gisapp.views.documents import link, url, wanted_format

blueprint = Blueprint("statistics", __name__)

FORMATS = ("json", "csv")


@blueprint.get("/collections/<layer_id>/statistics")
def numbers(layer_id: str) -> Response:
    """How many features answer the question, and their sums, by group."""
    house, actor, language = context.house(), context.actor(), context.language()
    args = {name: given for name, given in context.asked().items() if name not in ("f", "lang")}
    wanted = wanted_format(FORMATS) if "f" in request.args else "json"
    found = statistics.ask(house, actor, layer_id, args, language)
    return _as_csv(found, language) if wanted == "csv" else jsonify(document(found, language))


def document(found: Statistics, language: str) -> dict[str, Any]:
    """The numbers as plain JSON."""
    keys, sums = found.grouping.keys, found.grouping.sums
    made: dict[str, Any] = {
        "collection": found.layer.id, "numberMatched": found.count,
        "groupBy": [{"name": key.name, "title": key.field.title.get(language) if key.field
                     else found.names.get(key.name, key.name)} for key in keys],
        "sum": [{"name": one.id, "title": one.title.get(language), "unit": one.unit} for one in sums],
        "total": {"count": found.count, "sum": dict(zip((one.id for one in sums), found.sums, strict=True))},
        "numberOfGroups": found.number_of_groups,
        "groups": [_group(found, group) for group in found.groups]}
    if found.trend:
        made["trend"] = [{"period": one.value, "came": one.came, "left": one.left, "stock": one.stock}
                         for one in found.trend]
    return made | {"links": _links()}


def _group(found: Statistics, group: Group) -> dict[str, Any]:
    names = [key.name for key in found.grouping.keys]
    made: dict[str, Any] = {
        "key": dict(zip(names, group.values, strict=True)),
        "title": dict(zip(names, (one.title for one in group.labels), strict=True)), "count": group.count,
        "sum": dict(zip((one.id for one in found.grouping.sums), group.sums, strict=True))}
    retired = [name for name, one in zip(names, group.labels, strict=True) if one.retired]
    return made | ({"retired": retired} if retired else {}) | ({"geometry": group.shape} if group.shape else {})


def _links() -> list[dict[str, str]]:
    asked = {name: given for name, given in request.args.items() if name != "f"}
    kinds = (("self", "json", "application/json"), ("alternate", "csv", "text/csv"))
    return [link(rel, url(request.path, **asked, f=name), kind) for rel, name, kind in kinds]


def _as_csv(found: Statistics, language: str) -> Response:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([defused(cell) if isinstance(cell, str) else cell for cell in row]
                               for row in _rows(found, language))
    # A byte order mark, so that spreadsheets read the Chinese in it.
    response = Response("\ufeff" + file.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.layer.id}_statistics.csv"'
    return response


def _rows(found: Statistics, language: str) -> Iterator[list[Any]]:
    zh = language == "zh"
    head: list[Any] = []
    for key in found.grouping.keys:
        hexagon = "六边形" if zh else "Hexagon"
        head += [key.name, key.field.title.get(language) if key.field else found.names.get(key.name, hexagon)]
    yield [*head, "数量" if zh else "Count",
           *(one.title.get(language) + (f" ({one.unit})" if one.unit else "") for one in found.grouping.sums)]
    for group in found.groups:
        pairs = zip(group.values, group.labels, strict=True)
        yield [*(cell for value, label in pairs for cell in (value or "", _titled(label, language))),
               group.count, *group.sums]
    yield [*(["合计" if zh else "Total"] + [""] * (len(head) - 1) if head else []), found.count, *found.sums]


def _titled(label: statistics.Label, language: str) -> str:
    return label.title + ("（停用）" if language == "zh" else " (retired)") * label.retired
