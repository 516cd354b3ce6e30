"""How often a wrong password may be tried, counted in PostgreSQL so that all workers count together.

An office sits behind one address, so an address alone never locks anybody out. Different wrong passwords
are counted, not attempts: a program that repeats an old password a thousand times has made one guess.
Four counts, each with its free guesses and then a wait that doubles up to a limit:

    browser     one that has signed in well as this account before (a signed cookie)
    place       this account from a network where it signed in well in the last 90 days
    pair        this name from any other network
    name        this name from all untrusted networks together: a guess spread over many addresses
    address     all names from one network, trusted ones not counted: spraying

A trusted browser is held up by nothing but its own guesses. A trusted place is held up only after a
hundred different wrong passwords for that very account from that very network in a day; whatever is tried
against other names there, or against this name elsewhere, does not touch it. The last two counts hold up
only those who were never seen there. While a wait runs, attempts are refused without being looked at and
without being counted, so nobody can make it longer by knocking on.

Wrong answers after the fifth within a quarter of an hour say "too many" even where the right password
would still be let in: the client is told to slow down, its user is not locked out.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from gisapp.accounts.callers import Caller
from gisapp.accounts.rows import Account, Guess, Place

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TRUST = timedelta(days=90)
SOON = timedelta(minutes=15)


@dataclass(frozen=True)
class Count:
    """So many guesses are free within `span`; the next ones wait 1, 2, 4 … up to `longest` seconds."""

    free: int
    longest: int
    span: timedelta = DAY

    def wait(self, guesses: int, idle: float) -> int:
        """Seconds still to wait, `idle` seconds after the last new guess."""
        if guesses < self.free:
            return 0
        pause = min(2 ** min(guesses - self.free, 20), self.longest)
        return max(0, int(pause - idle + 0.999))


BROWSER = Count(10, 900)
PLACE = Count(100, 900)
PAIR = Count(5, 900)
NAME = Count(20, 900)
ADDRESS = Count(300, 60, HOUR)
LOUD = 5


@dataclass(frozen=True)
class Attempt:
    """One try at signing in, as digests; `trusted` when browser or place is known for the account."""

    name: bytes
    guess: bytes
    network: str
    device: str
    trusted: bool


def attempt(key: bytes, name: str, password: str, caller: Caller, account: Account | None,
            connection: Connection) -> Attempt:
    """The attempt as it is counted; `key` is the installation's secret."""
    known = account is not None and str(account.id) in caller.device_accounts
    trusted = known or (account is not None and _been_here(connection, account, caller.network))
    return Attempt(name=_digest(key, "name", name), guess=_digest(key, "guess", name, password)[:8],
                   network=caller.network, device=caller.device if known else "", trusted=trusted)


def seconds_to_wait(connection: Connection, made: Attempt) -> int:
    """0 when the password may be looked at now. Holds the name until the transaction ends."""
    connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(made.name[:8], signed=True))))
    waits = [_wait(connection, _own_count(made), *_same_pair(made))]
    if not made.trusted:
        untrusted = (Guess.trusted.is_(False), Guess.device == "")
        waits.append(_wait(connection, NAME, Guess.name == made.name, *untrusted))
        waits.append(_wait(connection, ADDRESS, Guess.network == made.network, *untrusted))
    return max(waits)


def count(connection: Connection, made: Attempt) -> tuple[int, bool]:
    """Count the attempt as wrong before it is looked at: id of its row, and whether the guess is a new one.

    Counting first keeps a hundred parallel attempts from all seeing a count of zero.
    """
    old = select(Guess.id).where(Guess.first_at < func.now() - DAY).limit(100)
    connection.execute(delete(Guess).where(Guess.id.in_(old.with_for_update(skip_locked=True))))
    row = insert(Guess).values(name=made.name, network=made.network, device=made.device, guess=made.guess,
                               trusted=made.trusted)
    again = row.on_conflict_do_update(
        index_elements=["name", "network", "device", "guess"],
        set_={"times": Guess.times + 1, "last_at": func.now()})
    found = connection.execute(again.returning(Guess.id, Guess.times)).one()
    return found.id, found.times == 1


def forgive(connection: Connection, row_id: int, account: Account, network: str) -> bool:
    """The attempt was right: take it off the count and remember the place. Other guesses stay counted.

    Whether the account had signed in from there within the last half day.
    """
    connection.execute(delete(Guess).where(Guess.id == row_id))
    back_again = connection.scalar(select(Place.last_at > func.now() - DAY / 2).where(
        Place.account_id == account.id, Place.network == network))
    here = insert(Place).values(account_id=account.id, network=network)
    connection.execute(here.on_conflict_do_update(index_elements=["account_id", "network"],
                                                  set_={"last_at": func.now()}))
    return bool(back_again)


def told_to_slow_down(connection: Connection, made: Attempt) -> int:
    """Seconds to name in the answer to a wrong password; 0 for the first few."""
    tries = connection.scalar(select(func.coalesce(func.sum(Guess.times), 0)).where(
        *_same_pair(made), Guess.last_at > func.now() - SOON)) or 0
    return Count(LOUD, 10).wait(int(tries) - 1, 0)


def _own_count(made: Attempt) -> Count:
    if made.device:
        return BROWSER
    return PLACE if made.trusted else PAIR


def _same_pair(made: Attempt) -> tuple[ColumnElement[bool], ...]:
    return Guess.name == made.name, Guess.network == made.network, Guess.device == made.device


def _wait(connection: Connection, limit: Count, *which: ColumnElement[bool]) -> int:
    idle = func.extract("epoch", func.clock_timestamp() - func.max(Guess.first_at))
    row: Any = connection.execute(select(func.count(), idle).where(
        *which, Guess.first_at > func.now() - limit.span)).one()
    return limit.wait(row[0], float(row[1] or 0))


def _been_here(connection: Connection, account: Account, network: str) -> bool:
    return connection.scalar(select(Place.account_id).where(
        Place.account_id == account.id, Place.network == network,
        Place.last_at > func.now() - TRUST)) is not None


def _digest(key: bytes, *parts: str) -> bytes:
    return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256)[:16]
