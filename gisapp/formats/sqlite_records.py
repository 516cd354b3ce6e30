"""Rows as the cells of an SQLite table, a batch at a time: sizes and types of the values, then the values.

The layout: https://www.sqlite.org/fileformat2.html, "Record Format". Numbers of a batch are all of one size; SQLite
reads any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.full_columns import FullColumn, code_pairs
from gisapp.formats.local_times import iso_moments
from gisapp.formats.pieces import Bytes, Flags, Ints, blocks, cells, coded, joined, lengths, masked, there

_NONE, _DOUBLE, _FALSE, _BLOB, _TEXT = 0, 7, 8, 12, 13
#: Types of whole numbers by their bytes.
_WHOLE = {1: 1, 2: 2, 4: 4, 8: 6}


@dataclass(frozen=True)
class Value:
    """A column of a record: the type of each row's value (one for all, or each) and the bytes, if it has any."""

    types: Ints | int
    body: pa.Array | None = None


#: Bytes of each row beside each other, and which of them are meant; None for all.
_Part = tuple[Bytes, Flags | None]


def rows(rowids: Ints, values: Sequence[Value]) -> tuple[pa.Array, Ints]:
    """The cells of a table's leaves, and how many bytes of each are its payload."""
    bodies = [value.body for value in values if value.body is not None]
    body = joined(bodies or [pa.nulls(len(rowids), pa.binary())])
    types = _types(values, len(rowids))
    size = sum(one.shape[1] if used is None else used.sum(axis=1) for one, used in types) + np.ones(len(rowids), int)
    size += size > 127
    payload = size + lengths(body)
    front = [_tight(*varints(numbers)) for numbers in (payload, rowids, size)]
    return joined([*_pieces([*front, *types]), body]), payload


def varints(numbers: Ints) -> tuple[Bytes, Flags]:
    """Numbers below 2^56 as SQLite's varints, to the right in a matrix, and which bytes of it are theirs."""
    width = max(1, -(-int(numbers.max(initial=1)).bit_length() // 7))
    steps = 7 * np.arange(width - 1, -1, -1)
    found = (numbers[:, None] >> steps & 0x7F).astype(np.uint8)
    found[:, :-1] |= 0x80
    used = numbers[:, None] >> steps > 0
    used[:, -1] = True
    return found, used


def _tight(found: Bytes, used: Flags) -> _Part:
    """Most numbers of a batch are of one size: then nothing is to be left out."""
    return (found, None) if bool(used.all()) else (found, used)


def _types(values: Sequence[Value], count: int) -> list[_Part]:
    """The types of all values of each row, those that take one byte each together."""
    found: list[_Part] = []
    small: list[Ints | int] = []
    for value in values:
        if isinstance(value.types, int) or int(value.types.max(initial=0)) < 128:
            small.append(value.types)
        else:
            found += [*_side_by_side(small, count), _tight(*varints(value.types))]
            small = []
    return found + _side_by_side(small, count)


def _side_by_side(types: list[Ints | int], count: int) -> list[_Part]:
    if not types:
        return []
    plain = np.array([one if isinstance(one, int) else 0 for one in types], np.uint8)
    found = np.broadcast_to(plain, (count, len(types))).copy()
    for at, one in enumerate(types):
        if not isinstance(one, int):
            found[:, at] = one
    return [(found, None)]


def _pieces(parts: Sequence[_Part]) -> Iterator[pa.Array]:
    """The parts as pieces of the rows; those of which nothing is left out become one."""
    whole: list[Bytes] = []
    for found, used in parts:
        if used is None:
            whole.append(found)
            continue
        yield from _fixed_pieces(whole)
        whole = []
        yield masked(found, used)
    yield from _fixed_pieces(whole)


def _fixed_pieces(whole: list[Bytes]) -> Iterator[pa.Array]:
    if whole:
        rows = np.hstack(whole)
        yield blocks(np.arange(len(rows) + 1) * rows.shape[1], rows)


def values_of(columns: Sequence[FullColumn], batch: pa.RecordBatch) -> Iterator[Value]:
    """The columns of a batch of the spool."""
    for _, column, titles in code_pairs(columns):
        if batch[column.field.id].null_count == batch.num_rows:
            yield from [Value(_NONE)] * (1 if titles is None else 2)
        elif titles is not None:
            yield from _codes(batch[column.field.id], titles.titles or {})
        else:
            yield value(column.values(batch))


def _codes(values: pa.Array, titles: Mapping[str, str]) -> Iterator[Value]:
    """Codes, and their titles in the next column; the bytes of both are told together."""
    known = values.dictionary_encode()
    rows = known.indices.fill_null(len(known.dictionary)).to_numpy(zero_copy_only=False)
    pairs = [(code.encode(), titles.get(code, code).encode()) for code in known.dictionary.to_pylist()]
    types = np.array([[_TEXT + 2 * len(text) for text in pair] for pair in pairs] + [[_NONE, _NONE]], np.int64)[rows]
    yield Value(types[:, 0], coded(values, lambda code: code.encode() + titles.get(code, code).encode()))
    yield Value(types[:, 1])


def value(values: pa.Array) -> Value:
    """Texts, bytes, yes and no, whole numbers, doubles, days or moments (UTC) as SQLite and GeoPackage have them."""
    if values.null_count == len(values):
        return Value(_NONE)
    if pa.types.is_date(values.type):
        values = values.cast(pa.string())
    elif pa.types.is_timestamp(values.type):
        values = iso_moments(values)
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        first = _TEXT if pa.types.is_string(values.type) else _BLOB
        return Value(np.where(there(values), first + 2 * lengths(values), _NONE), values.view(pa.binary()))
    if pa.types.is_boolean(values.type):
        truth = values.fill_null(False).to_numpy(zero_copy_only=False)
        return Value(np.where(there(values), _FALSE + truth, _NONE))
    numbers = values.drop_null().to_numpy()
    if pa.types.is_floating(values.type):
        return _fixed(values, numbers.astype(">f8"), _DOUBLE)
    size = next(size for size in _WHOLE if size == 8 or _within(numbers, size))
    return _fixed(values, numbers.astype(f">i{size}"), _WHOLE[size])


def _within(numbers: NDArray[np.int64], size: int) -> bool:
    half = 1 << 8 * size - 1
    return -half <= int(numbers.min()) and int(numbers.max()) < half


def _fixed(values: pa.Array, raw: NDArray[np.generic], kind: int) -> Value:
    has = there(values)
    body = cells(raw.view(np.uint8).reshape(len(raw), raw.dtype.itemsize), has)
    return Value(np.where(has, kind, _NONE) if values.null_count else kind, body)
