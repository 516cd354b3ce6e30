"""The page of statistics: what to count, the charts, and each chart's numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext as _

from gisapp import published, statistics
from gisapp.errors import Problem
from gisapp.formats.question import in_words
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import parse
from gisapp.params.grouping import HEXAGON, UNITS
from gisapp.permissions import Actor
from gisapp.published import Collection
from gisapp.statistics import Statistics
from gisapp.views import context
from gisapp.views.statistics_charts import charts_of

blueprint = Blueprint("statistics_page", __name__)

#: What the form itself chooses; every other argument of the page's address is the question.
_CHOSEN_HERE = ("layer", "of", "group", "unit", "side", "then", "sum", "until", "order", "lang", "f")
SIDES = (100, 250, 500, 1000)
#: Rows that the page shows; the file has them all.
MOST_ROWS = 500


@dataclass(frozen=True)
class Chosen:
    """The form: groups, unit of dates, side of hexagons (m), what is added up, order; then the question."""

    collection: Collection
    group: str
    then: str
    unit: str
    side: str
    sum: str
    until: str
    order: str
    question: dict[str, list[str]] = field(default_factory=dict)

    @property
    def layer(self) -> Layer:
        """The layer that is counted, that of the saved question where one is."""
        return self.collection.layer

    @property
    def whole(self) -> dict[str, list[str]]:
        """The question, with what a saved one asks."""
        return self.collection.asking(self.question)

    def arguments(self) -> dict[str, list[str]]:
        """The same as the API takes it."""
        own = {"group_by": ",".join(self._key(name) for name in (self.group, self.then) if name), "sum": self.sum,
               "until": self.until, "sortby": self.order}
        return self.question | {name: [text] for name, text in own.items() if text}

    def _key(self, name: str) -> str:
        if name == HEXAGON:
            return f"{name}.{self.side}"
        return f"{name}.{self.unit}" if self.is_dated(name) else name

    def is_dated(self, name: str) -> bool:
        """Whether the group is a date."""
        return self.layer.has_field(name) and self.layer.field(name).type in ("date", "datetime")


@blueprint.get("/statistics")
def page() -> Response:
    """The form, and below it the charts and tables of what it asks for; a refusal stands in their place."""
    house, actor, language = context.house(), context.actor(), context.language()
    chosen = _chosen(house, actor)
    found, refused, words = None, None, ""
    try:
        words = _in_words(house, chosen, language)
        found = statistics.ask(house, actor, chosen.layer.id, chosen.collection.asking(chosen.arguments()), language)
    except Problem as problem:
        refused = problem
    body = render_template(
        "statistics/statistics.html", chosen=chosen, found=found, refused=refused, language=language, words=words,
        layers=statistics.offered(house, actor), made=published.layers_of_questions(house, actor, language),
        offer=statistics.offer(actor, chosen.layer),
        questions=statistics.questions_about(house, actor, chosen.layer, language),
        units=_units(), sides=SIDES, charts=charts_of(found, language) if found else [], most=MOST_ROWS,
        file=_address(f"/collections/{chosen.collection.id}/statistics", chosen.arguments() | {"f": ["csv"]}),
        map_at=_map_at, title_of=statistics.title_of, without_question=_without_question(chosen))
    return make_response(body, refused.kind.status if refused else 200)


def _chosen(house: House, actor: Actor) -> Chosen:
    args = request.args.to_dict(flat=False)
    collection = published.find(house, actor, request.args.get("layer") or statistics.offered(house, actor)[0].id,
                                context.language())
    layer = collection.layer
    one = {name: given[0] for name, given in args.items()}
    # What was asked of one layer may mean nothing to another.
    kept = args if one.get("of", collection.id) == collection.id else {}
    group = one.get("group", _first_group(layer)) if kept or "of" not in one else _first_group(layer)
    own = {name: one.get(name, "") if kept else "" for name in ("then", "sum", "until", "order")}
    if own["then"] == group:
        own["then"] = ""
    made = Chosen(collection, group, unit=one.get("unit", "month"), side=one.get("side", "250"), **own,
                  question={name: given for name, given in kept.items() if name not in _CHOSEN_HERE})
    return made if made.is_dated(group) and not made.then else _without_until(made)


def _without_until(chosen: Chosen) -> Chosen:
    return Chosen(**{**chosen.__dict__, "until": ""})


def _first_group(layer: Layer) -> str:
    return "status" if layer.states else "created_at"


def _in_words(house: House, chosen: Chosen, language: str) -> str:
    return in_words(chosen.layer, house.catalogue, parse(chosen.whole, chosen.layer, house.catalogue)).get(language)


def _units() -> dict[str, str]:
    titles = (_("Days"), _("Weeks"), _("Months"), _("Quarters"), _("Years"))
    return dict(zip(UNITS, titles, strict=True))


def _address(path: str, args: Mapping[str, Sequence[str]]) -> str:
    return f"{request.script_root}{path}?{urlencode(args, doseq=True)}"


def _without_question(chosen: Chosen) -> str:
    own = {name: [text] for name, text in request.args.items() if name in _CHOSEN_HERE and text}
    return _address("/statistics", own | {"layer": [chosen.collection.id]})


def _map_at(found: Statistics, shape: dict[str, Any]) -> str:
    """The map at a group's outline."""
    ring = shape["coordinates"][0][0] if shape["type"] == "MultiPolygon" else shape["coordinates"][0]
    lon, lat = (sum(point[axis] for point in ring[:-1]) / (len(ring) - 1) for axis in (0, 1))
    return f"{request.script_root}/map#z=17&at={lon:.5f},{lat:.5f}&layers={found.layer.id}"


