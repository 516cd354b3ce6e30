"""Columns of a file as the layer takes them, a batch at a time.

What a value becomes is said by `mapping.Converter` and `schema.check_value` alone. Here plain values pass in one step
and only the others, each distinct one once, are put before those two.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.mapping import Converter
from gisapp.layers import CodeList, Field
from gisapp.schema import ValueFault, check_value

Fault = dict[str, Any]
#: What a spreadsheet makes of a long number that should have been a text: its last digits are gone.
_SHORTENED = r"^[+-]?\d(?:\.\d+)?[eE]\+\d{2}$"
#: Distinct unknown codes that are counted for the person to choose for.
_UNKNOWN = 500


@dataclass
class Read:
    """Values as COPY takes them (text, null for none), and the faults by row."""

    values: Any
    faults: dict[int, Fault] = field(default_factory=dict)


class Column:
    """Reads the values of one field. `unknown` counts the code values that the list does not know."""

    def __init__(self, target: Field, codes: CodeList | None, converter: Converter,
                 unknown: Counter[tuple[str, str]]) -> None:
        self.target, self.codes, self.converter, self.unknown = target, codes, converter, unknown

    @property
    def _may_be_short(self) -> bool:
        return self.converter.of_sheet and self.target.type == "text"

    def read(self, array: Any) -> Read:
        """The values of an Arrow array, or of a list when they are of several kinds."""
        if isinstance(array, list):
            return self._one_by_one(array)
        quick = _QUICK.get(self.target.type)
        found = quick(self.target, array) if quick else None
        if found is None:
            return self._by_distinct(array)
        values, doubtful = found
        if self._may_be_short:
            doubtful = doubtful | _mask(pc.match_substring_regex(values, _SHORTENED))
        if self.target.required:
            doubtful = doubtful | pc.is_null(values).to_numpy(zero_copy_only=False)
        return self._patched(array, values, doubtful) if doubtful.any() else Read(values)

    def _one_by_one(self, values: list[Any]) -> Read:
        judged = [self._one(value, 1) for value in values]
        texts = pa.array([text for text, _ in judged], pa.string())
        return Read(texts, {row: fault for row, (_, fault) in enumerate(judged) if fault})

    def _patched(self, array: Any, values: Any, doubtful: Any) -> Read:
        rows = np.flatnonzero(doubtful)
        judged = [self._one(value, 1) for value in array.take(pa.array(rows)).to_pylist()]
        texts = pa.array([text for text, _ in judged], pa.string())
        made = pc.replace_with_mask(values, pa.array(doubtful), texts)
        return Read(made, {int(row): fault for row, (_, fault) in zip(rows, judged, strict=True) if fault})

    def _by_distinct(self, array: Any) -> Read:
        try:
            encoded = array.dictionary_encode(null_encoding="encode")
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # lists and the like
            return self._one_by_one(array.to_pylist())
        places = encoded.indices.to_numpy(zero_copy_only=False)
        often = np.bincount(places, minlength=len(encoded.dictionary))
        judged = [self._one(value, int(n)) for value, n in zip(encoded.dictionary.to_pylist(), often, strict=True)]
        values = pa.array([text for text, _ in judged], pa.string()).take(encoded.indices)
        wrong = [place for place, (_, fault) in enumerate(judged) if fault]
        rows = np.flatnonzero(np.isin(places, wrong)).tolist() if wrong else []
        return Read(values, {row: fault for row in rows if (fault := judged[places[row]][1])})

    def _one(self, value: Any, often: int) -> tuple[str | None, Fault | None]:
        """A single value as text, or the fault that it has; `often` says how many rows have it."""
        try:
            made = self.converter.convert(self.target.id, value)
            if self._may_be_short and isinstance(made, str) and re.match(_SHORTENED, made):
                raise ValueFault("digits_lost", "长数字被表格软件缩成科学计数法，末几位已丢失；请把该列设为文本后重填",
                                 "a spreadsheet has shortened a long number, whose last digits are lost; make the "
                                 "column text and enter it again")
            return _text(check_value(self.target, self.codes, made)), None
        except ValueFault as fault:
            if fault.code == "code_unknown":
                self._note_unknown(made, often)
            return None, {"field": self.target.id, "code": fault.code, "zh": fault.zh, "en": fault.en,
                          "value": _shown(value)}

    def _note_unknown(self, made: Any, often: int) -> None:
        known = self.codes.by_id if self.codes else {}
        for one in made if isinstance(made, list) else [made]:
            key = (self.target.id, str(one)[:200])
            if one not in known and (key in self.unknown or len(self.unknown) < _UNKNOWN):
                self.unknown[key] += often


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:80]


def _text(value: Any) -> str | None:
    """A checked value as COPY takes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "{" + ",".join(f'"{one}"' for one in value) + "}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


Quick = Callable[[Field, Any], "tuple[Any, Any] | None"]


def _texts(target: Field, array: Any) -> tuple[Any, Any] | None:
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return None
    trimmed = pc.utf8_trim_whitespace(array).cast(pa.string())
    made = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    doubtful = pc.match_substring(made, "\x00")
    if target.max_length is not None:
        doubtful = pc.or_(doubtful, pc.greater(pc.utf8_length(made), target.max_length))
    return made, _mask(doubtful)


def _mask(array: Any) -> Any:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(bool)


def _numbers(array: Any) -> tuple[Any, Any] | None:
    """Values as numbers, 0 for none, and which are none; None when the column holds something else."""
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return None
    if pa.types.is_uint64(array.type):
        return None
    none = _mask(array.is_null())
    return pc.fill_null(array, 0).to_numpy(zero_copy_only=False), none


def _outside(target: Field, values: Any) -> Any:
    wrong = np.zeros(len(values), bool)
    if target.min is not None:
        wrong |= values < target.min
    if target.max is not None:
        wrong |= values > target.max
    return wrong


def _amounts(target: Field, array: Any) -> tuple[Any, Any] | None:
    found = _numbers(array)
    if found is None:
        return None
    values, none = found[0].astype(float), found[1]
    with np.errstate(invalid="ignore", over="ignore"):
        made = values if target.decimals is None else np.round(values, target.decimals)
        wrong = ~np.isfinite(values) | _outside(target, values) | (np.abs(values) >= 1e15)
        wrong |= np.abs(made - values) > 1e-9 * np.maximum(1.0, np.abs(values))
    return pa.array(made, mask=none).cast(pa.string()), wrong & ~none


def _whole(target: Field, array: Any) -> tuple[Any, Any] | None:
    found = _numbers(array)
    if found is None:
        return None
    values, none = found
    if not np.issubdtype(values.dtype, np.integer):
        with np.errstate(invalid="ignore"):
            wrong = ~np.isfinite(values) | (np.abs(values) >= 2.0 ** 62) | (np.trunc(values) != values)
        values = np.where(wrong, 0, values).astype(np.int64)
    else:
        wrong = np.zeros(len(values), bool)
    return pa.array(values, mask=none).cast(pa.string()), (wrong | _outside(target, values)) & ~none


def _booleans(_: Field, array: Any) -> tuple[Any, Any] | None:
    return (array.cast(pa.string()), np.zeros(len(array), bool)) if pa.types.is_boolean(array.type) else None


def _dates(_: Field, array: Any) -> tuple[Any, Any] | None:
    if not pa.types.is_date32(array.type):
        return None
    days = pc.fill_null(array.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
    # Of years with four digits only, as everywhere else.
    return array.cast(pa.string()), (days < -719162) | (days > 2932896)


_QUICK: dict[str, Quick] = {"text": _texts, "number": _amounts, "integer": _whole, "boolean": _booleans, "date": _dates}
