"""The values of a row as FlatGeobuf has them: the number of each column and its value, those that are missing left out.

The layout: "properties" of feature.fbs, ColumnType of header.fbs (FlatGeobuf 3).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.full_columns import FullColumn, code_pairs
from gisapp.formats.local_times import iso_moments
from gisapp.formats.pieces import cells, coded, joined, lengths, spread, there


def values_of(columns: Sequence[FullColumn], batch: pa.RecordBatch, further: pa.Array | None = None) -> pa.Array:
    """The values of each row of the spool end to end; `further` is one more column of texts."""
    pieces: list[pa.Array] = []
    for number, column, titles in code_pairs(columns):
        pieces += (_codes(number, batch[column.field.id], titles.titles or {}) if titles is not None
                   else _pieces(number, column.values(batch)))
    if further is not None:
        pieces += _pieces(len(columns), further)
    return joined(pieces or [pa.nulls(batch.num_rows, pa.binary())])


def _codes(number: int, values: pa.Array, titles: Mapping[str, str]) -> Iterator[pa.Array]:
    """Codes, and their titles in the next column."""
    if values.null_count < len(values):
        yield coded(values, lambda code: _text(number, code) + _text(number + 1, titles.get(code, code)))


def _text(number: int, text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<HI", number, len(raw)) + raw


def _pieces(number: int, values: pa.Array) -> Iterator[pa.Array]:
    """One column: its number before each value that there is."""
    if values.null_count == len(values):
        return
    if pa.types.is_date(values.type):
        values = pc.binary_join_element_wise(values.cast(pa.string()), "T00:00:00", "")
    elif pa.types.is_timestamp(values.type):
        values = iso_moments(values)
    has = there(values)
    mark, count = np.array([number], "<u2"), int(has.sum())
    if pa.types.is_string(values.type):
        yield cells(spread(count, 6, mark, lengths(values)[has].astype("<u4")), has)
        yield values.view(pa.binary())
    elif pa.types.is_boolean(values.type):
        yield cells(spread(count, 3, mark, values.drop_null().to_numpy(zero_copy_only=False).astype(np.uint8)), has)
    elif pa.types.is_integer(values.type):
        yield cells(spread(count, 10, mark, values.drop_null().to_numpy().astype("<i8")), has)
    else:
        yield cells(spread(count, 10, mark, values.drop_null().to_numpy().astype("<f8")), has)
