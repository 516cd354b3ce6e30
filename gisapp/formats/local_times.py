"""Moments as texts in the house's zone, many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisapp.formats.dbf_cells import day_digits, digits
from gisapp.formats.texts import parts

Ints = NDArray[np.int64]
_HOUR = 3600
_SHAPE = np.frombuffer(b"0000-00-00 00:00:00", np.uint8)
_DATE, _TIME = [0, 1, 2, 3, 5, 6, 8, 9], [11, 12, 14, 15, 17, 18]
_MOMENT = len("2026-01-02 03:04:05.678")
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
#: Seconds since 1970 of the first and the last moment that four digits of a year tell, on any clock.
FIRST, LAST = -62_135_596_800, 253_402_300_799
_DAY = 86_400


def local_texts(values: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Timestamps (UTC) as YYYY-MM-DD HH:MM:SS in `zone`; parts of a second are cut off.

    What the zone puts beyond the years 1 to 9999 becomes their first or last second (`beyond`).
    """
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.string())
    there = values.is_valid()
    seconds = np.clip(_on_the_clock(values, zone), FIRST, LAST)
    told = np.tile(_SHAPE, (len(seconds), 1))
    told[:, _DATE] = day_digits((seconds // 86400).astype("datetime64[D]"))
    within = seconds % 86400
    told[:, _TIME] = digits(within // 3600 * 10000 + within // 60 % 60 * 100 + within % 60, 6)
    bounds = pa.py_buffer(np.arange(len(seconds) + 1, dtype=np.int32) * told.shape[1])
    found = pa.Array.from_buffers(pa.string(), len(seconds), [None, bounds, pa.py_buffer(told)])
    return pc.if_else(there, found, pa.scalar(None, pa.string())) if values.null_count else found


def _on_the_clock(values: pa.Array, zone: ZoneInfo) -> Ints:
    known = values.cast(pa.timestamp("us", "UTC")).fill_null(0).cast(pa.int64()).to_numpy() // 1_000_000
    found: Ints = known + offsets(known, zone)
    return found


def beyond(values: pa.Array, zone: ZoneInfo) -> Ints:
    """Which timestamps the zone puts beyond the years 1 to 9999: 9999-12-31T23:59:59Z is the year 10000 in China."""
    seconds = _on_the_clock(values, zone)
    return np.flatnonzero((seconds < FIRST) | (seconds > LAST))


def iso_moments(values: pa.Array) -> pa.Array:
    """Timestamps (UTC) as 2026-01-02T03:04:05.678Z, to the millisecond."""
    told = values.cast(pa.timestamp("ms"), safe=False).cast(pa.string())
    bounds, data = parts(told)
    data = data[bounds[0]:bounds[-1]]
    there = told.is_valid().to_numpy(zero_copy_only=False)
    if not bool((np.diff(bounds) == np.where(there, _MOMENT, 0)).all()):  # years beyond four digits
        return pc.binary_join_element_wise(pc.replace_substring(told, " ", "T", max_replacements=1), "Z", "")
    made = np.empty((len(data) // _MOMENT, _MOMENT + 1), np.uint8)
    made[:, :-1] = data.reshape(-1, _MOMENT)
    made[:, 10], made[:, -1] = ord("T"), ord("Z")
    ends = np.concatenate([[0], np.cumsum(there)]).astype(np.int32) * made.shape[1]
    valid = pa.py_buffer(np.packbits(there, bitorder="little")) if told.null_count else None
    return pa.Array.from_buffers(pa.string(), len(told), [valid, pa.py_buffer(ends.astype(np.int32)),
                                                          pa.py_buffer(made)])


def offsets(seconds: Ints, zone: ZoneInfo) -> Ints:
    """How far the zone is from UTC at each moment (seconds since 1970), asked once an hour where it stays the same."""
    hours, which = np.unique(seconds // _HOUR, return_inverse=True)
    first, last = (np.array([_offset(int(hour) * _HOUR + more, zone) for hour in hours], np.int64)
                   for more in (0, _HOUR - 1))
    found: Ints = first[which]
    for index in np.flatnonzero((first != last)[which]):
        found[index] = _offset(int(seconds[index]), zone)
    return found


def _offset(second: int, zone: ZoneInfo) -> int:
    # A clock cannot be asked where its own year would be beyond what it tells.
    second = min(max(second, FIRST + _DAY), LAST - _DAY)
    told = (_FIRST_DAY + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return int(told.total_seconds()) if told is not None else 0
