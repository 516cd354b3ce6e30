"""Illegal builds and signs by the hundred thousand: ready columns of text, made from whole arrays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gisapp.demo import words
from gisapp.demo.feature import FIRST_DAY, LAST_DAY
from gisapp.demo.frame import Floats, Rng, to_lonlat
from gisapp.demo.moulds import Mould
from gisapp.demo.reference import USES
from gisapp.demo.rows import NULL, ewkb

Columns = dict[str, Any]
Texts = NDArray[Any]

_SPAN = (LAST_DAY - FIRST_DAY).days
# Up to 600 days before the first and 200 after the last day are written: built before, removed after.
DAYS = np.array([(FIRST_DAY + timedelta(days=d)).isoformat() for d in range(-600, _SPAN + 201)], dtype=object)
_STATES = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"]
_STATE_WEIGHTS = [14, 12, 11, 7, 14, 4, 9, 8, 8, 6, 7]
_SIGN_STATES = ["00", "01", "02", "03", "04", "05", "06", "07", "08"]
_SIGN_WEIGHTS = [6, 18, 8, 14, 8, 10, 8, 22, 6]


def drawn(rng: Rng, choices: list[str], count: int, weights: Sequence[float] | None = None) -> Texts:
    """`count` choices, by weight."""
    share = None if weights is None else np.array(weights, dtype=float) / sum(weights)
    return np.array(choices, dtype=object)[rng.choice(len(choices), size=count, p=share)]


def fixed(values: Floats) -> Texts:
    """Numbers with two decimals."""
    return np.array([f"{v:.2f}" for v in values.tolist()], dtype=object)


def dates(days: Any) -> Texts:
    """Dates so many days after the first day; none beyond the last."""
    found: Texts = DAYS[np.clip(days, -600, _SPAN) + 600]
    return found


def ids(rng: Rng, count: int) -> Texts:
    """Random UUIDs (version 4)."""
    raw = np.frombuffer(rng.bytes(16 * count), dtype=np.uint8).reshape(-1, 16).copy()
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x40
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    text = raw.tobytes().hex()
    return np.array([text[i : i + 32] for i in range(0, len(text), 32)], dtype=object)


def only(mask: Any, values: Any) -> Texts:
    """The values where the mask holds, NULL elsewhere."""
    return np.where(mask, values, NULL).astype(object)


def numbered(head: str, count: int) -> Texts:
    return np.array([f"{head}{i:06d}" for i in range(1, count + 1)], dtype=object)


def common(rng: Rng, count: int, found: Any) -> Columns:
    """What every record of the mission layers carries."""
    hours = drawn(rng, [f"T{h:02d}:{m:02d}:00+08:00" for h in range(8, 18) for m in range(0, 60, 7)], count)
    return {
        "id": ids(rng, count),
        "synthetic": ["t"] * count,
        "found_at": dates(found) + hours,
        "source": drawn(rng, ["01", "02", "03", "04", "05", "08", "09"], count, [40, 14, 14, 14, 4, 5, 9]),
        "dept_code": [words.DEPARTMENT_CODE] * count,
        "dept_name": [words.DEPARTMENT] * count,
        "handler": drawn(rng, words.HANDLERS, count),
        "crs_declared": ["EPSG:4547"] * count,
        "accuracy_m": fixed(rng.uniform(0.05, 3.0, count)),
    }


def removal(rng: Rng, mask: Any, found: Any, area: Texts) -> Columns:
    """The record of a removal where the mask holds."""
    count = len(found)
    return {
        "removal_method": only(mask, drawn(rng, ["01", "02", "03"], count, [5, 3, 2])),
        "removed_at": only(mask, dates(found + rng.integers(15, 140, count))),
        "removed_area_m2": only(mask, area),
        "removed_count": only(mask, "1"),
    }


def builds(mould: Mould, count: int, tag: str, rng: Rng, shift: tuple[float, float]) -> Columns:
    """Illegal builds on free cells of the city, moved by `shift` metres."""
    room = mould.cells
    chosen = rng.choice(
        len(room.weight), count, replace=count > len(room.weight), p=room.weight / room.weight.sum()
    )
    cells = room.take(chosen)
    shrink = rng.uniform(0.55, 0.98, (count, 1))
    rings = cells.corners(shrink, (1 - shrink) * rng.uniform(-0.9, 0.9, (count, 1)))
    state = drawn(rng, _STATES, count, _STATE_WEIGHTS)
    found = rng.integers(0, np.where(np.isin(state, ["07", "08", "11"]), _SPAN - 160, _SPAN), count)
    made = common(rng, count, found) | {"status": state, "case_no": numbered(f"WJ{tag}", count)}
    unmeasured = np.isin(state, ["01", "02"]) & (rng.random(count) < 0.4)
    made |= _outline(rings, unmeasured, shift)
    made |= _build_sizes(cells.half * shrink * 2, unmeasured, cells.roof, rng)
    made |= removal(
        rng, (state == "07") | ((state == "11") & (rng.random(count) < 0.7)), found, made["land_area"]
    )
    return made | _build_words(mould, cells.building, cells.roof, state, found, rng)


def _outline(rings: Floats, unmeasured: Any, shift: tuple[float, float]) -> Columns:
    shapes = to_lonlat(shapely.polygons(rings), *shift)
    middles = to_lonlat(shapely.points(rings[:, :4].mean(axis=1)), *shift)
    outline = np.array(ewkb(shapely.multipolygons(shapes, indices=np.arange(len(rings)))), dtype=object)
    return {
        "geom": only(~unmeasured, outline),
        "mark_point": only(unmeasured, np.array(ewkb(middles), dtype=object)),
    }


def _build_sizes(sides: Floats, unmeasured: Any, roof: Any, rng: Rng) -> Columns:
    area = fixed(sides.prod(axis=1))
    known = ~unmeasured
    return {
        "length_m": only(known, fixed(sides.max(axis=1))),
        "width_m": only(known, fixed(sides.min(axis=1))),
        "height_m": only(known, fixed(rng.uniform(2.4, 3.4, len(area)))),
        "floors": only(known, "1"),
        "land_area_m2": only(known, np.where(roof, "0.00", area)),
        "build_area_m2": only(known, area),
        "illegal_area_m2": only(known, area),
        "place_count": only(known, "1"),
        "land_area": area,  # not a column: what a removal takes away
    }


def _build_words(mould: Mould, building: Any, roof: Any, state: Texts, found: Any, rng: Rng) -> Columns:
    count, city = len(state), mould.city
    homes = [city.built[i] for i in building.tolist()]
    kind = np.where(
        roof,
        drawn(rng, ["04", "02", "05"], count, [6, 2, 1]),
        drawn(rng, ["03", "06", "08"], count, [4, 4, 1]),
    )
    late = np.isin(state, ["05", "06", "07", "08", "11"])
    place = {"village": "05", "shed": "03", "shops_below": "02", "old": "06"}
    return {
        "build_type": kind,
        "matter_code": np.where(kind == "08", "06045", np.where(roof, "06005", "06001")),
        "address": [city.names.addresses[b.parcel] for b in homes],
        "party_kind": ["01"] * count,
        "party_name": drawn(rng, [words.person(n) for n in range(1, 4000)], count),
        "party_phone": drawn(rng, [words.phone(n) for n in range(1, 4000)], count),
        "structure": drawn(rng, ["01", "04", "06", "07"], count),
        "built_at": dates(found - rng.integers(5, 590, count)),
        "build_state": drawn(rng, ["01", "03", "04", "05"], count, [1, 1, 5, 4]),
        "place_kind": [place.get(b.kind, "01") for b in homes],
        "land_use": [USES[city.ground[b.parcel].use] for b in homes],
        "permit_status": drawn(rng, ["02", "03", "99"], count, [6, 1, 2]),
        "verify_result": np.where(state == "01", "03", np.where(state == "10", "02", "01")),
        "stock_flag": drawn(rng, ["01", "02"], count, [7, 3]),
        "campaign": only(rng.random(count) < 0.4, "02"),
        "rectify_by": only(late, dates(found + rng.integers(20, 60, count))),
        "outcome": only(np.isin(state, ["08", "11"]), drawn(rng, ["01", "02", "03", "04"], count)),
        "geom_source": drawn(rng, ["01", "03", "05"], count),
    }


def signs(mould: Mould, count: int, tag: str, rng: Rng, shift: tuple[float, float]) -> Columns:
    """Rooftop signs in all states, moved by `shift` metres."""
    middles, hosts = mould.spots
    chosen = rng.choice(len(hosts), count, replace=count > len(hosts))
    at = middles[chosen] + rng.uniform(-0.4, 0.4, (count, 2))
    state = drawn(rng, _SIGN_STATES, count, _SIGN_WEIGHTS)
    found = rng.integers(0, np.where(state == "07", _SPAN - 160, _SPAN), count)
    width, height = np.round(rng.uniform(4, 26, count), 2), np.round(rng.uniform(1.6, 6.5, count), 2)
    area = fixed(width * height)
    made = common(rng, count, found) | {"status": state, "sign_no": numbered(f"GG{tag}", count)}
    made |= {"geom": ewkb(to_lonlat(shapely.points(at), *shift)), "area_m2": area, "faces": ["1"] * count}
    made |= {"width_m": fixed(width), "height_m": fixed(height)}
    made |= removal(rng, state == "07", found, area)
    return made | _sign_words(mould, hosts[chosen], state, found, rng)


def _sign_words(mould: Mould, hosts: Any, state: Texts, found: Any, rng: Rng) -> Columns:
    count, city = len(state), mould.city
    homes = [city.built[i] for i in hosts.tolist()]
    lawful = np.isin(state, ["01", "02"])
    return {
        "sign_kind": drawn(rng, ["01", "02", "03", "06", "07"], count, [60, 10, 8, 12, 10]),
        "matter_code": only(~lawful, "07003"),
        "sign_text": drawn(rng, [f"示例招牌{n:02d}{words.MARK}" for n in range(1, 60)], count),
        "carrier_kind": ["01"] * count,
        "position": ["01"] * count,
        "building_use": [b.use for b in homes],
        "building_floors": [str(b.floors) for b in homes],
        "address": [city.names.addresses[b.parcel] for b in homes],
        "owner": drawn(rng, [f"演示单位{n:04d}{words.MARK}" for n in range(1, 2000)], count),
        "owner_phone": drawn(rng, [words.phone(n) for n in range(10_000, 12_000)], count),
        "content_kind": drawn(rng, ["01", "02", "03"], count, [6, 1, 3]),
        "height_above_m": [f"{b.floors * 3.4 + 0.5:.2f}" for b in homes],
        "size_class": drawn(rng, ["01", "02"], count, [5, 1]),
        "material": drawn(rng, ["01", "02", "03", "04", "05"], count),
        "lighting": drawn(rng, ["01", "02", "03", "04"], count),
        "permit_no": only(lawful, numbered("示城广许", count)),
        "effective_from": only(lawful, dates(found - rng.integers(0, 300, count))),
        "effective_to": only(lawful, dates(found + rng.integers(60, 400, count))),
        "safety_result": drawn(rng, ["01", "02", "03", "04"], count),
        "hazard_level": drawn(rng, ["00", "01", "02", "03"], count, [4, 4, 2, 1]),
        "campaign": only(state == "07", "01"),
        "stock_flag": drawn(rng, ["01", "02"], count, [8, 2]),
        "geom_source": drawn(rng, ["02", "03"], count),
    }
