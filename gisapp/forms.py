"""A layer as a form: typed inputs out of its declaration, and what was filled in back to values.

An input holds text (or a tuple of texts for a list of codes and for a place). Nothing is guessed on the way
back: text that is not plainly a number, a date or a code goes to `schema.check` as it is and is refused there.
What an input shows may be less exact than what is stored (seconds of a time, the last digits of a coordinate),
so an edit sends only the fields whose text was changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gisapp import form_shapes
from gisapp.form_shapes import NUMBER, PREFIX, Raw, Slot
from gisapp.layers import Catalogue, Field, Layer
from gisapp.schema import Fault, ValueFault, check

Texts = dict[str, Raw]

_INTEGER = re.compile(r"[+-]?[0-9]{1,25}\Z")
_BOOLEANS = {"true": True, "false": False}


class Posted(Protocol):
    """What a browser sent: names with one or more texts."""

    def __contains__(self, name: object, /) -> bool: ...

    def getlist(self, name: str, /) -> list[str]:
        """All texts of a name."""
        ...


@dataclass(frozen=True)
class Form:
    """The form of a layer; `zone` is the time zone in which people read and write times."""

    layer: Layer
    catalogue: Catalogue
    zone: ZoneInfo

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The geometries that the form asks for."""
        return form_shapes.slots(self.layer)

    def texts(self, feature: Mapping[str, Any]) -> Texts:
        """What the inputs hold for a GeoJSON feature."""
        values = feature.get("properties") or {}
        held: Texts = {one.id: to_text(one, values.get(one.id), self.zone) for one in self.layer.writable_fields}
        return held | form_shapes.texts(self.layer, feature)

    def read(self, posted: Posted) -> Texts:
        """What was filled in; inputs that the page did not have are left out."""
        held: Texts = {}
        for one in self.layer.writable_fields:
            name = PREFIX + one.id
            if name in posted:
                sent = posted.getlist(name)
                held[one.id] = tuple(dict.fromkeys(filter(None, sent))) if one.type == "codes" else sent[0]
        return held | form_shapes.read(self.layer, posted)

    def content(self, texts: Texts, *, partial: bool = False) -> tuple[dict[str, Any], list[Fault]]:
        """The GeoJSON feature that the texts say, and what is wrong with it field by field.

        With `partial` it is a patch with what is given; otherwise what is left out is empty.
        """
        members: dict[str, Any] = {"type": "Feature", "properties": {}}
        faults: list[Fault] = []
        for name, raw in texts.items():
            try:
                value = self._value(name, raw)
            except ValueFault as fault:
                faults.append({"field": name, "code": fault.code, "zh": fault.zh, "en": fault.en})
                continue
            if name == form_shapes.MAIN:
                members["geometry"] = value
            else:
                members["properties"][name] = value
        known = {fault["field"] for fault in faults}
        checked = check(self.layer, self.catalogue, members["properties"], partial=partial)[1]
        return members, faults + [fault for fault in checked if fault["field"] not in known]

    def _value(self, name: str, raw: Raw) -> Any:
        slot = next((slot for slot in self.slots if slot.id == name), None)
        return slot.shape(raw) if slot else to_value(self.layer.field(name), raw, self.zone)

    def changed(self, before: Texts, after: Texts) -> set[str]:
        """The names whose content differs; a name that `after` leaves out is unchanged."""
        return {name for name, raw in after.items() if not self._same(name, before.get(name, ""), raw)}

    def _same(self, name: str, one: Raw, other: Raw) -> bool:
        if one == other:
            return True
        try:
            first, second = self._value(name, one), self._value(name, other)
        except ValueFault:
            return False
        if isinstance(first, list) and isinstance(second, list):
            return set(first) == set(second)
        return bool(first == second)


def to_text(field: Field, value: Any, zone: ZoneInfo) -> Raw:
    """A JSON value as its input holds it."""
    if field.type == "codes":
        return tuple(value or ())
    if value is None:
        return ""
    if field.type == "boolean":
        return "true" if value else "false"
    if field.type == "number":
        return repr(value) if field.decimals is None else format(Decimal(repr(value)), "f")
    return _local_text(str(value), zone) if field.type == "datetime" else str(value)


def to_value(field: Field, raw: Raw, zone: ZoneInfo) -> Any:
    """The JSON value (numbers with decimals exact) that an input's text says; None for a blank.

    ValueFault only for a local time that the clock showed never or twice: everything else is for `schema.check`.
    """
    if isinstance(raw, tuple):
        return [text for text in raw if text]
    text = raw.strip()
    if not text:
        return None
    match field.type:
        case "text":
            return raw.replace("\r\n", "\n").replace("\r", "\n")
        case "boolean":
            return _BOOLEANS.get(text, text)
        case "integer":
            return int(text) if _INTEGER.match(text) else text
        case "number":
            return Decimal(text) if NUMBER.match(text) else text
        case "datetime":
            return _moment(text, zone)
    return text


def _moment(text: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if len(text) <= 10:
            return text
        return (moment if moment.tzinfo else at_clock(moment, zone)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


def at_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment when the clocks of `zone` showed this; ValueFault when they never did, or did twice."""
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise ValueFault("time_skipped", "因夏令时调整，当地没有这个时刻", "the clocks skipped this time")
    raise ValueFault("time_twice", f"因夏令时调整，当地时钟两次指向这个时刻；请写明时差，例如 {first.isoformat()}",
                     f"the clocks showed this time twice; write its offset too, such as {first.isoformat()}")


def _local_text(value: str, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(value).astimezone(zone).replace(microsecond=0)
    except (ValueError, OverflowError):
        return value
    local = moment.replace(tzinfo=None)
    try:
        at_clock(local, zone)
    except ValueFault:
        return moment.isoformat()
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def is_native(kind: str, text: str) -> bool:
    """Whether a browser's input of this kind can hold the text; it would drop any other without a word."""
    if not text:
        return True
    if kind == "number":
        return NUMBER.match(text) is not None
    try:
        if kind == "date":
            return date.fromisoformat(text).isoformat() == text
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return text in (moment.isoformat(timespec="minutes"), moment.isoformat()) and moment.tzinfo is None


def only(texts: Texts, names: Iterable[str]) -> Texts:
    """The texts of these names."""
    wanted = set(names)
    return {name: raw for name, raw in texts.items() if name in wanted}
