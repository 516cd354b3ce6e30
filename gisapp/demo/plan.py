"""The bones of the city: river, railway, main roads, and the streets between them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon, STRtree

from gisapp.demo.frame import TILE_H, TILE_W, Rng, stream
from gisapp.demo.lines import Joints, best_cut, curve, faces, halves, node, reach, wavy_tile

Pairs = list[tuple[float, float]]

# Width of the road's land in metres, by class.
WIDTHS = {"expressway": 44.0, "arterial": 36.0, "secondary": 24.0, "branch": 15.0, "lane": 7.0, "track": 6.0}


@dataclass
class Street:
    """One road of the plan before noding."""

    kind: str
    line: LineString
    role: str = ""  # which of the named main roads this is; empty for the others


@dataclass
class Plan:
    """The city's line work, in metres of the local frame."""

    seed: int
    tile: Polygon
    river: Polygon
    rail: Polygon
    old_town: Polygon
    ring: Polygon
    streets: list[Street]
    edges: list[LineString] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)  # index of an edge's street, -1 when it is no road
    faces: list[Polygon] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)  # index of the superblock a face was cut from
    superblocks: list[Polygon] = field(default_factory=list)


def _shaken(rng: Rng, points: Sequence[tuple[float, float]], by: float) -> Pairs:
    """The inner points moved a little; the two at each end stay, so that neighbouring tiles meet."""
    moved = np.asarray(points, dtype=float)
    moved[2:-2] += rng.normal(0, by, size=moved[2:-2].shape)
    return [(float(x), float(y)) for x, y in moved]


def _across(rng: Rng, port: float, inner: Pairs, by: float = 45.0) -> LineString:
    east = TILE_W / 2
    ends_west, ends_east = (
        [(-east - 400, port), (-east + 250, port)],
        [(east - 250, port), (east + 400, port)],
    )
    return curve(_shaken(rng, [*ends_west, *inner, *ends_east], by))


def _along(rng: Rng, port: float, inner: Pairs, by: float = 45.0) -> LineString:
    north = TILE_H / 2
    ends_south, ends_north = (
        [(port, -north - 400), (port, -north + 250)],
        [(port, north - 250), (port, north + 400)],
    )
    return curve(_shaken(rng, [*ends_south, *inner, *ends_north], by))


def _loop(rng: Rng, centre: tuple[float, float], a: float, b: float, power: float, shake: float) -> Polygon:
    turns = np.linspace(0, 2 * np.pi, 15)[:-1]
    cos, sin = np.cos(turns), np.sin(turns)
    radius = (np.abs(cos) ** power + np.abs(sin) ** power) ** (-1 / power) * (1 + rng.normal(0, shake, 14))
    points = [
        (centre[0] + a * r * c, centre[1] + b * r * s) for r, c, s in zip(radius, cos, sin, strict=True)
    ]
    return Polygon(shapely.get_coordinates(curve(points, closed=True)))


def _river(rng: Rng) -> Polygon:
    middle = _across(
        rng,
        -620,
        [(-2050, -330), (-1250, -560), (-520, -900), (250, -960), (950, -640), (1600, -330), (2250, -420)],
        40,
    )
    at = np.linspace(0, 1, 90)
    widths = 62 + 14 * np.sin(2 * np.pi * at * 3 + rng.uniform(0, 6)) * np.sin(np.pi * at)
    beads = [middle.interpolate(t, normalized=True).buffer(w) for t, w in zip(at, widths, strict=True)]
    hulls = [a.union(b).convex_hull for a, b in itertools.pairwise(beads)]
    return shapely.simplify(shapely.unary_union(hulls), 1.5)


def _main_roads(rng: Rng, old: Polygon, ring: Polygon) -> list[Street]:
    named = {
        "north": _across(rng, 1730, [(-1900, 1760), (-700, 1640), (500, 1720), (1700, 1650)]),
        "centre": _across(rng, 420, [(-1950, 330), (-1150, 450), (-250, 380), (700, 330), (1600, 430)], 30),
        "south": _across(rng, -1830, [(-1900, -1900), (-800, -1760), (400, -1850), (1500, -1790)]),
        "west": _along(rng, -1180, [(-1230, -1500), (-1120, -500), (-1240, 450), (-1130, 1450)]),
        "middle": _along(rng, 330, [(300, -1500), (400, -600), (310, 450), (350, 1400)], 35),
        "east": _along(rng, 1280, [(1330, -1500), (1210, -500), (1300, 500), (1240, 1450)]),
    }
    main = [Street("arterial", line, role) for role, line in named.items()]
    bypass = _along(rng, 2520, [(2480, -1400), (2570, -300), (2480, 700), (2540, 1500)])
    radial_ne = curve(
        [(-60, 760), (420, 1090), (830, 1340), (1270, 1560), (1900, 1990), (2540, 2230), (3300, 2390)]
    )
    radial_sw = curve(
        [(-600, 180), (-1000, -80), (-1480, -430), (-1900, -1000), (-2380, -1480), (-2900, -1830)]
    )
    return [
        *main,
        Street("expressway", bypass, "bypass"),
        Street("expressway", LineString(ring.exterior.coords), "ring"),
        Street("secondary", LineString(old.exterior.coords), "old_loop"),
        Street("arterial", radial_ne, "radial_ne"),
        Street("arterial", radial_sw, "radial_sw"),
    ]


def _shores(river: Polygon, tile: Polygon) -> list[Street]:
    """A road on the crown of each embankment."""
    crown = shapely.buffer(shapely.simplify(river, 6), 48).simplify(2.5)
    lines = shapely.get_parts(crown.exterior.intersection(tile.buffer(-0.01)))
    return [
        Street("secondary", line, "shore")
        for line in shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))
    ]


def draw_plan(seed: int) -> Plan:
    """The whole line work of one city tile; the same seed gives the same plan."""
    rng = stream(seed, "plan")
    tile = wavy_tile(TILE_W, TILE_H)
    old = _loop(rng, (-260, 410), 470, 400, 3.0, 0.05)
    ring = _loop(rng, (40, 130), 1980, 1330, 3.2, 0.02)
    river = _river(rng)
    rail_line = _across(rng, 2110, [(-1800, 2180), (-600, 2050), (600, 2040), (1700, 2150)], 20)
    streets = [*_main_roads(rng, old, ring), *_shores(river, tile)]
    streets = [Street(s.kind, s.line.intersection(tile), s.role) for s in streets]
    plan = Plan(
        seed, tile, river.intersection(tile), rail_line.buffer(17).intersection(tile), old, ring, streets
    )
    _cut_blocks(plan, rng)
    _node(plan)
    return plan


def _fixed_lines(plan: Plan) -> list[Any]:
    return [plan.tile.exterior, plan.river.boundary, plan.rail.boundary]


def zone_of(plan: Plan, shape: Polygon) -> str:
    """What kind of town an area belongs to, by where it lies."""
    at = shape.representative_point()
    if plan.river.contains(at):
        return "water"
    if plan.rail.contains(at):
        return "rail"
    if plan.river.distance(at) < 46:
        return "shore"
    if plan.old_town.contains(at):
        return "old"
    return _zone_beyond(plan, at)


def _zone_beyond(plan: Plan, at: Point) -> str:
    if plan.ring.contains(at):
        return "centre" if abs(at.x - 830) < 520 and -150 < at.y < 1000 else "inner"
    if at.y > 1990:
        return "fringe_north"
    if at.x > 1900:
        return "works" if at.y > -1300 else "fringe"
    if -1830 < at.y < -1150 or (at.y > 1200 and -1500 < at.x < 1900):
        return "outer"
    return "fringe"


# Zone: (area in m² from which a piece is cut again, area from which a cut makes a secondary street)
_CUTS = {
    "old": (11_000.0, 9e9),
    "centre": (24_000.0, 190_000.0),
    "inner": (34_000.0, 200_000.0),
    "outer": (40_000.0, 200_000.0),
    "works": (62_000.0, 230_000.0),
    "fringe": (120_000.0, 400_000.0),
    "fringe_north": (110_000.0, 400_000.0),
}


def _cut_blocks(plan: Plan, rng: Rng) -> None:
    """Cuts the areas between the main roads into blocks; every cut is a street."""
    edges = node([*(s.line for s in plan.streets), *_fixed_lines(plan)])
    plan.superblocks = faces(edges)
    joints = Joints([])
    for block in plan.superblocks:
        zone = zone_of(plan, block)
        if zone in _CUTS:
            _cut(plan, block, zone, joints, rng)


def _cut(plan: Plan, block: Polygon, zone: str, joints: Joints, rng: Rng) -> None:
    least, secondary_from = _CUTS[zone]
    waiting = [block]
    while waiting:
        piece = waiting.pop()
        if piece.area < least * rng.uniform(1.05, 2.1) or _thin(piece):
            continue
        line = reach(piece, joints.meet(best_cut(piece, joints, rng)))
        parts = halves(piece, line) if line.length else []
        if len(parts) < 2 or min(part.area for part in parts) < 0.12 * piece.area:
            continue
        plan.streets.append(Street(_street_kind(zone, piece.area, secondary_from), line))
        waiting.extend(parts)


def _thin(piece: Polygon) -> bool:
    return bool(piece.area / max(piece.length, 1.0) < 13.0)


def _street_kind(zone: str, area: float, secondary_from: float) -> str:
    if zone == "old":
        return "lane"
    if area > secondary_from:
        return "secondary"
    return "track" if zone.startswith("fringe") else "branch"


def _node(plan: Plan) -> None:
    """Noded edges without dead ends, which street each is part of, the faces between and their zones."""
    lines = [*(s.line for s in plan.streets), *_fixed_lines(plan)]
    edges = _without_dangles(node(lines))
    tree = STRtree(lines)
    near = [_owner(tree, lines, edge, len(plan.streets)) for edge in edges]
    plan.edges, plan.owner = edges, _connected(edges, near)
    plan.faces = faces(edges)
    plan.zones = [zone_of(plan, face) for face in plan.faces]
    blocks = STRtree(plan.superblocks)
    plan.blocks = [int(blocks.nearest(face.representative_point())) for face in plan.faces]


def _connected(edges: list[LineString], owner: list[int]) -> list[int]:
    """Owners with those of streets that no other road leads to taken away: they are mere borders."""
    roads = [i for i, o in enumerate(owner) if o >= 0]
    ends = {i: [tuple(p) for p in shapely.get_coordinates(edges[i])[[0, -1]]] for i in roads}
    at: dict[tuple[float, ...], list[int]] = {}
    for i in roads:
        for end in ends[i]:
            at.setdefault(end, []).append(i)
    first = min(roads, key=lambda i: owner[i])
    reached, waiting = {first}, [first]
    while waiting:
        fresh = {j for end in ends[waiting.pop()] for j in at[end]} - reached
        reached |= fresh
        waiting.extend(sorted(fresh))
    return [o if i in reached else -1 for i, o in enumerate(owner)]


def _without_dangles(edges: list[LineString]) -> list[LineString]:
    while True:
        bridges, dangles = shapely.polygonize_full(edges)[1:3]
        dead = [*shapely.get_parts(bridges), *shapely.get_parts(dangles)]
        loose = {tuple(map(tuple, shapely.get_coordinates(d))) for d in dead}
        loose |= {key[::-1] for key in loose}
        kept = [e for e in edges if tuple(map(tuple, shapely.get_coordinates(e))) not in loose]
        if len(kept) == len(edges):
            return kept
        edges = kept


def _owner(tree: STRtree, lines: list[Any], edge: LineString, roads: int) -> int:
    """The street under an edge: the first one (main roads come first) that follows it."""
    points = shapely.line_interpolate_point(edge, [0.25, 0.5, 0.75], normalized=True)
    for index in sorted(tree.query(edge.buffer(1.5))):
        if bool(np.all(shapely.distance(lines[index], points) < 1.2)):
            return int(index) if index < roads else -1
    return -1
