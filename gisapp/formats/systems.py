"""Systems that a file describes without naming their number: known by datum, projection and parameters."""

from __future__ import annotations

import re
from pathlib import Path

import pyproj

from gisapp.crs import CGCS2000, STORED_SRID, zone_codes
from gisapp.errors import Problem
from gisapp.formats.encoding import wide_encoding
from gisapp.formats.meridians import Meridian, meridian

#: What programs call the two datums, without case, signs and the D_ of Esri's.
_WGS84 = frozenset({"wgs1984", "wgs84", "worldgeodeticsystem1984", "worldgeodeticsystem1984ensemble"})
_CGCS2000 = frozenset({"china2000", "cgcs2000", "cgcs2000datum", "chinageodeticcoordinatesystem2000",
                       "chinesegeodeticcoordinatesystem2000", "chinacoordinatesystem2000"})
_AXIS_M, _FLATTENINGS = 6378137.0, (298.257223563, 298.257222101)
_MERIDIAN = "Longitude of natural origin"
#: What every zone has.
_PLAIN = {"Latitude of natural origin": 0.0, "False northing": 0.0, "Scale factor at natural origin": 1.0}
#: What of a .prj is looked at, and how a system may be written there.
_MOST = 16 * 2**10
_NUMBER = re.compile(r"(?:EPSG[:： ]*)?(\d{4,6})", re.IGNORECASE)
_WKT = re.compile(r"(?:GEOGCS|PROJCS|COMPD_CS|GEOGCRS|PROJCRS|BOUNDCRS)\s*[\[(]", re.IGNORECASE)
_PROJ, _FILES = re.compile(r"\+proj=\w"), re.compile(r"grids|init|file|pipeline|/", re.IGNORECASE)
_METHODS = ("Transverse Mercator", "Gauss Kruger", "Gauss_Kruger")


def recognised(crs: pyproj.CRS) -> int | None:
    """The EPSG number of degrees on WGS 84 or CGCS2000, or of a Gauss–Krüger zone on one of them; None for all else."""
    base = _base(crs)
    if base is None or crs.is_geographic:
        return base
    return _zone(crs) if crs.is_projected else None


def _base(crs: pyproj.CRS) -> int | None:
    geodetic, ellipsoid = crs.geodetic_crs, crs.ellipsoid
    if geodetic is None or geodetic.datum is None or ellipsoid is None or crs.prime_meridian is None:
        return None
    alike = abs(ellipsoid.semi_major_metre - _AXIS_M) < 0.01 and any(
        abs(ellipsoid.inverse_flattening - one) < 1e-5 for one in _FLATTENINGS)
    if not alike or crs.prime_meridian.longitude != 0 or (crs.is_geographic and not _in_degrees(crs)):
        return None
    name = re.sub(r"[\W_]+", "", geodetic.datum.name.removeprefix("D_")).lower()
    return STORED_SRID if name in _WGS84 else CGCS2000 if name in _CGCS2000 else None


def _in_degrees(crs: pyproj.CRS) -> bool:
    return all(axis.unit_name.lower().startswith("degree") for axis in crs.axis_info)


def _zone(crs: pyproj.CRS) -> int | None:
    """By central meridian and false easting, with the zone's number before it or not."""
    given = _parameters(crs)
    if given is None:
        return None
    plain = all(given.get(name) == value for name, value in _PLAIN.items())
    return _codes(given.get(_MERIDIAN, 0.0)).get(given.get("False easting", 0.0)) if plain else None


def _parameters(crs: pyproj.CRS) -> dict[str, float] | None:
    """Those of a transverse Mercator in metres, None for all else."""
    work = crs.coordinate_operation
    if work is None or work.method_name not in _METHODS or any(axis.unit_conversion_factor != 1
                                                               for axis in crs.axis_info):
        return None
    return {one.name: float(one.value) for one in work.params}


def words_of_prj(path: Path) -> str:
    """The system in a .prj that is no plain ESRI WKT: in UTF-16, of PROJ, or only a number. Nothing where it is none of
    these, or names files that PROJ would open."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        raw = file.read(_MOST)
    wide = "UTF-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else wide_encoding(raw)
    text = raw.decode(wide or "utf-8-sig", "replace").strip().strip("\x00")
    number = _NUMBER.fullmatch(text)
    if number:
        return f"EPSG:{number[1]}"
    return text if _WKT.match(text) or (_PROJ.match(text) and not names_files(text)) else ""


def names_files(text: str) -> bool:
    """Whether the text of a system would make PROJ open files: also where it leaves out the plus signs."""
    plain = text.lstrip()
    return "=" in plain and not (_WKT.match(plain) or plain.startswith("{")) and bool(_FILES.search(plain))


def on_our_datum(crs: pyproj.CRS) -> bool:
    """Whether a system stands on WGS 84 or CGCS2000."""
    return _base(crs) is not None


def likeness(crs: pyproj.CRS) -> Meridian | None:
    """The projection of a system about a meridian of its own, whatever its datum; None for zones of three degrees and
    for all else."""
    given = _parameters(crs) if crs.is_projected else None
    if given is None or given.get("Latitude of natural origin") or _zone(crs) is not None:
        return None
    lon = given.get(_MERIDIAN, 0.0)
    offsets = (given.get("False easting", 0.0), given.get("False northing", 0.0),
               given.get("Scale factor at natural origin", 1.0))
    try:
        return meridian(lon, *offsets) if crs.prime_meridian and not crs.prime_meridian.longitude else None
    except Problem:
        return None


def _codes(meridian: float) -> dict[float, int]:
    """EPSG numbers by false easting of the zones about a meridian."""
    zone, wide = meridian / 3, (meridian + 3) / 6
    if zone != int(zone) or not 25 <= zone <= 45:
        return {}
    prefixed, bare = zone_codes(int(zone))
    found = {500_000.0: bare, zone * 1e6 + 500_000: prefixed}
    if wide == int(wide):
        found[wide * 1e6 + 500_000] = 4478 + int(wide)
    return found
