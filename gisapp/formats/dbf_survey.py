"""A .dbf looked through before GDAL reads it: how many rows are there, and which columns hold other than their type.

GDAL takes what a number or a date begins with and forgets the rest: 1,234.5 becomes 1, 2024-1-2 becomes 1970-01-01; and
whole numbers of a wide column become doubles, which have fifteen digits: 9007199254740993 becomes 9007199254740992.
Such columns are read as texts instead, so that each odd cell is understood or refused by itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_CHUNK = 8 * 2**20
#: More different odd cells than this are not looked at one by one.
_DIFFERENT = 20_000
#: From this width on GDAL takes whole numbers for doubles, and so many digits a double has.
_WIDE, _SURE_DIGITS = 19, 15
_BLANK, _DIGIT, _POINT, _SIGN, _OTHER = range(5)
_CLASSES = np.full(256, _OTHER, np.uint8)
_CLASSES[[0, 32]] = _BLANK
_CLASSES[48:58] = _DIGIT
_CLASSES[46] = _POINT
_CLASSES[[43, 45]] = _SIGN
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?|\*+")
_WHOLE = re.compile(rb"[+-]?\d+(\.0*)?|\*+")
_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Column:
    """A field of the header: its type letter, where it lies in a record, and its decimals."""

    kind: str
    start: int
    end: int
    decimals: int


@dataclass(frozen=True)
class Survey:
    """`rows` there are in all, `deleted` of them marked as gone; `odd` are the places of columns that hold cells
    which are not what the column's type says."""

    rows: int
    deleted: int
    odd: tuple[int, ...]


def survey(dbf: Path) -> Survey:
    """Look through the whole file, some megabytes at a time. A file without a sane header has no rows."""
    with dbf.open("rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return Survey(0, 0, ())
        said, start, length = struct.unpack_from("<IHH", header, 4)
        columns = list(_columns(file.read(max(0, start - 32)), length))
        rows = deleted = 0
        odd: set[int] = set()
        file.seek(start)
        for records in _records(file, length, said):
            rows += len(records)
            deleted += int((records[:, 0] == ord("*")).sum())
            odd |= {n for n, column in enumerate(columns) if n not in odd and _is_odd(records, column)}
    return Survey(rows, deleted, tuple(sorted(odd)))


def _columns(block: bytes, length: int) -> Iterator[Column]:
    offset = 1
    for start in range(0, len(block) - 31, 32):
        kind = block[start + 11:start + 12]
        if block[start] == 0x0D or not kind.isalnum() or offset + block[start + 16] > length:
            return
        width, decimals = block[start + 16], block[start + 17]
        yield Column(kind.decode("ascii"), offset, offset + width, decimals)
        # The decimals of a text are the high byte of its width.
        offset += width + (256 * decimals if kind == b"C" else 0)


def _records(file: Any, length: int, said: int) -> Iterator[Any]:
    """Whole records, as many as there are and the header says, as rows of bytes."""
    while length and said and (block := file.read(min(said, max(1, _CHUNK // length)) * length)):
        count = len(block) // length
        said -= count
        if count:
            yield np.frombuffer(block, np.uint8, count * length).reshape(count, length)
        if len(block) % length:
            return


def _is_odd(records: Any, column: Column) -> bool:
    cells = records[:, column.start:column.end]
    if not cells.shape[1]:
        return False
    if column.kind in "NF":
        return _has_odd_numbers(cells, column.decimals)
    if column.kind == "D":
        return bool(cells.shape[1] == 8 and _has_odd_dates(cells))
    # GDAL takes an empty cell, which is no answer, for a no.
    return column.kind == "L" and not bool(np.isin(cells, list(b"TtFfYyNn?")).all())


def _has_odd_numbers(cells: Any, decimals: int) -> bool:
    kinds = _CLASSES[cells]
    there = kinds != _BLANK
    begins = there.copy()
    begins[:, 1:] &= ~there[:, :-1]
    points = (kinds == _POINT).sum(axis=1)
    wrong = ((kinds == _OTHER) | ((kinds == _SIGN) & ~begins)).any(axis=1)
    wrong |= (begins.sum(axis=1) > 1) | (points > (1 if decimals else 0))
    digits = (kinds == _DIGIT).sum(axis=1)
    if not decimals and cells.shape[1] >= _WIDE and bool((digits > _SURE_DIGITS).any()):
        return True
    wrong |= there.any(axis=1) & (digits == 0)
    # GDAL fills a cell that has no value with stars: often a whole column.
    wrong &= ~(cells == ord("*")).all(axis=1)
    if not wrong.any():
        return False
    different = set(np.ascontiguousarray(cells[wrong]).view(f"S{cells.shape[1]}").ravel().tolist())
    pattern = _NUMBER if decimals else _WHOLE
    return len(different) > _DIFFERENT or not all(pattern.fullmatch(cell.strip(b" \0")) for cell in different)


def _has_odd_dates(cells: Any) -> bool:
    empty = np.isin(cells, [0, 32]).all(axis=1) | (cells == ord("0")).all(axis=1)
    given = cells[~empty]
    if not ((given >= 48) & (given <= 57)).all():
        return True
    digits = given.astype(np.int64) - 48
    year, month, day = (digits[:, a:b] @ 10 ** np.arange(b - a)[::-1] for a, b in ((0, 4), (4, 6), (6, 8)))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    fits = (year > 0) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= _DAYS[np.clip(month, 0, 12)])
    return not bool((fits & ((month != 2) | (day < 29) | leap)).all())
