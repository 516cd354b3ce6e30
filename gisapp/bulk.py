"""Rows in bulk: COPY into a layer's table, and out of the house."""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection, Select, Table

#: Bytes of COPY's head (signature, flags, length of more), and of what tells the end.
_HEAD, _END = 19, 2
#: A block of rows is handed on when it has so many rows or bytes.
BLOCK_ROWS, BLOCK_BYTES = 4096, 2**21


@dataclass(frozen=True)
class Block:
    """Rows as binary COPY tells them, end to end in `data`; how long each is. The last row only tells the end."""

    data: bytearray
    lengths: list[int]


def copy_out(connection: Connection, statement: Select[Any]) -> Iterator[Block]:
    """The rows of a statement as PostgreSQL's binary COPY tells them, without its head (gisapp.formats.copied reads
    them). Values are bound by the driver: COPY takes none of the server's own parameters."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101  (told to mypy)
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    values = dict(compiled.params)
    text = str(compiled) if values else str(compiled).replace("%%", "%")
    with driver.cursor() as cursor:
        cursor.adapters.register_dumper(int, _Whole)
        yield from _copied(cursor, f"COPY ({text}) TO STDOUT (FORMAT binary)", values)


class _Whole(Dumper):
    """A whole number between parentheses: -9223372036854775808::bigint is the opposite of a number beyond bigint."""

    def dump(self, obj: int) -> bytes:
        return b"%d" % obj

    def quote(self, obj: int) -> bytes:
        return b"(%d)" % obj


def _copied(cursor: psycopg.Cursor[Any], statement: str, values: Mapping[str, Any]) -> Iterator[Block]:
    with cursor.copy(statement.encode(), values) as copy:
        first = bytes(copy.read())
        head = _HEAD + int.from_bytes(first[_HEAD - 4:_HEAD], "big")
        yield from _blocks(cursor.connection.pgconn, Block(bytearray(first[head:]), [len(first) - head]))
        copy.read()  # the end of the statement


def _blocks(pgconn: PGconn, block: Block) -> Iterator[Block]:
    """What follows in a COPY up to its end, in blocks; the driver's own loop takes three times as long for each row.

    Copied at once: thousands of messages kept would each lie somewhere else in memory.
    """
    readable = select.poll()
    readable.register(pgconn.socket, select.POLLIN)
    data, lengths = block.data, block.lengths
    while lengths[-1:] != [_END]:
        if len(lengths) >= BLOCK_ROWS or len(data) > BLOCK_BYTES:
            yield Block(data, lengths)
            data, lengths = bytearray(), []
        length, message = pgconn.get_copy_data(1)
        if length > 0:
            data += message
            lengths.append(length)
        elif length == 0:
            readable.poll()
            pgconn.consume_input()
        else:
            raise _failure(pgconn)
    yield Block(data, lengths)


def _failure(pgconn: PGconn) -> psycopg.Error:
    """Why the COPY ended early; all that the server said is taken in, so that the connection can be used again."""
    told = []
    while (result := pgconn.get_result()) is not None:
        told.append(result)
    return error_from_result(told[0]) if told else psycopg.OperationalError("COPY ended early")


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
