"""Columns of values into a .dbf (dBase III), a batch at a time: each column becomes a matrix of bytes.

The layout: the dBase III table file. Nothing is blanks, for a logical value a question mark; numbers stand to the
right.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.dbf_cells import Matrix, days, decimals, doubles, texts, whole
from gisapp.formats.dbf_columns import DbfColumn
from gisapp.formats.job import NotFaithful

_BLANK = 0x20
_UNKNOWN = ord("?")


class DbfWriter:
    """Writes `path`; `language` is byte 29, the code page. The number of rows is told once it is closed."""

    def __init__(self, path: Path, columns: Sequence[DbfColumn], encoding: str, language: bytes, made: date) -> None:
        self._columns = columns
        self._encoding = encoding
        self._file = path.open("wb")
        self._rows = 0
        self._width = 1 + sum(column.width for column in columns)
        self._head = struct.pack("<BBBBIHH17sB2s", 3, made.year - 1900, made.month, made.day, 0,
                                 33 + 32 * len(columns), self._width, b"", language[0], b"")
        self._file.write(self._head)
        self._file.write(b"".join(_descriptor(column) for column in columns) + b"\r")

    def __enter__(self) -> DbfWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._file.write(b"\x1a")
            self._file.seek(4)
            self._file.write(struct.pack("<I", self._rows))
        self._file.close()

    def write(self, batch: pa.RecordBatch) -> None:
        """Append rows whose columns are those of the file, in its order; texts fit their widths."""
        records = np.full((batch.num_rows, self._width), _BLANK, np.uint8)
        at = 1
        for column, values in zip(self._columns, batch.columns, strict=False):
            cells = self._cells(column, values)
            if cells is not None:
                records[:, at:at + column.width] = cells
            at += column.width
        self._file.write(records.data)
        self._rows += batch.num_rows

    def _cells(self, column: DbfColumn, values: pa.Array) -> Matrix | None:
        if column.kind == "boolean":
            return _logical(values)
        if values.null_count == len(values):
            return None
        if column.is_text:
            return texts(values, column.width, self._encoding)
        try:
            if column.kind == "date":
                return days(values)
            if column.kind == "integer":
                return whole(values, column.width)
            return decimals(values, column.width) if pa.types.is_decimal(values.type) else doubles(values, column.width)
        except OverflowError as error:
            raise NotFaithful(f"{column.name}: {error}") from error


def _descriptor(column: DbfColumn) -> bytes:
    told = column.description
    return struct.pack("<11sc4xBB14x", column.name.encode("ascii"), told["type"].encode("ascii"), column.width,
                       column.decimals)


def _logical(values: pa.Array) -> NDArray[np.uint8]:
    told = np.where(values.fill_null(False).to_numpy(zero_copy_only=False), ord("T"), ord("F"))
    missing = values.is_null().to_numpy(zero_copy_only=False)
    found: NDArray[np.uint8] = np.where(missing, _UNKNOWN, told).astype(np.uint8)[:, None]
    return found
