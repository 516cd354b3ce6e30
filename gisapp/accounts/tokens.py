"""Tokens of machine clients: shown once, stored as a digest, with the rights of their account and an end."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from gisapp.accounts import log
from gisapp.accounts.rows import COLUMNS, Account, Token, as_account
from gisapp.errors import Problem
from gisapp.permissions import SYSTEM, Actor, require

if TYPE_CHECKING:
    from gisapp.db import Database

# Secret scanners find a leaked token by its beginning.
MARK = "gisapp_"
MAX_DAYS = 730
MAX_NAME = 60
MAX_TOKENS = 20
_TOUCH = timedelta(minutes=1)
# Made once: it runs at every request of a program.
_RUNNING = select(*COLUMNS, func.coalesce(Token.last_used_at < func.now() - _TOUCH, True).label("stale")).join_from(
    Token, Account, Token.account_id == Account.id).where(
        Token.digest == bindparam("digest"), Token.revoked_at.is_(None), Token.expires_at > func.now(),
        Account.active)


def make(db: Database, actor: Actor, name: str, days: int, *, address: str = "") -> str:
    """A new token of the actor's own account: its text, never to be seen again.

    Raises `token_name_invalid`, `token_days_invalid`, `token_too_many` (422).
    """
    require(actor, "own_account")
    label = _label(name)
    if not 1 <= days <= MAX_DAYS:
        raise Problem("token_days_invalid", most=MAX_DAYS)
    text = MARK + secrets.token_urlsafe(32)
    with db.begin(actor.username, actor.request_id) as connection:
        _leave_room(connection, actor)
        connection.execute(insert(Token).values(
            account_id=UUID(actor.id), name=label, prefix=text[:len(MARK) + 4], digest=digest_of(text),
            expires_at=func.now() + timedelta(days=days)))
        log.record(connection, "token_made", actor, address=address, detail={"name": label, "days": days})
    return text


def own(db: Database, actor: Actor) -> list[Token]:
    """The actor's tokens that are not revoked, newest first."""
    require(actor, "own_account")
    mine = select(Token).where(Token.account_id == UUID(actor.id), Token.revoked_at.is_(None))
    with db.read() as connection, Session(connection, expire_on_commit=False) as session:
        return list(session.scalars(mine.order_by(Token.created_at.desc())))


def revoke(db: Database, actor: Actor, token_id: str, *, address: str = "") -> None:
    """End one of the actor's own tokens; raises `token_unknown` (404)."""
    require(actor, "own_account")
    try:
        mine = (Token.id == UUID(token_id), Token.account_id == UUID(actor.id), Token.revoked_at.is_(None))
    except ValueError:
        raise Problem("token_unknown") from None
    with db.begin(actor.username, actor.request_id) as connection:
        name = connection.scalar(update(Token).where(*mine).values(revoked_at=func.now())
                                 .returning(Token.name))
        if name is None:
            raise Problem("token_unknown")
        log.record(connection, "token_revoked", actor, address=address, detail={"name": name})


def revoke_all(connection: Connection, account: Account) -> None:
    """End every token of the account, in the caller's transaction."""
    connection.execute(update(Token).where(Token.account_id == account.id, Token.revoked_at.is_(None))
                       .values(revoked_at=func.now()))


def load(db: Database, text: str) -> Account:
    """The active account of a running token; raises `token_wrong` (401)."""
    with db.read() as connection:
        found = connection.execute(_RUNNING, {"digest": digest_of(text)}).one_or_none()
    if found is None:
        raise Problem("token_wrong")
    if found.stale:
        with db.begin(SYSTEM.username) as connection:
            connection.execute(update(Token).where(Token.digest == digest_of(text))
                               .values(last_used_at=func.now()))
    return as_account(found._mapping)


def digest_of(text: str) -> bytes:
    """Under what the table keeps a token."""
    return hashlib.sha256(text.encode()).digest()


def _label(name: str) -> str:
    label = name.strip()
    if not label or len(label) > MAX_NAME or not label.isprintable():
        raise Problem("token_name_invalid", most=MAX_NAME)
    return label


def _leave_room(connection: Connection, actor: Actor) -> None:
    count = connection.scalar(select(func.count()).where(
        Token.account_id == UUID(actor.id), Token.revoked_at.is_(None), Token.expires_at > func.now())) or 0
    if count >= MAX_TOKENS:
        raise Problem("token_too_many", most=MAX_TOKENS)
