"""How a value of a file becomes what a field takes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gisapp.formats.crosswalk import translate
from gisapp.formats.names import plain, suggest, targets
from gisapp.formats.units import without_unit
from gisapp.layers import Catalogue, CodeList, Field, Layer

__all__ = ["Chosen", "Converter", "parse_uuid", "suggest", "targets"]

#: Day 0 of spreadsheets that take 1900 for a leap year, as all do.
_EPOCH = date(1899, 12, 30)
#: Field → code value as the file has it → code, None for no value.
Chosen = Mapping[str, Mapping[str, str | None]]

_TRUE = frozenset({"1", "true", "t", "yes", "y", "是", "有", "对"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "否", "无", "错"})
_HALF = "上午|下午|AM|PM"
#: Eight digits, or three numbers apart; what follows may be a time and nothing else: 2024-01-02 to 2024-03-01 is none.
_DATE = re.compile(r"(?:(\d{4})(\d{2})(\d{2})|(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?)"
                   rf"(?=\Z|(?:[T\s]\s*|(?<=[日号]))(?:{_HALF})?\s*\d{{1,2}}[:时])", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
#: All that may follow a day: of what is passed over, an afternoon or an offset would change the moment.
_TIME = re.compile(rf"[T\s]*(?P<before>{_HALF})?\s*(?P<hour>\d{{1,2}})[:时](?P<minute>\d{{2}})分?"
                   rf"(?::?(?P<second>\d{{2}})(?:[.,](?P<part>\d{{1,18}}))?秒?)?\s*(?P<after>{_HALF})?\s*"
                   r"(?P<utc>Z|UTC|GMT)?\s*(?:(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?)?", re.IGNORECASE)
#: How a ledger says that there is no value, where a number or a day should stand.
_NONE = frozenset({"-", "--", "—", "——", "/", "\\", "无", "空", "null", "<null>", "<空>", "none", "n/a", "#n/a", "nil"})
#: A day as spreadsheets count it, from 1954 to 2064: what is left of a date whose format was lost.
_SERIAL = re.compile(r"([2-5]\d{4})(?:\.0+)?")
_PARTING = re.compile(r"[;；,，、|]")


class Converter:
    """Values of a file to values that `schema.check` takes; what cannot be made sense of goes on as it is."""

    def __init__(self, layer: Layer, catalogue: Catalogue, zone: ZoneInfo, chosen: Chosen | None = None, *,
                 of_sheet: bool = False) -> None:
        """`chosen` says by field what a person made of code values that nobody knows: a code, or None for no value.
        `of_sheet`: the file is a spreadsheet, or may have been one."""
        self.of_sheet = of_sheet
        self._zone = zone
        self._lists = catalogue.codelists
        self._fields = {name: field for name, field in targets(layer).items() if field is not None}
        self._codes = {field.codelist: _code_names(catalogue.codelists[field.codelist])
                       for field in self._fields.values() if field.codelist}
        self._chosen = {name: {plain(word): code for word, code in words.items()}
                        for name, words in (chosen or {}).items()}

    def convert(self, target: str, value: Any) -> Any:
        """The value for the field `target`; texts lose the spaces around them, and empty ones are no value."""
        if isinstance(value, str):
            value = value.strip() or None
        if value is None:
            return None
        field = self._fields[target]
        by_type = {"text": _text, "integer": _number, "number": _number, "boolean": _boolean,
                   "date": self._date, "datetime": self._datetime}
        if field.type in ("code", "codes"):
            return self._code(field, value)
        if field.unit and isinstance(value, str):
            value = without_unit(value, field.unit)
        return by_type[field.type](value)

    def _code(self, field: Field, value: Any) -> Any:
        if field.type == "code":
            return self._known(field, _text(value))
        parts = value if isinstance(value, list) else _PARTING.split(_text(value))
        found = [self._known(field, _text(part)) for part in parts if _text(part).strip()]
        return [code for code in found if code is not None]

    def _known(self, field: Field, word: str) -> str | None:
        """The code that a word stands for: as a person chose, by code or title, or by the standards' crosswalk."""
        chosen, key = self._chosen.get(field.id, {}), plain(word)
        if key in chosen:
            return chosen[key]
        codes = self._lists[field.codelist or ""]
        return self._codes[field.codelist or ""].get(key) or translate(word, codes) or word.strip()

    def _datetime(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=self._zone)).isoformat()
        if _half(str(value)).casefold() in _NONE:
            return None
        moment = _moment(str(value), self._zone)
        return moment.isoformat() if moment else value

    def _date(self, value: Any) -> Any:
        """The day of the house's calendar: an instant told in another zone may be on the next one here."""
        if isinstance(value, datetime):
            return (value.astimezone(self._zone) if value.tzinfo else value).date().isoformat()
        if isinstance(value, date):
            return value.isoformat()
        text = _half(_text(value))
        if text == "00000000" or text.casefold() in _NONE:
            return None  # how a .dbf writes no date
        serial = _SERIAL.fullmatch(text)
        if serial:
            return (_EPOCH + timedelta(days=int(serial[1]))).isoformat()
        moment = _moment(text, self._zone)
        return _day_here(moment, self._zone) if moment else value


def _code_names(codes: CodeList) -> dict[str, str]:
    """Code by code, by either title, and by a number that lost its leading zeros."""
    known: dict[str, str] = {}
    for code in codes.codes:
        for name in (code.id, code.title.zh, code.title.en, code.id.lstrip("0") if code.id.isdigit() else code.id):
            known.setdefault(plain(name), code.id)
    return known


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _half(value)
    if not text.strip("*") or text.casefold() in _NONE:
        return None  # how a .dbf writes a number that it has no room for, and programs write none
    if "_" in text or ("," in text and not _GROUPED.fullmatch(text)):
        return value  # 12,5 is twelve and a half to some and a slip to others, never 125
    plain = text.replace(",", "")
    try:
        number = float(plain)
    except ValueError:
        return value
    if isfinite(number) and Decimal(plain) != Decimal(repr(number)):  # more digits than a double tells apart
        return int(plain) if plain.lstrip("+-").isdecimal() else Decimal(plain)
    return int(number) if number.is_integer() and abs(number) < 2**53 and "." not in text else number


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    word = _half(_text(value)).casefold()
    if word == "?":
        return None  # how a .dbf writes that nobody knows
    return True if word in _TRUE else False if word in _FALSE else None if word in _NONE else value


def _day_here(moment: datetime, zone: ZoneInfo) -> str:
    try:
        return moment.astimezone(zone).date().isoformat()
    except OverflowError:  # the last hours of the year 9999
        return moment.date().isoformat()


def _half(text: str) -> str:
    """Digits and signs of full width, as Chinese keyboards give them, as plain ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _iso(match: re.Match[str]) -> str | None:
    try:
        return date(*(int(part) for part in match.groups() if part)).isoformat()
    except ValueError:
        return None


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """An instant out of a text such as 2024-11-13 08:30:00, in the house's zone unless it names one; None where
    anything of the text is not understood."""
    text = _half(text)
    day = _DATE.match(text)
    iso = _iso(day) if day else None
    clock = _TIME.fullmatch(text, day.end()) if day else None
    if iso is None or day is None or (clock is None and text[day.end():].strip()):
        return None
    try:
        return _at(date.fromisoformat(iso), clock, zone)
    except ValueError:
        return None


def _at(day: date, clock: re.Match[str] | None, zone: ZoneInfo) -> datetime:
    """ValueError where the clock tells what no clock does."""
    if clock is None:
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    part = (clock["part"] or "")[:6].ljust(6, "0")
    return datetime(day.year, day.month, day.day, _hour(clock), int(clock["minute"]), int(clock["second"] or 0),
                    int(part), tzinfo=_zone_of(clock) or zone)


def _hour(clock: re.Match[str]) -> int:
    hour, half = int(clock["hour"]), (clock["before"] or clock["after"] or "").upper()
    if half in ("PM", "下午") and hour < 12:
        return hour + 12
    return 0 if half in ("AM", "上午") and hour == 12 else hour


def _zone_of(clock: re.Match[str]) -> tzinfo | None:
    if clock["sign"]:
        far = timedelta(hours=int(clock["hours"]), minutes=int(clock["minutes"] or 0))
        return timezone(far if clock["sign"] == "+" else -far)
    return UTC if clock["utc"] else None


def parse_uuid(value: Any) -> UUID | None:
    """The id in a cell, or None when it is none."""
    try:
        return UUID(str(value).strip())
    except ValueError:
        return None
