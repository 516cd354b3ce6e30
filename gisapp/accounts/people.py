"""Accounts and what is done to them. Every change is one transaction with its line in the access log."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gisapp.accounts import log, sessions, tokens
from gisapp.accounts.credentials import check_password, check_username, draw_password, hash_password, username_key
from gisapp.accounts.rows import COLUMNS, Account, as_account
from gisapp.errors import Problem
from gisapp.permissions import ROLES, Actor, require

if TYPE_CHECKING:
    from gisapp.db import Database
    from gisapp.house import House

LANGUAGES = ("zh", "en")
# Made once: it runs at every request with HTTP basic.
_BY_NAME = select(*COLUMNS).where(Account.username_key == bindparam("key"))
_SQUADRONS = "squadron_territories"


def actor_of(account: Account, request_id: str = "") -> Actor:
    """Who acts when this account asks for something."""
    return Actor(id=str(account.id), username=account.username, role=account.role,
                 squadron_code=account.squadron_code, request_id=request_id)


def find(connection: Connection, account_id: UUID | str) -> Account:
    """The account of that id; raises `account_unknown` (404)."""
    try:
        key = account_id if isinstance(account_id, UUID) else UUID(account_id)
    except ValueError:
        raise Problem("account_unknown") from None
    found = connection.execute(select(*COLUMNS).where(Account.id == key)).one_or_none()
    if found is None:
        raise Problem("account_unknown")
    return as_account(found._mapping)


def find_by_name(connection: Connection, username: str) -> Account | None:
    """The account of that name, whatever its case; None when there is none."""
    if "\0" in username:  # PostgreSQL has no text with it
        return None
    found = connection.execute(_BY_NAME, {"key": username_key(username)}).one_or_none()
    return as_account(found._mapping) if found else None


def list_accounts(db: Database, actor: Actor) -> list[Account]:
    """All accounts, active ones first, then by name. For administrators."""
    require(actor, "manage_accounts")
    with db.read() as connection, Session(connection, expire_on_commit=False) as session:
        return list(session.scalars(select(Account).order_by(Account.active.desc(), Account.username_key)))


def colleagues(db: Database, actor: Actor) -> list[str]:
    """The names of the other active accounts, to share something with."""
    require(actor, "read")
    asked = select(Account.username).where(Account.active, Account.username != actor.username)
    with db.read() as connection:
        return list(connection.execute(asked.order_by(Account.username_key)).scalars())


def show(db: Database, actor: Actor, account_id: str) -> Account:
    """One account, for administrators. Raises `account_unknown` (404)."""
    require(actor, "manage_accounts")
    with db.read() as connection:
        return find(connection, account_id)


def squadrons(house: House, actor: Actor) -> list[tuple[str, str]]:
    """Code and name of every squadron that has a territory, to choose from."""
    require(actor, "manage_accounts")
    territories = house.tables.layers.get(_SQUADRONS)
    if territories is None:
        return []
    with house.db.read() as connection:
        found = connection.execute(select(territories.c.code, territories.c.name).order_by(territories.c.code))
        return [(row.code, row.name) for row in found]


def make(house: House, actor: Actor, username: str, role: str, *, squadron_code: str | None = None,
         address: str = "") -> tuple[Account, str]:
    """A new account with a drawn password that must be changed at the first sign-in; the password, once.

    Raises `username_invalid`, `role_unknown`, `squadron_unknown` (422), `username_taken` (409).
    """
    require(actor, "manage_accounts")
    password = draw_password()
    with house.db.begin(actor.username, actor.request_id) as connection:
        account = insert_account(connection, actor, username, role, password,
                                 squadron_code=_known_squadron(house, connection, squadron_code))
        log.record(connection, "account_made", actor, address=address, detail=_about(account, role=role))
    return account, password


def insert_account(connection: Connection, actor: Actor, username: str, role: str, password: str, *,
                   squadron_code: str | None = None, must_change: bool = True) -> Account:
    """The row of a new account in the caller's transaction; errors as for `make`."""
    name = check_username(username)
    made = connection.execute(insert(Account).values(
        username=name, username_key=username_key(name), password=hash_password(password),
        role=_known_role(role), squadron_code=squadron_code, must_change_password=must_change,
        fs_uniquifier=secrets.token_hex(32), created_by=actor.username,
    ).on_conflict_do_nothing(index_elements=["username_key"]).returning(Account.id)).scalar()
    if made is None:
        raise Problem("username_taken", username=name)
    return find(connection, made)


def set_role(db: Database, actor: Actor, account_id: str, role: str, *, address: str = "") -> None:
    """Give the account another role. Raises `role_unknown` (422), `last_admin` (409)."""
    require(actor, "manage_accounts")
    with db.begin(actor.username, actor.request_id) as connection:
        admins = _admins(connection)
        account = _held(connection, account_id)
        if _known_role(role) != "admin" and admins == [account.id]:
            raise Problem("last_admin")
        _set(connection, account, role=role)
        log.record(connection, "role_set", actor, address=address,
                   detail=_about(account, old=account.role, new=role))


def set_squadron(house: House, actor: Actor, account_id: str, squadron_code: str | None, *,
                 address: str = "") -> None:
    """Bind the account to a squadron's territory, or free it with None. Raises `squadron_unknown` (422)."""
    require(actor, "manage_accounts")
    with house.db.begin(actor.username, actor.request_id) as connection:
        account = _held(connection, account_id)
        code = _known_squadron(house, connection, squadron_code)
        _set(connection, account, squadron_code=code)
        log.record(connection, "squadron_set", actor, address=address,
                   detail=_about(account, old=account.squadron_code, new=code))


def disable(db: Database, actor: Actor, account_id: str, *, address: str = "") -> None:
    """End the account's sessions and tokens and let it in no more. Raises `last_admin` (409)."""
    require(actor, "manage_accounts")
    with db.begin(actor.username, actor.request_id) as connection:
        admins = _admins(connection)
        account = _held(connection, account_id)
        if admins == [account.id]:
            raise Problem("last_admin")
        _shut_out(connection, account)
        _set(connection, account, active=False)
        log.record(connection, "account_disabled", actor, address=address, detail=_about(account))


def enable(db: Database, actor: Actor, account_id: str, *, address: str = "") -> None:
    """Let a disabled account in again, with its old password; its tokens stay revoked."""
    require(actor, "manage_accounts")
    with db.begin(actor.username, actor.request_id) as connection:
        account = _held(connection, account_id)
        _set(connection, account, active=True)
        log.record(connection, "account_enabled", actor, address=address, detail=_about(account))


def reset_password(db: Database, actor: Actor, account_id: str, *, address: str = "") -> str:
    """A drawn password that must be changed at the next sign-in; sessions and tokens end."""
    require(actor, "manage_accounts")
    password = draw_password()
    hashed = hash_password(password)
    with db.begin(actor.username, actor.request_id) as connection:
        account = _held(connection, account_id)
        _shut_out(connection, account)
        _set(connection, account, password=hashed, must_change_password=True, password_set_at=func.now())
        log.record(connection, "password_reset", actor, address=address, detail=_about(account))
    return password


def change_password(db: Database, actor: Actor, old: str, new: str, *, address: str = "") -> Account:
    """Set the actor's own new password; all its sessions end, tokens stay. The caller has proved `old`.

    Raises `password_unchanged` and what `credentials.check_password` raises (422).
    """
    require(actor, "own_account")
    check_password(new, actor.username)
    if new == old:
        raise Problem("password_unchanged")
    hashed = hash_password(new)
    with db.begin(actor.username, actor.request_id) as connection:
        account = _held(connection, actor.id)
        sessions.end_all(connection, account)
        _set(connection, account, password=hashed, must_change_password=False, password_set_at=func.now(),
             fs_uniquifier=secrets.token_hex(32))
        log.record(connection, "password_changed", actor, address=address)
        return find(connection, account.id)


def note_sign_out(db: Database, actor: Actor, *, address: str = "") -> None:
    """Log that the actor signed out."""
    with db.begin(actor.username, actor.request_id) as connection:
        log.record(connection, "sign_out", actor, address=address)


def set_language(db: Database, actor: Actor, language: str) -> None:
    """Remember the actor's language. Raises `language_unknown` (422)."""
    require(actor, "own_account")
    if language not in LANGUAGES:
        raise Problem("language_unknown", known=", ".join(LANGUAGES))
    with db.begin(actor.username, actor.request_id) as connection:
        _set(connection, _held(connection, actor.id), language=language)


def _held(connection: Connection, account_id: str) -> Account:
    """The account, locked until the transaction ends."""
    account = find(connection, account_id)
    connection.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    return find(connection, account.id)  # as it is now that nobody else can change it


def _set(connection: Connection, account: Account, **values: Any) -> None:
    connection.execute(update(Account).where(Account.id == account.id).values(**values))


def _admins(connection: Connection) -> list[UUID]:
    """The active administrators, locked before any other account and in one order, so that two of them neither
    disable each other at once nor wait for each other."""
    return list(connection.scalars(select(Account.id).where(Account.role == "admin", Account.active)
                                   .order_by(Account.id).with_for_update()))


def _shut_out(connection: Connection, account: Account) -> None:
    sessions.end_all(connection, account)
    tokens.revoke_all(connection, account)
    _set(connection, account, fs_uniquifier=secrets.token_hex(32))


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise Problem("role_unknown", known=", ".join(ROLES))
    return role


def _known_squadron(house: House, connection: Connection, code: str | None) -> str | None:
    """The code, which must be a territory's: an account that is bound to none could change nothing anywhere."""
    if not code:
        return None
    territories = house.tables.layers.get(_SQUADRONS)
    if territories is None or not code.isprintable() or not connection.scalar(
            select(territories.c.code).where(territories.c.code == code)):
        raise Problem("squadron_unknown", squadron=code[:40])
    return code


def _about(account: Account, **more: Any) -> Mapping[str, Any]:
    return {"account": str(account.id), "username": account.username, **more}
