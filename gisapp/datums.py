"""GCJ-02 and BD-09, the shifted coordinates of Chinese web maps, to and from WGS 84 (taken as equal to CGCS2000).

All functions take and give longitudes and latitudes in degrees as numpy arrays, NaN for NaN. The formulas are the
published approximation of the official shift (a = 6378245 m, e² = 0.00669342162296594323); how near it comes to the
official one is not published. The inverses agree with the forward formulas to under 0.01 mm.

The shift applies on the mainland only: ask `on_mainland` first. `mainland.wkt` is coarse: Natural Earth 1:10 m
(public domain) simplified to 0.02°, widened by 0.15° at sea, with Hong Kong, Macau, Kinmen and Matsu cut out and the
outer islands (Shengshan, Dongji, Dachen, Zhangzi …) put in by hand. Beside a border it may be wrong by some hundred
metres, in the mountains by two kilometres.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Degrees = NDArray[np.float64]
Pair = tuple[Degrees, Degrees]
Shift = Callable[[ArrayLike, ArrayLike], Pair]

_AXIS = 6378245.0
_ECCENTRICITY = 0.00669342162296594323
_BD_TURN = np.pi * 3000.0 / 180.0
#: The first step is the usual one-step inverse, wrong by up to 4.7 m; each further one divides the error by about 150.
_STEPS = 5


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 of WGS 84, degrees; the published formula, with no regard to where the place is."""
    lon, lat = _arrays(lon, lat)
    east, north = _gcj_offsets(lon, lat)
    return lon + east, lat + north


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """WGS 84 of GCJ-02, degrees, by iteration of the forward formula."""
    return _inverted(wgs84_to_gcj02, *_arrays(lon, lat))


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 of GCJ-02, degrees."""
    lon, lat = _arrays(lon, lat)
    distance = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURN)
    return distance * np.cos(angle) + 0.0065, distance * np.sin(angle) + 0.006


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """GCJ-02 of BD-09, degrees: by iteration, since the published closed form is wrong by up to 0.2 m."""
    return _inverted(gcj02_to_bd09, *_arrays(lon, lat))


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """BD-09 of WGS 84, degrees."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """WGS 84 of BD-09, degrees."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


#: From WGS 84 and to it, by the name of the shifted datum.
FROM_WGS84: dict[str, Shift] = {"GCJ-02": wgs84_to_gcj02, "BD-09": wgs84_to_bd09}
TO_WGS84: dict[str, Shift] = {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}


def on_mainland(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Where the shift applies: True for WGS 84 places inside the coarse outline, False elsewhere and for NaN."""
    lon, lat = _arrays(lon, lat)
    inside: NDArray[np.bool_] = np.asarray(shapely.contains_xy(_outline(), lon, lat), dtype=np.bool_)
    return inside


@cache
def _outline() -> Any:
    outline = shapely.from_wkt((Path(__file__).parent / "mainland.wkt").read_text("ascii"))
    shapely.prepare(outline)
    return outline


def _arrays(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """As arrays; infinity becomes NaN, so that no formula meets it."""
    lon, lat = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    finite = np.isfinite(lon) & np.isfinite(lat)
    return np.where(finite, lon, np.nan), np.where(finite, lat, np.nan)


def _inverted(forward: Shift, lon: Degrees, lat: Degrees) -> Pair:
    """The place that `forward` takes to (lon, lat): the shift changes slowly, so that repeating it converges."""
    guess_lon, guess_lat = lon, lat
    for _ in range(_STEPS):
        there_lon, there_lat = forward(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon - (there_lon - lon), guess_lat - (there_lat - lat)
    return guess_lon, guess_lat


def _gcj_offsets(lon: Degrees, lat: Degrees) -> Pair:
    """Offsets in degrees, east and north."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves + (
        20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)
        + 150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves + (
        20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)
        + 160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    return _metres_to_degrees(east, north, np.radians(lat))


def _metres_to_degrees(east: Degrees, north: Degrees, lat_radians: Degrees) -> Pair:
    flattened = 1.0 - _ECCENTRICITY * np.sin(lat_radians) ** 2
    root = np.sqrt(flattened)
    degrees_east = np.degrees(east / (_AXIS / root * np.cos(lat_radians)))
    degrees_north = np.degrees(north / (_AXIS * (1.0 - _ECCENTRICITY) / (flattened * root)))
    return degrees_east, degrees_north
