"""A layer as it lies in a spool before it is written: a column of each kind, and values of all sorts for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from gisapp.formats.full_columns import FullColumn
from gisapp.layers import Field
from gisapp.words import Words


def _field(name: str, kind: str) -> Field:
    return Field(name, Words("名", "name"), kind, name.upper())


TITLES = {"01": "一般程序", "02": "x" * 300}
COLUMNS = [FullColumn("number", _field("number", "integer")), FullColumn("t", _field("t", "text")),
           FullColumn("c", code := _field("c", "code")), FullColumn("c_title", code, TITLES),
           FullColumn("f", _field("f", "number")), FullColumn("b", _field("b", "boolean")),
           FullColumn("d", _field("d", "date")), FullColumn("m", _field("m", "datetime"))]
#: As they are spooled; the title is made of its code.
SPOOLED = pa.schema([("number", pa.int64()), ("t", pa.string()), ("c", pa.string()), ("f", pa.float64()),
                     ("b", pa.bool_()), ("d", pa.date32()), ("m", pa.timestamp("us", "UTC"))])


def cells(longest: int) -> tuple[st.SearchStrategy[Any], ...]:
    """Values of all columns after the number; texts of up to so many characters."""
    return (
        st.none() | st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=longest),
        st.none() | st.sampled_from(["01", "02", "99"]), st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.booleans(), st.none() | st.dates(dt.date(1, 1, 1)),
        st.none() | st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9000, 1, 1), timezones=st.just(dt.UTC)))
