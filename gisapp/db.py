"""The way to the database: one pool of psycopg connections with the settings that speed and safety need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from gisapp.db_lookups import Lookups
from gisapp.errors import DISK_FULL

#: jit costs more than it gives on tile queries, a generic plan loses the bbox, and parallel workers take from
#: the other readers what they give to one (tiles: 1.4 times slower with them at 8 clients): all measured.
_SESSION = {
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_custom_plan",
    "timezone": "UTC",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "120s",
    "application_name": "gisapp",
}


#: A connection that rested this long, in seconds, is tried before it is used. Asking every time, as
#: pool_pre_ping does, would double the round trips of a tile.
_REST_S = 2.0


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = monotonic()


def _try_after_rest(driver: Any, record: ConnectionPoolEntry, _: Any) -> None:
    if monotonic() - record.info.get("used_at", monotonic()) <= _REST_S:
        return
    try:
        driver.execute("")
        driver.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error  # the pool opens another one


def is_away(error: BaseException | None) -> bool:
    """Whether an error says that the server is gone, going or not there yet, and nothing of what was asked of it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # Without a code it is the connection itself; class 57P is a server that ends or begins.
    return isinstance(cause, psycopg.OperationalError) and (
        cause.sqlstate is None or cause.sqlstate.startswith(("08", "57P")))


def is_busy(error: BaseException | None) -> bool:
    """Whether an error says that others held what was needed, so that the same will do a little later."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected,
                              psycopg.errors.SerializationFailure))


def is_full(error: BaseException | None) -> bool:
    """Whether an error says that a disk has no room, the database's or this machine's."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.errors.DiskFull) or (isinstance(cause, OSError) and cause.errno in DISK_FULL)


class Database:
    """A pool on `url` of at most `pool_size` connections, and beside it two each of `lookups` and of `pages`."""

    def __init__(self, url: str, *, pool_size: int = 8, statement_timeout_s: int = 30, options: str = "") -> None:
        self.url = url
        settings = _SESSION | {"statement_timeout": f"{statement_timeout_s}s"}
        flags = " ".join(f"-c {name}={value}" for name, value in settings.items())
        address = make_url(url).set(drivername="postgresql+psycopg")
        flags = " ".join((*address.normalized_query.get("options", ()), options, flags)).strip()
        address = address.difference_update_query(["options"])
        opened = {"options": flags, "connect_timeout": 10}
        self.engine: Engine = create_engine(
            address, pool_size=pool_size, max_overflow=0, pool_timeout=20, connect_args=opened)
        self._beside = create_engine(address, poolclass=NullPool, connect_args=opened)
        plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
        self.lookups = Lookups(plain, flags)
        self.pages = Lookups(plain, flags)
        event.listen(self.engine, "checkin", _note_use)
        event.listen(self.engine, "checkout", _try_after_rest)

    @contextmanager
    def begin(self, user: str, request_id: str = "") -> Iterator[Connection]:
        """A write transaction in the name of `user`; history keeps both. Committed on leaving, or not at all."""
        with self.engine.begin() as connection:
            connection.execute(
                text("SELECT set_config('gisapp.user', :user, true), set_config('gisapp.request', :request, true)"),
                {"user": user, "request": request_id})
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for single reading statements; each sees its own moment."""
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """A connection that is not the pool's, for long work beside a transaction; each statement is its own
        transaction. Two taken from the pool could wait for each other's second one."""
        with self._beside.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction whose statements all see the same moment."""
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def raw(self) -> Iterator[psycopg.Connection[Any]]:
        """The driver's connection without SQLAlchemy, in a transaction that is rolled back unless committed."""
        proxy = self.engine.raw_connection()
        try:
            driver = proxy.driver_connection
            assert isinstance(driver, psycopg.Connection)  # noqa: S101  (told to mypy)
            yield driver
        finally:
            proxy.close()

    @contextmanager
    def driver(self) -> Iterator[psycopg.Connection[Any]]:
        """The driver's connection, each statement its own transaction: for what is asked hundreds of times a second."""
        with self.raw() as driver:
            driver.autocommit = True
            try:
                yield driver
            finally:
                if not driver.closed:
                    driver.autocommit = False

    def ping(self) -> None:
        """Return when the database answers; otherwise raise what the driver raises."""
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self.lookups.close()
        self.pages.close()
