"""Gauss–Krüger about a meridian of one's own, as city surveys use it: CGCS2000, with other offsets than the zones'.

On the wire `TM:113.5`, or `TM:113.5,500000,-3000000,1`: central meridian in degrees, false easting and northing in
metres, scale on the meridian.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from gisapp.crs import Crs
from gisapp.errors import Problem
from gisapp.formats.reading.degrees import coordinate
from gisapp.words import Words

MARK = "TM:"
_PLAIN = (500_000.0, 0.0, 1.0)
#: What may stand behind the meridian: a scale beyond is a slip, and so are offsets beyond the earth.
_FARTHEST, _SCALES = 1e8, (0.99, 1.01)


@dataclass(frozen=True)
class Meridian(Crs):
    """A transverse Mercator projection on CGCS2000 (EPSG method 9807). Degrees and metres."""

    lon: float = 0.0
    false_easting: float = 500_000.0
    false_northing: float = 0.0
    scale: float = 1.0

    @property
    def name(self) -> str:
        """How the wire calls it."""
        more = (self.false_easting, self.false_northing, self.scale)
        numbers = (self.lon,) if more == _PLAIN else (self.lon, *more)
        return MARK + ",".join(f"{number:.12g}" for number in numbers)

    @property
    def definition(self) -> str:
        """The same for PROJ."""
        return (f"+proj=tmerc +lat_0=0 +lon_0={self.lon!r} +k={self.scale!r} +x_0={self.false_easting!r} "
                f"+y_0={self.false_northing!r} +ellps=GRS80 +units=m +no_defs +type=crs")


def meridian(lon: float, false_easting: float = 500_000.0, false_northing: float = 0.0, scale: float = 1.0) -> Meridian:
    """The projection about a meridian in degrees. Problem `crs_unsupported` for numbers that are none."""
    sane = (isfinite(lon) and -180 <= lon <= 180 and _SCALES[0] <= scale <= _SCALES[1]
            and all(abs(number) <= _FARTHEST for number in (false_easting, false_northing)))
    if not sane:
        raise Problem("crs_unsupported", crs=f"{MARK}{lon},{false_easting},{false_northing},{scale}"[:120])
    zh, en = f"CGCS2000 高斯投影 中央子午线 {lon:.10g}°E", f"CGCS2000 Gauss–Krüger, meridian {lon:.10g}°E"
    if (false_easting, false_northing, scale) != _PLAIN:
        offsets = f"{false_easting:.10g}, {false_northing:.10g} m, × {scale:.10g}"
        zh, en = f"{zh}（偏移与尺度 {offsets}）", f"{en}, offsets and scale {offsets}"
    return Meridian(0, "", False, Words(zh, en), True, lon, false_easting, false_northing, scale)


def parse_meridian(text: str) -> Meridian:
    """The projection of a name; the meridian may be written 113°30′ too. Problem `crs_unsupported`."""
    first, *rest = text.strip().removeprefix(MARK).replace("，", ",").split(",")
    numbers = [coordinate(first), *(coordinate(part) for part in rest)]
    if len(numbers) not in (1, 4) or not all(map(isfinite, numbers)):
        raise Problem("crs_unsupported", crs=text[:120])
    return meridian(*numbers)


def half_degrees(x: float, y: float) -> list[Meridian]:
    """Meridians of half a degree in which a pair of numbers, easting first and without prefix, would lie in China; not
    those of the zones of three degrees, which are in the menu."""
    if not (50_000 <= x <= 950_000 and 300_000 <= y <= 6_100_000):
        return []
    return [meridian(float(lon)) for lon in np.arange(73.5, 136, 0.5) if lon % 3]
