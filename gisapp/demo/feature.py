"""What the makers hand to the writer: one feature of one layer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import shapely

from gisapp.demo import words
from gisapp.demo.frame import Rng

BEIJING = timezone(timedelta(hours=8))
FIRST_DAY, LAST_DAY = date(2024, 1, 3), date(2026, 10, 28)


@dataclass
class Feature:
    """A demo feature: geometries in metres of the local frame, properties by field id."""

    layer: str
    key: str
    geometry: Any
    properties: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)  # second geometry by its id


def multi(shape: Any) -> Any:
    """A polygon or line as the layer stores it: its multi form."""
    if shape.geom_type == "Polygon":
        return shapely.multipolygons([shape])
    return shapely.multilinestrings([shape]) if shape.geom_type == "LineString" else shape


def day(rng: Rng, first: date = FIRST_DAY, last: date = LAST_DAY) -> date:
    return first + timedelta(days=int(rng.integers(0, max(1, (last - first).days + 1))))


def later(rng: Rng, after: date, least: int, most: int, last: date = LAST_DAY) -> date:
    """Some days after, never beyond the last day."""
    return min(after + timedelta(days=int(rng.integers(least, most + 1))), last)


def moment(rng: Rng, on: date) -> str:
    """A time in working hours of that day, RFC 3339."""
    minutes = int(rng.integers(8 * 60 + 30, 18 * 60))
    return datetime(on.year, on.month, on.day, minutes // 60, minutes % 60, tzinfo=BEIJING).isoformat()


def department(rng: Rng, crs: str = "EPSG:4547") -> dict[str, Any]:
    """Who deals with it, and in which system it was measured: on every record of the mission layers."""
    return {
        "dept_code": words.DEPARTMENT_CODE,
        "dept_name": words.DEPARTMENT,
        "handler": pick(rng, words.HANDLERS),
        "crs_declared": crs,
    }


def pick(rng: Rng, choices: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
    """One of the choices, by weight."""
    if weights is None:
        return choices[int(rng.integers(len(choices)))]
    total = float(sum(weights))
    return choices[int(rng.choice(len(choices), p=[w / total for w in weights]))]
