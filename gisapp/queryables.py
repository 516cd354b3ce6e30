"""What a layer can be asked by: its fields and geometries as a JSON Schema, and the functions of filters."""

from __future__ import annotations

from typing import Any

from gisapp.cql2.functions import FUNCTIONS, Argument, Function
from gisapp.features import schema_of
from gisapp.house import House
from gisapp.permissions import Actor, require

#: Kind of an argument → what the standard calls it.
_TYPES = {"layer": ["string"], "metres": ["number"], "filter": ["boolean"], "key": ["string", "boolean"],
          "count": ["integer"], "day": ["date", "string"], "moment": ["datetime"], "offset": ["integer"],
          "shape": ["geometry"], "area": ["string"]}


def queryables_of(house: House, actor: Actor, layer_id: str, language: str) -> dict[str, Any]:
    """JSON Schema of what a filter on the layer may name; personal fields only for those who may read them."""
    schema = schema_of(house, actor, layer_id, language)
    properties = {name: {key: value for key, value in one.items() if key not in ("readOnly", "x-export")}
                  for name, one in schema["properties"].items()}
    return {**{key: schema[key] for key in ("$schema", "type", "title")}, "properties": properties,
            "additionalProperties": False}


def functions(actor: Actor, language: str) -> dict[str, Any]:
    """What may be called in a filter beside the standard's own, as OGC API – Features part 3 has it."""
    require(actor, "read")
    return {"functions": [_function(one, language) for one in FUNCTIONS.values()]}


def _function(one: Function, language: str) -> dict[str, Any]:
    return {"name": one.name, "description": one.title.get(language), "returns": [one.returns],
            "arguments": [_argument(each, language) for each in one.arguments]} | (
                {"x-unit": one.unit} if one.unit else {})


def _argument(one: Argument, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {"title": one.name, "description": one.title.get(language), "type": _TYPES[one.kind]}
    marks = {"x-kind": one.kind, "x-optional": one.optional or None, "x-repeats": one.many or None}
    return found | {name: mark for name, mark in marks.items() if mark is not None}
