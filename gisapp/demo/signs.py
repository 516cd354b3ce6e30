"""Removed rooftop signs of the demo city: exactly 145, exactly 12 073 m²."""

from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point

from gisapp.demo import words
from gisapp.demo.buildings import Building
from gisapp.demo.feature import Feature, day, department, later, moment, pick
from gisapp.demo.frame import Rng, stream
from gisapp.demo.lines import axis
from gisapp.demo.network import Network
from gisapp.demo.plan import Plan

COUNT = 145
TOTAL_CENTIARES = 1_207_300  # 12 073.00 m² in hundredths

_TEXTS = ["示例商城", "演示酒店", "样例家居", "虚构超市", "示范影城", "样板茶楼", "演示药房", "示例健身", "虚构书城",
          "样例宾馆"]
_ALIKE = {"status": "07", "matter_code": "07003", "carrier_kind": "01", "position": "01", "size_class": "01",
          "campaign": "01"}
#: Fields drawn for each sign, in this order: what may come, and how often beside the others.
_DRAWN: dict[str, tuple[list[str], list[float] | None]] = {
    "sign_kind": (["01", "07", "03"], [80, 12, 8]),
    "sign_text": ([text + words.MARK for text in _TEXTS], None),
    "content_kind": (["01", "03"], [3, 1]),
    "material": (["01", "02", "04", "05"], [60, 20, 12, 8]),
    "lighting": (["01", "02", "03", "04"], [3, 4, 2, 2]),
    "hazard_level": (["01", "02", "03"], [5, 4, 2]),
    "safety_result": (["03", "04"], None),
}


def faces(rng: Rng) -> list[tuple[int, int, int, int]]:
    """Width and height in centimetres, number of faces and area in hundredths of m², for all signs."""
    while True:
        found = [_face(rng) for _ in range(COUNT - 1)]
        rest = TOTAL_CENTIARES - sum(face[3] for face in found)
        if 2_500 < rest < 25_000:
            return [*found, _exactly(rest)]


def _face(rng: Rng) -> tuple[int, int, int, int]:
    height = int(np.clip(rng.normal(420, 130), 180, 900))
    width = int(np.clip(rng.lognormal(7.45, 0.42), 600, 4200))
    count = 2 if rng.random() < 0.07 else 1
    return width, height, count, _area(width, height, count)


def _area(width: int, height: int, count: int) -> int:
    return (width * height * count + 50) // 100


def _exactly(area: int) -> tuple[int, int, int, int]:
    """A sign of one face whose rounded area is this."""
    for height in range(320, 640):
        width = area * 100 // height
        if _area(width, height, 1) == area:
            return width, height, 1, area
    raise ValueError(f"no sign has {area} hundredths of a square metre")


def rooftop_signs(
    plan: Plan, built: list[Building], net: Network, addresses: list[str], tag: str
) -> list[Feature]:
    """Signs on roofs of commercial buildings along the main roads, all removed."""
    rng = stream(plan.seed, "signs")
    hosts = _hosts(built, net)
    order = rng.permutation(len(hosts))[:COUNT]
    sizes = faces(rng)
    return [
        _feature(i, built[hosts[j][0]], hosts[j][1], sizes[i], addresses, rng, tag)
        for i, j in enumerate(order)
    ]


def _hosts(built: list[Building], net: Network) -> list[tuple[int, Any]]:
    """Commercial and mixed buildings near a main road, with the road they face."""
    lines = [LineString(e.points) for e in net.edges if e.kind in {"arterial", "expressway", "secondary"}]
    tree = shapely.STRtree(lines)
    found = []
    for i, b in enumerate(built):
        if b.use in {"02", "03", "04"} and b.floors >= 3 and b.kind not in {"old", "village", "shed"}:
            near = int(tree.nearest(b.shape))
            if lines[near].distance(b.shape) < 62:
                found.append((i, lines[near]))
    return found


def _spot(b: Building, road: Any) -> Point:
    """A point on the roof towards the street."""
    centre, _, _, short = axis(b.shape)
    towards = shapely.get_coordinates(shapely.shortest_line(Point(centre), road))
    step = towards[-1] - towards[0]
    at = Point(centre + step / max(np.hypot(*step), 1e-9) * 0.34 * short)
    return at if b.shape.buffer(-0.5).contains(at) else b.shape.representative_point()


def _feature(
    number: int,
    b: Building,
    road: Any,
    size: tuple[int, int, int, int],
    addresses: list[str],
    rng: Rng,
    tag: str,
) -> Feature:
    found = day(rng, last=date(2026, 5, 31))
    removed = later(rng, found, 12, 140)
    key = f"GG{tag}{number + 1:05d}"
    drawn = {name: pick(rng, choices, weights) for name, (choices, weights) in _DRAWN.items()}
    row = {**_ALIKE, "sign_no": key, **drawn, **_host(number, b), **_size(*size), "address": addresses[b.parcel],
           **_course(found, removed, size[3], rng)}
    return Feature("rooftop_signs", key, _spot(b, road), row)


def _host(number: int, b: Building) -> dict[str, Any]:
    """The building that carries the sign, and its owner."""
    return {
        "building_name": f"示例楼宇{number + 1:03d}{words.MARK}",
        "building_use": b.use,
        "building_floors": b.floors,
        "height_above_m": round(b.floors * 3.4 + 0.5, 2),
        "owner": f"演示单位{number + 1:04d}{words.MARK}",
        "owner_phone": words.phone(10_000 + number),
    }


def _size(width: int, height: int, count: int, area: int) -> dict[str, Any]:
    return {"width_m": width / 100, "height_m": height / 100, "faces": count, "area_m2": area / 100}


def _course(found: date, removed: date, area: int, rng: Rng) -> dict[str, Any]:
    return {
        "found_at": moment(rng, found),
        "source": pick(rng, ["01", "02", "04", "05"], [6, 1, 1, 2]),
        **department(rng, "EPSG:4490"),
        "geom_source": pick(rng, ["02", "03"]),
        "accuracy_m": round(float(rng.uniform(1, 9)), 2),
        "stock_flag": "01",
        "procedure": "02",
        "notice_no": f"示城执字〔{found.year}〕第{int(rng.integers(1, 999)):03d}号",
        "rectify_by": later(rng, found, 10, 30).isoformat(),
        "outcome": "04",
        "removed_at": removed.isoformat(),
        "removal_method": pick(rng, ["01", "02", "03"], [6, 3, 1]),
        "removed_area_m2": area / 100,
        "removed_count": 1,
        "waste_t": round(area / 100 * 0.045, 2),
        "process_no": f"QGC{removed:%Y%m%d}{int(rng.integers(1, 99)):02d}",
    }
