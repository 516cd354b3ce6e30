"""Invalid shapes made valid: what would come of it, and where the fault lies. Nothing here asks the database.

Everything is in EPSG:4326, longitude first; areas are on the ellipsoid of WGS 84, in m².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

GEOD = Geod(ellps="WGS84")
#: What GEOS calls wrong, for readers of Chinese.
_REASONS = {
    "Self-intersection": "自相交", "Ring Self-intersection": "环自相交", "Hole lies outside shell": "洞在外环之外",
    "Holes are nested": "洞中有洞", "Interior is disconnected": "内部不连通", "Nested shells": "外环相互嵌套",
    "Duplicate Rings": "环重复", "Too few points in geometry component": "点数不足", "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "环未闭合"}
#: More crossings than that and a repair would take seconds and gigabytes: such a shape is no drawing.
MOST_CROSSINGS = 20_000
_OF_MANY = {0: shapely.multipoints, 1: shapely.multilinestrings, 2: shapely.multipolygons}


@dataclass(frozen=True)
class Repair:
    """A repaired shape. `point` is where the fault was (longitude, latitude), None when that is not known.

    `area_before_m2` is the area as it was drawn: loops that run backwards count against it.
    """

    shape: BaseGeometry
    reason: str
    point: tuple[float, float] | None
    area_before_m2: float
    area_after_m2: float

    def document(self) -> dict[str, Any]:
        """As plain JSON, without the shape."""
        return {"reason": self.reason, "point": point_json(self.point), "parts": len(parts(self.shape)),
                "area_before_m2": self.area_before_m2, "area_after_m2": self.area_after_m2}


def repair(shape: BaseGeometry) -> Repair | None:
    """The shape made valid, keeping only parts of its own dimension; None when nothing of that is left, or when it
    crosses itself too often to be taken apart."""
    if crossings(shape) > MOST_CROSSINGS:
        return None
    dimension = shapely.get_dimensions(shape)
    made = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    kept = [part for part in parts(made) if shapely.get_dimensions(part) == dimension and not part.is_empty]
    whole = _OF_MANY[int(dimension)](kept) if kept else None
    if whole is None or not whole.is_valid:
        return None
    reason, point = fault(shape)
    return Repair(whole, reason, point, area_m2(shape), area_m2(whole))


def crossings(shape: BaseGeometry, tried: int = 64) -> int:
    """About how often the lines of a shape meet, told from `tried` of them."""
    points, ring = shapely.get_coordinates(shapely.get_parts(shapely.get_rings(parts(shape))), return_index=True)
    along = np.flatnonzero(ring[1:] == ring[:-1])
    if not along.size:
        return 0
    lines = shapely.linestrings(np.stack([points[along], points[along + 1]], axis=1))
    some = lines[::max(1, len(lines) // tried)]
    met = shapely.STRtree(lines).query(some, predicate="intersects")
    # Each line meets itself and its two neighbours.
    return int(max(0, met.shape[1] - 3 * len(some)) / len(some) * len(lines) / 2)


def fault(shape: BaseGeometry) -> tuple[str, tuple[float, float] | None]:
    """Why a shape is invalid, in Chinese and in GEOS's words, and where."""
    said, _, place = shapely.is_valid_reason(shape).partition("[")
    said = said.strip()
    words = f"{_REASONS[said]} / {said}" if said in _REASONS else said
    try:
        lon, lat = (float(number) for number in place.rstrip("]").split()[:2])
    except ValueError:
        return words, None
    return words, (lon, lat)


def parts(shape: BaseGeometry) -> list[BaseGeometry]:
    """The single geometries that a shape is made of, collections within collections too."""
    if shape.geom_type.startswith(("Multi", "GeometryCollection")):
        return [part for one in shape.geoms for part in parts(one)]
    return [shape]


def area_m2(shape: BaseGeometry) -> float:
    """Geodesic area in m², to 0.01; 0 for points and lines."""
    polygons = [part for part in parts(shape) if part.geom_type == "Polygon"]
    return round(sum(abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(part))[0]) for part in polygons), 2)


def length_m(shape: BaseGeometry) -> float:
    """Geodesic length of lines or outlines in m, to 0.01; 0 for points."""
    return round(sum(GEOD.geometry_length(part) for part in parts(shape)), 2)


def point_json(point: tuple[float, float] | None) -> dict[str, Any] | None:
    """A place as GeoJSON."""
    return None if point is None else {"type": "Point", "coordinates": list(point)}
