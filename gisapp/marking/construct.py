"""Shapes out of numbers: a list of coordinates, or legs of a traverse by bearing and distance.

Bearings are degrees clockwise from true north, distances metres on the ellipsoid of WGS 84 (geodesics). Results are
GeoJSON, EPSG:4326, longitude first. Nothing here asks the database.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyproj import Transformer

from gisapp.crs import MAX_LATITUDE, STORED_SRID, Crs
from gisapp.errors import Problem
from gisapp.repairs import GEOD

MOST_LINES = 5000
#: A traverse whose end misses its start by less than this part of its length was meant to close.
_CLOSES = 0.02
_DMS = re.compile(
    r"([+-]?\d{1,3}(?:\.\d+)?)\s*[°度]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′分]\s*)?(?:(\d{1,2}(?:\.\d+)?)\s*(?:[\"″秒]|''|′′)\s*)?")
_NUMBER = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,25})?\Z")
#: A running number before a number that is none.
_RUNNING = re.compile(r"\d{1,5} [+-]?(\d+\.|\d{6}|\d+[°度])")
_BETWEEN = re.compile(r"[\s,，;；、]+")
_LON, _LAT = (73.0, 136.0), (3.0, 54.0)

Place = tuple[float, float]


@dataclass(frozen=True)
class Closure:
    """How far the end of a traverse lies from its start: `closed` when it was meant to meet it."""

    closed: bool
    error_m: float
    length_m: float

    def document(self) -> dict[str, Any]:
        """As plain JSON; `ratio` is N of 1:N, None when there is no error."""
        ratio = round(self.length_m / self.error_m) if self.error_m >= 0.001 else None
        return {"closed": self.closed, "error_m": round(self.error_m, 3), "length_m": round(self.length_m, 2),
                "ratio": ratio}


def from_coordinates(text: str, geometry: str, crs: Crs) -> dict[str, Any]:
    """A geometry of a layer's kind through the points, one a line, in either order of axes.

    Problems: `line_unreadable`, `points_too_few` (422).
    """
    return shape(_places(text, crs), geometry)


def from_legs(start: str, text: str, geometry: str, crs: Crs, adjust: bool) -> tuple[dict[str, Any], Closure]:
    """A geometry from a start and legs (bearing, distance), one a line, and how well it closes.

    With `adjust` a small error of closure is spread over the legs in proportion to their length.
    Problems: `line_unreadable`, `points_too_few` (422).
    """
    places, legs = _places(start, crs)[:1], _legs(text)
    if not places:
        raise Problem("line_unreadable", line=1, text=start[:40])
    for bearing, distance in legs:
        lon, lat, _ = GEOD.fwd(*places[-1], bearing, distance)
        places.append(_checked((lon, lat), len(places), text))
    length = sum(distance for _, distance in legs)
    _, _, error = GEOD.inv(*places[-1], *places[0])
    closure = Closure(len(legs) > 2 and error <= length * _CLOSES, error, length)
    if closure.closed and adjust:
        places = _spread(places, [distance for _, distance in legs])
    if closure.closed and "Polygon" in geometry:
        places = places[:-1]
    return shape(places, geometry), closure


def _spread(places: list[Place], distances: Sequence[float]) -> list[Place]:
    """The compass (Bowditch) rule."""
    (west, south), (east, north) = places[0], places[-1]
    shares = [0.0, *itertools.accumulate(distances)]
    return [(lon - (east - west) * share / shares[-1], lat - (north - south) * share / shares[-1])
            for (lon, lat), share in zip(places, shares, strict=True)]


def shape(places: Sequence[Place], geometry: str) -> dict[str, Any]:
    """The points as a geometry of that kind; a single point is the last one."""
    rounded = [[round(lon, 9), round(lat, 9)] for lon, lat in places]
    if "Polygon" in geometry and len(rounded) > 1 and rounded[0] == rounded[-1]:
        rounded = rounded[:-1]
    least = 3 if "Polygon" in geometry else 2 if "Line" in geometry else 1
    if len(rounded) < least:
        raise Problem("points_too_few", count=len(rounded), least=least)
    if "Polygon" in geometry:
        return {"type": "Polygon", "coordinates": [[*rounded, rounded[0]]]}
    if "Line" in geometry:
        return {"type": "LineString", "coordinates": rounded}
    return {"type": "MultiPoint", "coordinates": rounded} if geometry == "MultiPoint" else {
        "type": "Point", "coordinates": rounded[-1]}


def angle(text: str) -> float | None:
    """Degrees out of a decimal number or degrees, minutes and seconds; None for anything else.

    >>> angle("45°30′36″")
    45.51
    """
    if _NUMBER.match(text):
        return float(text)
    match = _DMS.fullmatch(text)
    if match is None:
        return None
    whole, minutes, seconds = (float(part or 0) for part in match.groups())
    if minutes >= 60 or seconds >= 60:
        return None
    rest = minutes / 60 + seconds / 3600
    return round(whole + math.copysign(rest, -1 if match[1].startswith("-") else 1), 12)


def _lines(text: str) -> list[tuple[int, str]]:
    """Number and content of the lines that hold something."""
    found = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(found) > MOST_LINES:
        raise Problem("line_unreadable", line=MOST_LINES + 1, text="…")
    return found


def _numbers(number: int, line: str, least: int) -> list[float]:
    """The numbers of a line; a name or a running number before them and a height behind are passed over."""
    joined = _DMS.sub(lambda match: match[0].replace(" ", "") + " ", line)
    parts = [part for part in _BETWEEN.split(joined) if part]
    if len(parts) > least and (angle(parts[0]) is None or _RUNNING.match(" ".join(parts[:2]))):
        parts = parts[1:]
    values = [angle(part) for part in parts[:least]]
    if len(values) < least or None in values or len(parts) > least + 1:
        raise Problem("line_unreadable", line=number, text=line[:40])
    return [value for value in values if value is not None]


def _legs(text: str) -> list[tuple[float, float]]:
    found = []
    for number, line in _lines(text):
        bearing, distance = _numbers(number, line, 2)
        if not (-360 <= bearing <= 360 and 0 < distance <= 100_000):
            raise Problem("line_unreadable", line=number, text=line[:40])
        found.append((bearing, distance))
    if not found:
        raise Problem("points_too_few", count=0, least=1)
    return found


def _places(text: str, crs: Crs) -> list[Place]:
    lines = _lines(text)
    pairs = [_numbers(number, line, 2) for number, line in lines]
    if _is_north_first(pairs, crs):
        pairs = [[second, first] for first, second in pairs]
    if crs.projected and pairs:
        convert = Transformer.from_crs(crs.database_srid, STORED_SRID, always_xy=True)
        east, north = convert.transform([one[0] for one in pairs], [one[1] for one in pairs])
        pairs = [list(pair) for pair in zip(east, north, strict=True)]
    return [_checked((lon, lat), number, line) for (lon, lat), (number, line) in zip(pairs, lines, strict=True)]


def _is_north_first(pairs: Sequence[Sequence[float]], crs: Crs) -> bool:
    """Surveyors write the northing first, maps the easting: the numbers tell, as in China they cannot be mixed up."""
    if not pairs or crs.srid == 3857:
        return False
    if not crs.projected:
        return all(_LAT[0] <= one <= _LAT[1] and _LON[0] <= other <= _LON[1] for one, other in pairs)
    prefixed = max(map(max, pairs)) >= 13_000_000
    return all(one < other if prefixed else one > other for one, other in pairs)


def _checked(place: Place, number: int, line: str) -> Place:
    if not (all(map(math.isfinite, place)) and abs(place[0]) <= 180 and abs(place[1]) <= MAX_LATITUDE):
        raise Problem("line_unreadable", line=number, text=line[:40])
    return place
