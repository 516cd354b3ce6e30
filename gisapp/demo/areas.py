"""Who answers for which ground: unit grids, communities, streets and districts, without gap or overlap."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import Polygon, STRtree

from gisapp.demo.buildings import Building
from gisapp.demo.frame import Rng, stream
from gisapp.demo.lines import chord, faces, halves, node
from gisapp.demo.plan import Plan

STREETS = 6
PER_STREET = 5
BUILT_UP = {"old", "centre", "inner", "outer", "works", "shore"}


@dataclass
class Area:
    """One piece of territory with its code and the code of the area above it."""

    code: str
    shape: Polygon
    parts: list[int] = field(default_factory=list)


@dataclass
class Areas:
    districts: list[Area]
    streets: list[Area]
    communities: list[Area]
    grids: list[Area]


def divide(plan: Plan, buildings: list[Building], districts: tuple[str, str]) -> Areas:
    """Districts > streets > communities > grids, each the exact sum of the ones below it."""
    rng = stream(plan.seed, "areas")
    cells = _cells(plan, buildings, rng)
    touching = _neighbours(cells)
    blocks = STRtree(plan.superblocks)
    block = [int(blocks.nearest(cell.representative_point())) for cell in cells]
    street = _streets(plan, rng)
    community = _communities(plan, cells, touching, [street[b] for b in block], rng)
    return _code(plan, cells, [street[b] for b in block], community, districts)


def _cells(plan: Plan, buildings: list[Building], rng: Rng) -> list[Polygon]:
    """Faces cut to about 10 000 m² in town, a few hectares in the fields, between the buildings where possible."""
    tree = STRtree([b.shape for b in buildings])
    cuts = []
    for face, zone in zip(plan.faces, plan.zones, strict=True):
        waiting = [face]
        while waiting:
            piece = waiting.pop()
            least = 10_500.0 if zone in BUILT_UP else 52_000.0
            cut = _quiet_cut(piece, tree, rng) if piece.area > 1.75 * least else None
            parts = halves(piece, cut) if cut is not None else []
            if len(parts) > 1:
                cuts.append(cut)
                waiting.extend(parts)
    return _no_slivers(faces(node([*plan.edges, *cuts])))


def _no_slivers(cells: list[Polygon], least: float = 1200.0) -> list[Polygon]:
    """Scraps joined to the neighbour with the longest common border."""
    while True:
        touching = _neighbours(cells)
        small = min(range(len(cells)), key=lambda i: cells[i].area if touching[i] else np.inf)
        if cells[small].area >= least:
            return cells
        other = max(touching[small], key=lambda j: (touching[small][j], -j))
        cells[other] = shapely.coverage_union(cells[small], cells[other])
        del cells[small]


def _quiet_cut(piece: Polygon, tree: STRtree, rng: Rng) -> shapely.LineString | None:
    """The cut near the middle which crosses the fewest buildings."""
    shares = 0.5 + np.array([0, -0.04, 0.04, -0.08, 0.08, -0.12, 0.12, -0.16, 0.16])
    found = [
        (len(tree.query(cut, predicate="crosses")), i, cut)
        for i, cut in enumerate(chord(piece, s) for s in shares)
    ]
    return min((f for f in found if f[2].length > 5), key=lambda f: f[:2], default=(0, 0, None))[2]


def _neighbours(shapes: list[Polygon]) -> list[dict[int, float]]:
    """For every area the ones it shares a border with, and how long that border is."""
    tree = STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    keep = left < right
    left, right = left[keep], right[keep]
    items = np.array(shapes, dtype=object)
    lengths = shapely.length(shapely.intersection(items[left], items[right]))
    found: list[dict[int, float]] = [{} for _ in shapes]
    for a, b, length in zip(left.tolist(), right.tolist(), lengths.tolist(), strict=True):
        if length > 1.0:
            found[a][b] = found[b][a] = length
    return found


def _streets(plan: Plan, rng: Rng) -> list[int]:
    """Which street each superblock belongs to: grown from seeds over shared borders."""
    touching = _neighbours(plan.superblocks)
    seeds_at = [(-1500, 1300), (-260, 420), (1000, 1500), (1050, -100), (-1300, -1400), (2300, 300)]
    tree = STRtree(plan.superblocks)
    seeds = [int(tree.nearest(shapely.Point(x, y))) for x, y in seeds_at]
    return _grow(plan.superblocks, touching, [0] * len(plan.superblocks), {0: seeds}, 0.5)


def _grow(
    shapes: list[Polygon],
    touching: list[dict[int, float]],
    within: list[int],
    seeds: dict[int, list[int]],
    pull: float,
) -> list[int]:
    """Regions of similar size: the smallest takes its nearest free neighbour, until all is taken."""
    middles = np.array([(s.centroid.x, s.centroid.y) for s in shapes])
    owner = [-1] * len(shapes)
    heads = [(group, seed) for group, members in seeds.items() for seed in members]
    size = {}
    for number, (_, seed) in enumerate(heads):
        owner[seed], size[number] = number, shapes[seed].area
    closed: set[int] = set()
    while len(closed) < len(heads):
        number = min((n for n in size if n not in closed), key=lambda n: size[n])
        group, seed = heads[number]
        free = {
            j
            for i, o in enumerate(owner)
            if o == number
            for j in touching[i]
            if owner[j] < 0 and within[j] == group
        }
        if not free:
            closed.add(number)
            continue
        gaps = {j: float(np.hypot(*(middles[j] - middles[seed]))) for j in free}
        best = min(
            free,
            key=lambda j: (gaps[j] - pull * sum(m for k, m in touching[j].items() if owner[k] == number), j),
        )
        owner[best] = number
        size[number] += shapes[best].area
    return _rest(owner, touching)


def _rest(owner: list[int], touching: list[dict[int, float]]) -> list[int]:
    """Pieces that no region of their group could reach join the neighbour with the longest border."""
    while -1 in owner:
        for i in (i for i, o in enumerate(owner) if o < 0):
            near = {j: length for j, length in touching[i].items() if owner[j] >= 0}
            if near:
                owner[i] = owner[max(near, key=lambda j: (near[j], -j))]
    return owner


def _communities(
    plan: Plan, cells: list[Polygon], touching: list[dict[int, float]], street: list[int], rng: Rng
) -> list[int]:
    """Communities grown from faces, so that their borders run along streets and water."""
    face_tree = STRtree(plan.faces)
    face = [int(face_tree.nearest(cell.representative_point())) for cell in cells]
    face_street = dict(zip(face, street, strict=True))
    within = [face_street.get(i, 0) for i in range(len(plan.faces))]
    near = _neighbours(plan.faces)
    seeds = {s: _seeds([i for i, w in enumerate(within) if w == s], plan.faces, rng) for s in range(STREETS)}
    owner = _grow(plan.faces, near, within, seeds, 1.2)
    return [owner[f] for f in face]


def _seeds(members: list[int], shapes: list[Polygon], rng: Rng) -> list[int]:
    """A few members far apart from each other."""
    middles = np.array([(shapes[i].centroid.x, shapes[i].centroid.y) for i in members])
    chosen = [int(np.argmin(np.hypot(*(middles - middles.mean(axis=0)).T)))]
    while len(chosen) < min(PER_STREET, len(members)):
        gaps = np.min([np.hypot(*(middles - middles[c]).T) for c in chosen], axis=0)
        chosen.append(int(gaps.argmax()))
    return [members[c] for c in chosen]


def _merged(shapes: list[Polygon]) -> Polygon:
    """Their union with every vertex kept, so that neighbours share the same points."""
    return (
        shapely.get_parts(shapely.coverage_union_all(shapes))[0]
        if len(shapes) == 1
        else shapely.coverage_union_all(shapes)
    )


def _reading_order(shapes: list[Polygon], band: float) -> list[int]:
    """North to south in bands, west to east within a band."""
    at = [s.representative_point() for s in shapes]
    top = max(p.y for p in at)
    return sorted(range(len(shapes)), key=lambda i: (int((top - at[i].y) // band), at[i].x))


def _code(
    plan: Plan, cells: list[Polygon], street: list[int], community: list[int], districts: tuple[str, str]
) -> Areas:
    """Codes from the top down, each level numbered west to east, north to south."""
    found = Areas([], [], [], [])
    groups = {
        s: _merged([c for c, o in zip(cells, street, strict=True) if o == s]) for s in sorted(set(street))
    }
    home = {s: districts[1] if s in {3, 5} else districts[0] for s in groups}
    for code in districts:
        shape = _merged([groups[s] for s in groups if home[s] == code])
        found.districts.append(Area(code, shape))
        inside = [s for s in groups if home[s] == code]
        for number, pick in enumerate(_reading_order([groups[s] for s in inside], 1200.0)):
            name = f"{code}{number + 1:03d}"
            found.streets.append(Area(name, groups[inside[pick]]))
            _code_street(
                found, name, cells, [i for i, s in enumerate(street) if s == inside[pick]], community
            )
    return found


def _code_street(
    found: Areas, street: str, cells: list[Polygon], members: list[int], community: list[int]
) -> None:
    names = sorted({community[i] for i in members})
    groups = [[i for i in members if community[i] == name] for name in names]
    shapes = [_merged([cells[i] for i in group]) for group in groups]
    for number, pick in enumerate(_reading_order(shapes, 700.0)):
        code = f"{street}{number + 1:03d}"
        found.communities.append(Area(code, shapes[pick]))
        inside = [cells[i] for i in groups[pick]]
        for serial, cell in enumerate(_reading_order(inside, 130.0)):
            found.grids.append(Area(f"{code}{serial + 1:03d}", inside[cell]))
