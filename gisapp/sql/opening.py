"""When a thing is open: weekdays, time slots that may run past midnight, a season; all on the clock of the city.

A slot belongs to the day on which it begins: at one in the morning of a Tuesday, Monday's slot may still be open.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from gisapp.cql2.calls import opening_fields
from gisapp.cql2.tree import Related

if TYPE_CHECKING:
    from gisapp.sql.cql2 import Writer

Clause = ColumnElement[Any]
ZONE = "time_zone"
_SLOT = r"([01]?\d|2[0-4])[:：]([0-5]\d)\s*[-–—~～至]\s*([01]?\d|2[0-4])[:：]([0-5]\d)"
_DAY_MINUTES = 24 * 60


def write(writer: Writer, node: Related) -> Clause:
    """The SQL of open_days, open_now, today and month_start."""
    if node.kind == "date":
        return _day(node, cast(_local(writer, None), Date))
    days, slots, first, last = opening_fields(writer.layer)
    table = writer.table
    asked = _Opening(*(table.c[name] if name else None for name in (days, slots, first, last)))
    if node.function == "open_days":
        return or_(*(asked.on_day(day) for day in node.values))
    return asked.at(_local(writer, node.values[0] if node.values else None))


def _local(writer: Writer, moment: datetime | None) -> Clause:
    """A moment on the city's clock; that of the question without one."""
    source = next(iter(writer.table.c.id.base_columns)).table
    zone = source.metadata.info.get(ZONE, "UTC")
    moment = moment or writer.as_of
    return func.timezone(zone, literal(moment, DateTime(timezone=True)) if moment else func.now(), type_=DateTime())


def _day(node: Related, today: Clause) -> Clause:
    if node.function == "today":
        return cast(today + literal(node.values[0], Integer), Date)
    start = func.date_trunc("month", today, type_=DateTime())
    return cast(start + func.make_interval(0, node.values[0]), Date)


class _Opening:
    """The columns of one layer; None where it has none."""

    def __init__(self, days: Clause | None, slots: Clause | None, first: Clause | None, last: Clause | None) -> None:
        self.days, self.slots, self.first, self.last = days, slots, first, last

    def on_day(self, day: date | str) -> Clause:
        """Open at some time of a day, or of a weekday in general."""
        if isinstance(day, str):
            return self._weekday(literal(day, Text))
        return and_(self._weekday(literal(str(day.isoweekday()), Text)), self._season(literal(day, Date)))

    def _weekday(self, day: Clause) -> Clause:
        if self.days is None:
            return literal(True)
        return or_(self.days.is_(None), func.cardinality(self.days) == 0, day == func.any(self.days))

    def _season(self, day: Clause) -> Clause:
        if self.first is None or self.last is None:
            return literal(True)
        return and_(or_(self.first.is_(None), self.first <= day), or_(self.last.is_(None), self.last >= day))

    def at(self, local: Clause) -> Clause:
        """Open at a moment of the city's clock."""
        today = cast(local, Date)
        minute = cast(func.extract("hour", local) * 60 + func.extract("minute", local), Integer)
        all_day = self._on(today)
        if self.slots is None:
            return all_day
        yesterday = today - literal_column("1")
        return or_(
            and_(func.coalesce(func.btrim(self.slots), "") == "", all_day),
            and_(self._slot(minute, late=False), all_day),
            and_(self._slot(minute, late=True), self._on(cast(yesterday, Date))))

    def _on(self, day: Clause) -> Clause:
        return and_(self._weekday(cast(func.extract("isodow", day), Text)), self._season(day))

    def _slot(self, minute: Clause, *, late: bool) -> Clause:
        """Whether a slot holds the minute: of today, or (`late`) the part of yesterday's that is after midnight."""
        slots = func.regexp_matches(self.slots, _SLOT, "g").table_valued(column("part", ARRAY(Text)))
        found = slots.render_derived(name="slot")
        parts = [cast(func.coalesce(literal_column(f"(slot.part)[{n}]"), "0"), Integer) for n in (1, 2, 3, 4)]
        start, end = parts[0] * 60 + parts[1], parts[2] * 60 + parts[3]
        past_midnight = end <= start
        inside = and_(past_midnight, minute < end) if late else and_(
            minute >= start, case((past_midnight, _DAY_MINUTES), else_=end) > minute)
        return select(literal(1)).select_from(found).where(inside).exists()
