"""Where the places of a table stand: which columns hold them, by their names or by what is in them, and their WKB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gisapp.formats.reading import degree_columns, written
from gisapp.formats.reading.degrees import coordinate

#: What the column of a place is called: by the whole name, in lower case without spaces and signs.
_PAIRS = (("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"), ("经度", "纬度"),
          ("经度坐标", "纬度坐标"), ("坐标经度", "坐标纬度"), ("gpslon", "gpslat"), ("gpslng", "gpslat"),
          ("wgs84lon", "wgs84lat"), ("lon84", "lat84"), ("lng84", "lat84"), ("gcjlon", "gcjlat"), ("gcjlng", "gcjlat"),
          ("gcj02lon", "gcj02lat"), ("bdlon", "bdlat"), ("bdlng", "bdlat"), ("x", "y"), ("x坐标", "y坐标"),
          ("坐标x", "坐标y"), ("pointx", "pointy"), ("xcoord", "ycoord"), ("coordx", "coordy"), ("东坐标", "北坐标"),
          ("横坐标", "纵坐标"), ("东", "北"), ("经", "纬"), ("easting", "northing"), ("e", "n"))
_WHOLE = ("wkt", "geometry", "geom", "thegeom", "shape", "wkbgeometry", "几何", "图形", "坐标串", "空间坐标", "wktgeom")
#: What eastings and northings in China can be: degrees, with the zone before the easting, without it.
_RANGES = (((73, 136), (3, 54)), ((13e6, 46e6), (3e5, 6.1e6)), ((1e5, 9e5), (1.5e6, 6.1e6)))

Row = Sequence[Any]
Columns = dict[str, str]


def find_columns(heading: Sequence[str], rows: Sequence[Row]) -> Columns | None:
    """Where the shapes of a table stand: by the names of its columns, else by what is in them.

    {"x": …, "y": …} for two columns of numbers, with "x_m", "x_s", "y_m", "y_s" where minutes and seconds have columns
    of their own, {"wkt": …} for one that holds whole places as `written` reads them.
    """
    plain = [re.sub(r"[\s_\-.()（）°/]+", "", name).lower() for name in heading]
    for place, name in enumerate(plain):
        if name in _WHOLE and _share(rows, place, written.is_shape) > 0.5:
            return {"wkt": heading[place]}
    in_parts = degree_columns.find(heading, rows)
    if in_parts:
        return in_parts
    for x, y in _PAIRS:
        if x in plain and y in plain:
            return _ordered(heading, rows, plain.index(x), plain.index(y))
    return _by_values(heading, rows)


def _ordered(heading: Sequence[str], rows: Sequence[Row], x: int, y: int) -> Columns:
    """Surveyors call north X and east Y: where the numbers say so, they are believed."""
    crossed = written.is_crossed(_median(rows, x), _median(rows, y))
    return {"x": heading[y], "y": heading[x]} if crossed else {"x": heading[x], "y": heading[y]}


def _by_values(heading: Sequence[str], rows: Sequence[Row]) -> Columns | None:
    for place in range(len(heading)):
        if _share(rows, place, written.is_shape) > 0.5:
            return {"wkt": heading[place]}
    medians = {place: _median(rows, place) for place in range(len(heading))
               if _share(rows, place, lambda text: np.isfinite(coordinate(text)) and not text.isdigit()) > 0.8}
    for east, north in _RANGES:
        xs = [place for place, value in medians.items() if east[0] <= value <= east[1]]
        ys = [place for place, value in medians.items() if north[0] <= value <= north[1]]
        if len(xs) == 1 and len(ys) == 1:
            return {"x": heading[xs[0]], "y": heading[ys[0]]}
    return next(({"wkt": heading[place]} for place in range(len(heading))
                 if _share(rows, place, written.is_place) > 0.8), None)


def texts(rows: Sequence[Row], place: int) -> list[str]:
    """What stands in a column, without empty cells."""
    return [str(row[place]).strip() for row in rows if place < len(row) and row[place] not in (None, "")]


def _share(rows: Sequence[Row], place: int, test: Any) -> float:
    found = texts(rows, place)
    return sum(map(test, found)) / len(found) if found else 0.0


def _median(rows: Sequence[Row], place: int) -> float:
    values = [value for value in map(coordinate, texts(rows, place)) if np.isfinite(value)]
    return float(np.median(values)) if values else float("nan")


def _axis(rows: Sequence[Row], places: list[int]) -> list[float | None]:
    """One coordinate of each row, out of one cell or of its parts; None where they are empty, NaN where no number."""
    cells = [[row[place] if place < len(row) else None for row in rows] for place in places]
    if len(cells) == 1:
        return [None if written.is_empty(cell) else coordinate(cell) for cell in cells[0]]
    return [None if all(map(written.is_empty, parts)) else degree_columns.together(parts)
            for parts in zip(*cells, strict=True)]


class Places:
    """Makes WKB of rows: None where the cells are empty, empty bytes where they hold something else than a place.

    `named` is the EPSG number of the table's system as digits, or no digits. `turned` counts the places of one column
    that had north first, `straight` the others.
    """

    def __init__(self, fields: Sequence[str], columns: Columns | None, named: str) -> None:
        columns = columns or {}
        self._at = {axis: fields.index(name) for axis, name in columns.items()}
        self._named = named
        self.turned = self.straight = 0

    def wkb(self, rows: Sequence[Row]) -> Any:
        if "wkt" in self._at:
            place = self._at["wkt"]
            return self._whole([row[place] if place < len(row) else None for row in rows])
        if {"x", "y"} <= self._at.keys():
            return self._points(rows, *(self._parts(axis) for axis in "xy"))
        return np.full(len(rows), None, dtype=object)

    def _parts(self, axis: str) -> list[int]:
        """The column of an axis, and those of its minutes and seconds where there are any."""
        return [self._at[name] for name in (axis, f"{axis}_m", f"{axis}_s") if name in self._at]

    def _points(self, rows: Sequence[Row], x: list[int], y: list[int]) -> Any:
        made = np.full(len(rows), None, dtype=object)
        east, north = _axis(rows, x), _axis(rows, y)
        given = np.array([a is not None and b is not None for a, b in zip(east, north, strict=True)], dtype=bool)
        pairs = np.array([east, north], dtype=np.float64).T.reshape(-1, 2)
        numeric = given & ~np.isnan(pairs).any(axis=1)
        made[numeric] = shapely.to_wkb(shapely.points(pairs[numeric]))
        made[given & ~numeric] = b""
        return made

    def _whole(self, cells: Sequence[Any]) -> Any:
        """Of cells that hold whole places; one that names another system than the table's cannot be read with them."""
        made, blank = written.from_wkt(cells, self._named)
        for n, cell in enumerate(cells):
            if made[n] is not None or written.is_empty(cell):
                continue
            found = written.other_shape(str(cell).strip(), self._named)
            made[n] = found.wkb if found else b""
            if found and found.turned is not None:
                self.turned, self.straight = self.turned + found.turned, self.straight + (not found.turned)
        made[blank] = None
        return made

    def notes(self) -> list[dict[str, str]]:
        """What is to be said of places that had north first."""
        if not self.turned:
            return []
        zh = f"有 {self.turned} 行的坐标北（纬度）在前，已按此读取"
        en = f"{self.turned} places have north first and are read so"
        if self.straight:
            zh, en = f"{zh}；另有 {self.straight} 行东（经度）在前", f"{en}; {self.straight} others have east first"
        return [{"code": "north_first", "zh": zh, "en": en}]
