"""XLSX: the sheets of a workbook, looked through for traps before they are opened. Formulas come as their results."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import python_calamine

from gisapp.errors import Problem
from gisapp.formats.archive import BROKEN
from gisapp.formats.kinds import Dataset
from gisapp.formats.reading import hollow_cells, merged
from gisapp.formats.reading.headings import completed, unique

#: The reader lays a sheet out as a full rectangle: a cell far away would cost as much as everything before it.
MAX_CELLS = 6_000_000
MAX_XML_BYTES = 400 * 2**20
_CHUNK = 2**20
_CELL = re.compile(rb"""\br=["']([A-Za-z]{1,3})(\d{1,7})["']""")
#: What is carried from one piece of a sheet to the next: no whole cell, or the end of something much longer.
_TAIL = 2**16
_HEADING_WITHIN = 40
_MAX_SHEETS = 20
_HIDDEN = {"code": "sheet_hidden", "zh": "此工作表是隐藏的，默认不导入",
           "en": "this sheet is hidden and left out unless chosen"}
_SHOWN = python_calamine.SheetVisibleEnum.Visible


class Sheet:
    """One sheet; its heading is the first of its rows that is filled widest."""

    encoding, encoding_from, even = "UTF-8", "format", False

    def __init__(self, name: str, sheet: Any, notes: list[dict[str, str]], aside: bool) -> None:
        self.name, self.aside = name, aside
        self._sheet = sheet
        start = list(islice(sheet.iter_rows(), _HEADING_WITHIN))
        self._merged = merged.spans(sheet)
        first, last = merged.heading_rows(self._merged, _heading_row(start))
        self._begin = min(last, max(len(start) - 1, 0)) + 1
        rows = [[str(_cell(cell) or "") for cell in row] for row in start[first:self._begin]]
        over = [str(_cell(cell) or "") for cell in start[first - 1]] if first else []
        self.heading = unique(completed(rows[0], over) if len(rows) == 1 else
                              merged.names(rows, self._merged, first))
        self.notes = [*merged.note(self._merged, self._begin), *notes, *([_HIDDEN] if aside else [])]

    def rows(self) -> Iterator[list[Any]]:
        """The rows below the heading that hold anything."""
        rows = ([_cell(cell) for cell in row] for row in islice(self._sheet.iter_rows(), self._begin, None))
        for row in merged.filled(rows, self._merged, self._begin):
            if any(cell is not None for cell in row):
                yield row


def sheets(dataset: Dataset) -> Iterator[Sheet]:
    """The sheets that hold a table. Problem `file_unreadable`."""
    try:
        notes = _look_for_traps(dataset)
        with python_calamine.CalamineWorkbook.from_path(str(dataset.path)) as book:
            hidden = {one.name for one in book.sheets_metadata if one.visible != _SHOWN}
            for name in book.sheet_names[:_MAX_SHEETS]:
                sheet = Sheet(name, book.get_sheet_by_name(name), notes.get(name, []), name in hidden)
                if len(sheet.heading) > 1:
                    yield sheet
    except (python_calamine.CalamineError, *BROKEN) as error:
        raise Problem("file_unreadable", reason=f"{dataset.title}: {str(error)[:200]}") from error


def _look_for_traps(dataset: Dataset) -> dict[str, list[dict[str, str]]]:
    """Entities, and sheets whose cells lie so far apart that laying them out would fill the memory; what is to be said
    of a sheet that its values do not show, by its name."""
    found = dict[str, hollow_cells.Found]()
    with zipfile.ZipFile(dataset.path) as packed:
        parts = [part for part in packed.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
        if sum(part.file_size for part in parts) > MAX_XML_BYTES:
            raise _refused(dataset, "内容过大，请改用 CSV", "too large; send it as CSV")
        for part in parts:
            with packed.open(part) as content:
                sheet = hollow_cells.Found() if "worksheets/" in part.filename else None
                _look_through(dataset, content, sheet)
            found |= {part.filename: sheet} if sheet else {}
        return hollow_cells.notes_by_sheet(found.items(), hollow_cells.sheet_names(packed))


def _look_through(dataset: Dataset, content: Any, sheet: hollow_cells.Found | None) -> None:
    tail, widest, tallest = b"", 1, 1
    while chunk := content.read(_CHUNK):
        text = tail + chunk
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise _refused(dataset, "含有 DOCTYPE 或实体声明", "it declares a DOCTYPE or entities")
        for letters, digits in _CELL.findall(text) if sheet else ():
            widest, tallest = max(widest, len(letters), _column(letters)), max(tallest, int(digits))
        if widest * tallest > MAX_CELLS:
            raise _refused(dataset, f"表格范围超过 {MAX_CELLS} 格，请删去远处的单元格或改用 CSV",
                           f"its cells span more than {MAX_CELLS}; remove those far away, or send CSV")
        whole = text.rfind(b"</c>") + 4 if sheet else 0
        if sheet and whole > 4:
            sheet.look(text[:whole])
        tail = text[max(whole, len(text) - _TAIL):]


def _refused(dataset: Dataset, zh: str, en: str) -> Problem:
    return Problem("file_unreadable", reason=f"{dataset.title}：{zh} / {dataset.title}: {en}")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _heading_row(rows: list[list[Any]]) -> int:
    """Titles often stand above a table: the heading is the first row about as full of words as the fullest of the
    beginning; a column without a name does not make it less."""
    filled = [sum(cell not in ("", None) for cell in row) for row in rows]
    words = [sum(isinstance(cell, str) and cell != "" for cell in row) for row in rows]
    most = max(words, default=0)
    return next((n for n, count in enumerate(words) if count * 4 >= most * 3 and filled[n] * 2 >= max(filled)), 0)


def _cell(value: Any) -> Any:
    """The value as the other readers give it: None for an empty cell, whole numbers whole, times as texts."""
    if value == "" or value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else value
