"""Few connections for sentences that find rows by a key or in a small place and are asked hundreds of times a second.

Their plans are made once: for these any plan is the right one, and planning anew takes longer than looking up.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from time import monotonic
from typing import Any

import psycopg
from psycopg.types.string import ByteaBinaryLoader

#: A statement takes a fraction of a millisecond: more connections would only wait for the processor.
CONNECTIONS = 2
_WAIT_S = 20.0
#: A connection that rested this long, in seconds, is tried before it is used.
_REST_S = 2.0
#: Sentences that a connection keeps the plans of: those of a page of features are large.
_MOST_PREPARED = 24
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")


@lru_cache(maxsize=128)
def _numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The sentence with $1, $2 in place of %(name)s, and the names in that order. psycopg's own translation is
    remembered for short sentences only and takes longer than looking up."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}" if found[1] else "%"

    return _PLACEHOLDER.sub(number, text).encode(), tuple(names)


class Lookups:
    """Connections to one database, opened when first needed; `settings` are words of libpq's `options`."""

    def __init__(self, address: str, settings: str, connections: int = CONNECTIONS) -> None:
        self._many = connections
        self._address = address
        self._settings = f"{settings} -c plan_cache_mode=force_generic_plan"
        self._free: queue.LifoQueue[tuple[psycopg.Connection[Any] | None, float]] = queue.LifoQueue()
        for _ in range(connections):
            self._free.put((None, 0.0))

    def one(self, statement: bytes, values: Mapping[str, Any]) -> Any:
        """The first row, else None, of a statement of our own. Raises psycopg.Error; queue.Empty when all are busy
        for long."""
        with self._taken() as driver, driver.cursor(binary=True) as cursor:
            return cursor.execute(statement, values, prepare=True).fetchone()

    def rows(self, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows, texts as bytes; raises as `one` does."""
        text, names = _numbered(statement)
        with self._taken() as driver, psycopg.RawCursor(driver) as cursor:
            cursor.adapters.register_loader("text", ByteaBinaryLoader)
            return cursor.execute(text, [values[name] for name in names], prepare=True, binary=True).fetchall()

    @contextmanager
    def _taken(self) -> Iterator[psycopg.Connection[Any]]:
        driver, used_at = self._free.get(timeout=_WAIT_S)
        try:
            driver = self._ready(driver, used_at)
            yield driver
        finally:
            whole = driver is not None and not driver.closed and not driver.broken
            self._free.put((driver if whole else None, monotonic()))

    def _ready(self, driver: psycopg.Connection[Any] | None, used_at: float) -> psycopg.Connection[Any]:
        if driver is not None and monotonic() - used_at > _REST_S:
            try:
                driver.execute("")
            except psycopg.Error:
                driver.close()
                driver = None
        if driver is None:
            driver = psycopg.connect(self._address, autocommit=True, connect_timeout=10, options=self._settings)
            driver.prepared_max = _MOST_PREPARED
        return driver

    def close(self) -> None:
        """Close every connection; waits for those in use."""
        taken = [self._free.get(timeout=_WAIT_S) for _ in range(self._many)]
        for driver, _used_at in taken:
            if driver is not None:
                driver.close()
            self._free.put((None, 0.0))
