"""A place typed as two numbers: longitude and latitude in either order, or Gauss–Krüger easting and northing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyproj import Transformer

from gisapp.crs import CRS84, MENU, STORED_SRID, Crs, local_zone, zone_codes
from gisapp.errors import Problem

#: What the numbers of a place in China can be; they do not overlap, so that their order does not matter.
_LON, _LAT = (73.0, 136.0), (3.0, 54.0)
_NORTHING, _EASTING = (300_000.0, 6_000_000.0), (100_000.0, 900_000.0)
#: From here on an easting begins with the number of its zone.
_PREFIXED = 13_000_000.0
_NUMBER = r"([+-]?\d{1,8}(?:\.\d{1,9})?)"
_PAIR = re.compile(rf"\s*{_NUMBER}\s*°?\s*([EeNn东北]?)\s*[,，;；、\s]\s*{_NUMBER}\s*°?\s*([EeNn东北]?)\s*")


@dataclass(frozen=True)
class Place:
    """A place in degrees, EPSG:4326, and the system that it was given in."""

    lon: float
    lat: float
    crs: Crs


def parse_place(text: str, near_lon: float) -> Place | None:
    """The place that the text names, or None when it is no pair of coordinates. A projected easting without the
    number of its zone is taken in the 3-degree zone of `near_lon` (degrees)."""
    match = _PAIR.fullmatch(text)
    if match is None:
        return None
    first, second = float(match[1]), float(match[3])
    if match[2] in ("N", "n", "北") or match[4] in ("E", "e", "东"):
        first, second = second, first
        return _degrees(first, second)
    if match[2] or match[4]:
        return _degrees(first, second)
    return _degrees_in_any_order(first, second) or _projected(max(first, second), min(first, second), near_lon)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def _degrees(lon: float, lat: float) -> Place | None:
    return Place(lon, lat, CRS84) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _degrees_in_any_order(first: float, second: float) -> Place | None:
    if _within(first, _LAT) and _within(second, _LON):
        return _degrees(second, first)
    return _degrees(first, second) or _degrees(second, first)


def _projected(larger: float, smaller: float, near_lon: float) -> Place | None:
    """A prefixed easting is larger than its northing, a plain one smaller."""
    if larger >= _PREFIXED:
        crs, easting, northing = _zone(int(larger // 1_000_000)), larger, smaller
    else:
        crs, easting, northing = _local(near_lon), smaller, larger
    if crs is None or not _within(northing, _NORTHING) or not _within(easting % 1_000_000, _EASTING):
        return None
    lon, lat = Transformer.from_crs(crs.srid, STORED_SRID, always_xy=True).transform(easting, northing)
    return Place(lon, lat, crs) if _within(lon, _LON) and _within(lat, _LAT) else None


def _zone(number: int) -> Crs | None:
    srid = zone_codes(number)[0] if 25 <= number <= 45 else 4478 + number
    return MENU.get(srid)


def _local(lon: float) -> Crs | None:
    try:
        return local_zone(lon)[1]
    except Problem:
        return None
