"""What is done with each source of an upload: as a person chose, else as suggested."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from gisapp.crs import MENU, STORED_SRID
from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.frames import Frame, parse_frame
from gisapp.formats.mapping import targets
from gisapp.formats.samples import sample
from gisapp.formats.suggestion import suggested
from gisapp.layers import Layer


@dataclass
class Choice:
    """What is done with a source: its role, field by column number, frame, and what unknown codes stand for."""

    role: str
    mapping: list[tuple[int, str]]
    frame: Frame | None
    codes: dict[str, dict[str, str | None]]
    repair: bool


def choose(layer: Layer, choices: dict[str, Any], source: files.Source) -> Choice:
    """What to do with a source: as chosen, else as suggested. Problems `mapping_invalid`, `crs_needed`."""
    wishes = choices.get("layers", {}).get(source.name, {})
    mapping = wishes.get("mapping", choices.get("mapping"))
    mapping = suggested(layer, source, sample(source)) if mapping is None else mapping
    role = wishes.get("role", files.role(layer, source))
    name = wishes.get("crs") or choices.get("crs") or source.crs
    if not files.has_place(source):
        # What changes records by their key may leave their place alone, and needs no system then.
        role = "rows" if choices.get("mode") == "update" and not source.aside and "role" not in wishes else role
        name = name or MENU[STORED_SRID].name
    if role != "skip" and name is None:
        raise Problem("crs_needed", name=source.name, candidates=", ".join(source.crs_candidates) or "—")
    codes = {**choices.get("codes", {}), **wishes.get("codes", {})}
    repair = bool(wishes.get("repair", choices.get("repair", False)))
    return Choice(role, _places(layer, source, mapping), parse_frame(name) if name else None, codes, repair)


def _places(layer: Layer, source: files.Source, mapping: dict[str, str | None]) -> list[tuple[int, str]]:
    known, places = targets(layer), {name: place for place, name in enumerate(source.fields)}
    chosen = [(name, target) for name, target in mapping.items() if target is not None and name in places]
    wrong = [target for _, target in chosen if target not in known]
    twice = [target for target, count in Counter(target for _, target in chosen).items() if count > 1]
    if wrong or twice:
        raise Problem("mapping_invalid", reason=f"{source.name}：{', '.join(wrong or twice)}")
    return [(places[name], target) for name, target in chosen]


def columns(layer: Layer, choices: list[Choice], partial: bool) -> list[str]:
    """The columns of the layer that these sources bring, beside id: fields, then geometries. A `partial` reading has
    nothing to say of a field that no column is mapped to."""
    mapped = {target for choice in choices for _, target in choice.mapping}
    second = [layer.second_geometry.id] if layer.second_geometry else []
    fields = [f.id for f in layer.writable_fields if f.id in mapped or (f.required and not partial)]
    return [*fields, *(["synthetic"] if "synthetic" in mapped else []), "geom", *second]
