"""Finished tiles are put away after the answer has gone: a reader does not wait for what the next one saves."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from typing import Any
from weakref import ref

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from gisapp.db import Database
from gisapp.sql import stored_tiles as sql_stored_tiles

STORE_BYTES = 512 * 1024 ** 2
#: Every so many made tiles a process clears old ones and merges what writes have added.
TIDY_EVERY = 256
#: Tiles that wait; more are not kept, and made again when asked for.
_WAITING = 64
#: Without work for so long, in seconds, the thread ends and lets go of the database.
_REST_S = 5.0

_log = logging.getLogger(__name__)


class Shelf:
    """Puts tiles of one database away, one after the other, in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self._database = ref(database)
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._made = itertools.count(1)

    def put(self, tile: dict[str, Any]) -> None:
        """Keep a tile soon, or never when too many wait; `tile` is what sql_stored_tiles.STORE binds."""
        try:
            self._waiting.put_nowait(tile)
        except queue.Full:
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="tile shelf", daemon=True)
                self._thread.start()

    def settle(self) -> None:
        """Return when nothing waits."""
        self._waiting.join()

    def _work(self) -> None:
        while True:
            try:
                tile = self._waiting.get(timeout=_REST_S)
            except queue.Empty:
                with self._starting:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            try:
                self._store(tile)
            except (psycopg.Error, SQLAlchemyError) as error:
                _log.warning("a finished tile was not kept: %s", type(error).__name__)
            finally:
                self._waiting.task_done()

    def _store(self, tile: dict[str, Any]) -> None:
        database = self._database()
        if database is None:
            return
        with database.driver() as driver:
            driver.execute(sql_stored_tiles.STORE.encode(), tile)
            if next(self._made) % TIDY_EVERY == 0:
                driver.execute(sql_stored_tiles.EVICT.encode(), {"limit": STORE_BYTES})
                driver.execute(sql_stored_tiles.COMPACT.encode())
