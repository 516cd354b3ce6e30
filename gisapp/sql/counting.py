"""How many features answer a question, as the planner reckons: for answers too many to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg


def estimate(driver: psycopg.Connection[Any], statement: str, values: Mapping[str, Any]) -> int:
    """How many rows the planner expects of a statement."""
    with driver.cursor() as cursor:
        row = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode(), values).fetchone()
    assert row  # noqa: S101  (told to mypy)
    return int(row[0][0]["Plan"]["Plan Rows"])
