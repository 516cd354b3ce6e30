"""Rules that a layer file names: Python behaviour, reached by name, run inside the writing transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.sql.marking import lock_rules, outside_territory, overlapping_feature

#: Judges the stored shape of a feature, or the EWKB that is given in its place (None: the stored one).
Rule = Callable[[Connection, Layer, Any, UUID, bytes | None], None]


def no_overlap(connection: Connection, layer: Layer, table: Any, feature_id: UUID, shape: bytes | None = None) -> None:
    """The areas of a layer share borders only (2 cm are rounding). Raises `rule_broken` (422) naming one that is
    overlapped."""
    row = connection.execute(overlapping_feature(layer, table, feature_id, shape)).first()
    if row is not None:
        raise _broken("no_overlap", f"与“{row.title}”重叠 / overlaps “{row.title}”", row.point, str(row.id))


def inside_territory(connection: Connection, layer: Layer, table: Any, feature_id: UUID,
                     shape: bytes | None = None) -> None:
    """The whole feature lies inside the squadron territory of its representative point. Raises `rule_broken` (422)."""
    point = connection.execute(outside_territory(layer, table, feature_id, shape)).scalar()
    if point is not None:
        raise _broken("inside_territory", "超出中队辖区 / reaches beyond the squadron territory", point)


def _broken(rule: str, reason: str, point: str, other: str | None = None) -> Problem:
    more: dict[str, Any] = {"rule": rule, "point": json.loads(point)}
    return Problem("rule_broken", rule=rule, reason=reason, more=more | ({"other": other} if other else {}))


def one_at_a_time(connection: Connection, layer: Layer) -> None:
    """Wait until nobody else writes to a layer with rules; taken first of all locks, so that nobody waits in a ring."""
    if layer.rules:
        connection.execute(lock_rules(layer))


def require_rules(connection: Connection, layer: Layer, table: Any, feature_id: UUID) -> None:
    """Every rule that the layer names, on what is stored of the feature."""
    one_at_a_time(connection, layer)
    for rule in layer.rules:
        RULES[rule](connection, layer, table, feature_id, None)


def breaches(connection: Connection, layer: Layer, table: Any, feature_id: UUID, shape: bytes) -> list[Problem]:
    """What a shape (EWKB) that is not stored would break."""
    found = []
    for rule in layer.rules:
        try:
            RULES[rule](connection, layer, table, feature_id, shape)
        except Problem as problem:
            found.append(problem)
    return found


RULES: dict[str, Rule] = {"no_overlap": no_overlap, "inside_territory": inside_territory}
