"""The statements behind imports: their register, and what of a file is in a layer already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    MetaData,
    RowMapping,
    Table,
    Text,
    Uuid,
    cast,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

Row = RowMapping  # a line of the register
IMPORTS = Table(
    "imports", MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("layer", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("summary", JSONB, nullable=False),
    schema="gisapp")


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(IMPORTS).values(created_at=func.now(), **values))


def one(connection: Connection, import_id: UUID) -> Row | None:
    """The import, or None."""
    return connection.execute(select(IMPORTS).where(IMPORTS.c.id == import_id)).mappings().one_or_none()


def recent(connection: Connection, account_id: str | None, limit: int = 50) -> Sequence[Row]:
    """The newest imports first, of one account or of all."""
    statement = select(IMPORTS).order_by(IMPORTS.c.created_at.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(IMPORTS.c.account_id == account_id)
    return connection.execute(statement).mappings().all()


def finish(connection: Connection, import_id: UUID, result: Mapping[str, Any]) -> bool:
    """Mark a waiting import as done; False when it no longer waited."""
    statement = update(IMPORTS).where(IMPORTS.c.id == import_id, IMPORTS.c.state == "ready").values(
        state="done", summary=IMPORTS.c.summary + cast({"result": dict(result)}, JSONB))
    return connection.execute(statement.returning(IMPORTS.c.id)).one_or_none() is not None


def forget(connection: Connection, import_ids: Sequence[UUID]) -> None:
    connection.execute(delete(IMPORTS).where(IMPORTS.c.id.in_(import_ids)))


def expired(connection: Connection, age: timedelta) -> Sequence[UUID]:
    """Imports that waited for their commit longer than `age`."""
    statement = select(IMPORTS.c.id).where(IMPORTS.c.state == "ready", IMPORTS.c.created_at < func.now() - age)
    return connection.execute(statement).scalars().all()


def existing(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> set[Any]:
    """Which of the values the layer's column holds already."""
    kept = table.c[column]
    given = cast(list(values), ARRAY(kept.type))
    return set(connection.execute(select(kept).where(kept == func.any(given))).scalars())


def no_hurry(connection: Connection, seconds: int) -> None:
    """Let this transaction's statements take longer than a page may."""
    connection.execute(text("SELECT set_config('statement_timeout', :time, true)"), {"time": f"{seconds}s"})


def squadron(connection: Connection, table: Table, feature_id: UUID) -> str | None:
    """The squadron in whose territory a feature lies."""
    code: str | None = connection.execute(select(table.c.squadron_code).where(table.c.id == feature_id)).scalar_one()
    return code
