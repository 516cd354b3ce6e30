"""What lies under a click: the features within 8 px of it, nearest and smallest first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from gisapp.crs import MAX_LATITUDE
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.published import Collection
from gisapp.sql.identify import Asked, nearest
from gisapp.sql.statements import conditions
from gisapp.sql.tiles import WORLD_M
from gisapp.style import is_reference

REACH_PX = 8
MOST = 20
_EARTH_RADIUS_M = WORLD_M / (2 * math.pi)


@dataclass(frozen=True)
class Hit:
    """A feature near the place. `title` is None for a reader who may not see it; `dimension` is 0 for a point,
    1 for a line, 2 for an area; `distance_m` is on the ground, 0 inside an area."""

    layer: str
    id: UUID
    title: str | None
    status: str | None
    dimension: int
    distance_m: float


def identify(house: House, actor: Actor, lon: float, lat: float, zoom: float,
             layer_ids: Sequence[str], narrowed: Mapping[str, Query] | None = None,
             questions: Sequence[Collection] = ()) -> list[Hit]:
    """At most 20 features of the layers within 8 px of lon, lat (degrees, EPSG:4326) at a zoom of 256 px tiles.

    Mission layers come before reference layers; within them points, then lines, then areas; the nearest first and
    of several areas around the place the smallest. `narrowed` holds questions of single layers, `questions` those
    that stand among the layers: what answers them is found though their layer is not asked.

    Problems: `layer_unknown` (404), `act_not_allowed`, `field_masked` (403).
    """
    asked = [_asked(house, actor, layer_id, (narrowed or {}).get(layer_id, Query()))
             for layer_id in dict.fromkeys(layer_ids)]
    asked += [_asked(house, actor, one.layer.id, _narrowed(house, one, narrowed)) for one in questions
              if one.layer.id not in layer_ids]
    if not asked:
        return []
    x, y = _mercator(lon, lat)
    reach = REACH_PX * WORLD_M / (256 * 2 ** zoom)
    text, values = nearest(asked, x, y, reach, MOST)
    with house.db.raw() as driver:
        rows = driver.execute(text.encode(), values).fetchall()
    order = {one.layer.id: (is_reference(one.layer), place) for place, one in enumerate(asked)}
    rows.sort(key=lambda row: (order[row[0]][0], row[4], row[5], row[6], order[row[0]][1], row[1]))
    rows = list({(row[0], row[1]): row for row in rows}.values())
    on_ground = math.cos(math.radians(min(abs(lat), MAX_LATITUDE)))
    return [Hit(layer, key, title, status, dimension, round(distance * on_ground, 2))
            for layer, key, title, status, dimension, distance, _ in rows[:MOST]]


def _narrowed(house: House, question: Collection, narrowed: Mapping[str, Query] | None) -> Query:
    own, further = question.query(house), (narrowed or {}).get(question.layer.id)
    return replace(further, also=(*further.also, own), as_of=further.as_of or own.as_of) if further else own


def _asked(house: House, actor: Actor, layer_id: str, query: Query) -> Asked:
    layer, table = open_layer(house, actor, layer_id, "read", query)
    title = layer.name_field if layer.name_field in visible_names(actor, layer) else None
    return Asked(layer, title, table, conditions(layer, table, query), past=query.as_of is not None)


def _mercator(lon: float, lat: float) -> tuple[float, float]:
    """The place in EPSG:3857; a latitude beyond the map is taken at its edge."""
    held = math.radians(max(min(lat, MAX_LATITUDE), -MAX_LATITUDE))
    return math.radians(lon) * _EARTH_RADIUS_M, math.asinh(math.tan(held)) * _EARTH_RADIUS_M


def document(hits: Sequence[Hit]) -> list[dict[str, object]]:
    """The hits as plain JSON."""
    return [{**asdict(hit), "id": str(hit.id)} for hit in hits]
