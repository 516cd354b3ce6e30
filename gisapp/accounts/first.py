"""The accounts of a new installation: the administrator, and for a demonstration one account per role."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gisapp.accounts import log
from gisapp.accounts.credentials import draw_password
from gisapp.accounts.people import insert_account
from gisapp.accounts.rows import Account
from gisapp.config import write_secret
from gisapp.permissions import ROLES, SYSTEM

if TYPE_CHECKING:
    from gisapp.house import House

Accounts = dict[str, dict[str, str]]
_LOCK = 7310520127


def ensure_first_accounts(house: House, demo: bool = True) -> Accounts | None:
    """Make the first accounts when there is none at all; their names and passwords by role, else None.

    The passwords are in `settings.accounts_file` (mode 0600) before the accounts are committed: a start
    that is killed in between leaves a file without accounts, and the next start writes it anew.
    """
    with house.db.begin(SYSTEM.username) as connection:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if connection.scalar(select(func.count()).select_from(Account)):
            return None
        made = {role: {"username": role, "password": draw_password()} for role in _wanted(demo)}
        for role, words in made.items():
            insert_account(connection, SYSTEM, words["username"], role, words["password"], must_change=False)
            log.record(connection, "account_made", SYSTEM, detail={"username": role, "role": role})
        _keep(house.settings.accounts_file, made)
    return made


def _wanted(demo: bool) -> tuple[str, ...]:
    return ("admin", *(role for role in ROLES if role != "admin")) if demo else ("admin",)


def _keep(path: Path, made: Accounts) -> None:
    path.unlink(missing_ok=True)  # of a start that was killed before its accounts were committed
    write_secret(path, json.dumps(made, indent=2) + "\n")
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
