"""Instants and intervals against each other, as OGC 21-065 tells them apart; an open end lies beyond all instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, not_, or_

from gisapp.cql2.tree import Node, Span

Clause = ColumnElement[Any]
Ends = tuple[Clause, Clause]


def ends(write: Callable[[Node], Clause], node: Node, together: Sequence[Node]) -> Ends:
    """First and last instant of an argument; days stand for themselves where only days are compared, else they
    last from their first to their last moment (UTC)."""
    days = all(kind == "date" for one in together for kind in _kinds(one))
    first, last = (node.first, node.last) if isinstance(node, Span) else (node, node)
    return _end(write, first, days, last=False), _end(write, last, days, last=True)


def _kinds(node: Node) -> list[str]:
    return [one.kind for one in (node.first, node.last) if one] if isinstance(node, Span) else [node.kind]


def _end(write: Callable[[Node], Clause], node: Node | None, days: bool, *, last: bool) -> Clause:
    if node is None:
        return literal_column(f"'{'' if last else '-'}infinity'::{'date' if days else 'timestamptz'}")
    found = write(node)
    if node.kind != "date" or days:
        return found
    # The session's time zone is UTC.
    start = func.timezone("UTC", found + literal_column("time '00:00'"))
    return start + literal_column("interval '1 day - 1 microsecond'") if last else start


def relation(op: str, one: Ends, two: Ends) -> Clause:
    """The condition of a t_… function."""
    (a0, a1), (b0, b1) = one, two
    apart = or_(a1 < b0, a0 > b1)
    ways: dict[str, Callable[[], Clause]] = {
        "t_after": lambda: a0 > b1, "t_before": lambda: a1 < b0,
        "t_disjoint": lambda: apart, "t_intersects": lambda: not_(apart),
        "t_equals": lambda: and_(a0 == b0, a1 == b1),
        "t_contains": lambda: and_(a0 < b0, a1 > b1), "t_during": lambda: and_(a0 > b0, a1 < b1),
        "t_finishes": lambda: and_(a0 > b0, a1 == b1), "t_finishedby": lambda: and_(a0 < b0, a1 == b1),
        "t_starts": lambda: and_(a0 == b0, a1 < b1), "t_startedby": lambda: and_(a0 == b0, a1 > b1),
        "t_meets": lambda: a1 == b0, "t_metby": lambda: a0 == b1,
        "t_overlaps": lambda: and_(a0 < b0, a1 > b0, a1 < b1),
        "t_overlappedby": lambda: and_(a0 > b0, a0 < b1, a1 > b1),
    }
    return ways[op]()
