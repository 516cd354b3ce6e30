"""Ways to fill a block with building footprints, in metres."""

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Polygon, affinity, box

from gisapp.demo.frame import Floats, Rng
from gisapp.demo.lines import axis, chord, halves

Shapes = list[Polygon]
Draw = Callable[[float, float, float, float], Polygon]


def polygons(geometry: Any, least: float = 30.0) -> Shapes:
    """The polygon parts of at least `least` m²."""
    return [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon" and p.area >= least]


def turned(shape: Any, angle: float) -> Any:
    return affinity.rotate(shape, angle, origin=(0, 0))


def _spans(area: Any, y0: float, y1: float) -> list[tuple[float, float]]:
    """Stretches of x for which the whole band from y0 to y1 lies in the area."""
    west, _, east, _ = area.bounds
    found = [(west, east)]
    for y in (y0, (y0 + y1) / 2, y1):
        cut = area.intersection(LineString([(west - 1, y), (east + 1, y)]))
        pieces = [p.bounds for p in shapely.get_parts(cut) if p.geom_type == "LineString"]
        found = [
            (max(a, p[0]), min(b, p[2])) for a, b in found for p in pieces if min(b, p[2]) - max(a, p[0]) > 8
        ]
    return found


def rows(
    area: Polygon,
    angle: float,
    depth: float,
    pitch: float,
    lengths: tuple[float, float],
    gap: float,
    rng: Rng,
    draw: Draw | None = None,
    skip: float = 0.03,
) -> Shapes:
    """Parallel buildings in rows `pitch` apart, each row filled from end to end with gaps between them."""
    level = turned(area, -angle)
    south, north = level.bounds[1], level.bounds[3]
    count = int((north - south - depth) // pitch) + 1
    first = south + max(0.0, (north - south - depth - (count - 1) * pitch) / 2)
    shapes: Shapes = []
    for y in (first + i * pitch for i in range(max(count, 0))):
        for west, east in _spans(level, y, y + depth):
            shapes.extend(_row(west, east, y, depth, lengths, gap, rng, draw or box, skip))
    shapely.prepare(room := level.buffer(0.3))
    kept = [s for s in shapes if room.contains(s)]
    return [turned(s, angle) for s in kept]


def _row(
    west: float,
    east: float,
    y: float,
    depth: float,
    lengths: tuple[float, float],
    gap: float,
    rng: Rng,
    draw: Draw,
    skip: float,
) -> Shapes:
    wanted = rng.uniform(*lengths)
    count = int((east - west + gap) // (wanted + gap))
    if count == 0:
        return [draw(west, y, east, y + depth)] if east - west > 0.6 * lengths[0] else []
    each = min((east - west + gap) / count - gap, lengths[1] * 1.15)
    step = (east - west - each) / (count - 1) if count > 1 else 0.0
    return [
        draw(west + i * step, y, west + i * step + each, y + depth)
        for i in range(count)
        if rng.random() > skip
    ]


def slab(west: float, south: float, east: float, north: float) -> Polygon:
    """A block of flats: a straight south front, stair cores standing out to the north."""
    units = max(1, round((east - west) / 19.0))
    wide = (east - west) / units
    top = north - 1.6
    ring = [(west, south), (east, south), (east, top)]
    for i in reversed(range(units)):
        a, b = west + wide * (i + 0.34), west + wide * (i + 0.66)
        ring += [(b, top), (b, north), (a, north), (a, top)]
    return Polygon([*ring, (west, top)])


def tower(west: float, south: float, east: float, north: float) -> Polygon:
    """A point tower: a butterfly plan with a recess on the south and the core on the north side."""
    w, d = east - west, north - south
    x = [west, west + 0.36 * w, west + 0.64 * w, east]
    y = [south, south + 0.22 * d, south + 0.8 * d, north]
    return Polygon(
        [
            (x[0], y[0]),
            (x[1], y[0]),
            (x[1], y[1]),
            (x[2], y[1]),
            (x[2], y[0]),
            (x[3], y[0]),
            (x[3], y[2]),
            (x[2], y[2]),
            (x[2], y[3]),
            (x[1], y[3]),
            (x[1], y[2]),
            (x[0], y[2]),
        ]
    )


def pieces(area: Polygon, least: float, rng: Rng, shake: float = 0.06) -> Shapes:
    """The area cut again and again across its longer side, down to lots of about `least` m²."""
    waiting, done = [area], []
    while waiting:
        lot = waiting.pop()
        if lot.area < least * rng.uniform(1.1, 2.0):
            done.append(lot)
            continue
        parts = halves(lot, chord(lot, float(rng.normal(0.5, shake)), float(rng.normal(0, 1.5))))
        if len(parts) < 2:
            done.append(lot)
        else:
            waiting.extend(parts)
    return done


def houses(
    area: Polygon, lot: float, gap: float, rng: Rng, missing: float = 0.07, court: float = 0.3
) -> Shapes:
    """Small houses on irregular lots, some round a little court."""
    found: Shapes = []
    for quarter in pieces(area, 1500.0, rng):
        for plot in pieces(quarter.buffer(-1.3, join_style="mitre"), lot, rng):
            if rng.random() > missing:
                found.extend(_house(plot, gap, court, rng))
    return found


def _house(plot: Polygon, gap: float, court: float, rng: Rng) -> Shapes:
    shape = plot.buffer(-gap * rng.uniform(0.35, 0.75), join_style="mitre")
    if shape.is_empty or shape.geom_type != "Polygon" or axis(shape)[3] < 4.5:
        return []
    if shape.area > 130 and rng.random() < court:
        shape = _with_court(shape, rng)
    return polygons(shape, 24.0)


def _with_court(shape: Polygon, rng: Rng) -> Any:
    """An L: the house without one corner."""
    centre, along, length, short = axis(shape)
    across = np.array([-along[1], along[0]])
    signs = rng.choice([-1.0, 1.0], size=2)
    at = centre + along * signs[0] * length / 2 + across * signs[1] * short / 2
    a, b = along * length * rng.uniform(0.35, 0.5), across * short * rng.uniform(0.35, 0.5)
    return shape.difference(Polygon([at - a - b, at + a - b, at + a + b, at - a + b]))


def along_edge(area: Polygon, start: Floats, end: Floats, depth: float, length: float, rng: Rng) -> Shapes:
    """Buildings side by side with their fronts on one edge of the area."""
    span = float(np.hypot(*(end - start)))
    count = int(span // (length + 7))
    if count < 1:
        return []
    step = (end - start) / span
    inward = np.array([-step[1], step[0]])
    each, found = span / count - rng.uniform(5, 9), []
    for i in range(count):
        a = start + step * (i * span / count + 3)
        shape = Polygon([a, a + step * each, a + step * each + inward * depth, a + inward * depth])
        if area.buffer(0.1).contains(shape):
            found.append(shape)
    return found


def cross(kind: str, centre: Floats, angle: float, size: float) -> Polygon:
    """A large single building: L, U or H in plan, `size` metres wide."""
    arm, half, d = size * 0.24, size / 2, size * 0.72
    bars = {
        "L": [box(-half, 0, half, arm), box(-half, 0, -half + arm, d)],
        "U": [box(-half, 0, half, arm), box(-half, 0, -half + arm, d), box(half - arm, 0, half, d)],
        "H": [
            box(-half, 0, -half + arm, d),
            box(half - arm, 0, half, d),
            box(-half, d * 0.38, half, d * 0.38 + arm),
        ],
    }[kind]
    shape = shapely.union_all(bars)
    moved = affinity.translate(shape, -shape.centroid.x, -shape.centroid.y)
    return affinity.translate(turned(moved, angle), float(centre[0]), float(centre[1]))
