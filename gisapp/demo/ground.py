"""What the ground is used for: blocks between the streets, each with a use."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Polygon, STRtree

from gisapp.demo.frame import Floats, Rng, stream
from gisapp.demo.lines import axis, chord, curve, halves
from gisapp.demo.lots import polygons
from gisapp.demo.plan import WIDTHS, Plan

SITES = 40  # construction sites in one city
SCHOOLS = 18

# Zone: uses and how often each is met. "homes" is refined by the style of its neighbourhood.
_MIX: dict[str, dict[str, float]] = {
    "old": {"old": 0.82, "shops": 0.1, "public": 0.03, "park": 0.05},
    "centre": {"shops": 0.62, "homes": 0.2, "public": 0.08, "park": 0.1},
    "inner": {"homes": 0.74, "shops": 0.09, "village": 0.025, "park": 0.06, "public": 0.05, "idle": 0.02},
    "outer": {
        "homes": 0.63,
        "village": 0.07,
        "works": 0.07,
        "idle": 0.06,
        "park": 0.06,
        "shops": 0.05,
        "field": 0.06,
    },
    "works": {"works": 0.86, "village": 0.03, "idle": 0.06, "park": 0.05},
    "fringe": {"hamlet": 0.24, "field": 0.7, "wood": 0.06},
    "fringe_north": {"hamlet": 0.2, "field": 0.6, "wood": 0.2},
    "water": {"water": 1.0},
    "rail": {"rail": 1.0},
    "shore": {"park": 1.0},
}
_STYLES = ["flats_old", "flats", "high", "towers"]
_SITE_WEIGHT = {"homes": 3.0, "idle": 4.0, "works": 1.6, "shops": 1.4, "village": 1.2}


@dataclass
class Parcel:
    """One piece of ground, in metres of the local frame."""

    use: str
    shape: Polygon
    face: int
    style: str = ""


def road_land(plan: Plan) -> list[Polygon]:
    """The land of every road edge."""
    roads = [(e, WIDTHS[plan.streets[o].kind]) for e, o in zip(plan.edges, plan.owner, strict=True) if o >= 0]
    lines = [line for line, _ in roads]
    return list(shapely.buffer(lines, [width / 2 for _, width in roads], quad_segs=3))


def parcels(plan: Plan) -> list[Parcel]:
    """The ground of the whole tile: blocks with rounded corners, water, green, fields."""
    rng = stream(plan.seed, "ground")
    land = road_land(plan)
    tree = STRtree(land)
    styles = [_style(plan, block, rng) for block in plan.superblocks]
    found: list[Parcel] = []
    for index, face in enumerate(plan.faces):
        use = _draw(_MIX[plan.zones[index]], rng)
        if use == "homes":
            use = styles[plan.blocks[index]] if rng.random() < 0.8 else str(rng.choice(_STYLES))
        style = "flats" if use in _STYLES else use
        for shape in _block(face, use, land, tree):
            found.append(
                Parcel("homes" if use in _STYLES else use, shape, index, use if style == "flats" else "")
            )
    found = [piece for parcel in found for piece in _settle(parcel, rng)]
    _place_schools(found, rng)
    found = _place_sites(found, plan, rng)
    return [*found, *_ponds(found, rng), *_yards(found)]


def _yards(found: list[Parcel]) -> list[Parcel]:
    """The sports ground in the south of each school."""
    yards = []
    for parcel in (p for p in found if p.use == "school"):
        west, south, east, north = parcel.shape.bounds
        room = parcel.shape.buffer(-7.0).intersection(
            shapely.box(west, south, east, south + 0.5 * (north - south))
        )
        shape = _track(max(polygons(room), key=lambda p: p.area, default=Polygon()))
        if not shape.is_empty and parcel.shape.contains(shape):
            parcel.shape = parcel.shape.difference(shape)
            yards.append(Parcel("yard", shape, parcel.face))
    return yards


def _track(room: Polygon) -> Polygon:
    """A running track as large as fits the room; empty when none does."""
    if room.area < 900:
        return Polygon()
    middle, along, length, short = axis(room)
    radius = min(30.0, short / 2 - 1)
    half = max(4.0, min(46.0, length / 2 - radius - 1))
    line = shapely.LineString([middle - along * half, middle + along * half])
    return line.buffer(radius, quad_segs=6) if radius > 8 else Polygon()


def _draw(mix: dict[str, float], rng: Rng) -> str:
    weights = np.array(list(mix.values()))
    return str(rng.choice(list(mix), p=weights / weights.sum()))


def _style(plan: Plan, block: Polygon, rng: Rng) -> str:
    """Older and lower near the old town, higher towards the edge."""
    far = block.centroid.distance(plan.old_town.centroid) / 1000
    weights = np.array([max(0.05, 1.3 - far), 1.0, 0.35 + 0.4 * far, 0.15 + 0.35 * far])
    return str(rng.choice(_STYLES, p=weights / weights.sum()))


def _block(face: Polygon, use: str, land: list[Polygon], tree: STRtree) -> list[Polygon]:
    if use == "water":
        return [face]
    near = [land[i] for i in sorted(tree.query(face, predicate="intersects"))]
    left = face.difference(shapely.union_all(near)) if near else face
    round_by = 1.0 if use in {"rail", "old"} else 6.0
    rounded = left.buffer(-round_by, quad_segs=2).buffer(round_by, quad_segs=2).simplify(0.3)
    return polygons(rounded, 150.0)


def _settle(parcel: Parcel, rng: Rng) -> list[Parcel]:
    """A hamlet takes a corner of its field; wide fields fall into strips."""
    if parcel.use in {"hamlet", "field"} and parcel.shape.area > 30_000:
        parts = [p for half in _halved(parcel.shape, rng) for p in _halved(half, rng) if p.area > 800]
        parts = sorted((q for p in parts for q in (_halved(p, rng) if p.area > 14_000 else [p])), key=_place)
        home = int(rng.integers(len(parts))) if parcel.use == "hamlet" else -1
        return [Parcel("village" if i == home else "field", p, parcel.face) for i, p in enumerate(parts)]
    if parcel.use == "hamlet":
        parcel.use = "village"
    if parcel.use == "homes" and parcel.shape.area < 2500:
        parcel.use, parcel.style = "park", ""
    return [parcel]


def _place(shape: Polygon) -> tuple[float, float]:
    return (round(shape.centroid.y, 1), round(shape.centroid.x, 1))


def _halved(shape: Polygon, rng: Rng) -> list[Polygon]:
    cut = chord(shape, float(rng.uniform(0.35, 0.65)), float(rng.normal(0, 5)))
    return [p for half in halves(shape, cut) for p in polygons(half.buffer(-1.5, join_style="mitre"))]


def _spread(found: list[Parcel], weights: Floats, count: int, apart: float, rng: Rng) -> list[int]:
    """Indices of `count` parcels drawn by weight, at least `apart` metres from each other while that works."""
    order = np.argsort(-np.log(np.maximum(rng.random(len(found)), 1e-12)) * -1 / np.maximum(weights, 1e-9))[
        ::-1
    ]
    middles = [(p.shape.centroid.x, p.shape.centroid.y) for p in found]
    chosen: list[int] = []
    while len(chosen) < count and apart > 1:
        for i in (int(i) for i in order if weights[i] > 0 and int(i) not in chosen):
            if all(
                np.hypot(middles[i][0] - middles[j][0], middles[i][1] - middles[j][1]) > apart for j in chosen
            ):
                chosen.append(i)
            if len(chosen) == count:
                break
        apart *= 0.8
    return chosen


def _place_schools(found: list[Parcel], rng: Rng) -> None:
    fit = [1.0 if p.use == "homes" and 9_000 < p.shape.area < 42_000 else 0.0 for p in found]
    for index in _spread(found, np.array(fit), SCHOOLS, 520.0, rng):
        found[index].use, found[index].style = "school", ""


def _place_sites(found: list[Parcel], plan: Plan, rng: Rng) -> list[Parcel]:
    """Construction sites take whole smaller blocks and the half of large ones."""
    beyond = np.array([1.0 if plan.zones[p.face] in {"outer", "works"} else 0.45 for p in found])
    fit = np.array([_SITE_WEIGHT.get(p.use, 0.0) if p.shape.area > 6_000 else 0.0 for p in found])
    chosen = set(_spread(found, fit * beyond, SITES, 330.0, rng))
    result: list[Parcel] = []
    for index, parcel in enumerate(found):
        result.extend(_opened(parcel, rng) if index in chosen else [parcel])
    return result


def _opened(parcel: Parcel, rng: Rng) -> list[Parcel]:
    if parcel.shape.area < 21_000:
        return [Parcel("site", parcel.shape, parcel.face)]
    parts = halves(parcel.shape, chord(parcel.shape, float(rng.uniform(0.4, 0.6))))
    parts = sorted((p for p in parts if p.area > 4000), key=lambda p: p.area)
    rest = [
        Parcel(parcel.use, p.buffer(-2, join_style="mitre"), parcel.face, parcel.style) for p in parts[1:]
    ]
    return [Parcel("site", parts[0], parcel.face), *rest]


def _ponds(found: list[Parcel], rng: Rng) -> list[Parcel]:
    """Lakes in the larger parks and fish ponds in some fields; the ground round them stays as it is."""
    ponds: list[Parcel] = []
    for parcel in found:
        room = parcel.shape.buffer(-16)
        wanted = 0.45 if parcel.use == "park" else 0.07 if parcel.use == "field" else 0.0
        if room.geom_type != "Polygon" or room.area < 2500 or rng.random() >= wanted:
            continue
        pond = _pond(room, rng).intersection(room)
        for shape in polygons(pond, 400.0):
            parcel.shape = parcel.shape.difference(shape)
            ponds.append(Parcel("water", shape, parcel.face))
    return ponds


def _pond(room: Polygon, rng: Rng) -> Polygon:
    centre = room.representative_point()
    size = 0.42 * np.sqrt(room.area)
    turns = np.linspace(0, 2 * np.pi, 9)[:-1]
    radius = size * rng.uniform(0.55, 1.0, 8)
    points = [
        (centre.x + r * np.cos(t), centre.y + 0.7 * r * np.sin(t)) for r, t in zip(radius, turns, strict=True)
    ]
    return Polygon(curve(points, step=size / 4, closed=True).coords).buffer(0)
