"""Rows in bulk: COPY into a layer's table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table


def copy_rows(driver: psycopg.Connection[Any], table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """COPY rows into the table inside the current transaction and return their number.

    Every row has the same keys, which are columns of the table; a geometry is EWKB bytes.
    """
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return 0
    names = list(first)
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN").format(
        sql.Identifier(table.schema or "layers"), sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)))
    geometries = {name for name in names if type(table.c[name].type).__name__ == "Geometry"}
    count = 0
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in _all(first, remaining):
            copy.write_row([_field(row[name], name in geometries) for name in names])
            count += 1
    return count


def _all(first: dict[str, Any], rest: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    yield first
    yield from rest


def _field(value: Any, geometry: bool) -> Any:
    """PostGIS reads a geometry as hexadecimal EWKB."""
    return value.hex() if geometry and value is not None else value
