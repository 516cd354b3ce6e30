"""Groups by a saved question: the alternatives that its filter joins by OR, or all that answers it; and the rest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from cql2 import Expr

from gisapp import questions
from gisapp.asking.words import filter_in_words
from gisapp.cql2 import Filter, language, parse_filter
from gisapp.crs import parse_crs
from gisapp.errors import Problem
from gisapp.features import open_layer
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import SHAPING, Query, parse
from gisapp.params.grouping import MOST_CASES, REST
from gisapp.permissions import Actor
from gisapp.words import Words

_REST = Words("其余", "The rest")


@dataclass(frozen=True)
class Groups:
    """`cases` are asked in their order: a feature belongs to the first that it answers. `titles` are by key."""

    title: str
    cases: tuple[Query, ...]
    titles: dict[str, str]


def groups_of(house: House, actor: Actor, layer: Layer, question_id: str, tongue: str) -> Groups:
    """The groups of a question about this layer. Problems: `question_unknown` (404), `field_masked` (403),
    `group_unknown` (400) for one about another layer or of too many alternatives."""
    found = questions.get(house, actor, question_id, tongue)
    if found.layer != layer.id:
        raise Problem("group_unknown", name=f"question.{question_id}"[:60], known=f"questions about {layer.id}")
    args = {name: given for name, given in found.args.items() if name not in SHAPING}
    asked = parse(args, layer, house.catalogue)
    open_layer(house, actor, layer.id, "read", asked)
    parts = _alternatives(house, layer, asked.filter) if asked.filter else []
    if len(parts) > MOST_CASES:
        raise Problem("group_unknown", name=f"question.{question_id}"[:60], known=f"at most {MOST_CASES} alternatives")
    rest = {REST: _REST.get(tongue)}
    if len(parts) < 2:
        return Groups(found.name, (asked,), {"1": found.name} | rest)
    titles = {str(n): _said(house, layer, part, tongue) for n, part in enumerate(parts, 1)}
    return Groups(found.name, tuple(replace(asked, filter=part) for part in parts), titles | rest)


def _alternatives(house: House, layer: Layer, whole: Filter) -> list[Filter]:
    tree = language.read(whole.text, whole.language or None, house.catalogue.filter_limits)
    return [parse_filter(json.dumps(part), "cql2-json", parse_crs(whole.crs), layer, house.catalogue)
            for part in _split(tree)]


def _split(tree: Any) -> list[Any]:
    if isinstance(tree, dict) and tree.get("op") == "or":
        return [part for arm in tree["args"] for part in _split(arm)]
    return [tree]


def _said(house: House, layer: Layer, part: Filter, tongue: str) -> str:
    text = Expr(json.loads(part.text)).to_text()
    return filter_in_words(layer, house.catalogue, replace(part, text=text, language="cql2-text"), tongue,
                           ZoneInfo(house.settings.time_zone))
