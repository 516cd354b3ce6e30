"""Reference layers of the demo city: territory, blocks, buildings, roads, school gates, control lines."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon, STRtree

from gisapp.demo import words
from gisapp.demo.buildings import Building
from gisapp.demo.feature import Feature, multi, pick
from gisapp.demo.frame import stream
from gisapp.demo.ground import Parcel
from gisapp.demo.network import Network
from gisapp.demo.plan import Plan

USES = {
    "homes": "02",
    "shops": "03",
    "works": "04",
    "public": "05",
    "school": "05",
    "rail": "06",
    "park": "07",
    "yard": "07",
    "wood": "07",
    "field": "08",
    "water": "09",
    "village": "01",
    "old": "02",
    "idle": "99",
    "site": "99",
}
_CLASS = {
    "expressway": "02",
    "arterial": "03",
    "secondary": "04",
    "branch": "05",
    "lane": "06",
    "track": "06",
}
_ROAD = {  # lanes, paved width m, speed limit km/h
    "expressway": (6, 32.0, 70),
    "arterial": (6, 26.0, 60),
    "secondary": (4, 17.0, 50),
    "branch": (2, 9.0, 40),
    "lane": (1, 4.5, 20),
    "track": (1, 4.0, 30),
}
_SHORT = {"old": "O", "inner": "I", "outer": "W"}


@dataclass
class Names:
    """Names that several layers share."""

    roads: list[str]
    parcels: list[str]
    addresses: list[str]
    schools: dict[int, str] = field(default_factory=dict)


def name_all(plan: Plan, ground: list[Parcel]) -> Names:
    """A name for every street and every block, and each block's address."""
    rng = stream(plan.seed, "names")
    word = words.pairs(rng)
    roads = [words.road_name(s.role, s.kind, _heading(s.line), next(word)) for s in plan.streets]
    estates = words.pairs(stream(plan.seed, "estates"))
    parcels = [_parcel_name(p, next(estates), rng) for p in ground]
    strips = [p.use == "park" and plan.zones[p.face] == "shore" for p in ground]
    parcels = ["" if strip else name for strip, name in zip(strips, parcels, strict=True)]
    return Names(roads, parcels, _addresses(plan, ground, roads, rng))


def _heading(line: LineString) -> float:
    points = shapely.get_coordinates(line)
    step = points[-1] - points[0]
    angle = float(np.degrees(np.arctan2(step[1], step[0])))
    return (angle + 90.0) % 180.0 - 90.0


def _parcel_name(parcel: Parcel, word: str, rng: np.random.Generator) -> str:
    fixed = {
        "shops": "商业广场",
        "works": "工业园",
        "school": "学校",
        "park": "公园",
        "public": "服务中心",
        "site": "项目",
    }
    if parcel.use in {"homes"}:
        return words.estate_name(word, rng)
    if parcel.use == "village":
        return f"{word}村"
    if parcel.use == "water" and parcel.shape.area > 60_000:
        return words.RIVER
    return word + fixed[parcel.use] if parcel.use in fixed else ""


def _addresses(plan: Plan, ground: list[Parcel], roads: list[str], rng: np.random.Generator) -> list[str]:
    kept = [i for i, s in enumerate(plan.streets) if not s.line.is_empty]
    tree = STRtree([plan.streets[i].line for i in kept])
    found = []
    for parcel in ground:
        near = kept[int(tree.nearest(parcel.shape.representative_point()))]
        found.append(f"{words.DISTRICT_NAMES[0]}{roads[near]}{int(rng.integers(1, 260))}号")
    return found


def blocks(ground: list[Parcel], names: Names, tag: str) -> list[Feature]:
    """The ground as blocks with their land use."""
    found = []
    for i, parcel in enumerate(ground):
        code = f"DK{tag}{i + 1:05d}"
        row = {"code": code, "name": names.parcels[i] or None, "land_use": USES[parcel.use]}
        found.append(Feature("blocks", code, multi(parcel.shape), row))
    return found


def buildings(built: list[Building], ground: list[Parcel], names: Names, tag: str) -> list[Feature]:
    """Buildings, numbered within their block."""
    count: dict[int, int] = defaultdict(int)
    found = []
    for i, b in enumerate(built):
        count[b.parcel] += 1
        estate = names.parcels[b.parcel]
        row = {
            "code": f"JZ{tag}{i + 1:06d}",
            "name": f"{estate}{count[b.parcel]}号楼" if estate and b.kind not in {"village", "hut"} else None,
            "address": names.addresses[b.parcel],
            "building_use": b.use,
            "floors": b.floors,
            "height_m": round(b.floors * (3.0 if b.use in {"01", "02"} else 4.2) + 0.6, 1),
            "structure": _structure(b),
        }
        found.append(Feature("buildings", str(row["code"]), multi(b.shape), row))
    return found


def _structure(b: Building) -> str:
    light = {"hut": "05", "shed": "04"}
    if b.kind in light:
        return light[b.kind]
    brick = b.floors <= 3 or (b.floors <= 6 and b.kind in {"old", "village", "flats_old"})
    return "01" if brick else "03"


def roads(plan: Plan, net: Network, names: Names, tag: str) -> list[Feature]:
    """One feature for every road and part of town (old town, inside the ring, beyond): restrictions differ there."""
    groups: dict[tuple[int, str], list[LineString]] = defaultdict(list)
    for edge in net.edges:
        groups[(edge.street, edge.place)].append(LineString(edge.points))
    found = []
    for (street, place), lines in sorted(groups.items()):
        kind = plan.streets[street].kind
        lanes, width, speed = _ROAD[kind]
        code = f"DL{tag}{street + 1:04d}{_SHORT[place]}"
        row = {
            "code": code,
            "name": names.roads[street],
            "road_class": _CLASS[kind],
            "one_way": False,
            "lanes": lanes,
        }
        row |= {"width_m": width, "speed_limit_kmh": speed, **_restriction(kind, place)}
        found.append(Feature("roads", code, multi(shapely.line_merge(shapely.multilinestrings(lines))), row))
    return found


def _restriction(kind: str, place: str) -> dict[str, Any]:
    if place == "old":
        return {
            "restriction": "01",
            "vehicle_classes": ["01", "02", "03"],
            "doc_no": f"示范交〔2025〕3号{words.MARK}",
        }
    if place == "inner" and kind != "expressway":
        return {
            "restriction": "02",
            "vehicle_classes": ["01", "02"],
            "time_windows": "06:00-22:00",
            "effective_from": "2025-01-01",
            "doc_no": f"示范交〔2025〕3号{words.MARK}",
        }
    if kind == "track":
        return {"restriction": "04", "weight_limit_t": 10.0, "vehicle_classes": ["02"]}
    return {"restriction": "00"}


def school_gates(plan: Plan, ground: list[Parcel], net: Network, names: Names, tag: str) -> list[Feature]:
    """One or two gates for each school, on the sides that face a street."""
    rng = stream(plan.seed, "schools")
    found: list[Feature] = []
    for index in (i for i, p in enumerate(ground) if p.use == "school"):
        kind = pick(rng, ["01", "02", "03", "04", "05"], [2, 5, 3, 2, 2])
        gates = _gates(ground[index].shape, net)[: 1 + int(rng.random() < 0.6)]
        for number, gate in enumerate(gates):
            code = f"XM{tag}{len(found) + 1:03d}"
            row = {"code": code, "name": names.parcels[index] + words.MARK, "school_kind": kind}
            row |= {"gate_name": ["正门", "侧门"][number], "gate_kind": ["01", "02"][number]}
            row |= {
                "guard_post": bool(number == 0 and rng.random() < 0.6),
                "peak_hours": "07:20-08:10;16:30-17:40",
            }
            found.append(Feature("school_gates", code, gate, row))
    return found


def _gates(shape: Polygon, net: Network) -> list[Point]:
    """Points on the school's edge nearest to its streets, quieter streets first."""
    near = [
        e for e in net.edges if e.kind not in {"expressway"} and LineString(e.points).distance(shape) < 24
    ]
    order = {"branch": 0, "lane": 1, "secondary": 2, "track": 3, "arterial": 4}
    near.sort(key=lambda e: (order[e.kind], -LineString(e.points).length))
    found: list[Point] = []
    for edge in near:
        front = LineString(edge.points).intersection(shape.buffer(26))
        gate = (
            shapely.shortest_line(shape.exterior, front.interpolate(0.5, normalized=True))
            if front.length > 15
            else None
        )
        at = Point(gate.coords[0]) if gate is not None else None
        if at is not None and all(at.distance(other) > 60 for other in found):
            found.append(at)
    return found
