"""Few connections for sentences that find rows by their keys and are asked hundreds of times a second.

Their plans are made once: for a key any plan is the right one, and planning anew takes longer than looking up.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from time import monotonic
from typing import Any

import psycopg

#: A statement takes a fraction of a millisecond: more connections would only wait for the processor.
CONNECTIONS = 2
_WAIT_S = 20.0
#: A connection that rested this long, in seconds, is tried before it is used.
_REST_S = 2.0


class Lookups:
    """Connections to one database, opened when first needed; `settings` are words of libpq's `options`."""

    def __init__(self, address: str, settings: str) -> None:
        self._address = address
        self._settings = f"{settings} -c plan_cache_mode=force_generic_plan"
        self._free: queue.LifoQueue[tuple[psycopg.Connection[Any] | None, float]] = queue.LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put((None, 0.0))

    def one(self, statement: bytes, values: Mapping[str, Any]) -> Any:
        """The first row, else None, of a statement of our own. Raises psycopg.Error; queue.Empty when all are busy
        for long."""
        driver, used_at = self._free.get(timeout=_WAIT_S)
        try:
            driver = self._ready(driver, used_at)
            with driver.cursor(binary=True) as cursor:
                return cursor.execute(statement, values, prepare=True).fetchone()
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
        return driver or psycopg.connect(self._address, autocommit=True, connect_timeout=10, options=self._settings)

    def close(self) -> None:
        """Close every connection; waits for those in use."""
        taken = [self._free.get(timeout=_WAIT_S) for _ in range(CONNECTIONS)]
        for driver, _used_at in taken:
            if driver is not None:
                driver.close()
            self._free.put((None, 0.0))
