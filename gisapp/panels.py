"""A feature as a person reads it: titles, units, titles of codes, local times, names of territories.

The values come from `features.get`, so what the reader may not see is not here either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gisapp import features
from gisapp.house import House
from gisapp.layers import CodeList, Field, Layer
from gisapp.params import Query
from gisapp.permissions import Actor

#: derived field → the layer that names its codes
TERRITORIES = {"district_code": "districts", "street_code": "streets", "community_code": "communities",
               "grid_code": "unit_grids", "squadron_code": "squadron_territories"}
SIZES = ("geom_area_m2", "geom_length_m")
STAMPS = ("created_at", "created_by", "updated_at", "updated_by", "version")


@dataclass(frozen=True)
class Fact:
    """One line of the panel; `colour` is that of the code, when it has one."""

    title: str
    text: str
    colour: str | None = None


@dataclass
class Card:
    """What the panel shows of a feature. `mark` is a GeoJSON point that stands in for a missing geometry."""

    layer: Layer
    id: str
    title: str
    synthetic: bool = False
    state: Fact | None = None
    mark: str | None = None
    sizes: list[Fact] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    place: list[Fact] = field(default_factory=list)
    stamps: list[Fact] = field(default_factory=list)


def card(house: House, actor: Actor, layer_id: str, feature_id: UUID, language: str) -> Card:
    """The feature's card in `language`. Problems: `layer_unknown`, `feature_unknown` (404)."""
    layer = house.layer(layer_id)
    feature = json.loads(features.get(house, actor, layer_id, feature_id).feature)
    values: dict[str, Any] = feature["properties"]
    writer = _Writer(house.catalogue.codelists, language, ZoneInfo(house.settings.time_zone))
    made = Card(layer, str(feature_id), str(values.get(layer.name_field) or layer.title.get(language)),
                synthetic=bool(values.get("synthetic")), mark=_mark(layer, values, feature))
    for one in layer.all_fields:
        if values.get(one.id) in (None, "", []) or one.id in (layer.name_field, "synthetic"):
            continue
        _put(made, one, writer.fact(one, values[one.id]))
    made.place = [_named(house, actor, one.id, fact) for one, fact in _places(layer, values, writer)]
    return made


def _put(made: Card, one: Field, fact: Fact) -> None:
    if one.id == "status":
        made.state = fact
    elif one.id in SIZES:
        made.sizes.append(fact)
    elif one.id in STAMPS:
        made.stamps.append(fact)
    elif one.id not in TERRITORIES:
        made.facts.append(fact)


def _places(layer: Layer, values: dict[str, Any], writer: _Writer) -> list[tuple[Field, Fact]]:
    return [(one, writer.fact(one, values[one.id]))
            for one in layer.derived_fields if one.id in TERRITORIES and values.get(one.id)]


def _named(house: House, actor: Actor, field_id: str, fact: Fact) -> Fact:
    """The fact with the territory's name before its code, under the territory layer's title."""
    layer_id = TERRITORIES[field_id]
    if layer_id not in house.catalogue.layers:
        return fact
    name_field = house.catalogue.layers[layer_id].name_field
    query = Query(equals=(("code", fact.text),), properties=(name_field,), limit=1)
    found = features.list_features(house, actor, layer_id, query).features
    name = json.loads(found[0])["properties"].get(name_field) if found else None
    return Fact(fact.title, fact.text if name in (None, fact.text) else f"{name} ({fact.text})")


def _mark(layer: Layer, values: dict[str, Any], feature: dict[str, Any]) -> str | None:
    stand_in = values.get(layer.stand_in.id) if layer.stand_in else None
    return json.dumps(stand_in) if stand_in and not feature.get("geometry") else None


@dataclass(frozen=True)
class _Writer:
    codelists: dict[str, CodeList]
    language: str
    zone: ZoneInfo

    def fact(self, one: Field, value: Any) -> Fact:
        title = one.title.get(self.language)
        if one.type == "code" and one.codelist:
            code = self.codelists[one.codelist].by_id.get(value)
            return Fact(title, code.title.get(self.language) if code else str(value), code.colour if code else None)
        return Fact(title, self.text(one, value))

    def text(self, one: Field, value: Any) -> str:
        """The value in words of the reader's language."""
        if one.type == "codes" and one.codelist:
            known = self.codelists[one.codelist].by_id
            words = [known[v].title.get(self.language) if v in known else str(v) for v in value]
            return ("、" if self.language == "zh" else ", ").join(words)
        if one.type == "boolean":
            return {"zh": ("否", "是"), "en": ("No", "Yes")}[self.language][bool(value)]
        if one.type in ("number", "integer"):
            return _number(one, value)
        if one.type == "datetime":
            return _moment(value, self.zone)
        return date.fromisoformat(value).isoformat() if one.type == "date" else str(value)


def _number(one: Field, value: float) -> str:
    """Digits in groups of three, the declared decimals, the unit behind a narrow space; m² above 1 km² stay m²."""
    digits = f"{value:,.{one.decimals}f}" if one.decimals is not None else f"{value:,}"
    grouped = digits.replace(",", "\u2009") if one.unit else digits.replace(",", "")
    return f"{grouped}\u00a0{one.unit}" if one.unit else grouped


def _moment(value: str, zone: ZoneInfo) -> str:
    moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
