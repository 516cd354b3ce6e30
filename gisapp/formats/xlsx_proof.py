"""Reads the sheets of a workbook back, cell for cell, with an XML parser of its own and flat memory."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

from gisapp.formats.job import NotFaithful

_CHUNK = 2**18
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LETTERS = re.compile("[A-Z]+")
_EPOCH = dt.datetime(1899, 12, 30)
Cells = dict[int, Any]


def prove_sheets(path: Path, expected: Iterator[Sequence[Any]], rows: int, most: int) -> None:
    """Raise NotFaithful unless the data sheets hold the expected rows: the first sheet, then those after the third.

    `most` is the number of rows that a sheet holds under its heading.
    """
    with zipfile.ZipFile(path) as archive:
        sheets = max(1, -(-rows // most))
        for number in (1, *range(4, 3 + sheets)):
            with archive.open(f"xl/worksheets/sheet{number}.xml") as file:
                found = read_rows(file)
                next(found, None)
                rows -= _compare(path.name, expected, found, most if rows > most else rows)
    if rows or next(expected, None) is not None:
        raise NotFaithful(f"{path.name}: number of rows")


def _compare(file: str, expected: Iterator[Sequence[Any]], found: Iterator[Cells], rows: int) -> int:
    for _ in range(rows):
        wanted, there = next(expected, None), next(found, None)
        if wanted is None or there is None:
            raise NotFaithful(f"{file}: number of rows")
        cells = {column: value for column, value in enumerate(wanted) if value is not None}
        if cells.keys() != there.keys() or not all(_same(value, there[column]) for column, value in cells.items()):
            raise NotFaithful(f"{file}: {cells[0]}")
    if next(found, None) is not None:
        raise NotFaithful(f"{file}: number of rows")
    return rows


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, str) or isinstance(found, str):
        return bool(wanted == found)
    if isinstance(wanted, dt.date):
        moment = wanted if isinstance(wanted, dt.datetime) else dt.datetime.combine(wanted, dt.time())
        return bool(abs((moment - _EPOCH) / dt.timedelta(days=1) - found) < 1e-6)
    # A spreadsheet holds 15 to 16 digits.
    return bool(abs(float(wanted) - found) <= 1e-15 * abs(float(wanted)))


def read_rows(file: Any) -> Iterator[Cells]:
    """The cells of each row by column number from 0: texts, or numbers (booleans as 0 and 1)."""
    sheet = _Sheet()
    while chunk := file.read(_CHUNK):
        sheet.parser.Parse(chunk, False)
        while sheet.rows:
            yield sheet.rows.popleft()
    sheet.parser.Parse(b"", True)
    yield from sheet.rows


class _Sheet:
    """What expat tells of a sheet, gathered into rows."""

    def __init__(self) -> None:
        self.rows: deque[Cells] = deque()
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._row: Cells = {}
        self._column, self._is_text, self._text = 0, False, ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = {}
        elif name == "c":
            self._column, self._is_text = _column(attributes["r"]), attributes.get("t") == "inlineStr"
        elif name in ("t", "v"):
            self._text = ""
            self.parser.CharacterDataHandler = self._characters

    def _characters(self, text: str) -> None:
        self._text += text

    def _end(self, name: str) -> None:
        if name in ("t", "v"):
            self.parser.CharacterDataHandler = None
            text = self._text
            self._row[self._column] = (_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if self._is_text
                                       else float(text))
        elif name == "row":
            self.rows.append(self._row)


def _column(reference: str) -> int:
    """Column number from 0 of a reference such as AB12."""
    number = 0
    for letter in reference[:_LETTERS.match(reference).end()]:  # type: ignore[union-attr]
        number = 26 * number + ord(letter) - 64
    return number - 1
