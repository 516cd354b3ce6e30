"""Which columns go into a file, and how rows of the database become Arrow arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.layers import Catalogue, Field, Layer
from gisapp.words import Words

ID = Field("id", Words("唯一编号", "Identifier"), "text", "ID", max_length=36, derived=True)

#: Who wrote a record is about staff: it leaves the house only with those who may see personal data.
STAFF = frozenset({"created_by", "updated_by"})

#: Names in the spool; no field id can begin so.
GEOMETRY = "@geometry"
SECOND = "@second"

#: Whole numbers up to here are doubles without loss.
_EXACT = 2**53

#: How yes and no are told in words.
YES_NO = {"zh": ("是", "否"), "en": ("yes", "no")}

_ARROW = {
    "text": pa.string(), "code": pa.string(), "codes": pa.list_(pa.string()), "integer": pa.int64(),
    "boolean": pa.bool_(), "date": pa.date32(), "datetime": pa.timestamp("us", "UTC"),
}


def exported_fields(layer: Layer, personal: bool) -> tuple[Field, ...]:
    """The fields of a file in order, the id first; personal ones and staff names only when `personal`."""
    open_fields = (f for f in layer.all_fields if personal or not (f.personal or f.id in STAFF))
    return (ID, *open_fields)


def arrow_type(field: Field) -> pa.DataType:
    """The exact Arrow type of a field; numbers with fixed decimals stay decimal."""
    if field.type == "number":
        return pa.float64() if field.decimals is None else pa.decimal128(18, field.decimals)
    return _ARROW[field.type]


def spool_schema(fields: Sequence[Field], second: bool) -> pa.Schema:
    """The columns by field id, then the geometries as WKB, easting (longitude) first."""
    columns = [pa.field(f.id, arrow_type(f)) for f in fields] + [pa.field(GEOMETRY, pa.binary())]
    return pa.schema(columns + ([pa.field(SECOND, pa.binary())] if second else []))


def to_batch(schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    """Database values, column by column, as one Arrow batch."""
    return pa.record_batch([_array(columns[f.name], f.type) for f in schema], schema=schema)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        values = [None if v is None else v if isinstance(v, str) else str(v) for v in values]
    elif pa.types.is_float64(kind):
        values = [None if v is None else float(v) for v in values]
    elif pa.types.is_decimal(kind):
        return _decimals(values, kind)
    return pa.array(values, kind)


def _decimals(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if any(isinstance(v, float) for v in values):
        return pa.array([None if v is None else float(v) for v in values], pa.float64()).cast(kind)
    return pa.array(values, kind)


def doubles(values: pa.Array) -> pa.Array:
    """Decimals as the doubles nearest to them, which Arrow's own cast misses by a last digit: 17.58 stays 17.58."""
    if values.offset:
        values = pa.concat_arrays([values])
    # Of 128 bits the lower ones tell all that 18 digits can be.
    whole = np.frombuffer(values.buffers()[1], np.int64)[:2 * len(values):2]
    # A quotient of two numbers that doubles hold exactly is the nearest double (IEEE 754).
    found = whole / 10.0 ** values.type.scale
    if max(int(whole.max(initial=0)), -int(whole.min(initial=0))) > _EXACT:
        for row in np.flatnonzero(np.abs(whole) > _EXACT).tolist():
            found[row] = float(values[row].as_py() or 0)
    return pa.Array.from_buffers(pa.float64(), len(values), [values.buffers()[0], pa.py_buffer(found)])


def code_titles(catalogue: Catalogue, field: Field, language: str) -> dict[str, str]:
    """Title by code, for a field of type code or codes."""
    return {code.id: code.title.get(language) for code in catalogue.codelists[field.codelist or ""].codes}


def titled(values: pa.Array, titles: Mapping[str, str]) -> pa.Array:
    """Titles for codes; several are joined by a semicolon."""
    if pa.types.is_list(values.type):
        inner = titled(values.values, titles)
        return joined(pa.Array.from_buffers(values.type, len(values), values.buffers()[:2], offset=values.offset,
                                            children=[inner]))
    known = values.dictionary_encode()
    return pa.array([titles.get(code, code) for code in known.dictionary.to_pylist()], pa.string()).take(known.indices)


def joined(values: pa.Array) -> pa.Array:
    """Lists of texts as one text each, parted by semicolons; none for an empty list."""
    some = pc.greater(pc.list_value_length(values), 0)
    return pc.if_else(pc.fill_null(some, False), pc.binary_join(values, ";"), pa.scalar(None, pa.string()))
