"""Which column of a file is which field, and how a value of a file becomes what the field takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gisapp.layers import Catalogue, CodeList, Field, Layer

_TRUE = frozenset({"1", "true", "t", "yes", "y", "是", "有", "对"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "否", "无", "错"})
_DATE = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
_PARTING = re.compile(r"[;；,，、|]")


def targets(layer: Layer) -> dict[str, Field | None]:
    """What a column may be mapped to: id, the fields a client may write, the synthetic mark, a second geometry."""
    found: dict[str, Field | None] = {"id": None} | {field.id: field for field in layer.writable_fields}
    found["synthetic"] = layer.field("synthetic")
    if layer.second_geometry is not None:
        found[layer.second_geometry.id] = None
    return found


def suggest(layer: Layer, names: Iterable[str]) -> dict[str, str | None]:
    """Column → field, by short export name, id or title; None where nothing fits. A field is given once."""
    known, free = _known_names(layer), set(targets(layer))
    found: dict[str, str | None] = {}
    for name in names:
        target = known.get(_plain(name)) or _cut_short(name, known)
        found[name] = target if target in free else None
        free.discard(target or "")
    return found


def _known_names(layer: Layer) -> dict[str, str]:
    """Field by every name it goes by; an id wins over another field's short name, that over a title."""
    fields = [(target, field) for target, field in targets(layer).items() if field is not None]
    known = {_plain(target): target for target in targets(layer)}
    names = [[(field.export, field.title.zh, field.title.en)[kind] for _, field in fields] for kind in range(3)]
    for kind in names:
        for name, (target, _) in zip(kind, fields, strict=True):
            known.setdefault(_plain(name), target)
    return known


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()


def _cut_short(name: str, known: Mapping[str, str]) -> str | None:
    """A shapefile cuts names at ten bytes: the one long name that begins so, if it is only one."""
    if len(name.encode("gb18030")) < 9:
        return None
    found = {target for word, target in known.items() if word.startswith(_plain(name))}
    return found.pop() if len(found) == 1 else None


class Converter:
    """Values of a file to values that `schema.check` takes; what cannot be made sense of goes on as it is."""

    def __init__(self, layer: Layer, catalogue: Catalogue, zone: ZoneInfo) -> None:
        self._zone = zone
        self._fields = {name: field for name, field in targets(layer).items() if field is not None}
        self._codes = {field.codelist: _code_names(catalogue.codelists[field.codelist])
                       for field in self._fields.values() if field.codelist}

    def convert(self, target: str, value: Any) -> Any:
        """The value for the field `target`; texts lose the spaces around them, and empty ones are no value."""
        if isinstance(value, str):
            value = value.strip() or None
        if value is None:
            return None
        field = self._fields[target]
        by_type = {"text": _text, "integer": _number, "number": _number, "boolean": _boolean, "date": _date,
                   "datetime": self._datetime}
        if field.type in ("code", "codes"):
            return self._code(field, value)
        return by_type[field.type](value)

    def _code(self, field: Field, value: Any) -> Any:
        known = self._codes[field.codelist or ""]
        if field.type == "code":
            return known.get(_plain(_text(value)), _text(value))
        parts = value if isinstance(value, list) else _PARTING.split(_text(value))
        return [known.get(_plain(part), part.strip()) for part in parts if part.strip()]

    def _datetime(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self._zone)).isoformat()
        return _moment(str(value), self._zone) or value


def _code_names(codes: CodeList) -> dict[str, str]:
    """Code by code, by either title, and by a number that lost its leading zeros."""
    known: dict[str, str] = {}
    for code in codes.codes:
        for name in (code.id, code.title.zh, code.title.en, code.id.lstrip("0") if code.id.isdigit() else code.id):
            known.setdefault(_plain(name), code.id)
    return known


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = float(value.replace(",", ""))
    except ValueError:
        return value
    return int(number) if number.is_integer() and abs(number) < 2**53 and "." not in value else number


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    word = _text(value).casefold()
    return True if word in _TRUE else False if word in _FALSE else value


def _date(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    match = _DATE.match(_text(value))
    return _iso(match) or value if match else value


def _iso(match: re.Match[str]) -> str | None:
    try:
        return date(*(int(part) for part in match.groups()[:3])).isoformat()
    except ValueError:
        return None


def _moment(text: str, zone: ZoneInfo) -> str | None:
    """An instant out of a text such as 2024-11-13 08:30:00, in the house's zone unless it names one."""
    day = _DATE.match(text)
    iso = _iso(day) if day else None
    if iso is None or day is None:
        return None
    clock = _TIME.search(text, day.end())
    hour, minute, second, fraction, offset = clock.groups() if clock else ("0", "00", None, None, None)
    try:
        moment = datetime.fromisoformat(
            f"{iso}T{int(hour):02}:{minute}:{second or '00'}{fraction or ''}{(offset or '').upper()}")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()


def parse_uuid(value: Any) -> UUID | None:
    """The id in a cell, or None when it is none."""
    try:
        return UUID(str(value).strip())
    except ValueError:
        return None
