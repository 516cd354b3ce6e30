"""The menu of coordinate reference systems, their names on the wire and their axis order.

Everything is stored as longitude, latitude (EPSG:4326). CGCS2000 is taken as equal to WGS 84, as PROJ does.
Files are written easting first; only OGC API answers follow the authority's order (`Crs.axis_swapped`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gisapp.errors import Problem
from gisapp.words import Words

STORED_SRID = 4326
#: Taken as equal to the stored system: PROJ changes no number between the two.
CGCS2000 = 4490
#: The latitude at which Web Mercator ends; beyond it a feature could not be drawn.
MAX_LATITUDE = 85.0511

_EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0/{code}"
_CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_CRS84_NAMES = frozenset({
    "crs84", "ogc:crs84", "urn:ogc:def:crs:ogc:1.3:crs84", "urn:ogc:def:crs:ogc::crs84",
    "http://www.opengis.net/def/crs/ogc/1.3/crs84", "https://www.opengis.net/def/crs/ogc/1.3/crs84",
    "http://www.opengis.net/def/crs/ogc/0/crs84", "https://www.opengis.net/def/crs/ogc/0/crs84",
})

# The version part ("0" or empty, or a release such as 9.9.1) says nothing that the menu would need.
_EPSG_NAME = re.compile(
    r"(?:epsg:|urn:ogc:def:crs:epsg:[0-9.]{0,8}:|https?://www\.opengis\.net/def/crs/epsg/[0-9.]{1,8}/)?"
    r"([1-9][0-9]{3,5})"
)


@dataclass(frozen=True)
class Crs:
    """A system of the menu. `srid` is its EPSG number, 0 for CRS84.

    `axis_swapped` says that the authority gives north before east: OGC API answers follow it, files do not.
    """

    srid: int
    uri: str
    axis_swapped: bool
    title: Words
    projected: bool = False

    @property
    def database_srid(self) -> int:
        """What PostGIS calls it; CRS84 is EPSG:4326 there, longitude first."""
        return self.srid or STORED_SRID

    @property
    def name(self) -> str:
        """The short form, such as EPSG:4547 or OGC:CRS84."""
        return f"EPSG:{self.srid}" if self.srid else "OGC:CRS84"


def _epsg(code: int, zh: str, en: str, *, swapped: bool = True, projected: bool = True) -> Crs:
    return Crs(code, _EPSG_URI.format(code=code), swapped, Words(zh, en), projected)


def _gauss_krueger() -> Iterator[Crs]:
    for zone in range(25, 46):
        prefix, plain = zone_codes(zone)
        meridian = 3 * zone
        yield _epsg(plain, f"CGCS2000 三度带 中央子午线 {meridian}°E（不带带号）",
                    f"CGCS2000 3-degree, meridian {meridian}°E, no zone prefix")
        yield _epsg(prefix, f"CGCS2000 三度带 第 {zone} 带（带号在前）",
                    f"CGCS2000 3-degree, zone {zone}, with zone prefix")
    for zone in range(13, 24):
        meridian = 6 * zone - 3
        yield _epsg(4489 + zone, f"CGCS2000 六度带 中央子午线 {meridian}°E（不带带号）",
                    f"CGCS2000 6-degree, meridian {meridian}°E, no zone prefix")
        yield _epsg(4478 + zone, f"CGCS2000 六度带 第 {zone} 带（带号在前）",
                    f"CGCS2000 6-degree, zone {zone}, with zone prefix")


def zone_codes(zone: int) -> tuple[int, int]:
    """EPSG numbers of a 3-degree zone (25–45): with the zone number before the easting, and without.

    >>> zone_codes(38)
    (4526, 4547)
    """
    return 4488 + zone, 4509 + zone


CRS84 = Crs(0, _CRS84_URI, False, Words("WGS 84（经度在前）", "WGS 84, longitude first"))

MENU: dict[int, Crs] = {crs.srid: crs for crs in (
    CRS84,
    _epsg(4490, "CGCS2000 经纬度", "CGCS2000, longitude and latitude", projected=False),
    _epsg(4326, "WGS 84 经纬度", "WGS 84, longitude and latitude", projected=False),
    _epsg(3857, "Web 墨卡托", "Web Mercator", swapped=False),
    *_gauss_krueger(),
)}


def parse_crs(text: str) -> Crs:
    """The system of the menu that `text` names: `EPSG:4547`, `4547`, a URI, a URN or a `[EPSG:4547]` CURIE.

    Raises `crs_unsupported` for anything outside the menu.
    """
    name = text.strip()
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1]
    if name.lower() in _CRS84_NAMES:
        return CRS84
    match = _EPSG_NAME.fullmatch(name.lower())
    crs = MENU.get(int(match[1])) if match else None
    if crs is None:
        raise Problem("crs_unsupported", crs=text[:120])
    return crs


def local_zone(lon: float) -> tuple[Crs, Crs]:
    """The 3-degree Gauss–Krüger systems of a longitude in degrees: with the zone prefix, and without.

    Raises `crs_unsupported` west of 73.5°E or east of 136.5°E, where the series ends.
    """
    zone = int((lon + 1.5) // 3)
    if not 25 <= zone <= 45:
        raise Problem("crs_unsupported", crs=f"{lon}°")
    prefix, plain = zone_codes(zone)
    return MENU[prefix], MENU[plain]
