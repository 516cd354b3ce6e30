"""What of a layer lies near a place: perhaps the same thing, marked twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gisapp import sql_marking
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.permissions import Actor

MOST = 20


@dataclass(frozen=True)
class Near:
    """A feature near the shape; `title` is None for a reader who may not see it; `distance_m` on the ellipsoid."""

    id: UUID
    title: str | None
    status: str | None
    distance_m: float

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"id": str(self.id), "title": self.title, "status": self.status, "distance_m": self.distance_m}


def near(house: House, actor: Actor, layer_id: str, shape: bytes, metres: float, but: UUID | None = None) -> list[Near]:
    """At most 20 features of the layer within `metres` of a shape (EWKB), nearest first, without the feature `but`.

    Problems: `layer_unknown` (404), `act_not_allowed` (403).
    """
    layer, table = open_layer(house, actor, layer_id, "read")
    title = layer.name_field if layer.name_field in visible_names(actor, layer) else None
    with house.db.read() as connection:
        rows = connection.execute(sql_marking.near(layer, table, shape, metres, title, MOST, but)).all()
    return [Near(row.id, row.title, row.status, round(row.distance_m, 2)) for row in rows]
