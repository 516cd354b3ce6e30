"""Degrees, minutes and seconds that stand in columns of their own: lon_d, lon_m, lon_s; 经度度, 经度分, 经度秒."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite, nan
from typing import Any

from gisapp.formats.reading.degrees import coordinate

Row = Sequence[Any]
#: What ends the names of such columns, the longest first; the name of the first may have no such end.
_UNITS = (("degrees", "degree", "deg", "度", "°", "d"), ("minutes", "minute", "min", "分", "′", "'", "m"),
          ("seconds", "second", "sec", "秒", "″", '"', "s"))
#: A second column of a name has its number behind it.
_NUMBERED = re.compile(r"_\d+$")
_SIGNS = re.compile(r"[\s_\-.()（）/]+")
#: What a column of minutes may repeat behind its number.
_MARK = re.compile(r"\s*(?:[°度′'分″\"秒]|'')$")
#: Degrees of China: they tell longitude from latitude without any name.
_EAST, _NORTH = (73.0, 136.0), (3.0, 54.0)
_SHARE = 0.9


def find(heading: Sequence[str], rows: Sequence[Row]) -> dict[str, str] | None:
    """{"x": …, "x_m": …, "x_s": …, "y": …, …}: the columns of the parts, seconds only where there are any; None where
    names and values do not both say so."""
    found = dict[str, dict[str, str]]()
    for places in _groups(heading):
        parts = [[_number(row[place]) for row in rows if _is_filled(row, place)] for place in places]
        axis = _axis(parts)
        if axis is None or axis in found:
            continue
        found[axis] = {axis + end: heading[place] for end, place in zip(("", "_m", "_s"), places, strict=False)}
    return found["x"] | found["y"] if found.keys() == {"x", "y"} else None


def _groups(heading: Sequence[str]) -> list[list[int]]:
    """Columns that belong together by their names: what is left without the unit is the same, or nothing."""
    names = [_split(name) for name in heading]
    found, used = [], set[int]()
    for place, (stem, _) in enumerate(names):
        places = [place]
        for unit in (1, 2):
            after = next((n for n in range(places[-1] + 1, len(names)) if n not in used and names[n][1] == unit
                          and (names[n][0] == stem or (n == places[-1] + 1 and not names[n][0]))), None)
            if after is None:
                break
            places.append(after)
        if place not in used and names[place][1] != 1 and len(places) > 1:
            found.append(places)
            used.update(places)
    return found


def _split(name: str) -> tuple[str, int | None]:
    """A name without its unit, and which unit it was."""
    plain = _SIGNS.sub("", _NUMBERED.sub("", name.strip())).lower()
    for unit, ends in enumerate(_UNITS):
        for end in ends:
            if plain.endswith(end):
                return plain.removesuffix(end), unit
    return plain, None


def _axis(parts: list[list[float]]) -> str | None:
    """x or y by the degrees; None where a minute has sixty or more, or the degrees are no whole numbers."""
    degrees, *smaller = parts
    if not degrees or not all(smaller):
        return None
    if any(_part(numbers, lambda n: 0 <= n < 60) < _SHARE for numbers in smaller):
        return None
    whole = [*([degrees] if len(parts) == 2 else parts[:2])]
    if any(_part(numbers, lambda n: n == int(n)) < _SHARE for numbers in whole):
        return None
    return next((axis for axis, (least, most) in (("x", _EAST), ("y", _NORTH))
                 if _part(degrees, lambda n, a=least, b=most: a <= n < b) >= _SHARE), None)


def _part(numbers: list[float], test: Any) -> float:
    return sum(1 for number in numbers if isfinite(number) and test(number)) / len(numbers)


def _is_filled(row: Row, place: int) -> bool:
    return place < len(row) and row[place] not in (None, "")


def _number(cell: Any) -> float:
    return coordinate(_MARK.sub("", cell) if isinstance(cell, str) else cell)


def together(cells: Sequence[Any]) -> float:
    """Degrees of degrees, minutes and seconds in cells; NaN where one of them is none, or has more than sixty."""
    degrees, *smaller = (_number(cell) for cell in cells)
    if not isfinite(degrees) or not all(0 <= part <= 60 for part in smaller):
        return nan
    size = abs(degrees) + sum(part / 60.0 ** power for power, part in enumerate(smaller, 1))
    return -size if degrees < 0 else size
