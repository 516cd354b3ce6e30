"""One change to many features: each with its own version, right and verdict, all in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from gisapp import workflow
from gisapp.changes import change_one, read_values, refusal, writing
from gisapp.crs import CRS84
from gisapp.errors import Problem
from gisapp.features import layer_for, open_layer
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import parse_id
from gisapp.permissions import Actor, may

MOST = 500


def offer(house: House, actor: Actor, layer_id: str, language: str) -> dict[str, Any]:
    """What the actor may do to several features of the layer at once, as plain JSON: title, states, merge or not.

    Problems: `layer_unknown` (404), `act_not_allowed` (403).
    """
    layer = layer_for(house, actor, layer_id, "update")
    return {"title": layer.title.get(language), "name_field": layer.name_field,
            "merge": may(actor, "delete") and layer.geometry.startswith("Multi"),
            "states": [{"id": one.id, "title": one.title.get(language), "colour": one.colour} for one in layer.states]}


def change_many(house: House, actor: Actor, layer_id: str, body: Any) -> list[dict[str, Any]]:
    """Give `properties` to the features of `ids`; returns for each whether it was done or why it was refused.

    With `"accept": "all"` one refusal undoes everything (`batch_refused`). Problems: `body_invalid`,
    `properties_invalid` (422), `act_not_allowed` (403).
    """
    layer, table = open_layer(house, actor, layer_id, "update")
    wanted, values = versions(body, MOST), _values(house, layer, body)
    with writing(house, actor, layer) as connection:
        # One order for everybody, so that two batches do not wait for each other.
        done = {key: _one(connection, actor, layer, table, key, values, wanted[key]) for key in sorted(wanted)}
        refused = sum(one["outcome"] == "refused" for one in done.values())
        if refused and body.get("accept") == "all":
            raise Problem("batch_refused", count=refused, more={"results": [done[key] for key in wanted]})
    return [done[key] for key in wanted]


def versions(body: Any, most: int, least: int = 1) -> dict[UUID, int]:
    """The features that a body names, each with the version it was seen at. Problem `body_invalid`."""
    given = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(given, list) or not least <= len(given) <= most:
        raise Problem("body_invalid", reason=f"ids: [{{id, version}}, …], {least}–{most}")
    found = {}
    for one in given:
        version = one.get("version") if isinstance(one, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise Problem("body_invalid", reason="ids: version")
        found[parse_id(one.get("id"))] = version
    if len(found) != len(given):
        raise Problem("body_invalid", reason="ids: twice / 重复")
    return found


def _values(house: House, layer: Layer, body: Any) -> dict[str, Any]:
    properties = body.get("properties")
    second = layer.second_geometry.id if layer.second_geometry else None
    if not isinstance(properties, dict) or not properties or second in properties:
        raise Problem("body_invalid", reason="properties")
    if body.get("accept", "valid") not in ("valid", "all"):
        raise Problem("body_invalid", reason="accept: valid, all")
    return read_values(house, layer, {"properties": properties}, CRS84, partial=True)


def _one(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
         values: dict[str, Any], version: int) -> dict[str, Any]:
    try:
        with connection.begin_nested():
            change_one(connection, actor, layer, table, feature_id, values, version)
    except Problem as problem:
        return _refused(layer, feature_id, problem)
    except IntegrityError as error:
        return _refused(layer, feature_id, refusal(layer, error))
    return {"id": str(feature_id), "outcome": "done", "version": version + 1}


def _refused(layer: Layer, feature_id: UUID, problem: Problem) -> dict[str, Any]:
    return {"id": str(feature_id), "outcome": "refused", "code": problem.code,
            **{language: workflow.spoken(problem, layer, language).sentence(language) for language in ("zh", "en")}}
