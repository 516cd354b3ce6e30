"""The values of a row as FlatGeobuf has them: the number of each column and its value, those that are missing left out.

The layout: "properties" of feature.fbs, ColumnType of header.fbs (FlatGeobuf 3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.full_columns import FullColumn, code_pairs
from gisapp.formats.local_times import iso_moments
from gisapp.formats.pieces import Bytes, blocks, cells, coded, joined, lengths, spread, there
from gisapp.formats.texts import parts

#: The bytes of one column in each row: a matrix where each row has as many, else pieces.
_Piece: TypeAlias = "Bytes | pa.Array"


def values_of(columns: Sequence[FullColumn], batch: pa.RecordBatch, further: pa.Array | None = None) -> pa.Array:
    """The values of each row of the spool end to end; `further` is one more column of texts."""
    pieces: list[_Piece] = []
    for number, column, titles in code_pairs(columns):
        if batch[column.field.id].null_count == batch.num_rows:
            continue
        pieces += (_codes(number, batch[column.field.id], titles.titles or {}) if titles is not None
                   else _pieces(number, column.values(batch)))
    if further is not None and further.null_count < len(further):
        pieces += _pieces(len(columns), further)
    return joined(list(_merged(pieces)) or [pa.nulls(batch.num_rows, pa.binary())])


def _merged(pieces: Sequence[_Piece]) -> Iterator[pa.Array]:
    """Matrices that follow each other become one: each piece less to be joined."""
    waiting: list[Bytes] = []
    for piece in [*pieces, None]:
        if isinstance(piece, np.ndarray):
            waiting.append(piece)
            continue
        if waiting:
            rows = np.hstack(waiting)
            yield blocks(np.arange(len(rows) + 1) * rows.shape[1], rows)
            waiting = []
        if piece is not None:
            yield piece


def _codes(number: int, values: pa.Array, titles: Mapping[str, str]) -> Iterator[pa.Array]:
    """Codes, and their titles in the next column."""
    yield coded(values, lambda code: _text(number, code) + _text(number + 1, titles.get(code, code)))


def _text(number: int, text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<HI", number, len(raw)) + raw


def _pieces(number: int, values: pa.Array) -> Iterator[_Piece]:
    """One column, which has values: its number before each that there is."""
    if pa.types.is_date(values.type):
        values = pc.binary_join_element_wise(values.cast(pa.string()), "T00:00:00", "")
    elif pa.types.is_timestamp(values.type):
        values = iso_moments(values)
    if pa.types.is_string(values.type):
        yield from _texts(number, values)
        return
    numbers = values.drop_null() if values.null_count else values
    if pa.types.is_boolean(values.type):
        told = numbers.to_numpy(zero_copy_only=False).astype(np.uint8)
    else:
        told = numbers.to_numpy().astype("<i8" if pa.types.is_integer(values.type) else "<f8")
    made = spread(len(told), 2 + told.dtype.itemsize, np.array([number], "<u2"), told)
    yield cells(made, there(values)) if values.null_count else made


def _texts(number: int, values: pa.Array) -> Iterator[_Piece]:
    """Their length stands before them."""
    has, sizes, mark = there(values), lengths(values), np.array([number], "<u2")
    if not values.null_count and int(sizes.min()) == int(sizes.max()):
        bounds, data = parts(values)
        told = data[bounds[0]:bounds[-1]].reshape(len(values), -1)
        yield np.hstack([spread(len(values), 6, mark, sizes[:1].astype("<u4")), told])
        return
    yield cells(spread(int(has.sum()), 6, mark, sizes[has].astype("<u4")), has)
    yield values.view(pa.binary())
