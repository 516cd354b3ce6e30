"""In what a file's numbers may be meant: a system of the menu, a shifted datum, axes exchanged or not.

A frame has a name on the wire: `EPSG:4547`, `GCJ-02`, `BD-09`, `EPSG:3857@GCJ-02`, `EPSG:4547@swapped`, `TM:113.5`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyproj
from numpy.typing import NDArray

from gisapp.crs import CGCS2000, MENU, STORED_SRID, Crs, parse_crs, zone_codes
from gisapp.datums import TO_WGS84, on_mainland
from gisapp.errors import Problem
from gisapp.formats.meridians import MARK, Meridian, half_degrees, parse_meridian
from gisapp.formats.systems import likeness, names_files, on_our_datum, recognised
from gisapp.words import Words

SWAPPED = "swapped"
_WEB_MERCATOR = 3857
#: What people call the shifted datums, where a file names its system.
_SHIFTED = {"GCJ-02": re.compile(r"GCJ[-_ ]?0?2|火星坐标系?", re.IGNORECASE),
            "BD-09": re.compile(r"BD[-_ ]?0?9(?:LL)?|百度坐标系?", re.IGNORECASE)}
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """`datum` is empty for WGS 84 and CGCS2000, else GCJ-02 or BD-09; `swapped` says that north stands first."""

    crs: Crs
    datum: str = ""
    swapped: bool = False

    @property
    def name(self) -> str:
        """How the wire calls it."""
        parts = [self.crs.name] if self.crs.projected or not self.datum else []
        parts += [self.datum] if self.datum else []
        parts += [SWAPPED] if self.swapped else []
        return "@".join(parts)

    @property
    def title(self) -> Words:
        """How people call it."""
        zh, en = self.crs.title.zh, self.crs.title.en
        if self.datum:
            zh = f"{self.datum} 偏移坐标" + (f"，{zh}" if self.crs.projected else "（经纬度）")
            en = f"{self.datum}, shifted" + (f", {en}" if self.crs.projected else ", longitude and latitude")
        return Words(zh + "，北坐标在前", en + ", north first") if self.swapped else Words(zh, en)

    @property
    def keep_original(self) -> bool:
        """Whether reading in this frame undoes a shift, so that the numbers of the file are worth keeping."""
        return bool(self.datum)

    @property
    def is_stored(self) -> bool:
        """Whether the numbers are stored as they are."""
        return not (self.datum or self.swapped or self.crs.projected)

    def to_stored(self, points: Points) -> Points:
        """Longitude and latitude, EPSG:4326, of the file's pairs (n × 2); NaN or infinity where there is no such
        place. A shift is undone on the mainland only, as it was only ever done there."""
        pairs = points[:, ::-1] if self.swapped else points
        if self.crs.projected:
            with np.errstate(all="ignore"):
                pairs = np.column_stack(_transformer(self.crs).transform(pairs[:, 0], pairs[:, 1]))
        if self.datum:
            lon, lat = TO_WGS84[self.datum](pairs[:, 0], pairs[:, 1])
            shifted = on_mainland(lon, lat)
            pairs = np.where(shifted[:, None], np.column_stack([lon, lat]), pairs)
        return np.ascontiguousarray(pairs)


@cache
def _transformer(crs: Crs) -> pyproj.Transformer:
    given = crs.definition if isinstance(crs, Meridian) else crs.srid
    return pyproj.Transformer.from_crs(given, STORED_SRID, always_xy=True)


def parse_frame(text: str) -> Frame:
    """The frame of a name. Problem `crs_unsupported`."""
    parts = text.strip().split("@")
    swapped = parts[-1] == SWAPPED and bool(parts.pop())
    datum = parts.pop() if parts and parts[-1] in TO_WGS84 else ""
    if len(parts) > 1 or not (parts or datum):
        raise Problem("crs_unsupported", crs=text[:120])
    return Frame(_system(parts[0]) if parts else MENU[STORED_SRID], datum, swapped)


def _system(name: str) -> Crs:
    """The system of the menu, or another one on the same datum. Problem `crs_unsupported`."""
    if name.startswith(MARK):
        return parse_meridian(name)
    try:
        return parse_crs(name)
    except Problem:
        number = name.strip().upper().removeprefix("EPSG:")
        found = _kin(int(number)) if number.isascii() and number.isdigit() and len(number) < 7 else None
        if found is None:
            raise
        return found


@cache
def _kin(code: int) -> Crs | None:
    """A plane system of EPSG's that stands on WGS 84 or CGCS2000, such as UTM, so that its numbers can be brought to
    degrees exactly; None for any other, Xian 1980 among them."""
    try:
        crs = pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError:
        return None
    base = crs.geodetic_crs.to_epsg() if crs.is_projected and crs.geodetic_crs else None
    if base not in (STORED_SRID, CGCS2000):
        return None
    return Crs(code, "", False, Words(crs.name, crs.name), True)


def named_crs(given: str) -> tuple[str | None, str]:
    """The menu's name of a CRS as a file tells it, and how it is called; None when it is missing or foreign."""
    if not given:
        return None, ""
    if shifted := next((datum for datum, name in _SHIFTED.items() if name.fullmatch(given.strip())), None):
        return shifted, shifted
    if names_files(given):
        return None, given[:80]
    try:
        crs = pyproj.CRS.from_user_input(given).to_2d()
        code = crs.to_epsg(min_confidence=60)
    except pyproj.exceptions.CRSError:
        return None, given[:80]
    if code is None and "CRS84" in crs.name:
        code = STORED_SRID  # files are longitude first in either
    code = code or recognised(crs)
    kin = None if code is None or code in MENU else _kin(code)
    own = likeness(crs) if code is None and on_our_datum(crs) else None
    return (MENU[code].name if code in MENU else kin.name if kin else own.name if own else None), crs.name


def likely_crs(given: str) -> str | None:
    """The name of the projection that a system uses, whatever its datum, where that is none of the menu's: Xian 1980
    about 113.5° is not CGCS2000 about 113.5°, but nearer to it than to all else. None where there is none."""
    try:
        plain = bool(given) and not names_files(given)
        own = likeness(pyproj.CRS.from_user_input(given).to_2d()) if plain else None
    except pyproj.exceptions.CRSError:
        return None
    return own.name if own else None


def plausible(x: float, y: float) -> Iterator[Crs]:
    """The systems of the menu in which a pair of numbers, easting first, would lie in China; of two that read it
    alike only the first."""
    if 73 <= x <= 136 and 3 <= y <= 54:
        yield MENU[CGCS2000]
        yield MENU[STORED_SRID]
        return
    if not 300_000 <= y <= 7_300_000:
        return
    million = int(x // 1_000_000)
    if 25 <= million <= 45:
        yield MENU[zone_codes(million)[0]]
    if 13 <= million <= 23 and y < 6_100_000 and 50_000 <= x % 1_000_000 <= 950_000:
        yield MENU[4478 + million]
    if 8_100_000 <= x <= 15_150_000:
        yield MENU[_WEB_MERCATOR]
    if 50_000 <= x <= 950_000 and y < 6_100_000:
        # Each 6-degree meridian is also that of a 3-degree zone, and without prefix the numbers are the same.
        yield from (MENU[zone_codes(zone)[1]] for zone in range(25, 46))


def candidates(bounds: Iterable[float]) -> list[str]:
    """Names of the frames in which a box (west, south, east, north) of a file would lie in China."""
    west, south, east, north = bounds
    x, y = (west + east) / 2, (south + north) / 2
    if not (np.isfinite(x) and np.isfinite(y)):
        return []
    straight = [Frame(crs) for crs in plausible(x, y)]
    crossed = [Frame(crs, swapped=True) for crs in plausible(y, x)]
    return [frame.name for frame in straight + crossed]


def rarer_readings(x: float, y: float) -> list[Frame]:
    """Frames to be tried on data around (x, y) when no usual one fits: meridians of half a degree."""
    return [Frame(crs) for crs in half_degrees(x, y)] + [Frame(crs, swapped=True) for crs in half_degrees(y, x)]


def readings(x: float, y: float, declared: Frame | None, like: Frame | None = None) -> list[Frame]:
    """Every frame worth trying on data around (x, y): each plausible system, plain and shifted, straight and crossed.

    The declared one comes first, then the one that the file's system is `like`.
    """
    found: dict[str, Frame] = {frame.name: frame for frame in (declared, like) if frame}
    systems = [(crs, False) for crs in plausible(x, y)] + [(crs, True) for crs in plausible(y, x)]
    if like:
        systems.insert(0, (like.crs, like.swapped))
    if declared:
        systems.insert(0, (declared.crs, declared.swapped))
    seen = {"geographic"} if declared and not declared.crs.projected else set[str]()
    for crs, swapped in systems:
        alike = f"{'geographic' if not crs.projected else crs.name}{swapped or ''}"
        if alike not in seen:
            frame = Frame(crs, "", swapped)
            found.setdefault(frame.name, frame)
        seen.add(alike)
        for datum in TO_WGS84:
            frame = Frame(crs, datum, swapped)
            found.setdefault(frame.name, frame)
    return list(found.values())
