"""Areas that people gave to ask with."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import (
    Column,
    DateTime,
    Delete,
    FetchedValue,
    Insert,
    MetaData,
    ScalarSelect,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSON

_AREAS = Table(
    "areas", MetaData(),
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()), Column("name", Text), Column("owner", Text),
    Column("geom", Geometry("MultiPolygon", 4326)), Column("created_at", DateTime(timezone=True)), schema="gisapp")


def add(name: str, owner: str, wkb: str) -> Insert:
    """Keep an area (WKB in hex, EPSG:4326); its id comes back."""
    shape = func.ST_SetSRID(func.ST_GeomFromWKB(func.decode(wkb, "hex")), 4326)
    return insert(_AREAS).values(name=name, owner=owner, geom=shape).returning(_AREAS.c.id)


def one(area: UUID) -> Select[Any]:
    """Its name, GeoJSON and number of corners."""
    return select(_AREAS.c.name, cast(func.ST_AsGeoJSON(_AREAS.c.geom, 7), JSON).label("shape"),
                  func.ST_NPoints(_AREAS.c.geom).label("corners")).where(_AREAS.c.id == area)


def shape_of(area: UUID) -> ScalarSelect[Any]:
    """The geometry as a value, looked up once; none for an id that is not there."""
    return select(_AREAS.c.geom).where(_AREAS.c.id == area).scalar_subquery()


def forget(owner: str, keep: int) -> Delete:
    """Forget an account's areas beyond the newest `keep`, but for those that a saved question names."""
    named = func.gisapp.area_is_asked(_AREAS.c.id)
    old = select(_AREAS.c.id).where(_AREAS.c.owner == owner).order_by(_AREAS.c.created_at.desc()).offset(keep)
    return delete(_AREAS).where(_AREAS.c.id.in_(old), ~named)
