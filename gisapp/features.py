"""Features as readers find them. Permission and fetch are one call; writes are in `gisapp.changes`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, Row, Table

from gisapp import bulk, census
from gisapp.crs import CRS84, Crs
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query, encode_page_key
from gisapp.permissions import Actor, may, require
from gisapp.schema import json_schema
from gisapp.sql import paging as sql_paging, statements as sql
from gisapp.sql.sessions import PROOFS

if TYPE_CHECKING:  # the accounts bring the web frameworks along, which the makers of files have no use for
    from gisapp.accounts.sessions import Claim


@dataclass(frozen=True)
class Page:
    """A page of features as GeoJSON texts (UTF-8). `after` is the key of the next page, None on the last, `before`
    that of the one before, None on the first; `estimated` says that `number_matched` was not counted to the end."""

    features: list[bytes]
    number_matched: int
    after: str | None
    estimated: bool = False
    before: str | None = None


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
    for name in query.named if query else ():
        if name not in visible_names(actor, layer):
            raise Problem("field_masked", field=name)
    _require_unmasked(house, actor, query)
    if query is not None and query.others:
        census.take(house.db, house.tables.metadata)
    tables = house.tables.history if query is not None and query.as_of else house.tables.layers
    return layer, tables[layer.id]


def _require_unmasked(house: House, actor: Actor, query: Query | None) -> None:
    """A field that the reader may not see is no part of a filter or a computed column either, of no layer."""
    for layer_id, name in sorted(query.leans_on) if query else ():
        if name not in visible_names(actor, house.layer(layer_id)):
            raise Problem("field_masked", field=name)


def names_people(house: House, layer: Layer, query: Query) -> bool:
    """Whether the question leans on a field that holds personal data, of this layer or another: its words, and which
    features answer it, tell of a person."""
    return (any(layer.field(name).personal for name in query.named)
            or any(house.layer(layer_id).field(name).personal for layer_id, name in query.leans_on))


def layer_for(house: House, actor: Actor, layer_id: str, act: str) -> Layer:
    """The declaration, if the actor may do `act` there."""
    return open_layer(house, actor, layer_id, act)[0]


def layers_for(house: House, actor: Actor) -> list[Layer]:
    """The layers that the actor may read, in the order of their groups."""
    require(actor, "read")
    return list(house.catalogue.layers.values())


def schema_of(house: House, actor: Actor, layer_id: str, language: str) -> dict[str, Any]:
    """JSON Schema of a layer's features, without the fields this reader may not see."""
    layer = layer_for(house, actor, layer_id, "read")
    return json_schema(layer, house.catalogue, language, personal=may(actor, "read_personal"))


def list_features(house: House, actor: Actor, layer_id: str, query: Query, count_to: int | None = None) -> Page:
    """A page of the features that answer the query, with the count of all; beyond `count_to` the count may be an
    estimate. In the order of `sortby` and id; those of a box without it from north to south."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    names = list(query.properties) if query.properties is not None else visible_names(actor, layer)
    with house.db.driver() as driver:
        return _page(query, sql_paging.fetch(driver, layer, table, query, names, count_to))


def proven_page(house: House, claim: Claim, layer_id: str, query: Query, count_to: int) -> Page | None:
    """The same for a plain question, with the proof that the claim holds in the statement that counts. None where that
    does not lead to an answer, or the claim does not hold: sign the reader in and ask for `list_features` then."""
    layer, table = open_layer(house, claim.actor, layer_id, "read", query)
    names = list(query.properties) if query.properties is not None else visible_names(claim.actor, layer)
    found = sql_paging.fetch_proven(house.db.pages, PROOFS[claim.by], claim.values(), layer, table, query, names,
                                    count_to)
    return _page(query, found) if found else None


def _page(query: Query, found: sql_paging.Fetched) -> Page:
    back = query.before is not None
    after = encode_page_key(found.last) if found.last and (back or found.more) else None
    before = encode_page_key(found.first) if found.first and (found.more if back else query.after) else None
    return Page(found.features, found.matched, after, found.estimated, before)


def count_features(house: House, actor: Actor, layer_id: str, query: Query) -> int:
    """How many features answer the query."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    with house.db.read() as connection:
        return int(connection.execute(sql.count(layer, table, query)).scalar_one())


def extent(house: House, actor: Actor, layer_id: str, query: Query | None = None
           ) -> tuple[float, float, float, float] | None:
    """Bounds in degrees (min lon, min lat, max lon, max lat) of the layer, or of what answers the query; None when
    there is nothing."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    with house.db.read() as connection:
        bounds = connection.execute(sql.extent_of(layer, table, query) if query else sql.extent(table)).one()
    return None if bounds[0] is None else (bounds[0], bounds[1], bounds[2], bounds[3])


def get(house: House, actor: Actor, layer_id: str, feature_id: UUID, crs: Crs = CRS84,
        as_of: datetime | None = None) -> Found:
    """One feature, as it is or as it was. Problem `feature_unknown` (404)."""
    layer, table = open_layer(house, actor, layer_id, "read", Query(as_of=as_of))
    with house.db.read() as connection:
        return read_one(connection, layer, table, feature_id, actor, crs, as_of=as_of)


def read_one(connection: Connection, layer: Layer, table: Table, feature_id: UUID, actor: Actor,
             crs: Crs = CRS84, *, created: bool = False, as_of: datetime | None = None) -> Found:
    """The feature as the actor may see it; `table` is the history table when `as_of` is given."""
    names = visible_names(actor, layer)
    row = connection.execute(sql.select_one(layer, table, feature_id, names, crs, as_of)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    return Found(feature_id, row.version, row.feature, created)


def copy_out(house: House, actor: Actor, layer_id: str, query: Query, srid: int, names: Sequence[str],
             act: str = "export") -> Iterator[bulk.Block]:
    """What `stream` gives, as the database tells it to who wants very many rows (gisapp.bulk.copy_out)."""
    layer, table = open_layer(house, actor, layer_id, act, query)
    _require_visible(actor, layer, names)
    with house.db.snapshot() as connection:
        yield from bulk.copy_out(connection, sql.select_rows(layer, table, query, names, srid))


def stream(house: House, actor: Actor, layer_id: str, query: Query, srid: int, names: Sequence[str],
           batch: int = 5000, act: str = "export") -> Iterator[Sequence[Row[Any]]]:
    """Rows of all features that answer the query, in batches: id, `names`, geometry, second_geometry (WKB,
    easting first, in `srid`). For files; the reader's right to export was asked by the caller, to fields here."""
    layer, table = open_layer(house, actor, layer_id, act, query)
    _require_visible(actor, layer, names)
    statement = sql.select_rows(layer, table, query, names, srid)
    with house.db.snapshot() as connection, connection.execution_options(yield_per=batch).execute(statement) as result:
        yield from result.partitions()


def _require_visible(actor: Actor, layer: Layer, names: Sequence[str]) -> None:
    hidden = [name for name in names if name not in visible_names(actor, layer)]
    if hidden:
        raise Problem("field_masked", field=hidden[0])
