"""Rows as PostgreSQL's binary COPY tells them, made into Arrow columns all at once.

The layout: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; the values as the types' send
functions write them. Row by row through Python objects would take ten times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.bulk import Block

_HEX = np.frombuffer(bytes(range(256)).hex().encode(), "<u2")
#: Days and microseconds from PostgreSQL's first day, 2000-01-01, back to 1970-01-01.
_EPOCH_DAYS, _EPOCH_US = 10957, 946_684_800_000_000
_NOT_FINITE = {"date": (2**31 - 1, -2**31), "time": (2**63 - 1, -2**63)}
_NAN = 0xC000
#: The length of no value.
_NO_VALUE = 0xFFFFFFFF
#: A column of longer texts is copied text by text, of shorter ones byte by byte: each is faster there.
_LONG = 16

Ints = NDArray[np.int64]


class CopyFault(ValueError):
    """What came is not what the statement promised, or a value that no column of a file can hold."""


class Cells:
    """One column of a block of rows: where each value begins and how long it is, -1 for no value."""

    def __init__(self, data: NDArray[np.uint8], starts: Ints, lengths: Ints) -> None:
        self.data, self.starts, self.lengths = data, starts, lengths
        self.there = lengths >= 0
        self.nulls = len(lengths) - int(np.count_nonzero(self.there))

    def numbers(self, kind: str, at: int = 0) -> NDArray[Any]:
        """The value of type `kind` that lies `at` bytes into each cell; whatever where there is no value."""
        size = np.dtype(kind).itemsize
        view = np.ndarray((len(self.data) - size + 1,), kind, self.data, 0, (1,))
        found: NDArray[Any] = view[np.minimum(self.starts + at, len(view) - 1)]
        return found

    def require(self, size: int) -> None:
        """Every value has `size` bytes."""
        if not bool(np.all((self.lengths == size) | ~self.there)):
            raise CopyFault(f"a value that is not {size} bytes long")


def cells(block: Block, columns: int) -> list[Cells]:
    """The columns of a block of rows."""
    rows = len(block.lengths) - (block.lengths[-1] == 2)
    data = np.frombuffer(block.data + bytes(16), np.uint8)  # room, so that no look goes beyond the end
    ends = np.cumsum(np.fromiter(block.lengths, np.int64, rows))
    at = np.concatenate([np.zeros(1, np.int64), ends])[:-1]
    counts, sizes = (np.ndarray((len(data) - room,), kind, data, 0, (1,)) for kind, room in ((">i2", 1), (">i4", 3)))
    if not bool(np.all(counts[at] == columns)):
        raise CopyFault("not as many values as columns")
    at = at + 2
    found: list[Cells] = []
    while len(found) < columns:
        empty = _empty(data, at, columns - len(found))
        if empty:
            none = np.full(rows, -1)
            found += [Cells(data, at, none)] * empty
            at = at + 4 * empty
            continue
        lengths = sizes[np.minimum(at, len(sizes) - 1)].astype(np.int64)
        found.append(Cells(data, at + 4, lengths))
        at = at + 4 + np.maximum(lengths, 0)
    if not np.array_equal(at, ends):
        raise CopyFault("rows of another length than their values")
    return found


def _empty(data: NDArray[np.uint8], at: Ints, most: int) -> int:
    """How many columns from these places on have no value in any row: often dozens in a row, seen at one look."""
    first = data[at[0]:at[0] + 4 * most].view("<u4") if len(at) else np.zeros(0, "<u4")
    some = int(np.argmin(np.append(first == _NO_VALUE, False)))
    if some == 0 or int(at.max()) + 4 * some > len(data):
        return 0
    words = np.ndarray((len(data) - 4 * some + 1,), f"V{4 * some}", data, 0, (1,))[at].view("<u4")
    return some if bool((words == _NO_VALUE).all()) else 0


def column(found: Cells, kind: pa.DataType, *, uuid: bool = False) -> pa.Array:
    """The cells as an array of `kind`: of texts (or a uuid told as one), whole numbers, doubles, decimals,
    yes and no, days, moments, lists of texts or bytes."""
    if found.nulls == len(found.lengths):
        return pa.nulls(len(found.lengths), kind)
    if uuid:
        return _uuids(found)
    for fits, make in _MAKERS:
        if fits(kind):
            return make(found, kind)
    raise CopyFault(f"no way to {kind}")


def _array(found: Cells, kind: pa.DataType, *buffers: NDArray[np.generic]) -> pa.Array:
    valid = None if not found.nulls else pa.py_buffer(np.packbits(found.there, bitorder="little"))
    return pa.Array.from_buffers(kind, len(found.lengths), [valid, *map(pa.py_buffer, buffers)], found.nulls)


def _texts(found: Cells, kind: pa.DataType) -> pa.Array:
    starts, lengths = found.starts, np.maximum(found.lengths, 0)
    # Views of up to twelve bytes hold the text itself and would have to be filled otherwise.
    if int(lengths.sum()) > _LONG * len(lengths) and int(lengths[found.there].min()) > 12:
        return _viewed(found, kind)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    index = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return _array(found, kind, offsets.astype(np.int32), found.data[index])


def _viewed(found: Cells, kind: pa.DataType) -> pa.Array:
    """Arrow copies the texts from where they lie: told as views (length, first four bytes, buffer, offset)."""
    views = np.zeros((len(found.lengths), 4), np.int32)
    views[:, 0] = np.maximum(found.lengths, 0)
    views[:, 1] = found.numbers("<i4")
    views[:, 3] = found.starts
    views[~found.there] = 0
    return _array(found, pa.binary_view(), views, found.data).cast(pa.binary()).view(kind)


def _uuids(found: Cells) -> pa.Array:
    found.require(16)
    if found.nulls:
        raise CopyFault("a row without id")
    raw = found.data[found.starts[:, None] + np.arange(16)]
    text = np.full((len(raw), 36), ord("-"), np.uint8)
    text[:, [n for n in range(36) if n not in (8, 13, 18, 23)]] = _HEX[raw].view(np.uint8).reshape(len(raw), 32)
    return _array(found, pa.string(), np.arange(len(raw) + 1, dtype=np.int32) * 36, text)


def _whole(found: Cells, kind: pa.DataType) -> pa.Array:
    size = int(found.lengths.max())
    if size not in (2, 4, 8):
        raise CopyFault("no whole number")
    found.require(size)
    return _array(found, kind, found.numbers(f">i{size}").astype(np.int64))


def _doubles(found: Cells, kind: pa.DataType) -> pa.Array:
    found.require(8)
    return _array(found, kind, found.numbers(">f8").astype(np.float64))


def _days(found: Cells, kind: pa.DataType) -> pa.Array:
    found.require(4)
    return _array(found, kind, (_finite(found, ">i4", "date") + _EPOCH_DAYS).astype(np.int32))


def _moments(found: Cells, kind: pa.DataType) -> pa.Array:
    found.require(8)
    return _array(found, kind, _finite(found, ">i8", "time") + _EPOCH_US)


def _finite(found: Cells, size: str, what: str) -> Ints:
    values = np.where(found.there, found.numbers(size).astype(np.int64), 0)
    if bool(np.isin(values, _NOT_FINITE[what]).any()):
        raise CopyFault("a date or time without end")
    return values


def _booleans(found: Cells, kind: pa.DataType) -> pa.Array:
    found.require(1)
    return _array(found, kind, np.packbits(found.numbers("u1").astype(bool), bitorder="little"))


def _decimals(found: Cells, kind: pa.DataType) -> pa.Array:
    """numeric: digits, weight, sign and scale as 16 bits each, then digits of base 10 000 from `weight` down."""
    count, weight, sign = (np.where(found.there, found.numbers(">i2", at).astype(np.int64), 0) for at in (0, 2, 4))
    sign &= 0xFFFF
    if bool((sign >= _NAN).any()):
        raise CopyFault("a number that is none")
    value = np.zeros(len(count), np.int64)
    for place in range(int(count.max())):
        digit = np.where(place < count, found.numbers(">u2", 8 + 2 * place).astype(np.int64), 0)
        power = np.where(digit, 4 * (weight - place) + kind.scale, 0)
        if int(power.min()) < -3 or int(power.max()) > 18:
            raise CopyFault("a number beyond its column")
        value += digit * 10 ** np.maximum(power, 0) // 10 ** np.maximum(-power, 0)
    value = np.where(sign, -value, value)
    return _array(found, kind, np.column_stack([value, value >> 63]))


def _lists(found: Cells, kind: pa.DataType) -> pa.Array:
    """text[]: dimensions, flags and element type, then for each dimension its length and lower bound (32 bits
    each), then the elements like cells."""
    count = np.where(found.there & (found.numbers(">i4") > 0), found.numbers(">i4", 12).astype(np.int64), 0)
    at, room = found.starts + 20, len(found.data) - 4
    sizes = np.ndarray((room + 1,), ">i4", found.data, 0, (1,))
    owners, starts, lengths = [], [], []
    for turn in range(int(count.max())):
        rows = np.flatnonzero(count > turn)
        size = sizes[np.minimum(at[rows], room)].astype(np.int64)
        owners.append(rows)
        starts.append(at[rows] + 4)
        lengths.append(size)
        at[rows] += 4 + np.maximum(size, 0)
    order = np.argsort(np.concatenate([*owners, np.empty(0, np.int64)]), kind="stable")
    inner = Cells(found.data, *(np.concatenate([*parts, np.empty(0, np.int64)])[order] for parts in (starts, lengths)))
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    valid = None if not found.nulls else pa.py_buffer(np.packbits(found.there, bitorder="little"))
    values = column(inner, kind.value_type) if len(order) else pa.array([], kind.value_type)
    return pa.Array.from_buffers(kind, len(count), [valid, pa.py_buffer(offsets)], found.nulls, children=[values])


_MAKERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Cells, pa.DataType], pa.Array]], ...] = (
    (lambda kind: pa.types.is_string(kind) or pa.types.is_binary(kind), _texts),
    (pa.types.is_int64, _whole), (pa.types.is_float64, _doubles), (pa.types.is_decimal, _decimals),
    (pa.types.is_boolean, _booleans), (pa.types.is_date32, _days), (pa.types.is_timestamp, _moments),
    (pa.types.is_list, _lists),
)
