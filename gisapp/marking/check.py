"""What is wrong with a feature that is not stored: asked while somebody draws. Nothing is written."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from gisapp import schema
from gisapp.changes import read_members
from gisapp.crs import Crs
from gisapp.errors import Problem
from gisapp.features import open_layer
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.marking.duplicates import doubtful, near
from gisapp.params import parse_id
from gisapp.permissions import Actor, require_territory
from gisapp.rules import breaches
from gisapp.shapes import from_geojson
from gisapp.sql.marking import territory_of


def check(house: House, actor: Actor, layer_id: str, feature: Any, crs: Crs) -> dict[str, Any]:
    """`ok`, `faults` field by field, `geometry` (its problem or None), `rules` broken, one's own territory among
    them, and `duplicates` near by.

    Without `properties` only the geometry is judged. `id` names the stored feature that would be changed.
    """
    layer, table = open_layer(house, actor, layer_id, "create")
    members = read_members(feature)
    number = parse_id(members["id"]) if members.get("id") is not None else None
    properties = members.get("properties")
    faults = schema.check(layer, house.catalogue, properties)[1] if properties else []
    shape, problem = _shape(layer, members, properties or {}, crs)
    found: dict[str, Any] = {"faults": faults, "geometry": problem.document() if problem else None,
                             "rules": [], "duplicates": []}
    if shape is not None:
        with house.db.read() as connection:
            broken = breaches(connection, layer, table, number or uuid4(), shape)
            away = _away(actor, layer, connection, shape)
        found["rules"] = [one.document() for one in [*broken, *away]]
        found["duplicates"] = _duplicates(house, actor, layer_id, shape, number)
    return {"ok": not (faults or problem or found["rules"])} | found


def _away(actor: Actor, layer: Layer, connection: Connection, shape: bytes) -> list[Problem]:
    """What saving would say of a place outside of the actor's own territory."""
    if not layer.assigned or actor.squadron_code is None:
        return []
    try:
        require_territory(actor, connection.execute(territory_of(shape)).one().squadron_code)
    except Problem as problem:
        return [problem]
    return []


def _duplicates(house: House, actor: Actor, layer_id: str, shape: bytes, but: UUID | None) -> list[dict[str, Any]]:
    metres = house.settings.duplicate_metres
    if not (metres and doubtful(house.layer(layer_id))):
        return []
    return [one.document() for one in near(house, actor, layer_id, shape, metres, but)]


def _shape(layer: Layer, members: dict[str, Any], properties: dict[str, Any],
           crs: Crs) -> tuple[bytes | None, Problem | None]:
    second = properties.get(layer.second_geometry.id) if layer.second_geometry else None
    try:
        columns = from_geojson(layer, members.get("geometry"), second, crs).columns
    except Problem as problem:
        return None, problem
    return columns["geom"] or (columns[layer.stand_in.id] if layer.stand_in else None), None
