"""Values as a DBF tells them: a matrix of bytes for each column, a row for each value, blanks where there is none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.texts import is_ascii, parts, to_gbk

Matrix = NDArray[np.uint8]
Ints = NDArray[np.int64]
_BLANK, _ZERO, _MINUS, _POINT = 0x20, 0x30, 0x2D, 0x2E


def texts(values: pa.Array, width: int, encoding: str) -> Matrix:
    """Texts to the left. All of them fit `width` bytes of the encoding and it has all their characters."""
    if not is_ascii(values):
        known = values.dictionary_encode()
        if 2 * len(known.dictionary) < len(values):  # few different ones: each is encoded once
            table = np.vstack([_padded(known.dictionary, width, encoding), np.full((1, width), _BLANK, np.uint8)])
            index = known.indices.fill_null(len(known.dictionary)).to_numpy(zero_copy_only=False)
            found: Matrix = table[index]
            return found
    return _padded(values, width, encoding)


def _padded(values: pa.Array, width: int, encoding: str) -> Matrix:
    bounds, data = parts(values.fill_null("") if values.null_count else values)
    data, bounds = data[bounds[0]:bounds[-1]], bounds - bounds[0]
    if encoding == "GBK" and len(data) and int(data.max()) >= 0x80:
        data, bounds = to_gbk(data, bounds)
    lengths = np.diff(bounds)
    if int(lengths.max(initial=0)) > width:
        raise ValueError("a text wider than its column")
    found = np.full((len(lengths), width), _BLANK, np.uint8)
    if len(lengths) and int(lengths.min()) == int(lengths.max()):
        found[:, :lengths[0]] = data.reshape(len(lengths), -1)
    else:
        found[np.arange(width) < lengths[:, None]] = data
    return found


def decimals(values: pa.Array, width: int) -> Matrix:
    """Numbers with the decimals of their type. OverflowError where one needs more room."""
    _, data = values.buffers()
    low = np.frombuffer(data, np.int64)[::2][values.offset:values.offset + len(values)]
    return _digits(low, _there(values), width, values.type.scale)


def whole(values: pa.Array, width: int) -> Matrix:
    """Whole numbers. OverflowError where one needs more room."""
    return _digits(values.fill_null(0).to_numpy(), _there(values), width, 0)


def _there(values: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = values.is_valid().to_numpy(zero_copy_only=False)
    return found


def _digits(numbers: Ints, there: NDArray[np.bool_], width: int, scale: int) -> Matrix:
    """Numbers of 10^-scale as digits to the right, at least one before the point."""
    rest = np.where(there, np.abs(numbers), 0).astype(np.uint64)  # the least number is its own opposite: right so
    found = np.full((len(rest), width), _BLANK, np.uint8)
    at = width - 1
    written = np.zeros(len(rest), np.int64)
    place = 0
    while place <= scale or bool(rest.any()):
        if place and place == scale:
            found[there, at] = _POINT
            at -= 1
        needed = there & ((rest > 0) | (place <= scale))
        if at < 0:
            raise OverflowError("a number too long for its column")
        found[needed, at] = (rest[needed] % 10 + _ZERO).astype(np.uint8)
        written[needed] += 1
        rest //= 10
        at -= 1
        place += 1
    below = np.flatnonzero(there & (numbers < 0))
    if len(below):
        sign = width - 1 - written[below] - (1 if scale else 0)
        if int(sign.min()) < 0:
            raise OverflowError("a number too long for its column")
        found[below, sign] = _MINUS
    return found


def doubles(values: pa.Array, width: int) -> Matrix:
    """Numbers of any size: with fifteen decimals where that tells them, else with an exponent."""
    told = [None if value is None else _double(value, width) for value in values.to_pylist()]
    right = pa.array([None if text is None else text.rjust(width) for text in told], pa.string())
    return _padded(right, width, "UTF-8")


def _double(value: float, width: int) -> str:
    text = f"{value:.15f}"
    if len(text) <= width and abs(float(text) - value) <= 1e-13 * abs(value):
        return text
    text = repr(value)
    if len(text) > width:
        raise OverflowError("a number too long for its column")
    return text


def days(values: pa.Array) -> Matrix:
    """Dates as YYYYMMDD. OverflowError beyond the years 1 to 9999."""
    there = _there(values)
    found = np.full((len(values), 8), _BLANK, np.uint8)
    found[there] = day_digits(values.drop_null().cast(pa.int32()).to_numpy().astype("datetime64[D]"))
    return found


def day_digits(moments: NDArray[np.datetime64]) -> Matrix:
    """YYYYMMDD of each day."""
    months = moments.astype("datetime64[M]")
    years = months.astype("datetime64[Y]").astype(np.int64) + 1970
    if len(years) and not 1 <= int(years.min()) <= int(years.max()) <= 9999:
        raise OverflowError("a year that has not four digits")
    number = (years * 10000 + (months.astype(np.int64) % 12 + 1) * 100
              + (moments - months).astype(np.int64) + 1)
    return digits(number, 8)


def digits(numbers: Ints, width: int) -> Matrix:
    """Numbers from zero on, of at most `width` digits, with leading zeros."""
    found: Matrix = (numbers[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10 + _ZERO).astype(np.uint8)
    return found
