"""Rules that a layer file names: Python behaviour, reached by name, run inside the writing transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.sql import overlapping_feature

Rule = Callable[[Connection, Layer, Any, UUID], None]


def no_overlap(connection: Connection, layer: Layer, table: Any, feature_id: UUID) -> None:
    """The areas of a layer share borders only. Raises `rule_broken` (422) naming one that is overlapped."""
    other = connection.execute(overlapping_feature(table, feature_id)).scalar()
    if other is not None:
        raise Problem("rule_broken", rule="no_overlap", reason=f"overlaps {layer.title.en} {other}")


RULES: dict[str, Rule] = {"no_overlap": no_overlap}
