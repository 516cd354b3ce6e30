"""One filter over the whole map: what is common to all mission layers, and what is asked of a single one.

As parameters: `datetime=`, `district_code=` and its like for every mission layer that knows them, and
`<layer>.<field>=` for one layer. Reference layers are the ground of the map and are not narrowed by the common part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gisapp.errors import Problem
from gisapp.features import layers_for, open_layer
from gisapp.house import House
from gisapp.layers import ASSIGNED_FIELDS, Catalogue, Field, Layer
from gisapp.params import Query, parse
from gisapp.permissions import Actor
from gisapp.sql import search as sql_search
from gisapp.style import is_reference

#: Asked of every mission layer.
TERRITORIES = tuple(field.id for field in ASSIGNED_FIELDS)
COMMON = ("datetime", *TERRITORIES)


@dataclass(frozen=True)
class Choice:
    """A value to tick: its code, its title, its colour where it has one."""

    value: str
    title: str
    colour: str | None = None


@dataclass(frozen=True)
class Question:
    """What may be asked of a layer's field: `name` is the parameter."""

    name: str
    title: str
    choices: list[Choice]


@dataclass(frozen=True)
class Part:
    """The questions about one layer: its state and its kind."""

    layer: Layer
    title: str
    questions: list[Question]


@dataclass(frozen=True)
class Area:
    """A territory to choose; `parent` is the code of the district around a street."""

    code: str
    title: str
    parent: str = ""


def parse_filter(args: Mapping[str, Sequence[str]], catalogue: Catalogue) -> dict[str, Query]:
    """What the filter asks of each layer that it narrows. Problems: those of `params.parse`."""
    common = {name: values for name, values in args.items() if name in COMMON}
    asked = {layer.id: {name: values for name, values in common.items() if _takes(layer, name)}
             for layer in catalogue.layers.values() if not is_reference(layer)}
    for name, values in args.items():
        if name in COMMON:
            continue
        layer_id, dot, field = name.partition(".")
        if not dot or layer_id not in catalogue.layers:
            raise Problem("parameter_unknown", name=name[:60], known=", ".join((*COMMON, "<layer>.<field>")))
        asked.setdefault(layer_id, {})[field] = values
    return {layer_id: parse(own, catalogue.layers[layer_id], catalogue).plain()
            for layer_id, own in asked.items() if own}


def _takes(layer: Layer, name: str) -> bool:
    return name == "datetime" or layer.has_field(name)


def names(catalogue: Catalogue) -> dict[str, list[str]]:
    """The parameters that narrow each layer on the map page; a reference layer only by a question of its own."""
    return {layer.id: [*_names(layer), f"{layer.id}.filter"] for layer in catalogue.layers.values()}


def _names(layer: Layer) -> list[str]:
    if is_reference(layer):
        return []
    return [*(name for name in COMMON if _takes(layer, name)),
            *(f"{layer.id}.{field.id}" for field in (*_asked_fields(layer), *dates_of(layer)))]


def parts(house: House, actor: Actor, language: str) -> list[Part]:
    """The questions about each mission layer that this reader may ask."""
    return [Part(layer, layer.title.get(language), _questions(house, layer, language))
            for layer in layers_for(house, actor) if not is_reference(layer)]


def _questions(house: House, layer: Layer, language: str) -> list[Question]:
    return [Question(f"{layer.id}.{field.id}", field.title.get(language), _choices(house, field, language))
            for field in _asked_fields(layer)]


def _asked_fields(layer: Layer) -> list[Field]:
    kind = kind_of(layer)
    return [*([layer.field("status")] if layer.states else []), *([kind] if kind else [])]


def dates_of(layer: Layer) -> list[Field]:
    """The fields that hold a date, with or without time of day; those of the record itself come last."""
    return [field for field in layer.all_fields if field.type in ("date", "datetime")]


def _choices(house: House, field: Field, language: str) -> list[Choice]:
    coloured = field.id == "status"
    return [Choice(code.id, code.title.get(language), code.colour if coloured else None)
            for code in house.catalogue.codelists[field.codelist or ""].codes if not code.retired]


def kind_of(layer: Layer) -> Field | None:
    """The code field that says what kind of thing a feature is: the first that is required, else indexed."""
    coded = [field for field in layer.fields if field.type == "code" and not field.personal]
    return next((field for field in coded if field.required), next((field for field in coded if field.indexed), None))


def areas(house: House, actor: Actor, layer_id: str) -> list[Area]:
    """The territories of a reference layer (`districts`, `streets`) by code; none when there is no such layer."""
    if layer_id not in house.catalogue.layers:
        return []
    layer, table = open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        rows = connection.execute(sql_search.names(table, layer.name_field)).all()
    return [Area(code, name or code, code[:6] if layer_id == "streets" else "") for code, name in rows]
