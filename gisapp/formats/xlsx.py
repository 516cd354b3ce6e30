"""XLSX: typed cells under titles, the code lists as the second sheet, the field table as the third.

Texts are text cells, which no program takes for a formula; those that look like one carry Excel's own quote mark
besides, so that they stay texts when somebody edits them.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from gisapp.formats.columns import ID
from gisapp.formats.job import Job, Written
from gisapp.formats.losses import defused
from gisapp.formats.noting import Noting
from gisapp.formats.pack import code_table, field_table
from gisapp.formats.photo_links import COUNT, LINK, Address
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.xlsx_proof import prove_sheets
from gisapp.words import Words

#: What a sheet holds, its heading among them, and a cell.
SHEET_ROWS = 1_048_576
CELL_UNITS = 32_767
#: Links that a sheet holds; Excel's own bound.
MOST_LINKS = 65_530
_FIRST_DAY = dt.date(1900, 3, 1)  # before it Excel counts a day that never was
_MOST_EXACT = 2**53
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\ufffe\uffff]")
_LIKE_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_CODES, _FIELDS = Words("代码表", "Code lists"), Words("字段说明", "Fields")
_PLACES = {"wkt": Words("几何（WKT）", "Geometry (WKT)"), "lon": Words("经度", "Longitude"),
           "lat": Words("纬度", "Latitude"), "east": Words("东坐标", "Easting"), "north": Words("北坐标", "Northing")}

Row = list[Any]


class _Worksheet(Worksheet):  # type: ignore[misc]
    """A sheet that holds every text as it is: the library's own way errs where two escapes overlap, and takes a text
    in <r> for its own markup."""

    @staticmethod
    def _escape_control_characters(data: Any) -> Any:
        if not isinstance(data, str):
            return data
        escaped = _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", _LIKE_ESCAPED.sub("_x005F_", data))
        return f"_x003C_{escaped[1:]}" if escaped.startswith("<r>") and escaped.endswith("</r>") else escaped


def write(job: Job, spool: Spool) -> Written:
    """One .xlsx, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="logical")
    path = job.folder / f"{spool.name}.xlsx"
    options = {"constant_memory": True, "tmpdir": str(job.folder.parent), "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        pages = _Pages(book, job, sheet)
        for row in rows_of(sheet, Noting(job.book, path.name)):
            pages.add(row)
    prove_sheets(path, rows_of(sheet, Noting(None, path.name)), spool.rows, SHEET_ROWS - 1)
    return Written((path,), spool.rows, (sheet.described(),))


def headings(job: Job, sheet: Sheet) -> list[str]:
    """A title for each column in the job's language; two that are alike get their field's id."""
    second = job.layer.second_geometry
    places = _PLACES | ({f"{second.id}_wkt": Words(f"{second.title.zh}（WKT）", f"{second.title.en} (WKT)")}
                        if second else {})
    titles = [column.heading(job.language) for column in sheet.columns]
    titles += [places[name].get(job.language) for name in sheet.places]
    found = [title if titles.count(title) == 1 else f"{title} ({name})"
             for title, name in zip(titles, sheet.names, strict=True)]
    return found + ([COUNT.get(job.language), LINK.get(job.language)] if job.photo_links else [])


class _Pages:
    """The sheets of the workbook; a new one for the data when one is full."""

    def __init__(self, book: xlsxwriter.Workbook, job: Job, sheet: Sheet) -> None:
        self._book, self._sheet = book, sheet
        self._titles = headings(job, sheet)
        self._name = _FORBIDDEN.sub("_", job.layer.title.get(job.language))[:25]
        self._bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "text_wrap": True, "valign": "vcenter"})
        self._write = _writers(book)
        self._number = self._row = 0
        self._open()
        codes, fields = _CODES.get(job.language), _FIELDS.get(job.language)
        self._explain(codes, code_table([job]))
        self._explain(fields, field_table([sheet.described()]))

    def _open(self) -> None:
        self._number += 1
        name = self._name if self._number == 1 else f"{self._name} {self._number}"
        self._page = self._book.add_worksheet(name, worksheet_class=_Worksheet)
        self._page.set_column(0, len(self._titles) - 1, 16)
        self._page.freeze_panes(1, 1)
        self._page.write_row(0, 0, self._titles, self._bold)
        self._row = 1

    def add(self, row: Row) -> None:
        """One row of data under those before it."""
        if self._row == SHEET_ROWS:
            self._open()
        for column, value in enumerate(row):
            if value is not None:
                self._write[type(value)](self._page, self._row, column, value)
        self._row += 1

    def _explain(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        page = self._book.add_worksheet(name, worksheet_class=_Worksheet)
        page.set_column(0, 10, 18)
        page.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                self._write[str](page, number, column, str(value))


def _writers(book: xlsxwriter.Workbook) -> dict[type, Callable[..., Any]]:
    """How a value of each type goes into a cell."""
    quoted = book.add_format({"quote_prefix": True})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})

    def text(page: Worksheet, row: int, column: int, value: str) -> None:
        page.write_string(row, column, value, quoted if defused(value) != value else None)

    def address(page: Worksheet, row: int, column: int, value: str) -> None:
        # A sheet holds so many links; beyond, the address is a text.
        if page.hlink_count >= MOST_LINKS or page.write_url(row, column, str(value), None, str(value)) != 0:
            page.write_string(row, column, value)

    return {str: text, Address: address, int: Worksheet.write_number, float: Worksheet.write_number,
            bool: Worksheet.write_boolean,
            dt.date: lambda page, row, column, value: page.write_datetime(row, column, value, day),
            dt.datetime: lambda page, row, column, value: page.write_datetime(row, column, value, moment)}


def rows_of(sheet: Sheet, noting: Noting) -> Iterator[Row]:
    """Each row as a spreadsheet holds it; what does not fit a cell is noted."""
    times = {column.name for column in sheet.columns if column.field.type == "datetime"}
    places = {name for name in sheet.places if name.endswith("wkt")}
    first = 1
    for batch in sheet.batches(noting):
        here = Noting(noting.book, noting.file, first)
        columns = [_cells(batch, name, here, is_time=name in times, is_place=name in places) for name in sheet.names]
        if sheet.job.photo_links is not None:
            columns += map(list, sheet.job.photo_links.cells(batch[ID.id]))
        yield from map(list, zip(*columns, strict=True))
        first += batch.num_rows


def _cells(batch: pa.RecordBatch, name: str, noting: Noting, *, is_time: bool, is_place: bool) -> list[Any]:
    cells = []
    for index, value in enumerate(batch[name].to_pylist()):
        if isinstance(value, str) and is_time:
            value = _day_or_text(dt.datetime.fromisoformat(value))
        elif isinstance(value, str):
            value = _fitted(value, batch[ID.id], index, name, noting, is_place)
        elif isinstance(value, dt.date):
            value = _day_or_text(value)
        elif ((isinstance(value, int) and abs(value) > _MOST_EXACT)
              or (isinstance(value, float) and not math.isfinite(value))):
            value = str(value)
        cells.append(value)
    return cells


def _day_or_text(value: dt.date) -> dt.date | str:
    day = value.date() if isinstance(value, dt.datetime) else value
    return value if day >= _FIRST_DAY else str(value)


def _fitted(value: str, ids: pa.Array, index: int, name: str, noting: Noting, is_place: bool) -> str | None:
    if len(value) * 2 <= CELL_UNITS or (units := value.encode("utf-16-le")).__len__() // 2 <= CELL_UNITS:
        return value or None
    if is_place:
        noting.add(ids, index, name, "no_geometry")
        return None
    kept = units[:2 * CELL_UNITS].decode("utf-16-le", "ignore")
    noting.add(ids, index, name, "cut", value, kept)
    return kept
