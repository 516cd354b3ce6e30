"""CSV as departments send it: any encoding, any separator, lines of explanation above the heading or none."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TextIO

from gisapp.errors import Problem
from gisapp.formats.encoding import CODECS, find_text_encoding
from gisapp.formats.kinds import Dataset
from gisapp.formats.losses import armed
from gisapp.formats.reading import spaced
from gisapp.formats.reading.headings import above, completed, unique

_SEPARATORS = ",\t;|，"
_CODECS = CODECS | {"UTF-8": "utf-8-sig"}
#: A shape of a million vertices as text.
_MAX_CELL = 64 * 2**20
#: A longer line is no row: the reader takes four bytes for each of its characters, and doubles that as it grows.
_MAX_LINE = 32 * 2**20
_LOOKED_AT = 30
#: What Excel reads as a word on the separator.
_SEP = re.compile(r"sep=.\s*", re.IGNORECASE)
_SPACES = {"code": "parted_by_spaces", "zh": "以空格分列；值中带空格的行会被拒绝，请核对首几行",
           "en": "its columns are parted by blanks; rows with a blank within a value are refused; look at the first"}
_END = "\x1fend"


class Table:
    """One file. `heading` names are unique and not empty. `even`: a row with fewer cells than the heading lacks one
    nobody knows where."""

    aside = False

    def __init__(self, dataset: Dataset, encoding: str | None) -> None:
        self.name, self.notes = dataset.title, list[dict[str, str]]()
        self._dataset = dataset
        self.encoding, self.encoding_from = (encoding, "chosen") if encoding else find_text_encoding(dataset.path)
        csv.field_size_limit(_MAX_CELL)
        with self._text() as text:
            start = list(islice(_lines(text), _LOOKED_AT))
        self._separator = _separator(start)
        self.even = self._separator in (spaced.NARROW, spaced.WIDE)
        begin = list(islice(self._read(), _LOOKED_AT))
        self._above = self._first_even(begin, start) if self.even else above(begin)
        first = begin[self._above] if begin else []
        self._headless = bool(first) and sum(map(_is_number, first)) * 2 >= len(first)
        over = begin[self._above - 1] if self._above and not self.even else []
        self.heading = unique([""] * len(first) if self._headless else completed(first, over))

    def _first_even(self, begin: list[list[str]], start: list[str]) -> int:
        """How many rows stand above the heading of a table parted by blanks. A name that lacks shifts all others:
        Problem `file_unsupported`."""
        values, _ = spaced.width(start[:-1] or start, self._separator)
        first = next((n for n, row in enumerate(begin) if len(row) == values), 0)
        names = len(begin[first - 1]) if first else values
        if values > names > values / 2:
            raise Problem("file_unsupported", reason=(
                f"{self.name}：以空格分列，但表头有 {names} 个名称，行内有 {values} 个值，无法对应；请改用逗号分隔 / "
                f"{self.name}: its columns are parted by spaces, with {names} names in the heading and {values} values "
                "in a row; send it with commas"))
        self.notes.append(_SPACES)
        return first

    def _text(self) -> TextIO:
        return self._dataset.path.open("r", encoding=_CODECS[self.encoding], errors="replace", newline="")

    def _read(self) -> Iterator[list[str]]:
        with self._text() as text:
            try:
                for row in _cut(_lines(text), self._separator):
                    if row == [_END]:
                        return
                    if any(row):
                        yield row
                raise csv.Error("引号没有结束 / a quotation mark is never closed")
            except csv.Error as error:
                raise Problem("file_unreadable", reason=f"{self.name}: CSV, {error}") from error

    def rows(self) -> Iterator[list[str | None]]:
        """The rows below the heading; an empty cell is None. Exports put an apostrophe before what a spreadsheet would
        run; here it is taken off again."""
        for row in islice(self._read(), self._above + (not self._headless), None):
            yield [(armed(cell) if cell[0] == "'" else cell) if cell else None for cell in row]


def _cut(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    if separator in (spaced.NARROW, spaced.WIDE):
        yield from csv.reader(spaced.parted(lines, separator), delimiter=spaced.SIGN)
    else:
        yield from csv.reader(lines, delimiter=separator)


def _lines(text: TextIO) -> Iterator[str]:
    """The lines without NUL and without Excel's `sep=`, then one more: only within quotation marks it is no row."""
    number = 0
    while line := text.readline(_MAX_LINE):
        if len(line) == _MAX_LINE:
            raise Problem("file_unreadable", reason=f"CSV：有一行超过 {_MAX_LINE >> 20} MB / "
                                                    f"CSV: a line is longer than {_MAX_LINE >> 20} MB")
        if number or not _SEP.fullmatch(line):
            yield line.replace("\x00", "")
        number += 1
    yield _END


def tables(dataset: Dataset, encoding: str | None) -> Iterator[Table]:
    """The file's table. Problem `file_unsupported` when it holds none."""
    table = Table(dataset, encoding)
    if len(table.heading) < 2 and not _holds_wkt(table):
        raise Problem("file_unsupported", reason=(
            f"{dataset.title}：不是表格，找不到分隔符（逗号、制表符、分号，或整齐的空格） / "
            f"{dataset.title}: no table: no separator found (comma, tab, semicolon, columns of blanks)"))
    yield table


def _holds_wkt(table: Table) -> bool:
    return any(row and "(" in str(row[0]) for row in islice(table.rows(), 3))


def _separator(lines: list[str]) -> str:
    """The separator that cuts most of the lines into the same number of parts, and into the most of them: a row of
    pairs in one cell holds many a semicolon, its heading none. Blanks where no other cuts every line alike."""
    best, most = ",", (0.0, 0)
    for separator in _SEPARATORS:
        counts = [len(row) for row in csv.reader(iter(lines[:-1] or lines), delimiter=separator) if row]
        usual = max(set(counts), key=lambda parts: (counts.count(parts), parts), default=1)
        score = (counts.count(usual) / max(1, len(counts)), usual)
        if usual > 1 and score > most:
            best, most = separator, score
    for separator in (spaced.WIDE, spaced.NARROW):
        parts, all_alike = spaced.width(lines[:-1] or lines, separator)
        if parts > 1 and most < ((1.0, 0) if all_alike else (0.0, 1)):
            return separator
    return best


def _is_number(cell: str) -> bool:
    """Whether a cell is a value rather than a name."""
    return bool(re.fullmatch(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?", cell.strip()))
