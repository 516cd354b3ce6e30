"""What of a layer lies near a place: perhaps the same thing, marked twice."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import Connection, Table

from gisapp.errors import Problem
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor
from gisapp.shapes import stored
from gisapp.sql import marking as sql_marking

MOST = 20


@dataclass(frozen=True)
class Near:
    """A feature near the shape; `title` is None for a reader who may not see it; `distance_m` on the ellipsoid;
    `point` is a GeoJSON place on the feature, EPSG:4326."""

    id: UUID
    title: str | None
    status: str | None
    distance_m: float
    point: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"id": str(self.id), "title": self.title, "status": self.status, "distance_m": self.distance_m,
                "point": self.point}


def near(house: House, actor: Actor, layer_id: str, shape: bytes, metres: float, but: UUID | None = None) -> list[Near]:
    """At most 20 features of the layer within `metres` of a shape (EWKB), nearest first, without the feature `but`.

    Problems: `layer_unknown` (404), `act_not_allowed` (403).
    """
    layer, table = open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        return _near(connection, actor, layer, table, shape, metres, but)


def _near(connection: Connection, actor: Actor, layer: Layer, table: Table, shape: bytes, metres: float,
          but: UUID | None) -> list[Near]:
    title = layer.name_field if layer.name_field in visible_names(actor, layer) else None
    rows = connection.execute(sql_marking.near(layer, table, shape, metres, title, MOST, but)).all()
    return [Near(row.id, row.title, row.status, round(row.distance_m, 2), json.loads(row.point)) for row in rows]


def doubtful(layer: Layer) -> bool:
    """Whether a neighbour may be the same thing: not where areas cover the ground and all touch each other."""
    return "no_overlap" not in layer.rules


def require_no_duplicates(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
                          metres: float, known: Collection[UUID]) -> None:
    """Raise `duplicates_near` (409) with the neighbours when one within `metres` is not among those `known`."""
    if not (metres and doubtful(layer)):
        return
    place = connection.execute(sql_marking.shape_of(layer, table, feature_id)).one().shown
    found = _near(connection, actor, layer, table, stored(shapely.from_wkb(bytes(place))), metres, feature_id)
    if any(one.id not in known for one in found):
        raise Problem("duplicates_near", metres=f"{metres:g}", count=len(found),
                      more={"metres": metres, "duplicates": [one.document() for one in found]})
