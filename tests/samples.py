"""Valid rows for any layer, made from its declaration: every field filled in, geometry at Suizhou."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text

from gisapp.accounts import people
from gisapp.accounts.rows import Account
from gisapp.changes import insert_many, writing
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.permissions import SYSTEM

_NAMESPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
TEXT = "违建·测试①—“样本”"


def sample_rows(house: House, layer_id: str, count: int) -> list[dict[str, Any]]:
    """`count` rows as `insert_many` takes them; every third one sparse, geometries in every arrangement."""
    layer = house.layer(layer_id)
    return [_row(house, layer, number) for number in range(count)]


def fill(house: House, layer_id: str, count: int) -> list[dict[str, Any]]:
    """Store sample rows and return them."""
    rows = sample_rows(house, layer_id, count)
    store(house, layer_id, rows)
    return rows


def add_squadron(house: House, code: str) -> None:
    """A squadron with a territory far from every other sample, for accounts that are bound to it."""
    row = {"id": uuid5(_NAMESPACE, f"squadron/{code}"), "code": code, "geom": _ewkb(_shape("MultiPolygon", 100, 30))}
    store(house, "squadron_territories", [_row(house, house.layer("squadron_territories"), 0) | row])


def store(house: House, layer_id: str, rows: list[dict[str, Any]]) -> None:
    layer, table = house.layer(layer_id), house.tables.layers[layer_id]
    with writing(house, SYSTEM, layer) as connection:
        insert_many(connection, layer, table, iter(rows))


def _row(house: House, layer: Layer, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {"id": uuid5(_NAMESPACE, f"{layer.id}/{number}"), "synthetic": number % 2 == 0}
    if layer.states:
        row["status"] = layer.states[number % len(layer.states)].id
    for field in layer.fields:
        sparse = number % 3 == 2 and not field.required
        row[field.id] = None if sparse else _value(house, field, number)
    return row | _geometries(layer, number)


def _value(house: House, field: Field, number: int) -> Any:
    low = field.min if field.min is not None else 0
    match field.type:
        case "text":
            text = f"{number}{TEXT}" if (field.max_length or 0) > 20 else str(number)
            return text[:field.max_length]
        case "integer":
            return int(low) + number % 2
        case "number":
            return Decimal(str(low)) + (Decimal(1).scaleb(-(field.decimals or 0)) if field.decimals else 1)
        case "boolean":
            return number % 2 == 0
        case "date":
            return dt.date(2024, 11, 13) + dt.timedelta(days=number)
        case "datetime":
            return dt.datetime(2024, 11, 13, 23, 50, 47, tzinfo=dt.UTC) + dt.timedelta(hours=number)
    codes = [code.id for code in house.catalogue.codelists[field.codelist or ""].codes if not code.retired]
    return codes[number % len(codes)] if field.type == "code" else codes[:1 + number % 2]


def _geometries(layer: Layer, number: int) -> dict[str, Any]:
    x, y = 113.38 + number * 0.002, 31.69
    main, second = _shape(layer.geometry, x, y), layer.second_geometry
    if second is None:
        return {"geom": _ewkb(main)}
    other = _shape(second.geometry, x, y)
    keep_main = not second.stands_in or number % 3 != 0
    return {"geom": _ewkb(main) if keep_main else None,
            second.id: None if keep_main and number % 3 == 1 else _ewkb(other)}


def _shape(kind: str, x: float, y: float) -> BaseGeometry:
    ring = [(x, y), (x + 1e-3, y), (x + 1e-3, y + 1e-3), (x, y + 1e-3)]
    hole = [(x + 4e-4, y + 4e-4), (x + 6e-4, y + 4e-4), (x + 6e-4, y + 6e-4)]
    apart = [(px + 1.2e-3, py) for px, py in hole]
    return {
        "Point": shapely.Point(x + 1 / 3e6, y),
        "MultiPoint": shapely.MultiPoint([(x, y), (x + 1e-3, y + 1e-3)]),
        "MultiLineString": shapely.MultiLineString([[(x, y), (x + 1e-3, y + 1e-3)], [(x, y), (x, y + 1e-3)]]),
        "MultiPolygon": shapely.MultiPolygon([shapely.Polygon(ring, [hole]), shapely.Polygon(apart)]),
    }[kind]


def _ewkb(shape: BaseGeometry) -> bytes:
    return bytes(shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True))


def run(owner: House, statement: str, **values: Any) -> Any:
    """Carry out a statement as the owner; its rows, if it has any."""
    with owner.db.engine.begin() as connection:
        result = connection.execute(text(statement), values)
        return result.all() if result.returns_rows else None


def spoilable(owner: House, username: str) -> tuple[Account, str]:
    """A reviewer whose account a test may spoil, as good as new, and the password."""
    with owner.db.begin("test") as connection:
        known = people.find_by_name(connection, username)
    if known is None:
        known, password = people.make(owner, SYSTEM, username, "reviewer")
    else:
        people.enable(owner.db, SYSTEM, str(known.id))
        people.set_role(owner.db, SYSTEM, str(known.id), "reviewer")
        password = people.reset_password(owner.db, SYSTEM, str(known.id))
    run(owner, "UPDATE gisapp.accounts SET must_change_password = false WHERE username = :name", name=username)
    return known, password
