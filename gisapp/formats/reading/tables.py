"""Tables of texts, CSV and XLSX: which columns hold the place, and rows with a shape made from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import shapely

from gisapp.errors import Problem
from gisapp.formats.kinds import Dataset
from gisapp.formats.reading import csv_text, workbook
from gisapp.formats.reading.degrees import coordinate
from gisapp.formats.source import Source
from gisapp.formats.wkb import Census

_LOOKED_AT = 200
#: Collections within collections that are still read.
_NESTED = 16
#: What the column of a place is called: by the whole name, in lower case without spaces and signs.
_PAIRS = (("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"), ("经度", "纬度"),
          ("经度坐标", "纬度坐标"), ("坐标经度", "坐标纬度"), ("gpslon", "gpslat"), ("gpslng", "gpslat"),
          ("wgs84lon", "wgs84lat"), ("lon84", "lat84"), ("lng84", "lat84"), ("gcjlon", "gcjlat"), ("gcjlng", "gcjlat"),
          ("gcj02lon", "gcj02lat"), ("bdlon", "bdlat"), ("bdlng", "bdlat"), ("x", "y"), ("x坐标", "y坐标"),
          ("坐标x", "坐标y"), ("pointx", "pointy"), ("xcoord", "ycoord"), ("coordx", "coordy"), ("东坐标", "北坐标"),
          ("横坐标", "纵坐标"), ("东", "北"), ("经", "纬"), ("easting", "northing"), ("e", "n"))
_WKT = ("wkt", "geometry", "geom", "thegeom", "shape", "wkbgeometry", "几何", "图形", "坐标串", "空间坐标", "wktgeom")
#: What eastings and northings in China can be: degrees, with the zone before the easting, without it.
_RANGES = (((73, 136), (3, 54)), ((13e6, 46e6), (3e5, 6.1e6)), ((1e5, 9e5), (1.5e6, 6.1e6)))
_IS_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", re.IGNORECASE)
#: Read by GEOS and not by shapely.
_CURVED = re.compile(r"CIRCULAR|CURVE|SURFACE", re.IGNORECASE)
_SRID = re.compile(r"\ASRID=(\d{1,6});\s*", re.IGNORECASE)

Row = Sequence[Any]


class _Table(Protocol):
    """A part of a file with a heading: a CSV file, a sheet of a workbook."""

    name: str
    heading: list[str]
    encoding: str
    encoding_from: str
    notes: list[dict[str, str]]

    def rows(self) -> Iterator[Row]: ...


def _open(dataset: Dataset, encoding: str | None) -> Iterator[_Table]:
    yield from (workbook.sheets(dataset) if dataset.format == "xlsx" else csv_text.tables(dataset, encoding))


def describe(dataset: Dataset, encoding: str | None) -> list[Source]:
    """A source for each table with a heading; `columns` is None where no place was found. Problem
    `file_unreadable`."""
    return [_described(dataset, table) for table in _open(dataset, encoding)]


def _described(dataset: Dataset, table: _Table) -> Source:
    source = Source(name=table.name, dataset=dataset, part=table.name, geometry="Unknown", count=0,
                    fields=table.heading, types=["String"] * len(table.heading), encoding=table.encoding,
                    encoding_from=table.encoding_from, notes=list(table.notes))
    first = list(islice(table.rows(), _LOOKED_AT))
    source.columns = find_columns(table.heading, first)
    source.crs_words = _named_system(first, source)
    source.count, source.bounds = _measured(table, source)
    if source.columns and "x" in source.columns:
        source.geometry = "Point"
    return source


def _named_system(rows: Sequence[Row], source: Source) -> str:
    """What EWKT says of its system, where all that say anything say the same."""
    column = (source.columns or {}).get("wkt")
    texts = _texts(rows, source.fields.index(column)) if column else []
    said = {found[1] for text in texts if (found := _SRID.match(text))}
    return f"EPSG:{said.pop()}" if len(said) == 1 else ""


def _measured(table: _Table, source: Source) -> tuple[int, tuple[float, float, float, float] | None]:
    """The number of rows, and the box of the first places; kinds of shapes are noted where they are texts."""
    count, box, census = 0, None, Census()
    for rows in _by(table.rows(), 4096):
        count += len(rows)
        if box is None or "wkt" in (source.columns or {}):
            shapes = _shapes(rows, source)
            census.add(shapes)
            box = box or _box(shapes)
    source.kinds = census.counts()
    return count, box


def _box(shapes: Any) -> tuple[float, float, float, float] | None:
    west, south, east, north = shapely.total_bounds(shapely.from_wkb(shapes, on_invalid="ignore"))
    return (float(west), float(south), float(east), float(north)) if np.isfinite([west, north]).all() else None


def _by(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def arrow(source: Source, size: int) -> Iterator[tuple[list[pa.Array], pa.Array]]:
    """The rows of a table as texts, with WKB made from its columns. Problem `mapping_invalid` where there are no
    such columns."""
    if source.columns is not None and not set(source.columns.values()) <= set(source.fields):
        raise Problem("mapping_invalid", reason="columns: " + ", ".join(source.columns.values())[:120])
    for table in _open(source.dataset, source.encoding if source.encoding_from == "chosen" else None):
        if table.name != source.part:
            continue
        for rows in _by(table.rows(), size):
            columns = [_texts_of(rows, n) for n in range(len(source.fields))]
            yield columns, pa.array(_shapes(rows, source), pa.binary())


def _texts_of(rows: Sequence[Row], place: int) -> pa.Array:
    """A column of texts; undecoded, and so found out later, where a character was not in the file's encoding."""
    texts = [None if place >= len(row) or row[place] is None else str(row[place]) for row in rows]
    if any(text and "\ufffd" in text for text in texts):
        return pa.array([text if text is None else text.encode().replace(b"\xef\xbf\xbd", b"\xff") for text in texts],
                        pa.binary())
    return pa.array(texts, pa.string())


def find_columns(heading: Sequence[str], rows: Sequence[Row]) -> dict[str, str] | None:
    """Where the shapes of a table stand: by the names of its columns, else by what is in them."""
    plain = [re.sub(r"[\s_\-.()（）°/]+", "", name).lower() for name in heading]
    for place, name in enumerate(plain):
        if name in _WKT and _share(rows, place, lambda text: bool(_IS_WKT.match(text))) > 0.5:
            return {"wkt": heading[place]}
    for x, y in _PAIRS:
        if x in plain and y in plain:
            return _ordered(heading, rows, plain.index(x), plain.index(y))
    return _by_values(heading, rows)


def _ordered(heading: Sequence[str], rows: Sequence[Row], x: int, y: int) -> dict[str, str]:
    """Surveyors call north X and east Y: where the numbers say so, they are believed."""
    east, north = _median(rows, x), _median(rows, y)
    crossed = (3 <= east <= 54 and 73 <= north <= 136) or (
        300_000 <= east <= 6_100_000 and (100_000 <= north <= 900_000 or 13_000_000 <= north <= 46_000_000)
        and not 100_000 <= east <= 900_000)
    return {"x": heading[y], "y": heading[x]} if crossed else {"x": heading[x], "y": heading[y]}


def _by_values(heading: Sequence[str], rows: Sequence[Row]) -> dict[str, str] | None:
    for place in range(len(heading)):
        if _share(rows, place, lambda text: bool(_IS_WKT.match(text))) > 0.5:
            return {"wkt": heading[place]}
    medians = {place: _median(rows, place) for place in range(len(heading))
               if _share(rows, place, lambda text: np.isfinite(coordinate(text)) and not text.isdigit()) > 0.8}
    for east, north in _RANGES:
        xs = [place for place, value in medians.items() if east[0] <= value <= east[1]]
        ys = [place for place, value in medians.items() if north[0] <= value <= north[1]]
        if len(xs) == 1 and len(ys) == 1:
            return {"x": heading[xs[0]], "y": heading[ys[0]]}
    return None


def _texts(rows: Sequence[Row], place: int) -> list[str]:
    return [str(row[place]).strip() for row in rows if place < len(row) and row[place] not in (None, "")]


def _share(rows: Sequence[Row], place: int, test: Any) -> float:
    texts = _texts(rows, place)
    return sum(map(test, texts)) / len(texts) if texts else 0.0


def _median(rows: Sequence[Row], place: int) -> float:
    values = [value for value in map(coordinate, _texts(rows, place)) if np.isfinite(value)]
    return float(np.median(values)) if values else float("nan")


def _shapes(rows: Sequence[Row], source: Source) -> Any:
    """WKB for each row: None where the cells are empty, empty bytes where they hold something else than a place."""
    made = np.full(len(rows), None, dtype=object)
    if not source.columns:
        return made
    if "wkt" in source.columns:
        place = source.fields.index(source.columns["wkt"])
        named = (source.crs or source.crs_words).rpartition("EPSG:")[2]
        return _from_wkt([row[place] if place < len(row) else None for row in rows], named)
    x, y = (source.fields.index(source.columns[axis]) for axis in ("x", "y"))
    cells = [(row[x] if x < len(row) else None, row[y] if y < len(row) else None) for row in rows]
    given = np.array([not (_empty(a) or _empty(b)) for a, b in cells], dtype=bool)
    pairs = np.array([(coordinate(a), coordinate(b)) for a, b in cells], dtype=np.float64).reshape(-1, 2)
    numeric = given & ~np.isnan(pairs).any(axis=1)
    made[numeric] = shapely.to_wkb(shapely.points(pairs[numeric]))
    made[given & ~numeric] = b""
    return made


def _empty(cell: Any) -> bool:
    return cell is None or str(cell).strip() in ("", "NULL", "null", "-", "/")


def _from_wkt(cells: Sequence[Any], named: str) -> Any:
    """WKB of texts; one that names another system than the table's cannot be read with the others."""
    texts = np.array([None if _empty(cell) else _SRID.sub("", str(cell).strip()) for cell in cells], dtype=object)
    texts[[n for n, text in enumerate(texts) if text and _CURVED.search(text)]] = None
    # GEOS recurses into collections, and would run out of stack.
    deep = [n for n, text in enumerate(texts) if text and text.upper().count("COLLECTION") > _NESTED]
    texts[deep] = None
    if named.isdigit():
        texts[[n for n, cell in enumerate(cells) if cell and (said := _SRID.match(str(cell).strip()))
               and said[1] != named]] = None
    shapes = np.array(shapely.from_wkt(texts, on_invalid="ignore"), dtype=object)
    made = np.array(shapely.to_wkb(shapes), dtype=object)
    for n, cell in enumerate(cells):
        if made[n] is None and not _empty(cell):
            made[n] = b""
    made[shapely.is_empty(shapes)] = None
    return made
