"""Construction sites, the places that take their waste, and the routes the trucks take between them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from gisapp.demo import words
from gisapp.demo.feature import Feature, day, department, moment, multi, pick
from gisapp.demo.frame import Rng, stream
from gisapp.demo.ground import Parcel
from gisapp.demo.network import Network, Node, access
from gisapp.demo.plan import Plan

# Kinds of company: how many, and their trade. 82 in all.
COMPANIES = {
    "builder": (26, "置业"),
    "contractor": (30, "建设工程"),
    "operator": (10, "环境科技"),
    "carrier": (16, "渣土运输"),
}
# Receiving sites: kind, how many, name, area from-to in m², blocks they are made on.
_RECEIVING = [
    ("03", 4, "消纳场", 14_000, 60_000, {"field", "wood"}),
    ("04", 2, "回填工地", 5_000, 30_000, {"idle", "field"}),
    ("05", 2, "中转调配场", 5_000, 30_000, {"idle", "field"}),
    ("06", 1, "装修垃圾分拣中心", 5_000, 30_000, {"idle", "field"}),
    ("07", 1, "资源化利用厂", 8_000, 50_000, {"idle", "field"}),
]
_DUMPS = 3
TODAY = date(2026, 10, 28)


@dataclass
class Site:
    """A place where waste arises or goes."""

    kind: str
    name: str
    shape: Polygon
    parcel: int
    number: str = ""
    gate: Point | None = None
    node: Node = (0.0, 0.0)


def places(plan: Plan, ground: list[Parcel], net: Network, names: list[str], tag: str) -> list[Site]:
    """All sites, with their gates on the road network (which gains a node for each)."""
    rng = stream(plan.seed, "sites")
    found = [
        Site("01", f"{names[i]}工地", p.shape.buffer(-1.5, join_style="mitre"), i)
        for i, p in enumerate(ground)
        if p.use == "site"
    ]
    word = words.pairs(stream(plan.seed, "site names"))
    for kind, count, title, least, most, uses in _RECEIVING:
        found.extend(_receiving(plan, ground, net, found, (kind, count, title, least, most), uses, word, rng))
    nodes, gates = access(net, [s.shape for s in found], plan)
    for number, (site, node, gate) in enumerate(zip(found, nodes, gates, strict=True)):
        site.number, site.node, site.gate = f"CS{tag}{number + 1:04d}", node, gate
    dumps = _dumps(plan, ground, rng)
    return [
        *found,
        *(Site("08", f"疑似倾倒点{i + 1}", s, p, f"CS{tag}9{i + 1:03d}") for i, (s, p) in enumerate(dumps)),
    ]


def _receiving(
    plan: Plan,
    ground: list[Parcel],
    net: Network,
    found: list[Site],
    row: tuple[str, int, str, int, int],
    uses: set[str],
    word: Any,
    rng: Rng,
) -> list[Site]:
    """Sites at the edge of town, far from each other, by a road that trucks may use."""
    kind, count, title, least, most = row
    roads = shapely.union_all(
        [LineString(e.points) for e in net.edges if e.kind in {"arterial", "secondary"}]
    )
    fit = [
        i
        for i, p in enumerate(ground)
        if p.use in uses
        and least < p.shape.area < most
        and not plan.ring.contains(p.shape.centroid)
        and p.shape.distance(roads) < 26
        and plan.river.distance(p.shape) > 120
    ]
    made: list[Site] = []
    for index in (fit[i] for i in rng.permutation(len(fit))):
        others = [*found, *made]
        if all(
            s.parcel != index and (s.kind == "01" or s.shape.distance(ground[index].shape) > 700)
            for s in others
        ):
            shape = ground[index].shape.buffer(-5.0, join_style="mitre")
            made.append(Site(kind, f"{next(word)}{title}", shape, index))
        if len(made) == count:
            break
    return made


def _dumps(plan: Plan, ground: list[Parcel], rng: Rng) -> list[tuple[Polygon, int]]:
    """Heaps on fields by a track where nobody looks."""
    fit = [i for i, p in enumerate(ground) if p.use == "field" and p.shape.area > 9000]
    found = []
    for index in (fit[i] for i in rng.permutation(len(fit))[:_DUMPS]):
        inner = ground[index].shape.buffer(-14)
        at = shapely.get_coordinates(inner if inner.geom_type == "Polygon" else ground[index].shape)[0]
        turns = np.linspace(0, 2 * np.pi, 11)[:-1]
        radius = rng.uniform(7, 13, 10)
        found.append(
            (
                Polygon(
                    np.column_stack([at[0] + radius * np.cos(turns), at[1] + 0.7 * radius * np.sin(turns)])
                ),
                index,
            )
        )
    return found


def waste_sites(
    plan: Plan, sites: list[Site], addresses: list[str], firms: dict[str, list[str]]
) -> list[Feature]:
    """The register of sites: builders and contractors for the works, operators for what receives."""
    rng = stream(plan.seed, "site rows")
    receivers = [s.number for s in sites if s.kind in {"03", "04", "05", "06", "07"}]
    return [_site_row(i, s, receivers, addresses[s.parcel], firms, rng) for i, s in enumerate(sites)]


def _site_row(
    index: int, site: Site, receivers: list[str], address: str, firms: dict[str, list[str]], rng: Rng
) -> Feature:
    start = (
        day(rng, date(2024, 2, 1), date(2026, 6, 30))
        if site.kind == "01"
        else day(rng, date(2024, 1, 10), date(2024, 6, 1))
    )
    end = start + timedelta(days=int(rng.integers(160, 620) if site.kind == "01" else 1500))
    row: dict[str, Any] = {
        "status": _status(site, end, rng),
        "site_no": site.number,
        "name": site.name + words.MARK,
        "site_kind": site.kind,
        "address": address,
        "found_at": moment(rng, start),
        "source": "01" if site.kind != "08" else "09",
        **department(rng),
        "geom_source": pick(rng, ["01", "03"]),
        "accuracy_m": 0.5,
    }
    if site.kind == "08":
        row |= {
            "matter_code": "06011",
            "campaign": "04",
            "waste_kinds": ["05", "03"],
            "remark": "卫星影像发现，待现场核查",
        }
        return Feature("waste_sites", site.number, multi(site.shape), row, {"gates": None})
    row |= {"permit_no": permit(site), "effective_from": start.isoformat(), "effective_to": end.isoformat()}
    row |= {"start_at": start.isoformat(), "end_at": end.isoformat(), "manager": words.person(3000 + index)}
    row |= {"manager_phone": words.phone(30_000 + index), "hardened": bool(rng.random() < 0.9)}
    row |= {
        "wash_plant": bool(rng.random() < 0.85),
        "camera": bool(rng.random() < 0.7),
        "weighbridge": site.kind in {"03", "07"},
    }
    row |= _works(index, site, firms, rng) if site.kind == "01" else _receives(site, receivers, firms, rng)
    return Feature("waste_sites", site.number, multi(site.shape), row, {"gates": _gates(site)})


def _gates(site: Site) -> Any:
    return shapely.multipoints([site.gate]) if site.gate is not None else None


def _status(site: Site, end: date, rng: Rng) -> str:
    if site.kind == "08":
        return str(pick(rng, ["07", "08"]))
    if site.kind != "01":
        return "02"
    return "04" if end < TODAY else str(pick(rng, ["02", "03", "01"], [12, 2, 1]))


def permit(site: Site) -> str:
    """The number of a site's disposal approval."""
    return f"示渣核〔2026〕{site.number[-4:]}号"


def _works(index: int, site: Site, firms: dict[str, list[str]], rng: Rng) -> dict[str, Any]:
    depth = float(rng.uniform(3.5, 9.5))
    total = round(site.shape.area * 0.62 * depth, -1)
    return {
        "builder": firms["builder"][index % 26],
        "contractor": firms["contractor"][index % 30],
        "waste_kinds": ["01", "02"] if rng.random() < 0.3 else ["01"] if rng.random() < 0.7 else ["01", "03"],
        "total_volume_m3": total,
        "done_volume_m3": round(total * rng.uniform(0.05, 0.95), -1),
        "daily_limit_m3": round(float(rng.uniform(300, 1600)), -1),
        "matter_code": pick(rng, [None, "08004", "08008"], [8, 1, 1]),
    }


def _receives(site: Site, receivers: list[str], firms: dict[str, list[str]], rng: Rng) -> dict[str, Any]:
    capacity = round(site.shape.area * float(rng.uniform(6, 18)), -2)
    done = round(capacity * float(rng.uniform(0.15, 0.85)), -1)
    kinds = {"06": ["05"], "07": ["03", "04", "05"], "05": ["01", "03", "04"]}.get(site.kind, ["01", "02"])
    return {
        "operator": firms["operator"][receivers.index(site.number)],
        "waste_kinds": kinds,
        "capacity_m3": capacity,
        "remaining_m3": capacity - done,
        "done_volume_m3": done,
        "daily_limit_m3": round(float(rng.uniform(1500, 5200)), -1),
    }


def truck_routes(
    plan: Plan, sites: list[Site], net: Network, roads: list[str], firms: dict[str, list[str]], tag: str
) -> list[Feature]:
    """For every site one permit with a loaded leg to a disposal site and a return leg."""
    rng = stream(plan.seed, "routes")
    origins = [s for s in sites if s.kind == "01"]
    goals = [s for s in sites if s.kind in {"03", "04", "07"}]
    trees = {g.number: net.tree(g.node) for g in goals}
    found: list[Feature] = []
    for index, origin in enumerate(origins):
        near = sorted(goals, key=lambda g: Point(g.node).distance(Point(origin.node)))
        goal = pick(rng, near[:3], [5, 3, 1])
        back, used_back = net.path(trees[goal.number], origin.node)
        out, used = net.path(net.tree(origin.node, dict.fromkeys(used_back, 1.12)), goal.node)
        common = _permit_row(index, origin, goal, firms["carrier"][index % 16], rng)
        for leg, line, edges in (("01", out, used), ("02", back, used_back)):
            key = f"LX{tag}{index + 1:04d}{'ZK'[leg == '02']}"
            ends = (origin.name, goal.name) if leg == "01" else (goal.name, origin.name)
            row = common | {
                "route_no": key,
                "leg": leg,
                "name": f"{ends[0]}—{ends[1]}",
                "road_names": _passed(net, edges, roads),
            }
            found.append(Feature("truck_routes", key, multi(LineString(line)), row))
    return found


def _passed(net: Network, edges: list[int], roads: list[str]) -> str:
    """Names of the roads in the order they are used."""
    names: list[str] = []
    for number in edges:
        name = roads[net.edges[number].street]
        if not names or names[-1] != name:
            names.append(name)
    return "、".join(names)[:500]


def _permit_row(index: int, origin: Site, goal: Site, carrier: str, rng: Rng) -> dict[str, Any]:
    since = day(rng, date(2026, 1, 5), date(2026, 8, 30))
    trucks = int(rng.integers(2, 7))
    status = pick(rng, ["03", "02", "01", "04"], [30, 4, 2, 4])
    plates = ";".join(f"演示Z{int(n):04d}" for n in np.sort(rng.choice(9999, trucks, replace=False)))
    return {
        "status": status,
        "permit_no": permit(origin),
        "origin_site_no": origin.number,
        "disposal_site_no": goal.number,
        "company_name": carrier,
        "company_code": f"91000000DEMO{index % 16 + 1:06d}",
        "contact": words.person(4000 + index % 16),
        "contact_phone": words.phone(40_000 + index % 16),
        "vehicle_kind": "01",
        "plates": plates,
        "truck_count": trucks,
        "waste_kinds": ["01"],
        "volume_m3": round(float(rng.uniform(8, 90)) * 1000, -2),
        "effective_from": since.isoformat(),
        "effective_to": (since + timedelta(days=int(rng.integers(60, 300)))).isoformat(),
        "time_windows": pick(rng, ["22:00-05:00", "22:00-06:00", "21:00-05:00"], [5, 3, 1]),
        "buffer_m": 50.0,
        "speed_limit_kmh": int(pick(rng, [40, 50, 60])),
        "issue_dept": words.DEPARTMENT,
        "found_at": moment(rng, since),
        "source": "06",
        **department(rng),
        "geom_source": "03",
        "address": f"{origin.name}至{goal.name}",
    }
