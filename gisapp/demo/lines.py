"""Lines of the city plan: smooth curves, cuts of a block, and noding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from gisapp.demo.frame import Floats, Rng

GRID = 0.5  # metres; the plan's coordinates lie on this grid, which makes noding exact


def curve(points: Sequence[tuple[float, float]], step: float = 60.0, closed: bool = False) -> LineString:
    """A Catmull-Rom curve through the points, with a vertex about every `step` metres."""
    p = np.asarray(points, dtype=float)
    p = np.vstack([p[-1], p, p[0], p[1]]) if closed else np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    parts = [_span(p[i : i + 4], step) for i in range(len(p) - 3)]
    return LineString(np.vstack([*parts, p[-2][None, :]]))


def _span(q: Floats, step: float) -> Floats:
    count = max(2, int(np.hypot(*(q[2] - q[1])) / step))
    t = (np.arange(count) / count)[:, None]
    a, b = 2 * q[1], q[2] - q[0]
    c, d = 2 * q[0] - 5 * q[1] + 4 * q[2] - q[3], -q[0] + 3 * q[1] - 3 * q[2] + q[3]
    return np.asarray(0.5 * (a + b * t + c * t**2 + d * t**3), dtype=float)


def axis(shape: Polygon) -> tuple[Floats, Floats, float, float]:
    """Centre, unit vector along the longer side, long and short side of the least rectangle round it."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(shape))
    if len(corners) < 4:
        return corners.mean(axis=0), np.array([1.0, 0.0]), 0.0, 0.0
    a, b = corners[1] - corners[0], corners[2] - corners[1]
    la, lb = float(np.hypot(*a)), float(np.hypot(*b))
    along = a / la if la >= lb else b / max(lb, 1e-9)
    return corners[:4].mean(axis=0), along * (1 if along[0] >= 0 else -1), max(la, lb), min(la, lb)


def bearing(shape: Polygon) -> float:
    """Angle in degrees, in (-45, 45], by which a block is turned from east-west."""
    along = axis(shape)[1]
    angle = float(np.degrees(np.arctan2(along[1], along[0])))
    return (angle + 45.0) % 90.0 - 45.0


def chord(shape: Polygon, share: float, tilt: float = 0.0) -> LineString:
    """The cut across a block at `share` of its longer side, turned by `tilt` degrees; ends on its edge."""
    centre, along, length, _ = axis(shape)
    at = centre + along * (share - 0.5) * length
    turn = np.radians(90.0 + tilt)
    across = np.array(
        [
            along[0] * np.cos(turn) - along[1] * np.sin(turn),
            along[0] * np.sin(turn) + along[1] * np.cos(turn),
        ]
    )
    line = LineString([at - across * 9000, at + across * 9000]).intersection(shape)
    return longest(line)


def longest(geometry: Any) -> LineString:
    """The longest line among the parts (an empty line when there is none)."""
    lines = [part for part in shapely.get_parts(geometry) if part.geom_type == "LineString"]
    return max(lines, key=lambda part: part.length, default=LineString())


def halves(shape: Polygon, cut: LineString) -> list[Polygon]:
    """The parts of a polygon on the two sides of the straight line through `cut`."""
    ends = shapely.get_coordinates(cut)
    step = (ends[-1] - ends[0]) / max(cut.length, 1e-9)
    side = np.array([-step[1], step[0]]) * 9000
    a, b = ends[0] - step * 9000, ends[-1] + step * 9000
    found: list[Polygon] = []
    for sign in (1.0, -1.0):
        part = shape.intersection(Polygon([a, b, b + side * sign, a + side * sign]))
        found.extend(p for p in shapely.get_parts(part) if p.geom_type == "Polygon" and p.area > 1.0)
    return found


@dataclass
class Joints:
    """Ends of the cuts made so far: later cuts meet them or keep away, as crossings of real streets do."""

    points: list[tuple[float, float]]

    def near(self, at: Floats) -> tuple[float, Floats]:
        if not self.points:
            return np.inf, at
        known = np.asarray(self.points)
        gaps = np.hypot(*(known - at).T)
        return float(gaps.min()), known[int(gaps.argmin())]

    def badness(self, cut: LineString) -> float:
        gaps = [self.near(end)[0] for end in shapely.get_coordinates(cut)[[0, -1]]]
        return sum(0.0 if gap < 28 else 2.0 if gap < 75 else 0.6 for gap in gaps)

    def meet(self, cut: LineString) -> LineString:
        """The cut with each end moved onto a known joint that is close, and its ends remembered."""
        ends = []
        for end in shapely.get_coordinates(cut)[[0, -1]]:
            gap, joint = self.near(end)
            ends.append(joint if gap < 28 else end)
        self.points.extend((float(x), float(y)) for x, y in ends)
        return LineString(ends) if np.hypot(*(ends[0] - ends[1])) > 5 else cut


def reach(shape: Polygon, cut: LineString) -> LineString:
    """The cut lengthened or shortened so that it ends on the block's edge."""
    if cut.length == 0:
        return cut
    ends = shapely.get_coordinates(cut)
    more = (ends[-1] - ends[0]) / cut.length * 60.0
    return longest(LineString([ends[0] - more, ends[-1] + more]).intersection(shape))


def best_cut(shape: Polygon, joints: Joints, rng: Rng) -> LineString:
    """A cut across the longer side which meets the streets opposite where that is possible."""
    tilt = float(rng.normal(0, 2.0))
    shares = np.clip(rng.normal(0.5, 0.07, size=9), 0.32, 0.68)
    cuts = [cut for cut in (chord(shape, float(s), tilt) for s in shares) if cut.length > 8]
    return min(cuts, key=joints.badness, default=LineString())


def node(lines: Iterable[Any]) -> list[LineString]:
    """Edges between crossings, on the plan's grid, in a fixed order."""
    noded = shapely.unary_union(list(lines), grid_size=GRID)
    edges = [part for part in shapely.get_parts(noded) if part.length > 0]
    return sorted(edges, key=lambda e: tuple(map(tuple, shapely.get_coordinates(e)[:2])))


def faces(edges: Sequence[LineString]) -> list[Polygon]:
    """The areas between the edges, in a fixed order (north to south, west to east)."""
    found = [p for p in shapely.get_parts(shapely.polygonize(list(edges))) if p.area > 0]
    return sorted(found, key=lambda p: (-round(p.representative_point().y, 1), p.representative_point().x))


def wavy_tile(width: float, height: float) -> Polygon:
    """The tile's outline: opposite sides have the same waves, so that copies of it lie edge to edge."""
    t = np.linspace(-0.5, 0.5, 41)
    wave_x = 130 * np.sin(2 * np.pi * t * 1.0) * np.cos(np.pi * t) + 60 * np.sin(6 * np.pi * t) * np.cos(
        np.pi * t
    )
    wave_y = 110 * np.sin(4 * np.pi * t) * np.cos(np.pi * t) - 70 * np.sin(2 * np.pi * t) * np.cos(np.pi * t)
    south = np.column_stack([t * width, -height / 2 + wave_y])
    east = np.column_stack([width / 2 + wave_x, t * height])
    north = np.column_stack([t * width, height / 2 + wave_y])[::-1]
    west = np.column_stack([-width / 2 + wave_x, t * height])[::-1]
    ring = np.vstack([south[:-1], east[:-1], north[:-1], west[:-1]])
    return Polygon(np.round(ring / GRID) * GRID)


def inside(shape: Polygon, x: float, y: float) -> bool:
    return bool(shape.contains(Point(x, y)))
