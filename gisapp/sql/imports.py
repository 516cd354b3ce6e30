"""The statements behind imports: their register, and how columns were mapped before."""

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
    exists,
    func,
    insert,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert as upsert

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
MAPPINGS = Table(
    "import_mappings", MetaData(),
    Column("layer", Text, primary_key=True),
    Column("signature", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("choices", JSONB, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
    schema="gisapp")


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(IMPORTS).values(created_at=func.now(), **values))


def one(connection: Connection, import_id: UUID) -> Row | None:
    """The import, or None."""
    return connection.execute(select(IMPORTS).where(IMPORTS.c.id == import_id)).mappings().one_or_none()


def states(connection: Connection, import_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The states of those of the imports that there are."""
    found = connection.execute(select(IMPORTS.c.id, IMPORTS.c.state).where(IMPORTS.c.id.in_(import_ids)))
    return {row.id: row.state for row in found}


def recent(connection: Connection, account_id: str | None, limit: int = 50) -> Sequence[Row]:
    """The newest imports first, of one account or of all."""
    statement = select(IMPORTS).order_by(IMPORTS.c.created_at.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(IMPORTS.c.account_id == account_id)
    return connection.execute(statement).mappings().all()


def finish(connection: Connection, import_id: UUID, result: Mapping[str, Any]) -> bool:
    """Mark a waiting import as done, with when its rows entered and in whose name; False when it no longer waited."""
    entered = func.jsonb_build_array(func.now(), func.clock_timestamp(), func.gisapp.acting_user())
    statement = update(IMPORTS).where(IMPORTS.c.id == import_id, IMPORTS.c.state == "ready").values(
        state="done", summary=IMPORTS.c.summary + cast({"result": dict(result)}, JSONB)
        + func.jsonb_build_object("entered", entered, type_=JSONB))
    return connection.execute(statement.returning(IMPORTS.c.id)).one_or_none() is not None


def forget(connection: Connection, import_ids: Sequence[UUID]) -> None:
    connection.execute(delete(IMPORTS).where(IMPORTS.c.id.in_(import_ids)))


def expired(connection: Connection, age: timedelta) -> Sequence[UUID]:
    """Imports that waited for their commit longer than `age`, locked; not those that somebody works on."""
    statement = select(IMPORTS.c.id).where(
        IMPORTS.c.state == "ready", IMPORTS.c.created_at < func.now() - age).with_for_update(skip_locked=True)
    return connection.execute(statement).scalars().all()


def no_hurry(connection: Connection, seconds: int, import_id: UUID, *, for_session: bool = False) -> None:
    """Let this transaction's statements, or all of this connection's, take longer than a page may, and let it wait
    for a child between them; it is known to `interrupt` as long as it lasts."""
    connection.execute(text("SELECT set_config('statement_timeout', :time, :local),"
                            " set_config('idle_in_transaction_session_timeout', :time, :local),"
                            " set_config('application_name', :name, :local)"),
                       {"time": f"{seconds}s", "name": _name(import_id), "local": not for_session})


def _name(import_id: UUID) -> str:
    return f"gisapp import {import_id}"


def interrupt(connection: Connection, import_id: UUID, *, for_good: bool) -> None:
    """Stop the statement that works on an import, or `for_good` end the connection: of a worker that was killed the
    server hears nothing before the statement is through."""
    activity = table("pg_stat_activity", Column("pid"), Column("application_name", Text), Column("usename", Text))
    end = func.pg_terminate_backend(activity.c.pid, 5000) if for_good else func.pg_cancel_backend(activity.c.pid)
    connection.execute(select(end).where(
        activity.c.application_name == _name(import_id), activity.c.usename == func.current_user()))


def history_reached(connection: Connection, layer_id: str) -> int:
    """How many numbers the lines of a layer's history have taken so far, those of running transactions too."""
    return int(connection.execute(func.gisapp.history_reached(layer_id).select()).scalar_one() or 0)


def hold(connection: Connection, import_id: UUID) -> str | None:
    """Lock an import for this transaction: its state; None when another transaction works on it, or it is gone."""
    statement = select(IMPORTS.c.state).where(IMPORTS.c.id == import_id).with_for_update(skip_locked=True)
    return connection.execute(statement).scalar_one_or_none()


def note(connection: Connection, import_id: UUID, more: Mapping[str, Any]) -> None:
    """Add to the summary."""
    connection.execute(update(IMPORTS).where(IMPORTS.c.id == import_id).values(
        summary=IMPORTS.c.summary + cast(dict(more), JSONB)))


def set_state(connection: Connection, import_id: UUID, state: str, more: Mapping[str, Any]) -> None:
    """Change the state of a held import and add to its summary."""
    connection.execute(update(IMPORTS).where(IMPORTS.c.id == import_id).values(
        state=state, summary=IMPORTS.c.summary + cast(dict(more), JSONB)))


def summary(connection: Connection, import_id: UUID) -> dict[str, Any]:
    """What is known of an import."""
    found: dict[str, Any] = connection.execute(select(IMPORTS.c.summary).where(IMPORTS.c.id == import_id)).scalar_one()
    return found


def holds_any(connection: Connection, table: Table) -> bool:
    """Whether a layer has any feature."""
    return bool(connection.execute(select(exists(select(table.c.id)))).scalar_one())


def mappings(connection: Connection, layer_id: str, signature: str) -> Sequence[Row]:
    """What was chosen for such columns before, the newest first."""
    return connection.execute(select(MAPPINGS).where(
        MAPPINGS.c.layer == layer_id, MAPPINGS.c.signature == signature).order_by(
        MAPPINGS.c.saved_at.desc(), MAPPINGS.c.name).limit(20)).mappings().all()


def save_mapping(connection: Connection, layer_id: str, signature: str, name: str, choices: Mapping[str, Any],
                 username: str) -> None:
    """Keep choices, in the place of those that have the same name."""
    values = {"choices": dict(choices), "saved_at": func.clock_timestamp(), "saved_by": username}
    connection.execute(upsert(MAPPINGS).values(
        layer=layer_id, signature=signature, name=name, **values).on_conflict_do_update(
        index_elements=["layer", "signature", "name"], set_=values))
