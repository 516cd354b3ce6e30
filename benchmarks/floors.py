"""The least that an import of the same rows must do here, to hold the goals against: no check, no proof, no history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from gisapp.cluster import Cluster

#: Does a work; seconds by the clock and of processor.
Timed = Callable[[Cluster, Callable[[], Any]], tuple[float, float]]
_TABLES = {"one bare table": ("record",), "bare tables of records and history": ("now", "past"),
           "a table with the layer's indexes, but for that of tiles": ("kept",)}
_CHUNK = 1 << 20


def floors(cluster: Cluster, folder: Path, layer_id: str, number: UUID, timed: Timed
           ) -> Iterator[tuple[str, tuple[float, float]]]:
    """What was done with the rows of a checked import, with seconds by the clock and of processor."""
    stage = sql.Identifier("staging", f"i_{number.hex}")
    ready = folder / "ready.copy"
    with psycopg.connect(cluster.superuser_url, autocommit=True) as link:
        names = [name for (name,) in link.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attname NOT LIKE '\\_%%'"
            " ORDER BY attnum", [f"staging.i_{number.hex}"])]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        _bare(link, stage, columns, layer_id)
        _written(link, stage, columns, ready)
        yield "COPY of ready rows, one R-tree", timed(cluster, lambda: _copied(link, ready))
        for name, tables in _TABLES.items():
            yield f"INSERT of the stage into {name}", timed(cluster, partial(_inserted, link, stage, columns, tables))
        link.execute("DROP SCHEMA floor CASCADE")
    ready.unlink()


def _bare(link: psycopg.Connection[Any], stage: sql.Identifier, columns: sql.Composed, layer_id: str) -> None:
    """Tables without indexes, constraints and triggers: of the stage's columns, of the layer's and of its history's."""
    link.execute("DROP SCHEMA IF EXISTS floor CASCADE")
    link.execute("CREATE SCHEMA floor")
    link.execute(sql.SQL("CREATE TABLE floor.copied AS SELECT {} FROM {} WITH NO DATA").format(columns, stage))
    for name, model in (("record", layer_id), ("now", layer_id), ("past", f"{layer_id}_history")):
        link.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM {} WITH NO DATA").format(
            sql.Identifier("floor", name), sql.Identifier("layers", model)))
    link.execute(sql.SQL("CREATE TABLE floor.kept (LIKE {} INCLUDING DEFAULTS INCLUDING INDEXES)").format(
        sql.Identifier("layers", layer_id)))
    link.execute("ALTER TABLE floor.kept ALTER synthetic DROP NOT NULL")


def _written(link: psycopg.Connection[Any], stage: sql.Identifier, columns: sql.Composed, path: Path) -> None:
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT binary)").format(columns, stage)
    with path.open("wb") as file, link.cursor().copy(statement) as copy:
        for block in copy:
            file.write(block)


def _copied(link: psycopg.Connection[Any], path: Path) -> None:
    with path.open("rb") as file, link.cursor().copy("COPY floor.copied FROM STDIN (FORMAT binary)") as copy:
        while block := file.read(_CHUNK):
            copy.write(block)
    link.execute("CREATE INDEX ON floor.copied USING gist (geom)")


def _inserted(link: psycopg.Connection[Any], stage: sql.Identifier, columns: sql.Composed,
              tables: tuple[str, ...]) -> None:
    for table in tables:
        link.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            sql.Identifier("floor", table), columns, columns, stage))
