"""Proving who one is by name and password: paced (see pacing.py), logged, the same time for unknown names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, update

from gisapp.accounts import log, pacing
from gisapp.accounts.callers import Caller
from gisapp.accounts.credentials import password_fits, username_key
from gisapp.accounts.people import actor_of, find_by_name
from gisapp.accounts.rows import Account
from gisapp.accounts.verdicts import Verdicts
from gisapp.errors import Problem
from gisapp.permissions import SYSTEM, Actor

if TYPE_CHECKING:
    from gisapp.db import Database


class SignIn:
    """The door of one process: `secret` keys the digests that all processes count together."""

    def __init__(self, db: Database, secret: str) -> None:
        self._db = db
        self._key = secret.encode()
        self._verdicts = Verdicts()

    def prove(self, username: str, password: str, caller: Caller, how: str = "form") -> Account:
        """The active account of that name and password; `how` (form, basic, change) goes into the log.

        Raises `sign_in_wrong` or `account_disabled` (401), `too_many_sign_ins` (429, with Retry-After).
        """
        name = username_key(username)[:200]
        account = self._find(name)
        with self._db.begin(SYSTEM.username) as connection:
            made = pacing.attempt(self._key, name, password, caller, account, connection)
            seconds = pacing.seconds_to_wait(connection, made)
            row, is_new = pacing.count(connection, made) if not seconds else (0, False)
        if seconds:
            raise _slow_down(seconds)
        if not self._fits(name, password, account) or account is None:
            raise self._refuse(account, made, caller, how, is_new)
        self._accept(account, row, caller, how)
        return account

    def prove_quickly(self, username: str, password: str, caller: Caller) -> Account:
        """Like `prove`, for HTTP basic: a password that fitted a moment ago is not hashed again."""
        name = username_key(username)[:200]
        account = self._find(name)
        if account and self._verdicts.recall(name, password, account.password):
            if not account.active:
                raise Problem("account_disabled")
            return account
        return self.prove(username, password, caller, how="basic")

    def _find(self, name: str) -> Account | None:
        with self._db.read() as connection:
            return find_by_name(connection, name)

    def _fits(self, name: str, password: str, account: Account | None) -> bool:
        # A right password is always hashed here: only `prove_quickly` may believe the memory.
        stored = account.password if account else ""
        if self._verdicts.recall(name, password, stored) is False:
            return False
        fits = password_fits(stored or None, password)
        self._verdicts.remember(name, password, stored, fits)
        return fits

    def _refuse(self, account: Account | None, made: pacing.Attempt, caller: Caller, how: str,
                is_new: bool) -> Problem:
        with self._db.begin(SYSTEM.username) as connection:
            if is_new:  # the same again tells nothing new and would fill the log
                log.record(connection, "sign_in_failed", _known(account, caller), address=caller.address,
                           detail={"how": how, "known_name": account is not None})
            seconds = pacing.told_to_slow_down(connection, made)
        return _slow_down(seconds) if seconds else Problem("sign_in_wrong")

    def _accept(self, account: Account, row: int, caller: Caller, how: str) -> None:
        with self._db.begin(SYSTEM.username) as connection:
            back_again = pacing.forgive(connection, row, account, caller.network)
            if not account.active:
                log.record(connection, "sign_in_failed", _known(account, caller), address=caller.address,
                           detail={"how": how, "disabled": True})
            elif how == "form" or (how == "basic" and not back_again):
                connection.execute(update(Account).where(Account.id == account.id)
                                   .values(last_sign_in_at=func.now()))
                log.record(connection, "sign_in", _known(account, caller), address=caller.address,
                           detail={"how": how})
        if not account.active:
            raise Problem("account_disabled")


def _known(account: Account | None, caller: Caller) -> Actor | None:
    return actor_of(account, caller.request_id) if account else None


def _slow_down(seconds: int) -> Problem:
    return Problem("too_many_sign_ins", seconds=seconds, headers={"Retry-After": str(seconds)})
