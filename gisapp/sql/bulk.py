"""Very many features at once, by the tables' owner: triggers are replaced by one statement for all rows.

The outcome is that of single inserts: version 1, stamps, territory codes, history, tile counts. Code lists of
list-valued fields are not checked: rows must come from a maker that is tested against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table

from gisapp.layers import Layer
from gisapp.tables import shown_geometry

Driver = psycopg.Connection[Any]
#: From this many rows on, indexes and foreign keys are put aside and made anew: faster than keeping them.
MANY = 50_000
_STAGING = sql.Identifier("gisapp_bulk")
_TERRITORY = ("district_code", "street_code", "community_code", "grid_code", "squadron_code")


def stored_columns(layer: Layer) -> list[str]:
    """The columns that a row of `copy_in` brings, in order: geometries as hexadecimal EWKB (EPSG:4326)."""
    status = ["status"] if layer.states else []
    second = [layer.second_geometry.id] if layer.second_geometry else []
    return ["id", "synthetic", *status, *(field.id for field in layer.fields), "geom", *second]


def copy_in(
    driver: Driver, layer: Layer, tables: tuple[Table, Table], user: str, texts: Iterable[str], many: bool
) -> int:
    """COPY rows (text format, columns of `stored_columns`) into a layer, with all that belongs to a write.

    In the driver's current transaction; `tables` are the layer's table and its history, `many` says that
    there are about MANY rows or more. Returns how many came in. Raises psycopg.Error, and then nothing stays.
    """
    table, history = tables
    _session(driver, user)
    _stage(driver, table, stored_columns(layer), texts)
    with _without_triggers(driver, table), _without_indexes(driver, [table, history] if many else []):
        count = _move(driver, layer, table)
        _remember(driver, table, history)
    driver.execute("SELECT gisapp.rebuild_tiles(%s)", [layer.id])
    for name in (table, history):
        driver.execute(sql.SQL("ANALYZE {}").format(_named(name)))
    driver.execute(sql.SQL("DROP TABLE {}").format(_STAGING))
    return count


def tidy(driver: Driver, tables: Sequence[Table]) -> None:
    """VACUUM, so that index-only reads work at once; outside a transaction (autocommit)."""
    for table in tables:
        driver.execute(sql.SQL("VACUUM (ANALYZE) {}").format(_named(table)))


def _named(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema or "layers", table.name)


def _session(driver: Driver, user: str) -> None:
    driver.execute("SELECT set_config('gisapp.user', %s, true)", [user])
    for setting, value in (("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
                           ("maintenance_work_mem", "512MB"), ("work_mem", "256MB"), ("synchronous_commit", "off")):
        driver.execute("SELECT set_config(%s, %s, true)", [setting, value])


def _stage(driver: Driver, table: Table, columns: list[str], texts: Iterable[str]) -> None:
    """The rows as they come, in a temporary table."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    driver.execute(sql.SQL("CREATE TEMP TABLE {} AS SELECT {} FROM {} WITH NO DATA").format(
        _STAGING, names, _named(table)))
    with driver.cursor() as cursor, cursor.copy(
            sql.SQL("COPY {} ({}) FROM STDIN").format(_STAGING, names)) as copy:
        for text in texts:
            copy.write(text)
    driver.execute(sql.SQL("ANALYZE {}").format(_STAGING))


@contextmanager
def _without_triggers(driver: Driver, table: Table) -> Iterator[None]:
    driver.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(_named(table)))
    # What follows from the shape is no business of the maker's.
    driver.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER b4_shape").format(_named(table)))
    yield
    driver.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(_named(table)))


@contextmanager
def _without_indexes(driver: Driver, tables: Sequence[Table]) -> Iterator[None]:
    """Foreign keys and all indexes but those of the keys put aside, and made again as they were."""
    again: list[sql.Composed] = []
    for table in tables:
        again += _put_aside(driver, table)
    yield
    for statement in again:
        driver.execute(statement)


def _put_aside(driver: Driver, table: Table) -> list[sql.Composed]:
    where = [f"{table.schema}.{table.name}"]
    keys = driver.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('f', 'u') ORDER BY contype DESC, conname", where).fetchall()
    again: list[sql.Composed] = []
    for name, definition in keys:
        driver.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(_named(table), sql.Identifier(name)))
        again.append(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            _named(table), sql.Identifier(name), sql.SQL(definition)))
    indexes = driver.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i"
        " WHERE i.indrelid = %s::regclass AND NOT i.indisprimary ORDER BY 1", where).fetchall()
    for name, definition in indexes:
        driver.execute(sql.SQL("DROP INDEX {}").format(sql.SQL(name)))
        again.append(sql.Composed([sql.SQL(definition)]))
    return again


def _move(driver: Driver, layer: Layer, table: Table) -> int:
    """From the staging table into the layer's, in spatial order (PostGIS sorts geometry along a Hilbert curve)."""
    columns = stored_columns(layer)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    values = sql.SQL(", ").join(sql.SQL("s.") + sql.Identifier(name) for name in columns)
    shown = sql.SQL(shown_geometry(layer))
    codes = sql.SQL(", ").join(map(sql.Identifier, _TERRITORY)) if layer.assigned else None
    statement = sql.SQL("INSERT INTO {} ({}, version, created_by, updated_by{}) SELECT {}, 1, "
                        "gisapp.acting_user(), gisapp.acting_user(){} FROM (SELECT *, {} AS shown FROM {}) AS s {} "
                        "ORDER BY s.shown, s.id").format(
        _named(table), names, sql.SQL(", ") + codes if codes else sql.SQL(""), values,
        sql.SQL(", t.") + sql.SQL(", t.").join(map(sql.Identifier, _TERRITORY)) if codes else sql.SQL(""),
        shown, _STAGING, _territory(driver) if codes else sql.SQL(""))
    return driver.execute(statement).rowcount


def _territory(driver: Driver) -> sql.SQL:
    """Joins each row's territory codes. Within the demo's own boundaries a grid's code begins with the codes
    of all that it lies in, so one look-up does for five; beside other boundaries each is looked up."""
    own = driver.execute(
        "SELECT bool_and(synthetic) FROM (SELECT synthetic FROM layers.districts UNION ALL SELECT synthetic FROM"
        " layers.streets UNION ALL SELECT synthetic FROM layers.communities UNION ALL SELECT synthetic FROM"
        " layers.unit_grids UNION ALL SELECT synthetic FROM layers.squadron_territories) AS q").fetchone()
    if own is None or not own[0]:
        return sql.SQL("CROSS JOIN LATERAL gisapp.territory(gisapp.place_of(s.shown)) AS t")
    return sql.SQL(
        "CROSS JOIN LATERAL (SELECT min(g.code) AS grid_code, left(min(g.code), 6) AS district_code,"
        " left(min(g.code), 9) AS street_code, left(min(g.code), 12) AS community_code,"
        " 'ZD' || left(min(g.code), 9) AS squadron_code FROM layers.unit_grids AS g,"
        " (SELECT gisapp.place_of(s.shown) AS place OFFSET 0) AS p WHERE ST_Covers(g.geom, p.place)) AS t")


def _remember(driver: Driver, table: Table, history: Table) -> None:
    """The first version of every row that came in, for history."""
    kept = [column.name for column in table.columns if column.name != "geom_3857"]
    names = sql.SQL(", ").join(map(sql.Identifier, kept))
    values = sql.SQL(", ").join(sql.SQL("r.") + sql.Identifier(name) for name in kept)
    driver.execute(sql.SQL(
        "INSERT INTO {} ({}, changed_by, request_id, db_user, operation, valid_from, valid_to)"
        " SELECT {}, gisapp.acting_user(), NULL, session_user, 'insert', now(), 'infinity'"
        " FROM {} AS r JOIN {} AS s USING (id)").format(_named(history), names, values, _named(table), _STAGING))
