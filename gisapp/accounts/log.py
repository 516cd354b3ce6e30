"""The access log: who signed in, from where, and what was done to accounts and with data sets.

Lines are added in the transaction of the act they tell of. A password or token never enters it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from gisapp.accounts.rows import LogEntry
from gisapp.errors import Problem
from gisapp.permissions import Actor, require

if TYPE_CHECKING:
    from gisapp.db import Database

ACTS = ("sign_in", "sign_in_failed", "sign_out", "password_changed", "account_made", "account_disabled",
        "account_enabled", "role_set", "squadron_set", "password_reset", "token_made", "token_revoked",
        "export", "import", "file_taken", "file_removed", "receiver_made", "receiver_changed", "link_made",
        "link_revoked", "link_used")


def record(connection: Connection, act: str, actor: Actor | None, *, address: str | None = None,
           detail: Mapping[str, Any] | None = None) -> None:
    """Add a line in the caller's transaction; `actor` is None when nobody is known."""
    connection.execute(insert(LogEntry), [{
        "act": act,
        "account_id": _account_id(actor),
        "username": actor.username if actor else None,
        "address": address or None,
        "detail": dict(detail or {}),
        "request_id": (actor.request_id or None) if actor else None,
    }])


def recent(db: Database, actor: Actor, limit: int = 200, act: str | None = None) -> list[LogEntry]:
    """The newest lines first, at most `limit`, of one act or of all. For administrators.

    Raises `parameter_invalid` (400) for an act that is not in ACTS.
    """
    require(actor, "manage_accounts")
    if act and act not in ACTS:
        raise Problem("parameter_invalid", name="act", reason=", ".join(ACTS))
    query = select(LogEntry).order_by(LogEntry.id.desc()).limit(limit)
    if act:
        query = query.where(LogEntry.act == act)
    with db.read() as connection, Session(connection, expire_on_commit=False) as session:
        return list(session.scalars(query))


def _account_id(actor: Actor | None) -> UUID | None:
    try:
        return UUID(actor.id) if actor else None
    except ValueError:  # the system itself
        return None
