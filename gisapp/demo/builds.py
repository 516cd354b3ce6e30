"""Illegal builds of the demo city: on roofs, in courtyards, against walls, on greens."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely import Polygon, STRtree

from gisapp.demo import words
from gisapp.demo.buildings import Building
from gisapp.demo.feature import LAST_DAY, Feature, day, department, later, moment, multi, pick
from gisapp.demo.frame import Floats, Rng, stream
from gisapp.demo.ground import Parcel
from gisapp.demo.lines import axis
from gisapp.demo.plan import Plan
from gisapp.demo.reference import USES

COUNT = 424
REMOVED_FROM, REMOVED_TO = 1815.0, 1885.0  # m² demolished in sum: "1 800 and more"

_STATES = {
    "01": 62,
    "02": 52,
    "03": 48,
    "04": 30,
    "05": 62,
    "06": 14,
    "07": 30,
    "08": 34,
    "09": 36,
    "10": 26,
    "11": 30,
}
_STRUCTURE = {
    "04": ["04", "06", "07"],
    "03": ["01", "04", "07"],
    "06": ["01", "06"],
    "08": ["07", "04"],
    "09": ["05", "04"],
}
_Span = tuple[float, float]
_MATTER = {"04": "06005", "05": "06005", "08": "06045", "01": "08016"}


class Spots:
    """Finds room for a build: where it may stand, and that nothing stands there yet."""

    def __init__(self, plan: Plan, ground: list[Parcel], built: list[Building]) -> None:
        self.plan, self.ground, self.built = plan, ground, built
        self.tree = STRtree([b.shape for b in built])
        self.taken: list[Polygon] = []

    def free(self, shape: Polygon, parcel: Parcel) -> bool:
        """Whether the shape lies in its block, off all buildings and off other builds."""
        inside = parcel.shape.contains(shape)
        return (
            inside
            and not len(self.tree.query(shape.buffer(-0.05), predicate="intersects"))
            and self.open(shape)
        )

    def open(self, shape: Polygon) -> bool:
        return all(shape.distance(other) > 1.0 for other in self.taken)


def _box(at: Floats, along: Floats, length: float, width: float) -> Polygon:
    across = np.array([-along[1], along[0]])
    a, b = along * length / 2, across * width / 2
    return Polygon([at - a - b, at + a - b, at + a + b, at - a + b])


def on_roof(spots: Spots, number: int, rng: Rng) -> tuple[str, Polygon] | None:
    """A room on the flat roof, a little in from the edge."""
    shape = spots.built[number].shape
    centre, along, long, short = axis(shape)
    length, width = min(0.8 * long, rng.uniform(4.5, 11.0)), short * rng.uniform(0.42, 0.72)
    at = centre + along * rng.uniform(-0.5, 0.5) * max(0.0, long - length - 1.5)
    found = _box(at, along, length, width)
    kind = pick(rng, ["04", "02"], [4, 1])
    return (kind, found) if shape.buffer(-0.4).contains(found) and spots.open(found) else None


def at_wall(spots: Spots, number: int, rng: Rng) -> tuple[str, Polygon] | None:
    """A room built against a long wall, or a ground-floor yard taken in on the south side."""
    house = spots.built[number]
    centre, along, long, short = axis(house.shape)
    across = np.array([-along[1], along[0]])
    south = across * (-1.0 if across[1] > 0 else 1.0)
    side = south if house.kind in {"flats_old", "flats"} else south * pick(rng, [1.0, -1.0])
    depth, length = rng.uniform(2.6, 4.6), min(0.7 * long, rng.uniform(3.8, 9.0))
    at = (
        centre
        + side * (short / 2 + depth / 2 + 0.06)
        + along * rng.uniform(-0.5, 0.5) * max(0.0, long - length)
    )
    found = _box(at, along, length, depth)
    kind = "06" if house.kind in {"flats_old", "flats"} else "03"
    return (kind, found) if spots.free(found, spots.ground[house.parcel]) else None


def on_green(spots: Spots, number: int, rng: Rng) -> tuple[str, Polygon] | None:
    """A shed or allotment hut on the green between two rows of flats."""
    return _beside(spots, number, rng, "08", away=(5, 9), aside=12, length=(3.5, 9), width=(3, 5.5))


def in_yard(spots: Spots, number: int, rng: Rng) -> tuple[str, Polygon] | None:
    """A steel shed in a works' yard whose temporary permit has run out."""
    return _beside(spots, number, rng, "09", away=(4.5, 6), aside=25, length=(9, 18), width=(5, 7))


def _beside(
    spots: Spots, number: int, rng: Rng, kind: str, *, away: _Span, aside: float, length: _Span, width: _Span
) -> tuple[str, Polygon] | None:
    """A building of its own, so many metres off the long side of a house and up to `aside` along it."""
    house = spots.built[number]
    centre, along, _, short = axis(house.shape)
    across = np.array([-along[1], along[0]])
    at = centre + across * (short / 2 + rng.uniform(*away)) + along * rng.uniform(-aside, aside)
    found = _box(at, along, rng.uniform(*length), rng.uniform(*width))
    return (kind, found) if spots.free(found, spots.ground[house.parcel]) else None


def house_alone(spots: Spots, number: int, rng: Rng) -> tuple[str, Polygon] | None:
    """A whole new house in a gap of the village."""
    house = spots.built[number]
    centre, along, long, short = axis(house.shape)
    at = centre + along * rng.choice([-1.0, 1.0]) * (long / 2 + rng.uniform(7, 9))
    found = _box(at, along, rng.uniform(7, 10), min(short, rng.uniform(7, 11)))
    return ("01", found) if spots.free(found, spots.ground[house.parcel]) else None


Maker = Callable[[Spots, int, Rng], tuple[str, Polygon] | None]
# Kind of building: the ways of building illegally by it, and how often it is chosen.
_WAYS: dict[str, tuple[float, list[Maker]]] = {
    "old": (0.34, [on_roof, on_roof, at_wall]),
    "village": (0.33, [on_roof, at_wall, house_alone]),
    "flats_old": (0.13, [at_wall, on_roof, on_green]),
    "flats": (0.09, [at_wall, on_green, on_roof]),
    "shed": (0.05, [in_yard]),
    "shops_below": (0.06, [on_roof]),
}


def illegal_builds(
    plan: Plan, ground: list[Parcel], built: list[Building], addresses: list[str], tag: str
) -> list[Feature]:
    """All builds with a state, dates and areas that fit together."""
    rng = stream(plan.seed, "builds")
    spots = Spots(plan, ground, built)
    by_kind = {kind: [i for i, b in enumerate(built) if b.kind == kind] for kind in _WAYS}
    shares = [share for share, _ in _WAYS.values()]
    states = [s for s, n in _STATES.items() for _ in range(n)]
    states = [states[i] for i in rng.permutation(len(states))][:COUNT]
    ledger = _Ledger()
    found: list[Feature] = []
    while len(found) < COUNT:
        kind = pick(rng, list(_WAYS), shares)
        number = int(pick(rng, by_kind[kind])) if by_kind[kind] else 0
        made = pick(rng, _WAYS[kind][1])(spots, number, rng)
        if made is None or not made[1].is_valid or made[1].area < 9:
            continue
        spots.taken.append(made[1])
        house = built[number]
        place = _Place(house, USES[ground[house.parcel].use], addresses[house.parcel])
        found.append(_feature(len(found), states[len(found)], made, place, ledger, rng, tag))
    return found


class _Place:
    def __init__(self, house: Building, land: str, address: str) -> None:
        self.house, self.land, self.address = house, land, address
        self.kind = {"village": "05", "shed": "03", "shops_below": "02", "old": "06"}.get(house.kind, "01")


class _Ledger:
    """The sum of what has been demolished so far."""

    removed = 0.0

    def take(self, area: float) -> bool:
        if self.removed >= REMOVED_FROM or self.removed + area > REMOVED_TO:
            return False
        self.removed += area
        return True


def _feature(
    number: int, state: str, made: tuple[str, Polygon], place: _Place, ledger: _Ledger, rng: Rng, tag: str
) -> Feature:
    kind, shape = made
    area = round(shape.area, 2)
    removed = state in {"07", "11"} and (state == "07" or rng.random() < 0.7) and ledger.take(area)
    state = "05" if state == "07" and not removed else state
    found = day(rng, last=date(2026, 4, 30) if state in {"07", "08", "11"} else LAST_DAY)
    unmeasured = state in {"01", "02"} and rng.random() < 0.42
    key = f"WJ{tag}{found.year}{number + 1:05d}"
    row: dict[str, Any] = {
        "status": state,
        "case_no": key,
        "build_type": kind,
        "found_at": moment(rng, found),
    }
    row |= _common(kind, place, number, rng) | ({} if unmeasured else _sizes(shape, area, kind, rng))
    row |= _course(state, found, rng) | (_removal(found, area, rng) if removed else {})
    row |= {"geom_source": "02" if unmeasured else pick(rng, ["01", "03", "05"], [4, 4, 2])}
    row |= {"accuracy_m": round(float(rng.uniform(4, 18) if unmeasured else rng.uniform(0.05, 1.2)), 2)}
    if unmeasured:
        row |= {"remark": "尚未测量，仅标记位置"}
        return Feature("illegal_builds", key, None, row, {"mark_point": shape.centroid})
    mark = shape.representative_point() if rng.random() < 0.35 else None
    return Feature("illegal_builds", key, multi(shape), row, {"mark_point": mark})


def _common(kind: str, place: _Place, number: int, rng: Rng) -> dict[str, Any]:
    firm = place.house.kind in {"shed", "shops_below"}
    return {
        "matter_code": _MATTER.get(kind, "06001"),
        "source": pick(rng, ["01", "02", "03", "04", "05", "08", "09"], [40, 14, 14, 14, 4, 5, 9]),
        "address": f"{place.address}旁" if kind in {"01", "08"} else place.address,
        **department(rng),
        "party_kind": "02" if firm else "01",
        "party_name": f"演示单位{number + 1:04d}{words.MARK}" if firm else words.person(number + 1),
        "party_phone": words.phone(number + 1),
        "structure": pick(rng, _STRUCTURE.get(kind, ["01", "03"])),
        "place_kind": place.kind,
        "land_use": place.land,
        "stock_flag": pick(rng, ["01", "02"], [7, 3]),
        "campaign": "02" if rng.random() < 0.4 else None,
    }


def _sizes(shape: Polygon, area: float, kind: str, rng: Rng) -> dict[str, Any]:
    _, _, length, width = axis(shape)
    floors = int(rng.integers(1, 4)) if kind == "01" else 1
    return {
        "length_m": round(length, 2),
        "width_m": round(width, 2),
        "height_m": round(2.9 * floors + 0.3, 2),
        "floors": floors,
        "land_area_m2": 0.0 if kind in {"02", "04"} else area,
        "place_count": 1,
        "build_area_m2": round(area * floors, 2),
        "illegal_area_m2": round(area * floors, 2),
    }


def _course(state: str, found: date, rng: Rng) -> dict[str, Any]:
    """What has been decided by the time a build is in this state."""
    row: dict[str, Any] = {"built_at": later(rng, found, -900, -5).isoformat(), "build_state": "04"}
    row["permit_status"] = "99" if state == "01" else pick(rng, ["02", "03"], [5, 1])
    row["build_state"] = (
        pick(rng, ["01", "02"]) if state == "04" else pick(rng, ["03", "04", "05"], [1, 4, 3])
    )
    if state == "01":
        return row | {"verify_result": "03"}
    if state == "10":
        return row | {"verify_result": "02", "permit_status": "01"}
    row["verify_result"] = "01"
    if state not in {"02", "09"}:
        row |= {
            "procedure": pick(rng, ["01", "02"], [3, 1]),
            "notice_no": f"示城执字〔{found.year}〕第{int(rng.integers(1, 999)):03d}号",
        }
        row |= {"handling_kind": "03" if state == "08" else pick(rng, ["01", "02"], [3, 1])}
    if state in {"05", "06", "07", "08", "11"}:
        row |= {"planning_judged": True, "rectify_by": later(rng, found, 20, 60).isoformat()}
    if state in {"08", "11"}:
        row["outcome"] = pick(rng, ["01", "02", "03", "04"], [2, 2, 2, 4])
    return row


def _removal(found: date, area: float, rng: Rng) -> dict[str, Any]:
    return {
        "removal_method": pick(rng, ["01", "02", "03"], [5, 3, 2]),
        "removed_at": later(rng, found, 18, 150).isoformat(),
        "removed_area_m2": area,
        "removed_count": 1,
        "waste_t": round(area * 0.24, 2),
        "process_no": f"QGC{found:%Y%m%d}{int(rng.integers(1, 99)):02d}",
    }


def outlines(found: list[Feature]) -> list[Any]:
    return [shapely.get_parts(f.geometry)[0] for f in found if f.geometry is not None]
