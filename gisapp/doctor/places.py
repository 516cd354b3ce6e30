"""Points of a sample, in the numbers of a file or in degrees: which ones are tried, how far they lie apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Points = NDArray[np.float64]
PROBES, CHANCES = 120, 20
_DEGREE_M = 111_320.0


def some(points: Points, count: int) -> Points:
    return points[::max(1, len(points) // count)][:count]


def probes(shapes: Any) -> Points:
    """Points that must fit the ground: corners of areas, places along lines, points themselves."""
    taken = _apart(shapes[::max(1, len(shapes) // PROBES)][:PROBES])
    kinds = shapely.get_dimensions(taken)
    lines = taken[kinds == 1]
    along = np.concatenate([shapely.get_coordinates(shapely.line_interpolate_point(_first_line(lines), at,
                                                                                   normalized=True))
                            for at in (0.15, 0.4, 0.65, 0.9)]) if len(lines) else np.empty((0, 2))
    middles = shapely.get_coordinates(shapely.point_on_surface(taken[kinds == 2]))
    points = shapely.get_coordinates(taken[kinds == 0])
    return np.concatenate([some(part, PROBES) for part in (points, middles, along)])


def _apart(shapes: Any) -> Any:
    """The shapes with the parts of collections in the place of these: a collection has no first line."""
    while (mixed := shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION).any():
        shapes = np.concatenate([shapes[~mixed], shapely.get_parts(shapes[mixed])])
    return shapes


def _first_line(lines: Any) -> Any:
    return shapely.get_geometry(lines, 0)


def pairs(points: Points) -> list[tuple[float, float]]:
    """As the database takes them; what lies nowhere is at the south pole, where no feature is."""
    lost = ~np.isfinite(points).all(axis=1, keepdims=True)
    sane = np.where(lost, [[0.0, -90.0]], points)
    return [(float(x), float(y)) for x, y in sane]


def in_china(points: Points) -> NDArray[np.bool_]:
    lon, lat = points[:, 0], points[:, 1]
    return (lon > 73) & (lon < 136) & (lat > 3) & (lat < 54)


def mercator(points: Points) -> Points:
    """EPSG:3857 of degrees, by its own formula."""
    lat = np.radians(np.clip(points[:, 1], -85, 85))
    planar = np.column_stack([np.radians(points[:, 0]), np.log(np.tan(np.pi / 4 + lat / 2))])
    return np.array(planar * 6378137.0, dtype=np.float64)


def metres(a: Points, b: Points) -> float:
    """The mean distance of pairs of places in metres, near enough for a sentence; infinite where one lies nowhere."""
    step = (b - a) * _DEGREE_M
    with np.errstate(all="ignore"):
        distance = float(np.mean(np.hypot(step[:, 0] * np.cos(np.radians(a[:, 1])), step[:, 1])))
    return distance if np.isfinite(distance) else float("inf")


def moved(points: Points, number: int) -> Points:
    """The places moved by chance, always the same: around by the golden angle, 200 to 1400 m away."""
    angle, far = number * 2.399963, (200 + 1200 * number / (CHANCES - 1)) / _DEGREE_M
    east = np.cos(angle) * far / np.cos(np.radians(points[:, 1]))
    return np.array(points + np.column_stack([east, np.full(len(points), np.sin(angle) * far)]), dtype=np.float64)
