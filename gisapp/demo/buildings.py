"""Buildings on the blocks: how each kind of ground is built over."""

import itertools
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Polygon, STRtree

from gisapp.demo.frame import Rng, stream
from gisapp.demo.ground import Parcel
from gisapp.demo.lines import axis, bearing
from gisapp.demo.lots import Shapes, along_edge, cross, houses, polygons, rows, slab, tower
from gisapp.demo.plan import Plan


@dataclass
class Building:
    """One building, in metres of the local frame; `use` is a code of code list building_use."""

    shape: Polygon
    use: str
    floors: int
    parcel: int
    kind: str


# Homes: (depth, row pitch, lengths, gap, floors from-to, form)
_HOMES = {
    "flats_old": (10.5, 21.5, (34.0, 58.0), 6.5, (5, 7), "slab"),
    "flats": (12.5, 28.0, (38.0, 66.0), 9.0, (6, 8), "slab"),
    "high": (15.0, 43.0, (34.0, 52.0), 14.0, (11, 18), "slab"),
    "towers": (20.0, 58.0, (27.0, 34.0), 24.0, (24, 33), "tower"),
}


def build(plan: Plan, ground: list[Parcel]) -> list[Building]:
    """All buildings of the tile, none of them touching another or a road."""
    rng = stream(plan.seed, "buildings")
    makers = {
        "homes": _homes,
        "old": _old,
        "village": _village,
        "works": _works,
        "shops": _shops,
        "public": _public,
        "school": _school,
        "park": _park,
        "site": _site,
    }
    found: list[Building] = []
    for index, parcel in enumerate(ground):
        if parcel.use in makers:
            angle = _angle(parcel.shape, rng)
            found.extend(makers[parcel.use](plan, parcel, index, angle, rng))
    return _apart([b for b in found if b.shape.is_valid and b.shape.area > 20])


def _apart(found: list[Building]) -> list[Building]:
    """Without those that touch an earlier one."""
    tree = STRtree([b.shape for b in found])
    lost: set[int] = set()
    for a, b in sorted(map(tuple, tree.query([b.shape for b in found], predicate="intersects").T)):
        if a < b and a not in lost:
            lost.add(b)
    return [b for i, b in enumerate(found) if i not in lost]


def _angle(shape: Polygon, rng: Rng) -> float:
    turn = bearing(shape)
    return turn if abs(turn) < 24 else float(rng.normal(0, 3))


def _front(plan: Plan, parcel: Parcel) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """The parcel's straight edges (counter-clockwise), longest first."""
    ring = shapely.get_coordinates(shapely.orient_polygons(parcel.shape.simplify(2.5)).exterior)
    sides = [(float(np.hypot(*(b - a))), a, b) for a, b in itertools.pairwise(ring)]
    return sorted(sides, key=lambda side: -side[0])


def _street_row(plan: Plan, parcel: Parcel, rng: Rng, depth: float, length: float, sides: int) -> Shapes:
    """Buildings with shops below, side by side along the longest street fronts."""
    inner = parcel.shape.buffer(-5.0, join_style="mitre")
    if inner.geom_type != "Polygon":
        return []
    held = Parcel(parcel.use, inner, parcel.face)
    found: Shapes = []
    for span, start, end in _front(plan, held)[:sides]:
        if span > 45 and plan.tile.exterior.distance(shapely.Point((start + end) / 2)) > 40:
            found.extend(
                s for s in along_edge(inner, start, end, depth, length, rng) if not _hits(s, found, 5)
            )
    return found


def _hits(shape: Polygon, others: Shapes, gap: float) -> bool:
    return any(shape.distance(other) < gap for other in others)


def _homes(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    depth, pitch, lengths, gap, floors, form = _HOMES[parcel.style]
    shops = rng.random() < 0.45 and parcel.shape.area > 9000
    front = (
        _street_row(plan, parcel, rng, rng.uniform(12, 15), rng.uniform(34, 52), int(rng.integers(1, 3)))
        if shops
        else []
    )
    height = int(rng.integers(floors[0], floors[1] + 1))
    found = [Building(s, "02", int(rng.integers(5, 9)), index, "shops_below") for s in front]
    keep = shapely.union_all(front).buffer(11, join_style="mitre") if front else Polygon()
    pitch *= rng.uniform(0.94, 1.08)
    for room in polygons(parcel.shape.buffer(-8.0).difference(keep), 400):
        draw = tower if form == "tower" else slab
        shapes = rows(room, angle, depth, pitch, lengths, gap, rng, draw, 0.05)
        found += [Building(s, "01", height + int(rng.integers(0, 2)), index, parcel.style) for s in shapes]
    return found


def _old(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    return _small(parcel, index, rng, rng.uniform(125, 190), 1.1, (1, 4), "old", 0.09)


def _village(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    return _small(parcel, index, rng, rng.uniform(185, 260), 3.0, (2, 5), "village", 0.17)


def _small(
    parcel: Parcel,
    index: int,
    rng: Rng,
    lot: float,
    gap: float,
    floors: tuple[int, int],
    kind: str,
    missing: float,
) -> list[Building]:
    found: list[Building] = []
    for room in polygons(parcel.shape.buffer(-2.5, join_style="mitre"), 150):
        for shape in houses(room, lot, gap, rng, missing, 0.3 if kind == "old" else 0.1):
            use = "02" if rng.random() < 0.16 else "01"
            found.append(Building(shape, use, int(rng.integers(floors[0], floors[1] + 1)), index, kind))
    return found


def _works(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    depth = float(rng.choice([26.0, 34.0, 44.0, 58.0]))
    turn = bearing(parcel.shape)
    room = parcel.shape.buffer(-13.0, join_style="mitre")
    found: list[Building] = []
    for part in polygons(room, 1200):
        shapes = rows(part, turn, depth, depth + rng.uniform(13, 22), (60.0, 130.0), 16.0, rng, None, 0.1)
        found += [Building(s, "05", int(rng.integers(1, 3)), index, "shed") for s in shapes]
    if found and rng.random() < 0.6:
        found[-1] = Building(found[-1].shape, "04", int(rng.integers(3, 6)), index, "office")
    return found


def _shops(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    if rng.random() < 0.3 and parcel.shape.area > 12_000:
        return _mall(plan, parcel, index, rng)
    front = _street_row(plan, parcel, rng, rng.uniform(18, 26), rng.uniform(36, 60), 3)
    found = [Building(s, "03", int(rng.integers(3, 7)), index, "podium") for s in front]
    keep = shapely.union_all(front).buffer(14, join_style="mitre") if front else Polygon()
    for room in polygons(parcel.shape.buffer(-12.0).difference(keep), 900):
        shapes = rows(room, bearing(parcel.shape), 31.0, 56.0, (30.0, 38.0), 22.0, rng, tower, 0.1)
        uses = rng.choice(["04", "03", "02"], size=len(shapes), p=[0.5, 0.2, 0.3])
        found += [
            Building(s, str(u), int(rng.integers(14, 34)), index, "high")
            for s, u in zip(shapes, uses, strict=True)
        ]
    return found


def _mall(plan: Plan, parcel: Parcel, index: int, rng: Rng) -> list[Building]:
    room = parcel.shape.buffer(-16.0, join_style="mitre")
    centre, _, length, _short = axis(room)
    for size in (0.86 * length, 0.7 * length, 0.55 * length):
        shape = cross(str(rng.choice(["L", "U"])), centre, bearing(parcel.shape), size)
        if room.contains(shape):
            return [Building(shape, "03", int(rng.integers(4, 7)), index, "mall")]
    shapes = rows(parcel.shape.buffer(-12), bearing(parcel.shape), 36.0, 54.0, (50.0, 84.0), 16.0, rng)
    return [Building(s, "03", int(rng.integers(4, 9)), index, "podium") for s in shapes]


def _public(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    room = parcel.shape.buffer(-12.0)
    use = "07" if rng.random() < 0.4 else "08"
    centre, _, length, _short = axis(parcel.shape)
    found: list[Building] = []
    for size in (min(90.0, 0.7 * length), min(60.0, 0.5 * length), 34.0):
        shape = cross(str(rng.choice(["U", "H"])), centre, angle, size)
        if room.contains(shape):
            found.append(Building(shape, use, int(rng.integers(4, 15)), index, "public"))
            break
    keep = found[0].shape.buffer(22) if found else Polygon()
    for part in polygons(room.difference(keep), 700):
        shapes = rows(part, angle, 15.0, 38.0, (36.0, 60.0), 18.0, rng, None, 0.2)
        found += [Building(s, use, int(rng.integers(3, 9)), index, "public") for s in shapes]
    return found


def _school(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    """Teaching blocks in the north, the yard with its track in the south."""
    west, south, east, north = parcel.shape.bounds
    half = shapely.box(west, south + (north - south) * 0.52, east, north)
    found: list[Building] = []
    for part in polygons(parcel.shape.buffer(-7.0).intersection(half), 300):
        shapes = rows(part, angle, 13.0, 31.0, (44.0, 72.0), 14.0, rng, slab, 0.0)
        found += [Building(s, "06", int(rng.integers(4, 6)), index, "school") for s in shapes]
    return found


def _park(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    if parcel.shape.area < 8000 or plan.zones[parcel.face] == "shore":
        return []
    at = parcel.shape.buffer(-12).representative_point()
    shape = at.buffer(6.5, quad_segs=2)
    return [Building(shape, "08", 1, index, "pavilion")] if parcel.shape.contains(shape) else []


def _site(plan: Plan, parcel: Parcel, index: int, angle: float, rng: Rng) -> list[Building]:
    """Only the site's own huts, by its edge."""
    room = parcel.shape.buffer(-6.0, join_style="mitre")
    for span, start, end in _front(plan, Parcel("", room, 0))[:1] if room.geom_type == "Polygon" else []:
        step = (end - start) / span
        huts = along_edge(room, start + step * 8, start + step * min(span - 6, 48), 6.0, 18.0, rng)
        return [Building(s, "99", 2, index, "hut") for s in huts]
    return []
