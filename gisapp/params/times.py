"""Instants and periods out of text: RFC 3339, in UTC, a day standing for its first or its last moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from gisapp.params.faults import invalid

Period = tuple[datetime | None, datetime | None]


def parse_as_of(text: str | None) -> datetime | None:
    """The moment of `as_of=`, RFC 3339; a day stands for its end."""
    try:
        return None if text is None else _end(text)
    except (ValueError, OverflowError):
        raise invalid("as_of", "应为 RFC 3339 时间", "wants an RFC 3339 instant") from None


def parse_instant(text: str) -> datetime:
    """An RFC 3339 date-time in UTC; a time without zone is taken as UTC. ValueError otherwise."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def parse_period(text: str) -> Period:
    """`2024-01-01/2024-06-30`, `../2024-06-30T12:00:00Z`, or one instant or day; both ends belong to it."""
    parts = text.split("/")
    try:
        if len(parts) == 1:
            return _start(parts[0]), _end(parts[0])
        if len(parts) != 2:
            raise ValueError(text)
        first, last = (None if part in ("", "..") else part for part in parts)
        period = (_start(first) if first else None, _end(last) if last else None)
        if period[0] and period[1] and period[0] > period[1]:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise invalid("datetime", "应为 RFC 3339 时间或区间", "wants an RFC 3339 instant or interval") from None
    return period


def _start(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC) if len(text) == 10 else parse_instant(text)


def _end(text: str) -> datetime:
    last = timedelta(days=1) - timedelta(microseconds=1)
    return _start(text) + last if len(text) == 10 else parse_instant(text)
