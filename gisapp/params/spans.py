"""A stretch of days or moments that a date field is asked to lie in: `2025-01-01/2025-12-31`, `../2025-12-31`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from gisapp.layers import Field
from gisapp.params.faults import invalid
from gisapp.params.times import parse_period


@dataclass(frozen=True)
class Span:
    """Both ends belong to it, None is open; days for a date, UTC moments for a date with time of day."""

    first: date | datetime | None
    last: date | datetime | None

    def __str__(self) -> str:
        return " – ".join(_written(end) for end in (self.first, self.last))


def _written(end: date | datetime | None) -> str:
    if end is None:
        return "…"
    return f"{end:%Y-%m-%d %H:%M}Z" if isinstance(end, datetime) else end.isoformat()


def is_span(field: Field, text: str) -> bool:
    """Whether the text asks a date field for a stretch rather than for one value."""
    return field.type in ("date", "datetime") and "/" in text


def parse_span(field: Field, text: str, name: str) -> Span:
    """The stretch; a day stands for its first and its last moment in UTC. Problem `parameter_invalid` (400)."""
    try:
        if field.type == "datetime":
            return Span(*parse_period(text))
        first, last = (None if part in ("", "..") else date.fromisoformat(part) for part in text.split("/"))
        if (first is None and last is None) or (first and last and first > last):
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise invalid(name, "应为日期区间，例如 2025-01-01/2025-12-31 或 ../2025-12-31",
                      "wants an interval of dates, such as 2025-01-01/2025-12-31 or ../2025-12-31") from error
    return Span(first, last)
