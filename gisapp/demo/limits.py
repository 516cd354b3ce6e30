"""Areas that rule over the demo city: territories, control lines, areas closed to trucks."""

from typing import Any

import shapely
from shapely import LineString, Polygon

from gisapp.demo import words
from gisapp.demo.areas import Areas
from gisapp.demo.feature import Feature, multi
from gisapp.demo.frame import stream
from gisapp.demo.ground import Parcel
from gisapp.demo.plan import Plan


def territories(areas: Areas, districts: tuple[str, ...], plan: Plan) -> list[Feature]:
    """Districts, streets, communities, unit grids and one squadron for every street."""
    word = words.pairs(stream(plan.seed, "territories"))
    found = [
        Feature("districts", a.code, multi(a.shape), {"code": a.code, "name": n})
        for a, n in zip(areas.districts, districts, strict=True)
    ]
    for a in areas.streets:
        name = f"{next(word)}街道"
        found.append(Feature("streets", a.code, multi(a.shape), {"code": a.code, "name": name}))
        squad = {
            "code": f"ZD{a.code}",
            "name": f"{name}执法中队",
            "kind": "01",
            "address": f"{name}办事处{words.MARK}",
        }
        squad |= {
            "duty_phone": words.phone(int(a.code[-3:])),
            "leader": words.person(9000 + int(a.code[-3:])),
        }
        found.append(Feature("squadron_territories", squad["code"], multi(a.shape), squad))
    for a in areas.communities:
        found.append(
            Feature("communities", a.code, multi(a.shape), {"code": a.code, "name": f"{next(word)}社区"})
        )
    for a in areas.grids:
        area = round(a.shape.area, 2)
        found.append(
            Feature("unit_grids", a.code, multi(a.shape), {"code": a.code, "name": None, "area_m2": area})
        )
    return found


def control_lines(plan: Plan, ground: list[Parcel], tag: str) -> list[Feature]:
    """Ecological red line, basic farmland, development boundary, river management line, strips along lines."""
    town = [
        f
        for f, z in zip(plan.faces, plan.zones, strict=True)
        if z in {"old", "centre", "inner", "outer", "works"}
    ]
    towns = shapely.union_all([*town, plan.ring]).buffer(60).buffer(-60).simplify(8).intersection(plan.tile)
    woods = shapely.union_all([p.shape.buffer(9) for p in ground if p.use == "wood"]).simplify(2)
    farms = [
        p.shape
        for p in ground
        if p.use == "field" and p.shape.area > 6000 and not towns.contains(p.shape.centroid)
    ]
    farmland = shapely.union_all([f.buffer(1.6) for f in farms]).buffer(-1.6).simplify(1).difference(towns)
    shores = plan.river.buffer(46).intersection(plan.tile).simplify(2)
    shapes = {"01": woods, "02": farmland, "03": towns, "04": shores, **_strips(plan)}
    titles = {
        "01": "生态保护红线",
        "02": "永久基本农田",
        "03": "城镇开发边界",
        "04": f"{words.RIVER}河道管理范围线",
        "05": "110 千伏北线保护区",
        "06": "环城燃气干管保护范围",
        "07": "东线铁路安全保护区",
    }
    found = []
    for kind, shape in shapes.items():
        row = {
            "code": f"KZX{tag}{kind}",
            "name": titles[kind] + words.MARK,
            "kind": kind,
            "area_m2": round(shape.area, 2) if shape.area <= 10_000_000 else None,
        }
        row |= {"doc_no": f"示范规〔2024〕{int(kind)}号{words.MARK}", "approved_at": "2024-03-20"}
        found.append(Feature("control_lines", str(row["code"]), multi(_solid(shape)), row))
    return found


def _strips(plan: Plan) -> dict[str, Polygon]:
    """What is protected along a power line, a gas pipe and a railway."""
    west, south, east, north = plan.tile.bounds
    rows = [south + share * (north - south) for share in (0.5, 0.64, 0.66, 0.7)]
    columns = [west + share * (east - west) for share in (0.5, 0.68, 0.7, 0.74)]
    power = LineString([(west, rows[2]), (columns[0], rows[3]), (east, rows[1])])
    railway = LineString([(columns[2], south), (columns[3], rows[0]), (columns[1], north)])
    found = {"05": power.buffer(15), "06": plan.ring.exterior.buffer(5), "07": railway.buffer(10)}
    return {kind: shape.intersection(plan.tile).simplify(0.5) for kind, shape in found.items()}


def _solid(shape: Polygon) -> shapely.MultiPolygon:
    return shapely.multipolygons(
        [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > 50]
    )


def restricted_areas(plan: Plan, ground: list[Parcel], tag: str) -> list[Feature]:
    """Where trucks may not go: the old town always, inside the ring by day, round schools at peak hours."""
    truck = {
        "vehicle_classes": ["01", "02"],
        "effective_from": "2025-01-01",
        "doc_no": f"示范交〔2025〕3号{words.MARK}",
    }
    zones: list[tuple[str, Polygon, dict[str, Any]]] = [
        ("老城区货车禁行区", plan.old_town.buffer(14), {"restriction": "01"}),
        (
            "内环以内渣土车限时禁行区",
            plan.ring.buffer(-24),
            {"restriction": "02", "time_windows": "06:00-22:00"},
        ),
    ]
    schools = [
        p.shape.centroid for p in ground if p.use == "school" and not plan.ring.contains(p.shape.centroid)
    ][:3]
    for number, at in enumerate(schools):
        rule: dict[str, Any] = {
            "restriction": "02",
            "time_windows": "07:00-08:30;16:00-18:00",
            "days": ["1", "2", "3", "4", "5"],
        }
        zones.append((f"校园周边限行区{number + 1}", at.buffer(260, quad_segs=4), rule))
    found = []
    for number, (name, shape, rules) in enumerate(zones):
        row = {"code": f"JX{tag}{number + 1:02d}", "name": name + words.MARK, **truck, **rules}
        found.append(
            Feature(
                "restricted_areas", str(row["code"]), multi(shape.simplify(1).intersection(plan.tile)), row
            )
        )
    return found
