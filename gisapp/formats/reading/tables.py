"""Tables of texts, CSV and XLSX: which columns hold the place, and rows with a shape made from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import shapely

from gisapp.errors import Problem
from gisapp.formats.kinds import Dataset
from gisapp.formats.reading import csv_text, workbook
from gisapp.formats.reading.headings import MAX_COLUMNS, unique
from gisapp.formats.reading.places import Columns, Places, find_columns, texts
from gisapp.formats.reading.written import named_srid
from gisapp.formats.source import Source
from gisapp.formats.wkb import Census

_LOOKED_AT = 200

Row = Sequence[Any]
Fault = dict[str, Any]


class _Table(Protocol):
    """A part of a file with a heading: a CSV file, a sheet of a workbook."""

    name: str
    heading: list[str]
    encoding: str
    encoding_from: str
    notes: list[dict[str, str]]
    aside: bool
    even: bool

    def rows(self) -> Iterator[Row]: ...


def _open(dataset: Dataset, encoding: str | None) -> Iterator[_Table]:
    yield from (workbook.sheets(dataset) if dataset.format == "xlsx" else csv_text.tables(dataset, encoding))


def describe(dataset: Dataset, encoding: str | None) -> list[Source]:
    """A source for each table with a heading; `columns` is None where no place was found. Problem
    `file_unreadable`."""
    return [_described(dataset, table) for table in _open(dataset, encoding)]


def _described(dataset: Dataset, table: _Table) -> Source:
    first = list(islice(table.rows(), _LOOKED_AT))
    fields = _widened(table.heading, first)
    columns = find_columns(fields, first)
    source = Source(name=table.name, dataset=dataset, part=table.name, geometry="Unknown", count=0,
                    fields=fields, types=["String"] * len(fields), encoding=table.encoding,
                    encoding_from=table.encoding_from, notes=list(table.notes), columns=columns, aside=table.aside,
                    crs_words=_named_system(first, fields, columns))
    source.count, source.bounds = _measured(table, source)
    if source.columns and "x" in source.columns:
        source.geometry = "Point"
    return source


def _widened(heading: list[str], rows: Sequence[Row]) -> list[str]:
    """The heading with names for columns that it leaves out: where most rows go beyond it, it is the heading that
    is too short, and not a row that is too long."""
    beyond = [max(places) for row in rows if (places := _beyond(row, len(heading)))]
    if len(beyond) * 2 <= len(rows):
        return heading
    return unique([*heading, *[""] * (min(max(beyond) + 1, MAX_COLUMNS) - len(heading))])


def _beyond(row: Row, width: int) -> list[int]:
    """Where a row holds anything beyond its heading."""
    return [place for place in range(width, len(row)) if row[place] not in (None, "")]


def _named_system(rows: Sequence[Row], fields: list[str], columns: Columns | None) -> str:
    """What EWKT and EWKB say of their system, where all that say anything say the same."""
    column = (columns or {}).get("wkt")
    cells = texts(rows, fields.index(column)) if column else []
    said = {srid for cell in cells if (srid := named_srid(cell))}
    return f"EPSG:{said.pop()}" if len(said) == 1 else ""


def _measured(table: _Table, source: Source) -> tuple[int, tuple[float, float, float, float] | None]:
    """The number of rows, and the box of the first places; kinds of shapes are noted where they are texts."""
    count, box, census, places = 0, None, Census(), _places(source)
    for rows in _by(table.rows(), 4096):
        count += len(rows)
        if box is None or "wkt" in (source.columns or {}):
            shapes = places.wkb(rows)
            census.add(shapes)
            box = box or _box(shapes)
    source.kinds = census.counts()
    source.notes += places.notes()
    return count, box


def _places(source: Source) -> Places:
    return Places(source.fields, source.columns, (source.crs or source.crs_words).rpartition("EPSG:")[2])


def _box(shapes: Any) -> tuple[float, float, float, float] | None:
    west, south, east, north = shapely.total_bounds(shapely.from_wkb(shapes, on_invalid="ignore"))
    return (float(west), float(south), float(east), float(north)) if np.isfinite([west, north]).all() else None


def _by(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, size)):
        yield chunk


def arrow(source: Source, size: int) -> Iterator[tuple[list[pa.Array], pa.Array, dict[int, Fault]]]:
    """The rows of a table as texts, with WKB made from its columns, and what is wrong with whole rows. Problem
    `mapping_invalid` where there are no such columns."""
    if source.columns is not None and not set(source.columns.values()) <= set(source.fields):
        raise Problem("mapping_invalid", reason="columns: " + ", ".join(source.columns.values())[:120])
    places = _places(source)
    for table in _open(source.dataset, source.encoding if source.encoding_from == "chosen" else None):
        if table.name != source.part:
            continue
        for rows in _by(table.rows(), size):
            columns = [_texts_of(rows, n) for n in range(len(source.fields))]
            yield columns, pa.array(places.wkb(rows), pa.binary()), _uneven(rows, len(source.fields), table.even)


def _uneven(rows: Sequence[Row], width: int, even: bool) -> dict[int, Fault]:
    """Rows with more cells than the heading: somewhere in them a separator stands within a value, so that all that
    follows is in the wrong column; and in an `even` table rows with fewer."""
    found = {}
    for number, row in enumerate(rows):
        more = _beyond(row, width) if len(row) > width else []
        if more:
            found[number] = _too_long(more, ", ".join(str(row[place]) for place in more)[:80])
        elif even and len(row) < width:
            found[number] = {"field": "row", "code": "cells_missing",
                             "zh": f"只有 {len(row)} 个值，表头有 {width} 列：以空格分列时不知缺的是哪一列",
                             "en": f"{len(row)} values for {width} columns: parted by blanks, nobody knows which lacks"}
    return found


def _too_long(more: list[int], told: str) -> Fault:
    return {"field": "row", "code": "cells_beyond",
            "zh": f"比表头多出 {len(more)} 个单元格（{told}）：值中可能有未加引号的分隔符",
            "en": f"{len(more)} more cells than the heading ({told}): a value may hold a separator without "
                  "quotation marks"}


def _texts_of(rows: Sequence[Row], place: int) -> pa.Array:
    """A column of texts; undecoded, and so found out later, where a character was not in the file's encoding."""
    texts = [None if place >= len(row) or row[place] is None else str(row[place]) for row in rows]
    if any(text and "\ufffd" in text for text in texts):
        return pa.array([text if text is None else text.encode().replace(b"\xef\xbf\xbd", b"\xff") for text in texts],
                        pa.binary())
    return pa.array(texts, pa.string())
