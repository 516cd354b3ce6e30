"""Features: found, made, changed and deleted. Permission and fetch are one call, every write one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg.errors
from sqlalchemy import Connection, Row, Table
from sqlalchemy.exc import IntegrityError

from gisapp import sql
from gisapp.bulk import copy_rows
from gisapp.crs import CRS84, Crs
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query, encode_page_key, parse_id
from gisapp.permissions import Actor, may, require, require_territory
from gisapp.rules import RULES
from gisapp.schema import check
from gisapp.shapes import Shapes, from_geojson, second_only, wanted
from gisapp.tables import object_name
from gisapp.workflow import require_reachable


@dataclass(frozen=True)
class Page:
    """A page of features as GeoJSON texts. `after` is the key of the next page, None on the last."""

    features: list[str]
    number_matched: int
    after: str | None


@dataclass(frozen=True)
class Found:
    """One feature as GeoJSON text, with the version its ETag carries."""

    id: UUID
    version: int
    feature: str
    created: bool = False


def visible_names(actor: Actor, layer: Layer) -> list[str]:
    """The properties this reader may see: personal ones only with the right to them."""
    personal = may(actor, "read_personal")
    return [field.id for field in layer.all_fields if personal or not field.personal]


def open_layer(house: House, actor: Actor, layer_id: str, act: str, query: Query | None = None) -> tuple[Layer, Table]:
    """The layer and its table, if the actor may do `act` there and see every field the query leans on."""
    require(actor, act)
    layer = house.layer(layer_id)
    asked = [name for name, _ in (*query.equals, *query.sortby)] + list(query.properties or ()) if query else []
    for name in asked:
        if name not in visible_names(actor, layer):
            raise Problem("field_masked", field=name)
    return layer, house.tables.layers[layer.id]


def list_features(house: House, actor: Actor, layer_id: str, query: Query) -> Page:
    """A page of the features that answer the query, in the order of `sortby` and id, with the count of all."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    names = list(query.properties) if query.properties is not None else visible_names(actor, layer)
    with house.db.snapshot() as connection:
        rows = connection.execute(sql.select_page(layer, table, query, names)).all()
        matched = connection.execute(sql.count(layer, table, query)).scalar_one()
    page, more = rows[:query.limit], rows[query.limit:]
    after = encode_page_key([*page[-1][1:-1], str(page[-1][-1])]) if more else None
    return Page([row[0] for row in page], matched, after)


def count_features(house: House, actor: Actor, layer_id: str, query: Query) -> int:
    """How many features answer the query."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    with house.db.read() as connection:
        return int(connection.execute(sql.count(layer, table, query)).scalar_one())


def extent(house: House, actor: Actor, layer_id: str) -> tuple[float, float, float, float] | None:
    """Bounds of the layer in degrees (min lon, min lat, max lon, max lat); None when it is empty."""
    _, table = open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        bounds = connection.execute(sql.extent(table)).one()
    return None if bounds[0] is None else (bounds[0], bounds[1], bounds[2], bounds[3])


def get(house: House, actor: Actor, layer_id: str, feature_id: UUID, crs: Crs = CRS84) -> Found:
    """One feature. Problem `feature_unknown` (404)."""
    layer, table = open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        return _read(connection, layer, table, feature_id, actor, crs)


def _read(connection: Connection, layer: Layer, table: Table, feature_id: UUID, actor: Actor,
          crs: Crs = CRS84, *, created: bool = False) -> Found:
    row = connection.execute(sql.select_one(layer, table, feature_id, visible_names(actor, layer), crs)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    return Found(feature_id, row.version, row.feature, created)


def create(house: House, actor: Actor, layer_id: str, feature: Any, crs: Crs = CRS84) -> Found:
    """Store a new feature. The same id with the same content is answered with what is there (`created` False).

    Problems: what `schema` and `shapes` refuse, `id_conflict`, `feature_deleted`, `value_conflict` (409),
    `outside_territory` (403), `rule_broken`.
    """
    layer, table = open_layer(house, actor, layer_id, "create")
    members = read_members(feature)
    feature_id = _feature_id(members.get("id"))
    values = read_values(house, layer, members, crs)
    with writing(house, actor, layer) as connection:
        version = connection.execute(sql.insert_one(table, feature_id, values)).scalar()
        if version is None:
            same = connection.execute(sql.first_version(house.tables.history[layer.id], feature_id, values)).scalar()
            if not same:
                raise Problem("id_conflict", id=str(feature_id))
            return _read(connection, layer, table, feature_id, actor)
        if version > 1:
            raise Problem("feature_deleted", id=str(feature_id))
        _require_rules(connection, layer, table, feature_id, actor)
        return _read(connection, layer, table, feature_id, actor, created=True)


def replace(house: House, actor: Actor, layer_id: str, feature_id: UUID, feature: Any, version: int | None,
            crs: Crs = CRS84) -> Found:
    """Put a whole feature in the place of version `version` (None: whatever is there)."""
    layer, table = open_layer(house, actor, layer_id, "update")
    members = read_members(feature)
    if members.get("id") is not None and _feature_id(members["id"]) != feature_id:
        raise Problem("feature_invalid", reason="id ≠ address / id 与地址不一致")
    values = read_values(house, layer, members, crs)
    return _change(house, actor, layer, table, feature_id, values, version)


def update(house: House, actor: Actor, layer_id: str, feature_id: UUID, patch: Any, version: int | None,
           crs: Crs = CRS84) -> Found:
    """Change the members that the patch (a partial GeoJSON feature, RFC 7396) names, in version `version`."""
    layer, table = open_layer(house, actor, layer_id, "update")
    members = read_members(patch, partial=True)
    values = read_values(house, layer, members, crs, partial=True)
    return _change(house, actor, layer, table, feature_id, values, version)


def _change(house: House, actor: Actor, layer: Layer, table: Table, feature_id: UUID, values: dict[str, Any],
            version: int | None) -> Found:
    with writing(house, actor, layer) as connection:
        before = _hold(connection, layer, table, feature_id, version)
        require_territory(actor, before.squadron_code)
        require_reachable(actor, layer, before.status, values.get("status", before.status))
        if values:
            connection.execute(sql.update_one(table, feature_id, values))
        _require_rules(connection, layer, table, feature_id, actor)
        return _read(connection, layer, table, feature_id, actor)


def delete(house: House, actor: Actor, layer_id: str, feature_id: UUID, version: int | None) -> None:
    """Take version `version` out of the layer; history keeps it."""
    layer, table = open_layer(house, actor, layer_id, "delete")
    with writing(house, actor, layer) as connection:
        before = _hold(connection, layer, table, feature_id, version)
        require_territory(actor, before.squadron_code)
        connection.execute(sql.delete_one(table, feature_id))


def _hold(connection: Connection, layer: Layer, table: Table, feature_id: UUID, version: int | None) -> Any:
    """Lock the feature; `feature_unknown` (404) or `version_stale` (412) when it is not what was expected."""
    row = connection.execute(sql.lock_one(layer, table, feature_id)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    if version is not None and row.version != version:
        raise Problem("version_stale", current=row.version, headers={"ETag": f'"{row.version}"'})
    return row


def _require_rules(connection: Connection, layer: Layer, table: Table, feature_id: UUID, actor: Actor) -> None:
    after = connection.execute(sql.lock_one(layer, table, feature_id)).one()
    require_territory(actor, after.squadron_code)
    for rule in layer.rules:
        RULES[rule](connection, layer, table, feature_id)


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
                partial: bool = False) -> dict[str, Any]:
    """Column values of a feature; with `partial` only of what is given. Problems as `schema` and `shapes` say."""
    properties = members.get("properties") or {}
    values, faults = check(layer, house.catalogue, properties, partial=partial)
    if faults:
        raise Problem("properties_invalid", errors=faults, count=len(faults))
    shapes = _read_shapes(layer, members, properties, crs, partial=partial)
    return values | {name: sql.shape_value(wkb) for name, wkb in shapes.columns.items()}


def _read_shapes(layer: Layer, members: dict[str, Any], properties: dict[str, Any], crs: Crs, *,
                 partial: bool) -> Shapes:
    second_id = layer.second_geometry.id if layer.second_geometry else None
    second = properties.get(second_id) if second_id else None
    if not partial or "geometry" in members:
        shapes = from_geojson(layer, members.get("geometry"), second, crs)
        kept = {} if not partial or second_id in properties else {second_id}
        return Shapes({k: v for k, v in shapes.columns.items() if k not in kept or v is not None})
    if second_id in properties:
        return second_only(layer, second, crs)
    return Shapes({})


@contextmanager
def writing(house: House, actor: Actor, layer: Layer) -> Iterator[Connection]:
    """A write transaction in the actor's name; what the database refuses becomes the problem it stands for."""
    try:
        with house.db.begin(actor.username, actor.request_id) as connection:
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


def stream(house: House, actor: Actor, layer_id: str, query: Query, srid: int, names: Sequence[str],
           batch: int = 5000) -> Iterator[Sequence[Row[Any]]]:
    """Rows of all features that answer the query, in batches: id, `names`, geometry, second_geometry (WKB,
    easting first, in `srid`). For files; the reader's right to export was asked by the caller, to fields here."""
    layer, table = open_layer(house, actor, layer_id, "export", query)
    hidden = [name for name in names if name not in visible_names(actor, layer)]
    if hidden:
        raise Problem("field_masked", field=hidden[0])
    with house.db.snapshot() as connection:
        result = connection.execution_options(yield_per=batch).execute(
            sql.select_rows(layer, table, query, names, srid))
        yield from result.partitions()


def insert_many(connection: Connection, layer: Layer, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """Store checked rows (column → value, geometry columns as EWKB bytes) by COPY; returns how many.

    Runs in the caller's `writing` transaction; triggers stamp, assign and record each row as ever.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101
    return copy_rows(driver, table, rows)
