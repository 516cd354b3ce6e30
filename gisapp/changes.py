"""Features made, changed and deleted: every write is one transaction with its permission, rules and history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg.errors
from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from gisapp.bulk import copy_rows
from gisapp.crs import CRS84, Crs
from gisapp.errors import Problem
from gisapp.features import Found, open_layer, read_one
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.marking.duplicates import require_no_duplicates
from gisapp.params import parse_id
from gisapp.permissions import Actor, require_territory
from gisapp.rules import one_at_a_time, require_rules
from gisapp.schema import check
from gisapp.shapes import Mended, Shapes, from_geojson, second_only, wanted
from gisapp.sql import statements as sql
from gisapp.tables import object_name
from gisapp.workflow import require_reachable


def create(house: House, actor: Actor, layer_id: str, feature: Any, crs: Crs = CRS84, mended: Mended = None,
           known: Collection[UUID] | None = None) -> Found:
    """Store a new feature. The same id with the same content is answered with what is there (`created` False).

    An invalid shape is repaired when `mended` is a list, which then tells what was done; so with all writes here.
    With `known` it is refused while another feature than those lies near; None asks nothing.

    Problems: what `schema` and `shapes` refuse, `id_conflict`, `feature_deleted`, `value_conflict`,
    `duplicates_near` (409), `outside_territory` (403), `rule_broken`.
    """
    layer, table = open_layer(house, actor, layer_id, "create")
    members = read_members(feature)
    feature_id = _feature_id(members.get("id"))
    values = read_values(house, layer, members, crs, mended=mended)
    with writing(house, actor, layer) as connection:
        version = connection.execute(sql.insert_one(table, feature_id, values)).scalar()
        if version is None:
            same = connection.execute(sql.first_version(house.tables.history[layer.id], feature_id, values)).scalar()
            if not same:
                raise Problem("id_conflict", id=str(feature_id))
            return read_one(connection, layer, table, feature_id, actor)
        if version > 1:
            raise Problem("feature_deleted", id=str(feature_id))
        approve(connection, actor, layer, table, feature_id)
        if known is not None:
            require_no_duplicates(connection, actor, layer, table, feature_id, house.settings.duplicate_metres, known)
        return read_one(connection, layer, table, feature_id, actor, created=True)


def replace(house: House, actor: Actor, layer_id: str, feature_id: UUID, feature: Any, version: int | None,
            crs: Crs = CRS84, mended: Mended = None) -> Found:
    """Put a whole feature in the place of version `version` (None: whatever is there)."""
    layer, table = open_layer(house, actor, layer_id, "update")
    members = read_members(feature)
    if members.get("id") is not None and _feature_id(members["id"]) != feature_id:
        raise Problem("feature_invalid", reason="id ≠ address / id 与地址不一致")
    values = read_values(house, layer, members, crs, mended=mended)
    return _change(house, actor, layer, table, feature_id, values, version)


def update(house: House, actor: Actor, layer_id: str, feature_id: UUID, patch: Any, version: int | None,
           crs: Crs = CRS84, mended: Mended = None) -> Found:
    """Change the members that the patch (a partial GeoJSON feature, RFC 7396) names, in version `version`."""
    layer, table = open_layer(house, actor, layer_id, "update")
    members = read_members(patch, partial=True)
    values = read_values(house, layer, members, crs, partial=True, mended=mended)
    return _change(house, actor, layer, table, feature_id, values, version)


def _change(house: House, actor: Actor, layer: Layer, table: Table, feature_id: UUID, values: dict[str, Any],
            version: int | None) -> Found:
    with writing(house, actor, layer) as connection:
        change_one(connection, actor, layer, table, feature_id, values, version)
        return read_one(connection, layer, table, feature_id, actor)


def change_one(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
               values: dict[str, Any], version: int | None) -> None:
    """Change a feature inside the caller's `writing` transaction, with every check that a change has."""
    before = hold(connection, actor, layer, table, feature_id, version)
    require_reachable(actor, layer, before.status, values.get("status", before.status))
    if values:
        connection.execute(sql.update_one(table, feature_id, values))
    approve(connection, actor, layer, table, feature_id)


def delete(house: House, actor: Actor, layer_id: str, feature_id: UUID, version: int | None) -> None:
    """Take version `version` out of the layer; history keeps it."""
    layer, table = open_layer(house, actor, layer_id, "delete")
    with writing(house, actor, layer) as connection:
        hold(connection, actor, layer, table, feature_id, version)
        connection.execute(sql.delete_one(table, feature_id))


def hold(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
         version: int | None) -> Any:
    """Lock the feature: its version, state and squadron.

    Problems: `feature_unknown` (404) or `version_stale` (412) when it is not what was expected; `outside_territory`.
    """
    row = connection.execute(sql.lock_one(layer, table, feature_id)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    if version is not None and row.version != version:
        raise Problem("version_stale", current=row.version, headers={"ETag": f'"{row.version}"'})
    require_territory(actor, row.squadron_code)
    return row


def approve(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID) -> None:
    """What must hold after a write: the actor's territory, and the rules of the layer."""
    after = connection.execute(sql.lock_one(layer, table, feature_id)).one()
    require_territory(actor, after.squadron_code)
    require_rules(connection, layer, table, feature_id)


def read_members(feature: Any, *, partial: bool = False) -> dict[str, Any]:
    """The members of a GeoJSON feature; Problem `feature_invalid` (400) when it is none."""
    if not isinstance(feature, dict):
        raise Problem("feature_invalid", reason="not an object / 不是对象")
    if feature.get("type", "Feature" if partial else None) != "Feature":
        raise Problem("feature_invalid", reason='"type" ≠ "Feature"')
    if not isinstance(feature.get("properties") or {}, dict):
        raise Problem("feature_invalid", reason="properties")
    return feature


def _feature_id(given: Any) -> UUID:
    if given is None:
        return uuid4()
    if not isinstance(given, str):
        raise Problem("id_invalid", id=str(given)[:60])
    return parse_id(given)


def read_values(house: House, layer: Layer, members: dict[str, Any], crs: Crs, *,
                partial: bool = False, mended: Mended = None) -> dict[str, Any]:
    """Column values of a feature; with `partial` only of what is given. Problems as `schema` and `shapes` say."""
    properties = members.get("properties") or {}
    values, faults = check(layer, house.catalogue, properties, partial=partial)
    if faults:
        raise Problem("properties_invalid", errors=faults, count=len(faults))
    shapes = _read_shapes(layer, members, properties, crs, mended, partial=partial)
    return values | {name: sql.shape_value(wkb) for name, wkb in shapes.columns.items()}


def _read_shapes(layer: Layer, members: dict[str, Any], properties: dict[str, Any], crs: Crs, mended: Mended, *,
                 partial: bool) -> Shapes:
    second_id = layer.second_geometry.id if layer.second_geometry else None
    second = properties.get(second_id) if second_id else None
    if not partial or "geometry" in members:
        shapes = from_geojson(layer, members.get("geometry"), second, crs, mended)
        kept = {} if not partial or second_id in properties else {second_id}
        return Shapes({k: v for k, v in shapes.columns.items() if k not in kept or v is not None})
    if second_id in properties:
        return second_only(layer, second, crs, mended)
    return Shapes({})


@contextmanager
def writing(house: House, actor: Actor, layer: Layer) -> Iterator[Connection]:
    """A write transaction in the actor's name; what the database refuses becomes the problem it stands for."""
    try:
        with house.db.begin(actor.username, actor.request_id) as connection:
            one_at_a_time(connection, layer)
            yield connection
    except IntegrityError as error:
        raise refusal(layer, error) from error


def refusal(layer: Layer, error: IntegrityError) -> Problem:
    """The problem behind a constraint that the database found broken."""
    cause = error.orig
    name = (cause.diag.constraint_name or "") if isinstance(cause, psycopg.Error) else ""
    if isinstance(cause, psycopg.errors.UniqueViolation):
        field = next((f.id for f in layer.fields if name == object_name("uq", layer.id, f.id)), "id")
        return Problem("value_conflict", field=field)
    if "_valid_" in name or "_place_" in name:
        return Problem("geometry_invalid", reason=name, place="-")
    if "geom_present" in name:
        return Problem("geometry_missing", wanted=wanted(layer))
    field = next((f.id for f in layer.fields if f"_{f.id}" in name), name)
    fault = {"field": field, "code": "constraint", "zh": f"不符合约束 {name}", "en": f"breaks constraint {name}"}
    return Problem("properties_invalid", errors=[fault], count=1)


def insert_many(connection: Connection, layer: Layer, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """Store checked rows (column → value, geometry columns as EWKB bytes) by COPY; returns how many.

    Runs in the caller's `writing` transaction; triggers stamp, assign and record each row as ever.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101
    return copy_rows(driver, table, rows)
