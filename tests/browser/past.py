"""Yesterday for the demo city: what it holds was recorded two months ago, and three signs differ since then."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from tests.browser.conftest import City

ZONE = ZoneInfo("Asia/Shanghai")
LONS = {"ADDED": 113.3721, "CHANGED": 113.3741, "REMOVED": 113.3761}


@dataclass(frozen=True)
class Sign:
    """A sign of these tests and where it is, degrees."""

    id: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True)
class Since:
    """What differs between yesterday and today."""

    added: Sign
    changed: Sign
    removed: Sign


def day(days: int = 0) -> str:
    """Today by the office's clock, or so many days later."""
    return (datetime.now(ZONE) + timedelta(days=days)).date().isoformat()


def end_of(when: str) -> str:
    """The last moment of a day, as the page asks for it."""
    moment = datetime.fromisoformat(f"{when}T23:59:59").replace(tzinfo=ZONE).astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


_KNOWN: dict[tuple[str, str, str], Since] = {}


def since_yesterday(city: City, module: str) -> Since:
    """What differs, made once for a module, and anew when midnight passes."""
    key = (city.url, module, day())
    if key not in _KNOWN:
        _KNOWN[key] = _differ(city)
    return _KNOWN[key]


def _differ(city: City) -> Since:
    """Date the city back, then add a sign, change one and remove one."""
    with city.owner.db.engine.begin() as connection:
        changed, removed = _add(connection, "CHANGED"), _add(connection, "REMOVED")
        _date_back(connection, list(city.owner.catalogue.layers))
    with city.owner.db.engine.begin() as connection:
        added = _add(connection, "ADDED")
        connection.execute(text("UPDATE layers.rooftop_signs SET area_m2 = area_m2 + 1 WHERE id = :id"),
                           {"id": changed.id})
        connection.execute(text("DELETE FROM layers.rooftop_signs WHERE id = :id"), {"id": removed.id})
    return Since(added, changed, removed)


def _add(connection: Connection, kind: str) -> Sign:
    name, lat = f"{kind}-{datetime.now(UTC):%H%M%S%f}", 31.700 + random.random() / 250  # never twice at one place
    made = connection.execute(text(
        "INSERT INTO layers.rooftop_signs (sign_no, sign_kind, area_m2, geom) VALUES"
        " (:name, '01', 12, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) RETURNING id"),
        {"name": name, "lon": LONS[kind], "lat": lat}).scalar_one()
    return Sign(str(made), name, LONS[kind], lat)


def _date_back(connection: Connection, layers: list[str]) -> None:
    for layer in layers:
        connection.execute(text(
            f"UPDATE layers.{layer}_history SET valid_from = valid_from - interval '60 days',"
            " valid_to = valid_to - interval '60 days' WHERE valid_from > now() - interval '30 days'"))
