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
from gisapp.layers import CodeList, Field, Layer, State
from gisapp.params import Query
from gisapp.permissions import Actor, at_home, may
from gisapp.photos import attachments
from gisapp.photos.attachments import Album
from gisapp.sql import origins
from gisapp.words import Words

#: derived field → the layer that names its codes, and what the panel calls it
TERRITORIES = {
    "district_code": ("districts", Words("区县", "District")),
    "street_code": ("streets", Words("街道", "Sub-district")),
    "community_code": ("communities", Words("社区", "Community")),
    "grid_code": ("unit_grids", Words("单元网格", "Unit grid")),
    "squadron_code": ("squadron_territories", Words("执法中队", "Squadron")),
}
_ORIGIN = Words("来源文件中的坐标", "Coordinates in the file")
_VERTICES = Words("{} 个顶点", "{} vertices")
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
    """What the panel shows of a feature: `moves` are the states that may follow and the reader may set, `mark` is a
    GeoJSON point that stands in for a missing geometry, `album` its photos, `as_of` the past moment that is shown,
    `at_home` whether the feature lies where the reader may write."""

    layer: Layer
    id: str
    title: str
    version: int = 0
    as_of: datetime | None = None
    at_home: bool = True
    moves: list[State] = field(default_factory=list)
    synthetic: bool = False
    state: Fact | None = None
    mark: str | None = None
    sizes: list[Fact] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    place: list[Fact] = field(default_factory=list)
    stamps: list[Fact] = field(default_factory=list)
    album: Album | None = None


def card(house: House, actor: Actor, layer_id: str, feature_id: UUID, language: str,
         as_of: datetime | None = None) -> Card:
    """The feature's card in `language`; with `as_of` as it was at that moment, with nothing to be done to it.

    Problems: `layer_unknown`, `feature_unknown` (404).
    """
    layer = house.layer(layer_id)
    feature = json.loads(features.get(house, actor, layer_id, feature_id, as_of=as_of).feature)
    values: dict[str, Any] = feature["properties"]
    writer, home = Writer.of(house, language), at_home(actor, values.get("squadron_code"))
    moves = _moves(actor, layer, values.get("status")) if home and not as_of else []
    made = Card(layer, str(feature_id), str(values.get(layer.name_field) or layer.title.get(language)),
                version=values["version"], moves=moves, as_of=as_of, at_home=home,
                synthetic=bool(values.get("synthetic")), mark=_mark(layer, values, feature))
    for one in layer.all_fields:
        if values.get(one.id) in (None, "", []) or one.id in (layer.name_field, "synthetic"):
            continue
        _put(made, one, writer.fact(one, values[one.id], coloured=one.id in ("status", layer.style.colour_by)))
    made.place = [_place(house, actor, one.id, values[one.id], language)
                  for one in layer.derived_fields if one.id in TERRITORIES and values.get(one.id)]
    if as_of is None and (origin := _origin(house, layer_id, feature_id, language)):
        made.stamps.append(origin)
    made.album = attachments.album(house, actor, layer_id, feature_id, language, as_of)
    return made


def _moves(actor: Actor, layer: Layer, old: str | None) -> list[State]:
    state = layer.state(old or "")
    if state is None or not may(actor, "change_state"):
        return []
    return [one for one in layer.states if one.id in state.next]


def _put(made: Card, one: Field, fact: Fact) -> None:
    if one.id == "status":
        made.state = fact
    elif one.id in SIZES:
        made.sizes.append(fact)
    elif one.id in STAMPS:
        made.stamps.append(fact)
    elif one.id not in TERRITORIES:
        made.facts.append(fact)


def _place(house: House, actor: Actor, field_id: str, code: str, language: str) -> Fact:
    """The territory's name with its code; the code alone when the territory is not on the map."""
    layer_id, title = TERRITORIES[field_id]
    if layer_id not in house.catalogue.layers:
        return Fact(title.get(language), code)
    name_field = house.catalogue.layers[layer_id].name_field
    query = Query(equals=(("code", code),), properties=(name_field,), limit=1)
    found = features.list_features(house, actor, layer_id, query).features
    name = json.loads(found[0])["properties"].get(name_field) if found else None
    return Fact(title.get(language), code if name in (None, code) else f"{name} ({code})")


def _origin(house: House, layer_id: str, feature_id: UUID, language: str) -> Fact | None:
    """Where the file from which the feature came had it, if its coordinates were shifted."""
    with house.db.read() as connection:
        found = origins.newest(connection, layer_id, feature_id)
    if found is None:
        return None
    digits = 7 if abs(found["x"]) <= 360 and abs(found["y"]) <= 360 else 3
    text = f"{found['frame']} · {found['x']:.{digits}f}, {found['y']:.{digits}f}"
    if found["vertices"] > 1:
        text += f" · {_VERTICES.get(language).format(found['vertices'])}"
    return Fact(_ORIGIN.get(language), text)


def _mark(layer: Layer, values: dict[str, Any], feature: dict[str, Any]) -> str | None:
    stand_in = values.get(layer.stand_in.id) if layer.stand_in else None
    return json.dumps(stand_in) if stand_in and not feature.get("geometry") else None


@dataclass(frozen=True)
class Writer:
    """Writes values as people of one language and time zone read them."""

    codelists: dict[str, CodeList]
    language: str
    zone: ZoneInfo

    @classmethod
    def of(cls, house: House, language: str) -> Writer:
        """The writer for a reader of `language`, in the time zone of the settings."""
        return cls(house.catalogue.codelists, language, ZoneInfo(house.settings.time_zone))

    def fact(self, one: Field, value: Any, *, coloured: bool) -> Fact:
        title = one.title.get(self.language)
        if one.type == "code" and one.codelist:
            code = self.codelists[one.codelist].by_id.get(value)
            if code is None:
                return Fact(title, str(value))
            return Fact(title, code.title.get(self.language), code.colour if coloured else None)
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
