"""What a map shows, as one value: the layers that are on, the filter, the view, the day. Sheets and map files are
made from it, so that paper, file and screen answer the same question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gisapp import params, published, style
from gisapp.asking.words import filter_in_words
from gisapp.crs import CRS84
from gisapp.filters import areas, parse_filter
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.panels import TERRITORIES
from gisapp.params import Box, Query, invalid
from gisapp.permissions import Actor
from gisapp.words import Words

#: Parameters of a selection besides those of the filter.
OWN = ("layers", "bbox", "as_of", "lang")


@dataclass(frozen=True)
class Entry:
    """A line of the layer tree: a layer, or a question among the layers, which has an id and a name of its own."""

    id: str
    title: Words
    layer: Layer


@dataclass(frozen=True)
class Selection:
    """`layers` are in drawing order, bottom first; `view` is the box on the screen in degrees, lon before lat."""

    layers: tuple[Entry, ...]
    queries: Mapping[str, Query]
    view: Box | None
    as_of: datetime | None

    @property
    def missions(self) -> list[Entry]:
        """The layers that the map is about; the others are its ground."""
        return [entry for entry in self.layers if not style.is_reference(entry.layer)]

    def query(self, entry: Entry, box: Box | None = None) -> Query:
        """What is asked of the entry, within `box` (degrees, lon before lat) when one is given."""
        found = self.queries.get(entry.id, Query())
        return replace(found, bbox=box, bbox_crs=CRS84, as_of=self.as_of or found.as_of)


def read_selection(house: House, actor: Actor, args: Mapping[str, Sequence[str]]) -> Selection:
    """The selection that a map's address asks for; a question's collection among the layers is narrowed by what is
    asked of its layer. Problems: `layer_unknown`, `question_unknown` (404), `field_masked` (403), `parameter_unknown`,
    `parameter_invalid`, `parameter_repeated` (400)."""
    own = {name: given[0] for name, given in args.items() if name in OWN and given and given[0]}
    names = [name for name in dict.fromkeys(own.get("layers", "").split(",")) if name]
    if not names:
        raise invalid("layers", "请列出图层，用逗号分隔", "name the layers, separated by commas")
    queries = parse_filter({name: given for name, given in args.items() if name not in OWN}, house.catalogue)
    for layer_id, query in queries.items():
        if query.bbox or query.as_of:
            raise invalid(f"{layer_id}.{'bbox' if query.bbox else 'as_of'}", "请去掉图层名前缀",
                          "is asked of all layers at once: leave the layer's name out")
    view = params.parse_bbox(own["bbox"], CRS84) if "bbox" in own else None
    entries = [_entry(house, actor, name, queries) for name in names]
    order = [layer.id for layer in style.drawing_order([entry.layer for entry in entries])]
    entries.sort(key=lambda entry: order.index(entry.layer.id))
    return Selection(tuple(entries), {name: query.without_page() for name, query in queries.items()},
                     view, params.parse_as_of(own.get("as_of")))


def _entry(house: House, actor: Actor, name: str, queries: dict[str, Query]) -> Entry:
    """The entry of that id; what a question asks beside its layer's filter goes into `queries`."""
    if not published.is_question(name):
        layer = house.layer(name)
        return Entry(layer.id, layer.title, layer)
    titles = [published.find(house, actor, name, language) for language in ("zh", "en")]
    found, asked = titles[0], titles[0].query(house)
    narrowed = queries.get(found.layer.id, Query())
    queries[name] = replace(narrowed, also=(*narrowed.also, *asked.also), as_of=asked.as_of)
    return Entry(name, Words(*(one.title for one in titles)), found.layer)


def question(house: House, actor: Actor, selection: Selection, language: str) -> list[str]:
    """The filter in words, a sentence each: what is asked of all layers first, then of single ones."""
    zh, zone = language == "zh", ZoneInfo(house.settings.time_zone)
    parts = {entry.id: _parts(house, actor, entry.layer, selection.query(entry), language)
             for entry in selection.missions}
    shared = [part for part in next(iter(parts.values()), []) if all(part in one for one in parts.values())]
    told = ["；".join(shared) if zh else _capital("; ".join(shared))] if shared else []
    for entry in selection.missions:
        moment = None if selection.as_of else selection.query(entry).as_of
        own = [part for part in parts[entry.id] if part not in shared] + ([_then(moment, zone, zh)] if moment else [])
        if own:
            told.append(entry.title.get(language) + ("：" + "；".join(own) if zh else ": " + "; ".join(own)))
    if selection.as_of:
        told.append(_capital(_then(selection.as_of, zone, zh)))
    return told or ["全部要素，未设条件" if zh else "Everything, no filter"]


def _then(moment: datetime, zone: ZoneInfo, zh: bool) -> str:
    said = f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
    return f"{said} 时的状况" if zh else f"as it was at {said}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parts(house: House, actor: Actor, layer: Layer, query: Query, language: str) -> list[str]:
    zh = language == "zh"
    found = [f"{layer.field(name).title.get(language)} = {_values(house, actor, layer.field(name), value, language)}"
             for name, value in query.equals]
    if query.period:
        first, last = (f"{moment:%Y-%m-%d}" if moment else "…" for moment in query.period)
        found.append(f"日期 {first} 至 {last}" if zh else f"date {first} to {last}")
    if query.words:
        found.append(("含文字 " if zh else "with the words ") + " ".join(query.words))
    if query.filter:
        found.append(filter_in_words(layer, house.catalogue, query.filter, language,
                                     ZoneInfo(house.settings.time_zone)))
    if query.ids:
        found.append(f"指定的 {len(query.ids)} 条" if zh else f"{len(query.ids)} chosen records")
    return found + [part for one in query.also for part in _parts(house, actor, layer, one, language)]


def _values(house: House, actor: Actor, field: Field, value: Any, language: str) -> str:
    several = value if isinstance(value, tuple) else (value,)
    named = _names(house, actor, field, language)
    empty = "空" if language == "zh" else "no value"
    return ("或" if language == "zh" else " or ").join(
        empty if one is None else named.get(str(one), str(one)) for one in several)


def _names(house: House, actor: Actor, field: Field, language: str) -> dict[str, str]:
    if field.codelist:
        return {code.id: code.title.get(language) for code in house.catalogue.codelists[field.codelist].codes}
    if field.id in TERRITORIES:
        return {area.code: area.title for area in areas(house, actor, TERRITORIES[field.id][0])}
    return {}
