"""QGIS and other programs on the database itself: views with an account's own rights, and the logins for them.

A login stands for an account and obeys its role, its squadron and its being disabled at every statement. It may reach
the views of schema `qgis` and the code lists, nothing else. Reading is city-wide as everywhere, personal fields are
empty without the right to them; writes ask for the act, the territory before and after, and the workflow.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from gisapp.accounts.credentials import username_key
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import ALLOWED, Actor, require
from gisapp.sql import desktop as sql_desktop

PREFIX = "qgis_"


@dataclass(frozen=True)
class Login:
    """A login of the database and the account whose rights it has."""

    login: str
    username: str
    role: str
    active: bool
    made_at: datetime


def sync(house: House) -> bool:
    """Bring views and copied rights to what the layer files and `permissions` say; whether that changed something.

    Runs on the owner's connection, after migrations."""
    views = sql_desktop.made_anew(house.catalogue)
    mark = hashlib.sha256(views.encode()).hexdigest()[:16]
    with house.db.raw() as driver:
        if _mark(driver) != mark:
            driver.execute(views.encode())
            driver.execute(sql_desktop.mark_with(mark).encode())
            changed = True
        else:
            changed = False
        _copy_rights(driver, house)
        driver.commit()
    return changed


def take_away(house: House) -> None:
    """Remove the views, so that migrations may change what they show; `sync` makes them anew."""
    with house.db.raw() as driver:
        driver.execute(sql_desktop.drop().encode())
        driver.commit()


def _mark(driver: psycopg.Connection[Any]) -> str | None:
    row = driver.execute(sql_desktop.MARK.encode()).fetchone()
    return row[0] if row else None


def _copy_rights(driver: psycopg.Connection[Any], house: House) -> None:
    acts = [(role, act) for role, acts in ALLOWED.items() for act in acts]
    states = [(layer.id, state.id, list(state.next)) for layer in house.catalogue.layers.values()
              for state in layer.states]
    driver.execute(sql_desktop.FORGET_RIGHTS)
    with driver.cursor() as cursor:
        cursor.executemany(sql_desktop.KEEP_ACT, acts)
        cursor.executemany(sql_desktop.KEEP_STATE, states)


def listed(driver: psycopg.Connection[Any], actor: Actor) -> list[Login]:
    """Every login, by name."""
    require(actor, "manage_accounts")
    return [Login(*row) for row in driver.execute(sql_desktop.LISTED).fetchall()]


def add(driver: psycopg.Connection[Any], actor: Actor, username: str) -> tuple[str, str]:
    """Make a login for an account, or a new password for the one it has; returns login and password, kept nowhere.

    `driver` may create roles. Problems: `account_unknown` (404).
    """
    require(actor, "manage_accounts")
    account_id, name = _account(driver, username)
    login, password = _login(account_id, name), secrets.token_urlsafe(18)
    kept = driver.pgconn.encrypt_password(password.encode(), login.encode(), b"scram-sha-256").decode()
    driver.execute(sql_desktop.FORGET_LOGIN, [account_id])
    driver.execute(sql_desktop.drop_login(login))
    driver.execute(sql_desktop.make_login(login, kept))
    driver.execute(sql_desktop.KEEP_LOGIN, [login, account_id, actor.username])
    driver.commit()
    return login, password


def remove(driver: psycopg.Connection[Any], actor: Actor, username: str) -> None:
    """Take an account's login away and end its connections. Problem `account_unknown` (404) when it has none."""
    require(actor, "manage_accounts")
    account_id, _ = _account(driver, username)
    row = driver.execute(sql_desktop.FORGET_LOGIN, [account_id]).fetchone()
    if row is None:
        raise Problem("account_unknown")
    driver.execute(sql_desktop.drop_login(row[0]))
    driver.commit()
    driver.execute(sql_desktop.END_CONNECTIONS, [row[0]])
    driver.commit()


def _account(driver: psycopg.Connection[Any], username: str) -> tuple[UUID, str]:
    row = driver.execute(sql_desktop.ACCOUNT, [username_key(username)]).fetchone()
    if row is None:
        raise Problem("account_unknown")
    return row[0], row[1]


def _login(account_id: UUID, username: str) -> str:
    """The login's name; PostgreSQL cuts names at 63 bytes."""
    plain = f"{PREFIX}{username}"
    return plain if len(plain.encode()) <= 63 else f"{PREFIX}{account_id.hex}"
