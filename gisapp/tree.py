"""The layer tree of the map's side bar: groups, layers with swatches, legends; and how many features each holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gisapp import features, maps, style
from gisapp.catalogue import GROUPS
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.published import layers_of_questions


@dataclass(frozen=True)
class Entry:
    """One layer of the tree; `swatch` are three of its colours when it has that many."""

    id: str
    title: str
    rules: dict[str, Any]
    swatch: list[str]
    shown: bool
    legend: list[dict[str, Any]]


@dataclass(frozen=True)
class Group:
    title: str
    layers: list[Entry]


@dataclass(frozen=True)
class Stock:
    """How many features each layer holds, and whether any of them is synthetic demo data."""

    counts: dict[str, int]
    synthetic: bool


def groups(house: House, actor: Actor, language: str) -> list[Group]:
    """The tree in the order of the group list; mission layers first within a group."""
    made, readable = [], features.layers_for(house, actor)
    for code in house.catalogue.codelists[GROUPS].codes:
        members = [layer for layer in readable if layer.group == code.id]
        entries = [_entry(house, layer, language) for layer in sorted(members, key=style.is_reference)]
        if entries:
            made.append(Group(code.title.get(language), entries))
    return made


def _entry(house: House, layer: Layer, language: str) -> Entry:
    codelists = house.catalogue.codelists
    by_value = list(style.colours(layer, codelists).values())
    spread = [by_value[0], by_value[len(by_value) // 2], by_value[-1]] if len(by_value) > 2 else []
    return Entry(
        id=layer.id, title=layer.title.get(language), rules=style.paint(layer, codelists), swatch=spread,
        shown=maps.shown_at_first(layer), legend=style.legend(layer, codelists, language))


@dataclass(frozen=True)
class QuestionEntry:
    """A question that stands among the layers: `of` is its layer, `further` what it asks, parameters as JSON."""

    id: str
    title: str
    of: str
    rules: dict[str, Any]
    further: str


def questions(house: House, actor: Actor, language: str) -> list[QuestionEntry]:
    """The questions that were made layers, as far as this reader may ask them."""
    return [QuestionEntry(one.id, one.title, one.layer.id, style.paint(one.layer, house.catalogue.codelists),
                          json.dumps(one.conditions, ensure_ascii=False))
            for one in layers_of_questions(house, actor, language)]


def stock(house: House, actor: Actor, asked: Mapping[str, Query] | None = None) -> Stock:
    """What the layers hold now; of a layer that `asked` names, what answers its question."""
    def count(layer_id: str, query: Query) -> int:
        return features.count_features(house, actor, layer_id, query)

    counts = {layer_id: count(layer_id, (asked or {}).get(layer_id, Query())) for layer_id in house.catalogue.layers}
    made_up = Query(equals=(("synthetic", True),))
    return Stock(counts, any(count(layer_id, made_up) for layer_id, held in counts.items() if held or asked))


def short(count: int, language: str) -> str:
    """12 345 as 1.2 万 or 12k: the tree has little room."""
    if count < 10_000:
        return str(count)
    if language == "zh":
        return f"{count / 10_000:.4g} 万"
    return f"{count / 1_000_000:.3g}M" if count >= 1_000_000 else f"{count / 1000:.4g}k"
