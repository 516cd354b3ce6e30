"""XLSX: typed cells under titles, the code lists as the second sheet, the field table as the third.

Texts are text cells, which no program takes for a formula; those that look like one carry Excel's own quote mark
besides, so that they stay texts when somebody edits them. XlsxWriter makes the workbook; the rows of data, which would
take it minutes a million, are put into its sheets a batch at a time.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from gisapp.formats.feature_texts import joined_bytes
from gisapp.formats.job import Job, Written
from gisapp.formats.losses import defused
from gisapp.formats.noting import Noting
from gisapp.formats.pack import code_table, field_table
from gisapp.formats.photo_links import COUNT, LINK
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.xlsx_cells import DAY, LINKED, MOMENT, PLAIN, QUOTED, Cells, as_cell, cells_of_sheet, rows_xml
from gisapp.formats.xlsx_proof import prove_sheets
from gisapp.formats.zipping import Zip
from gisapp.words import Words

#: What a sheet holds, its heading among them.
SHEET_ROWS = 1_048_576
#: Links that a sheet holds; Excel's own bound.
MOST_LINKS = 65_530
_CHUNK = 2**20
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"/>')
_CODES, _FIELDS = Words("代码表", "Code lists"), Words("字段说明", "Fields")
_PLACES = {"wkt": Words("几何（WKT）", "Geometry (WKT)"), "lon": Words("经度", "Longitude"),
           "lat": Words("纬度", "Latitude"), "east": Words("东坐标", "Easting"), "north": Words("北坐标", "Northing")}


def write(job: Job, spool: Spool) -> Written:
    """One .xlsx, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="logical")
    path = job.folder / f"{spool.name}.xlsx"
    frame = job.folder.parent / f"{spool.name}.frame"
    options = {"constant_memory": True, "tmpdir": str(job.folder.parent), "strings_to_urls": False}
    with xlsxwriter.Workbook(str(frame), options) as book:
        pages = _Pages(book, job, sheet)
        for cells in cells_of_sheet(sheet, Noting(job.book, path.name)):
            pages.add(cells)
        pages.close()
    _assemble(frame, path, pages)
    frame.unlink()
    prove_sheets(path, cells_of_sheet(sheet, Noting(None, path.name)), spool.rows, SHEET_ROWS - 1)
    return Written((path,), spool.rows, (sheet.described(),))


def headings(job: Job, sheet: Sheet) -> list[str]:
    """A title for each column in the job's language; two that are alike get their field's id."""
    second = job.layer.second_geometry
    places = _PLACES | ({f"{second.id}_wkt": Words(f"{second.title.zh}（WKT）", f"{second.title.en} (WKT)")}
                        if second else {})
    titles = [column.heading(job.language) for column in sheet.columns]
    titles += [places[kind].get(job.language) for kind in sheet.place_kinds]
    found = [title if titles.count(title) == 1 else f"{title} ({name})"
             for title, name in zip(titles, sheet.names, strict=True)]
    return found + ([COUNT.get(job.language), LINK.get(job.language)] if job.photo_links else [])


class _Worksheet(Worksheet):  # type: ignore[misc]
    """A sheet that holds every text as it is: the library's own way errs where two escapes overlap, and takes a text
    in <r> for its own markup."""

    @staticmethod
    def _escape_control_characters(data: Any) -> Any:
        if not isinstance(data, str):
            return data
        told = as_cell(data)
        return f"_x003C_{told[1:]}" if told.startswith("<r>") and told.endswith("</r>") else told


class _Pages:
    """The sheets of the workbook; a new one for the data when one is full. The rows wait in a file for each."""

    def __init__(self, book: xlsxwriter.Workbook, job: Job, sheet: Sheet) -> None:
        self._book, self._folder, self._mark = book, job.folder.parent, sheet.spool.name
        self._titles = headings(job, sheet)
        self._name = _FORBIDDEN.sub("_", job.layer.title.get(job.language))[:25]
        self._bold = book.add_format({"bold": True, "bg_color": "#E8EEF4", "text_wrap": True, "valign": "vcenter"})
        self._looks = _looks(book)
        self._styles = {PLAIN: 0} | {look: style._get_xf_index() for look, style in self._looks.items()}
        #: The rows of each sheet of data, by the sheet's name in the archive.
        self.rows: dict[str, Path] = {}
        self._open()
        codes, fields = _CODES.get(job.language), _FIELDS.get(job.language)
        self._explain(codes, code_table([job]))
        self._explain(fields, field_table([sheet.described()]))

    def _open(self) -> None:
        number = len(self.rows) + 1
        self._page = self._book.add_worksheet(self._name if number == 1 else f"{self._name} {number}",
                                              worksheet_class=_Worksheet)
        self._page.set_column(0, len(self._titles) - 1, 16)
        self._page.freeze_panes(1, 1)
        self._page.write_row(0, 0, self._titles, self._bold)
        path = self._folder / f"{self._mark}.{number}.rows"
        self.rows[f"xl/worksheets/sheet{len(self._book.worksheets())}.xml"] = path
        self._file, self._row = path.open("wb"), 1

    def add(self, cells: list[Cells]) -> None:
        """Rows of data under those before them."""
        done, count = 0, len(cells[0].told)
        while done < count:
            if self._row == SHEET_ROWS:
                self.close()
                self._open()
            some = min(count - done, SHEET_ROWS - self._row)
            here = [self._linked(number, column.slice(done, some)) for number, column in enumerate(cells)]
            self._file.write(joined_bytes(rows_xml(here, self._row + 1, self._styles)).data)
            self._row, done = self._row + some, done + some

    def _linked(self, number: int, cells: Cells) -> Cells:
        """The same cells; addresses become links, as many as a sheet holds: beyond, they are texts."""
        if cells.look != LINKED or cells.texts is None:
            return cells
        for row, address in enumerate(cells.texts.to_pylist(), self._row):
            if address and (self._page.hlink_count >= MOST_LINKS
                            or self._page.write_url(row, number, address, None, address)):
                return Cells(None, cells.texts)
        return cells

    def close(self) -> None:
        """The sheet that is open has all its rows."""
        self._file.close()
        # What XlsxWriter tells of the cells that are used.
        self._page.dim_rowmax, self._page.dim_colmax = self._row - 1, len(self._titles) - 1

    def _explain(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        page = self._book.add_worksheet(name, worksheet_class=_Worksheet)
        page.set_column(0, 10, 18)
        page.freeze_panes(1, 0)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                quoted = self._looks[QUOTED] if defused(value) != str(value) else None
                page.write_string(number, column, str(value), quoted)


def _looks(book: xlsxwriter.Workbook) -> dict[str, Format]:
    """How cells look that are not plain."""
    return {QUOTED: book.add_format({"quote_prefix": True}), DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
            MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}), LINKED: book.default_url_format}


def _assemble(frame: Path, path: Path, pages: _Pages) -> None:
    """The workbook with the rows in its sheets."""
    with zipfile.ZipFile(frame) as book, Zip(path) as made:
        for name in book.namelist():
            whole = book.read(name)
            if name not in pages.rows:
                made.add_parts([whole], len(whole), name)
                continue
            # Of the cells only the heading is kept: where links are, the library wrote a cell for each.
            head, tail = whole[:whole.index(b"</row>") + 6], whole[whole.index(b"</sheetData>"):]
            rows = pages.rows[name]
            with rows.open("rb") as file:
                made.add_parts(chain([head], iter(partial(file.read, _CHUNK), b""), [tail]),
                               len(head) + rows.stat().st_size + len(tail), name)
            rows.unlink()
