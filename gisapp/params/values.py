"""Values of fields out of the text of a parameter, each typed as its field is."""

from __future__ import annotations

import math
from datetime import date
from typing import Any
from uuid import UUID

from gisapp.errors import Problem
from gisapp.layers import ASSIGNED_FIELDS, Field
from gisapp.params.faults import invalid
from gisapp.params.spans import is_span, parse_span
from gisapp.params.times import parse_instant

#: Codes of one field that a question may name.
MOST_CODES = 200


def parse_id(text: str) -> UUID:
    """A feature id; Problem `id_invalid` (400)."""
    try:
        return UUID(text)
    except (ValueError, AttributeError):
        raise Problem("id_invalid", id=str(text)[:60]) from None


def parse_ids(text: str | None) -> tuple[UUID, ...]:
    """The features that `ids=` names, none without it."""
    if text is None:
        return ()
    parts = text.split(",")
    if len(parts) > 1000:
        raise invalid("ids", "最多 1000 个", "at most 1000")
    return tuple(parse_id(part) for part in parts)


def parse_values(field: Field, text: str, name: str) -> Any:
    """One typed value; of a code field also several behind commas, as a tuple: any of them will do; of a date also
    a `Span` that it lies in."""
    if is_span(field, text):
        return parse_span(field, text, name)
    if not is_coded(field) or "," not in text:
        return parse_value(field, text, name)
    parts = tuple(dict.fromkeys(parse_value(field, part, name) for part in text.split(",")))
    if len(parts) > MOST_CODES:
        raise invalid(name, f"最多 {MOST_CODES} 个", f"at most {MOST_CODES}")
    return parts if len(parts) > 1 else parts[0]


def is_coded(field: Field) -> bool:
    """Whether the field holds codes, which have no comma in them: of a code list or of a territory."""
    return field.type in ("code", "codes") or field in ASSIGNED_FIELDS


def parse_value(field: Field, text: str, name: str) -> Any:
    """The typed value of a filter on a field; an empty text stands for no value (None)."""
    if text == "":
        return None
    try:
        return _READERS.get(field.type, _text)(text)
    except (ValueError, OverflowError):
        raise invalid(name, f"类型应为 {field.type}", f"wants a value of type {field.type}") from None


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) >= 2 ** 63:
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()] if text.lower() in (
        "true", "1", "false", "0") else _raise(text)


def _raise(text: str) -> bool:
    raise ValueError(text)


_READERS = {"integer": _integer, "number": _number, "boolean": _boolean, "date": date.fromisoformat,
            "datetime": parse_instant}
