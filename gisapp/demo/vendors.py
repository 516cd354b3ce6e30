"""The 21 vendor points of the demo city, most with the ground they take up."""

import itertools
from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely import Point, Polygon

from gisapp.demo import words
from gisapp.demo.buildings import Building
from gisapp.demo.feature import Feature, department, moment, multi, pick
from gisapp.demo.frame import Rng, stream
from gisapp.demo.ground import Parcel
from gisapp.demo.plan import Plan

# Name, kind, categories, site, open days, hours, stalls, ground it is looked for on.
_Row = tuple[str, str, list[str], str, list[str], str, int, str]
_ROWS: list[_Row] = [
    ("京泰夜市", "03", ["02", "04", "05"], "01", [], "17:30-01:00", 120, "idle"),
    ("宫涵疏导点", "01", ["01", "02"], "03", [], "06:00-20:00", 46, "old"),
    ("钟楼巷小修小补服务点", "06", ["06"], "03", [], "08:00-18:00", 12, "old"),
    ("滨河早市", "02", ["01", "03", "09"], "03", [], "05:00-08:30", 60, "shore"),
    ("站前夜市", "03", ["02", "04"], "02", [], "18:00-00:30", 72, "shops"),
    ("东湖便民疏导点", "01", ["01", "04"], "03", [], "06:30-19:30", 38, "homes"),
    ("西苑便民疏导点", "01", ["01", "02"], "02", [], "06:30-19:30", 34, "homes"),
    ("南城便民疏导点", "01", ["01", "05"], "01", [], "06:30-19:30", 42, "idle"),
    ("中轴广场外摆区", "09", ["02", "07"], "04", ["5", "6", "7"], "17:00-22:30", 26, "shops"),
    ("环城路小修小补服务点", "06", ["06"], "03", [], "08:00-18:00", 8, "old"),
    ("东园小修小补服务点", "06", ["06"], "03", [], "08:00-18:00", 9, "homes"),
    ("西瓜临时便民点", "05", ["01"], "03", [], "07:00-22:00", 16, "homes"),
    ("秋菜临时便民点", "05", ["01", "09"], "03", [], "06:00-18:00", 22, "homes"),
    ("年货春联便民点", "08", ["08"], "04", [], "08:00-18:00", 30, "shops"),
    ("北环自产自销区", "07", ["09", "01"], "01", ["1", "4", "7"], "06:00-12:00", 40, "village"),
    ("南畈自产自销区", "07", ["09"], "03", ["2", "5", "7"], "06:00-12:00", 28, "village"),
    ("跨江桥下便民点", "04", ["02", "04"], "05", [], "10:00-21:00", 24, "shore"),
    ("工业园早餐便民点", "04", ["03"], "03", ["1", "2", "3", "4", "5"], "06:00-09:00", 14, "works"),
    ("环城早市", "02", ["01", "03"], "03", [], "05:30-08:30", 48, "homes"),
    ("花卉便民点", "04", ["07"], "02", ["6", "7"], "08:00-18:00", 18, "park"),
    ("迎宾临时便民点", "04", ["02", "01"], "03", [], "09:00-21:00", 20, "homes"),
]
_STATES = ["02"] * 14 + ["04", "04", "03", "03", "01", "01", "05"]


def vendor_points(
    plan: Plan,
    ground: list[Parcel],
    built: list[Building],
    taken: list[Polygon],
    addresses: list[str],
    tag: str,
) -> list[Feature]:
    """All points, each on free ground beside a street."""
    rng = stream(plan.seed, "vendors")
    blocked = shapely.STRtree([b.shape for b in built] + taken)
    states = [_STATES[0], *[_STATES[i] for i in 1 + rng.permutation(len(_STATES) - 1)]]
    used: list[Point] = []
    found = []
    for number, row in enumerate(_ROWS):
        index, extent = _room(plan, ground, blocked, used, row, rng)
        used.append(extent.centroid)
        found.append(_feature(number, row, states[number], extent, addresses[index], rng, tag))
    return found


def _room(
    plan: Plan, ground: list[Parcel], blocked: Any, used: list[Point], row: _Row, rng: Rng
) -> tuple[int, Polygon]:
    """A block of the wanted kind and the strip or yard of it that the stalls take."""
    use, length = row[7], min(95.0, 2.4 * row[6] + 8)
    fit = [
        i for i, p in enumerate(ground) if p.use == use or (use == "shore" and plan.zones[p.face] == "shore")
    ]
    fit = [i for i in fit if use == "village" or plan.zones[ground[i].face] not in {"fringe", "fringe_north"}]
    for apart, shorter in ((420.0, 1.0), (200.0, 0.7), (60.0, 0.4), (10.0, 0.25)):
        for index in (fit[i] for i in rng.permutation(len(fit))):
            extent = _strip(
                ground[index].shape, length * shorter, 13.0 if use in {"idle", "shops"} else 3.4, blocked
            )
            if extent is not None and all(extent.distance(p) > apart for p in used):
                return index, extent
    raise ValueError(f"no room for a vendor point on {use}")


def _strip(shape: Polygon, length: float, depth: float, blocked: Any) -> Polygon | None:
    """A strip along a street side of the block that touches no building."""
    ring = shapely.get_coordinates(shapely.orient_polygons(shape).exterior)
    sides = sorted(itertools.pairwise(ring), key=lambda s: -float(np.hypot(*(s[1] - s[0]))))[:4]
    for start, end in sides:
        span = float(np.hypot(*(end - start)))
        if span < length + 4:
            continue
        step = (end - start) / span
        inward = np.array([-step[1], step[0]])
        a = start + step * (span - length) / 2 + inward * 0.5
        strip = Polygon([a, a + step * length, a + step * length + inward * depth, a + inward * depth])
        if shape.contains(strip) and not len(blocked.query(strip, predicate="intersects")):
            return strip
    return None


def _feature(
    number: int, row: _Row, state: str, extent: Polygon, address: str, rng: Rng, tag: str
) -> Feature:
    name, kind, categories, site, days, hours, stalls, _ = row
    key = f"SD{tag}{number + 1:03d}"
    since = date(2024, 1 + number % 12, 1 + int(rng.integers(1, 25)))
    busy = stalls if state == "04" else int(stalls * rng.uniform(0.55, 0.98)) if state == "02" else 0
    area = round(extent.area, 2)
    made: dict[str, Any] = {
        "status": state,
        "point_no": key,
        "name": name + words.MARK,
        "kind": kind,
        "categories": categories,
        "site_kind": site,
        "open_days": days or None,
        "stalls_cap": stalls,
        "stalls_used": int(stalls * 1.2) if state == "04" else busy,
        "stall_area_m2": round(area / stalls, 2),
        "area_m2": area,
        "open_hours": hours,
        "fee_kind": pick(rng, ["01", "02"], [3, 1]),
        "manager_org": f"示例市场服务中心{words.MARK}",
        "manager": words.person(2000 + number),
        "manager_phone": words.phone(20_000 + number),
        "address": address,
        "facilities": _facilities(categories, rng),
        "approval_no": f"示城管便〔{since.year}〕{number + 1:02d}号{words.MARK}",
        "found_at": moment(rng, since),
        "source": "01",
        **department(rng),
        "geom_source": "03",
        "accuracy_m": 1.0,
    }
    if made["fee_kind"] == "02":
        made["fee"] = float(pick(rng, [60, 90, 120, 180]))
    if kind in {"05", "08"}:
        made |= {"season_from": f"{since.year}-06-01", "season_to": f"{since.year + 1}-10-15"}
    second = {"extent": multi(extent)} if number % 6 != 5 else {"extent": None}
    return Feature("vendor_points", key, extent.centroid, made, second)


def _facilities(categories: list[str], rng: Rng) -> list[str]:
    base = ["02", "03"] + (["01", "04", "06"] if "02" in categories else [])
    return sorted({*base, *(["07"] if rng.random() < 0.5 else []), *(["05"] if rng.random() < 0.3 else [])})
