"""Systems of coordinates and boxes out of text."""

from __future__ import annotations

import math

from gisapp.crs import CRS84, Crs, parse_crs
from gisapp.params.faults import invalid

Box = tuple[float, float, float, float]


def parse_crs_argument(text: str | None) -> Crs:
    """The system that `crs=` names; longitude and latitude of WGS 84 without it."""
    return parse_crs(text) if text is not None else CRS84


def parse_bbox(text: str, crs: Crs, *, around: bool = False) -> Box:
    """Four numbers (or six: heights are left out) as (min x, min y, max x, max y), easting first.

    A box of degrees whose min lon is above its max lon lies across the antimeridian; it is taken only with `around`.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise invalid("bbox", "应为四个数：最小经度,最小纬度,最大经度,最大纬度",
                      "wants four numbers: min lon, min lat, max lon, max lat")
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    a, b, c, d = numbers
    if crs.axis_swapped:
        a, b, c, d = b, a, d, c
    degrees = not crs.projected and crs.srid != 3857
    if (a > c and not (around and degrees)) or b > d:
        raise invalid("bbox", "最小值大于最大值", "a minimum is above its maximum")
    if degrees and (max(abs(a), abs(c)) > 180 or max(abs(b), abs(d)) > 90):
        raise invalid("bbox", "经纬度超出范围", "longitude or latitude is out of range")
    if max(map(abs, (a, b, c, d))) > 1e9:
        raise invalid("bbox", "坐标超出范围", "a coordinate is out of range")
    return (a, b, c, d)
