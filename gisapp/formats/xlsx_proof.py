"""Reads the sheets of a workbook back, cell for cell, with an XML parser of its own and flat memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.job import NotFaithful
from gisapp.formats.marked import MarkedRows, apart, cells_of, compare_cells
from gisapp.formats.xlsx_cells import Cells, letters, meant

_TEXT = "inlineStr"


def prove_sheets(path: Path, expected: Iterator[list[Cells]], rows: int, most: int) -> None:
    """Raise NotFaithful unless the data sheets hold the expected rows: the first sheet, then those after the third.

    `most` is the number of rows that a sheet holds under its heading.
    """
    rest: list[Cells] | None = None
    with zipfile.ZipFile(path) as archive:
        for number in (1, *range(4, 3 + max(1, -(-rows // most)))):
            with archive.open(f"xl/worksheets/sheet{number}.xml") as file:
                found = MarkedRows(file, "row", _mark)
                found.take(1)
                rest = _compare_sheet(path.name, found, expected, rest, most)
    if rest is not None or next(expected, None) is not None:
        raise NotFaithful(f"{path.name}: number of rows")


def _mark(tag: str, has: dict[str, str]) -> bytes | None:
    """Where a cell is, and whether it is a text."""
    return f"{has['r']} {has.get('t') == _TEXT:d}".encode() if tag == "c" else None


def _compare_sheet(file: str, found: MarkedRows, expected: Iterator[list[Cells]], rest: list[Cells] | None,
                   most: int) -> list[Cells] | None:
    """What is left of the last batch for the next sheet."""
    row = 1
    while row <= most:
        cells = rest or next(expected, None)
        rest = None
        if cells is None:
            break
        count = len(cells[0].told)
        some = min(count, most + 1 - row)
        _compare(file, found, [column.slice(0, some) for column in cells], row + 1, some)
        rest = [column.slice(some, count - some) for column in cells] if some < count else None
        row += some
    if found.more():
        raise NotFaithful(f"{file}: number of rows")
    return rest


def _compare(file: str, found: MarkedRows, cells: Sequence[Cells], first: int, count: int) -> None:
    marks, texts = apart(found.take(count))
    columns = [column.told for column in cells]
    rows, numbers = cells_of(columns)
    if not pa.array(marks, pa.binary()).equals(_marks(cells, rows, numbers, first)):
        raise NotFaithful(f"{file}: {columns[0][0]}")
    compare_cells(file, columns, numbers, meant(texts))


def _marks(cells: Sequence[Cells], rows: np.ndarray, numbers: np.ndarray, first: int) -> pa.Array:
    """What `_mark` tells of these cells."""
    texts = np.column_stack([_are_texts(column) for column in cells])[rows, numbers]
    names = pa.array([letters(number) for number in range(len(cells))]).take(pa.array(numbers))
    told = pc.binary_join_element_wise(names, pa.array(rows + first).cast(pa.string()),
                                       pc.if_else(pa.array(texts), " 1", " 0"), "")
    return told.cast(pa.binary())


def _are_texts(column: Cells) -> np.ndarray:
    count = len(column.told)
    if column.texts is None:
        return np.zeros(count, bool)
    found: np.ndarray = column.texts.is_valid().to_numpy(zero_copy_only=False)
    return found
