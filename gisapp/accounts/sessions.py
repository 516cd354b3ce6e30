"""Browser sessions. The cookie carries a random number, the table its digest: what is not there is over."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Interval, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import psycopg as dialects

from gisapp.accounts.callers import Caller
from gisapp.accounts.rows import COLUMNS, Account, SignedIn, account_of
from gisapp.permissions import SYSTEM, Actor

if TYPE_CHECKING:
    from gisapp.db import Database

# The last use is written this often at most: a map page asks for forty tiles a second.
_TOUCH = timedelta(minutes=1)
# Made once and handed to the driver as text: it runs at every request of a browser.
_RUNNING = select(*COLUMNS, (SignedIn.seen_at < func.now() - _TOUCH).label("stale")).join_from(
    SignedIn, Account, SignedIn.account_id == Account.id).where(
        SignedIn.digest == bindparam("digest"), Account.active,
        SignedIn.seen_at > func.now() - bindparam("idle", type_=Interval),
        SignedIn.created_at > func.now() - bindparam("longest", type_=Interval)).compile(
            dialect=dialects.dialect())  # type: ignore[no-untyped-call]
_RUNNING_TEXT = str(_RUNNING).encode()


@dataclass(frozen=True)
class Claim:
    """Who a browser session, or with `by` a token, was found to belong to. It proves nothing until its statement of
    `sql_sessions.PROOFS` has given a row."""

    digest: bytes
    mark: str
    actor: Actor
    idle: timedelta = timedelta()
    longest: timedelta = timedelta()
    by: str = "session"

    def values(self) -> dict[str, Any]:
        """What the proof binds."""
        actor = self.actor
        return {"digest": self.digest, "mark": self.mark, "account": actor.id, "username": actor.username,
                "role": actor.role, "squadron": actor.squadron_code, "idle": self.idle, "longest": self.longest,
                "touch": _TOUCH}


def begin(connection: Connection, account: Account, caller: Caller) -> str:
    """Start a session; the number that the browser is to bring back. Call in the caller's transaction."""
    number = secrets.token_urlsafe(32)
    connection.execute(insert(SignedIn).values(
        digest=digest_of(number), account_id=account.id, address=caller.address, agent=caller.agent[:300]))
    return number


def load(db: Database, number: str, idle: timedelta, longest: timedelta) -> Account | None:
    """The active account of a running session, else None: ended, idle too long, too old, disabled."""
    with db.driver() as driver, driver.cursor(binary=True) as cursor:
        found = cursor.execute(_RUNNING_TEXT, _RUNNING.params | {
            "digest": digest_of(number), "idle": idle, "longest": longest}).fetchone()
    if found is None:
        return None
    *values, stale = found
    if stale:
        _touch(db, number)
    return account_of(values)


def end(db: Database, number: str) -> None:
    """Sign out: the number is worth nothing from now on."""
    with db.begin(SYSTEM.username) as connection:
        connection.execute(delete(SignedIn).where(SignedIn.digest == digest_of(number)))


def end_all(connection: Connection, account: Account) -> None:
    """End every session of the account, in the caller's transaction."""
    connection.execute(delete(SignedIn).where(SignedIn.account_id == account.id))


def sweep(connection: Connection, idle: timedelta) -> None:
    """Remove sessions that nobody can come back to."""
    connection.execute(delete(SignedIn).where(SignedIn.seen_at < func.now() - idle))


def _touch(db: Database, number: str) -> None:
    with db.begin(SYSTEM.username) as connection:
        connection.execute(update(SignedIn).where(SignedIn.digest == digest_of(number))
                           .values(seen_at=func.now()))


def digest_of(number: str) -> bytes:
    """Under what the table keeps the session of that number."""
    return hashlib.sha256(number.encode()).digest()
