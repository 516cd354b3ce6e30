"""Very many rows enter their layer with both hands: a connection of its own makes parts of them ready, while the
transaction of the import lets those enter that are. Only that transaction writes what anybody else can see."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from uuid import UUID

from sqlalchemy import Connection, Table
from sqlalchemy.exc import SQLAlchemyError

from gisapp.house import House
from gisapp.imports import READ
from gisapp.layers import Layer
from gisapp.sql import imports as sql_imports, ready as sql_ready, take_in as sql_take_in


def enter(house: House, connection: Connection, layer: Layer, table: Table, stage: Table, names: Sequence[str],
          number: UUID, rows: int) -> int:
    """New features from the rows of a stage that are to be inserted, about so many; how many they were. `names` are
    the columns that the stage brings. What it raises means that nothing may enter."""
    parts = sql_ready.parts(connection, stage)
    if rows < sql_take_in.MANY or parts < 2 or not sql_ready.hold(connection, layer, number):
        return sql_take_in.enter(connection, layer, table, stage, names, number, rows)
    count = 0
    with _Making(house, layer, number, names, parts) as making:
        for part in making.ready():
            count += sql_ready.enter(connection, layer, number, part)
    sql_ready.end(connection, layer, number)
    return count


def tidy(house: House, number: UUID) -> None:
    """Drop what is left of an attempt that failed, after its transaction, unless another one is at it. What cannot be
    dropped now is dropped with the stage, or by the next attempt."""
    with suppress(SQLAlchemyError), house.db.begin("") as connection:
        if sql_imports.hold(connection, number) is not None:
            sql_ready.drop(connection, number)


class _Making:
    """The connection that makes parts ready, in a thread of its own; it is through or stopped on leaving."""

    def __init__(self, house: House, layer: Layer, number: UUID, names: Sequence[str], parts: int) -> None:
        self._house, self._layer, self._number, self._names, self._parts = house, layer, number, names, parts
        self._done: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> _Making:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop.set()
        while self._thread.is_alive():
            if error is not None:
                self._interrupt()
            self._thread.join(1.0)

    def _interrupt(self) -> None:
        with suppress(SQLAlchemyError), self._house.db.beside() as connection:
            sql_imports.interrupt(connection, self._number, for_good=False)

    def ready(self) -> Iterator[int]:
        """The numbers of parts as they become ready, until all are and are counted. Raises what went wrong."""
        while (done := self._done.get()) is not None:
            if isinstance(done, BaseException):
                raise done
            yield done

    def _work(self) -> None:
        try:
            with self._house.db.beside() as connection:
                sql_imports.no_hurry(connection, READ.seconds, self._number, for_session=True)
                self._make(connection)
            self._done.put(None)
        except BaseException as error:  # raised where the parts are waited for
            self._done.put(error)

    def _make(self, connection: Connection) -> None:
        sql_ready.begin(connection, self._layer, self._number)
        for part in range(self._parts):
            if self._stop.is_set():
                return
            sql_ready.make(connection, self._layer, self._number, self._names, part)
            self._done.put(part)
        sql_ready.count(connection, self._layer, self._number)
