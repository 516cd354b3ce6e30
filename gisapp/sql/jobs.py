"""The statements behind jobs: the register that people see, each step of a job's life one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Integer,
    MetaData,
    RowMapping,
    Table,
    Text,
    Uuid,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

Row = RowMapping  # a line of the register
_MOMENT = DateTime(timezone=True)
JOBS = Table(
    "jobs", MetaData(),
    Column("id", Uuid, primary_key=True), Column("kind", Text), Column("account_id", Uuid), Column("username", Text),
    Column("layer", Text), Column("asked", JSONB), Column("digest", Text), Column("address", Text),
    Column("request_id", Text), Column("state", Text), Column("step", Text), Column("rows_done", BigInteger),
    Column("rows_all", BigInteger), Column("attempt", Integer), Column("cancel", Boolean),
    Column("created_at", _MOMENT), Column("queued_at", _MOMENT), Column("started_at", _MOMENT),
    Column("seen_at", _MOMENT), Column("moved_at", _MOMENT), Column("finished_at", _MOMENT),
    Column("expires_at", _MOMENT),
    Column("result", JSONB(none_as_null=True)), Column("problem", JSONB(none_as_null=True)),
    Column("queue_id", BigInteger),
    schema="gisapp")
_C = JOBS.c
ACTIVE = ("waiting", "running")
_SHOWN = select(JOBS, func.now().label("now"))


def add(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(JOBS).values(**values))


def one(connection: Connection, job_id: UUID) -> Row | None:
    """The job with the moment that it is (`now`), or None."""
    return connection.execute(_SHOWN.where(_C.id == job_id)).mappings().one_or_none()


def recent(connection: Connection, account_id: UUID | None, limit: int) -> Sequence[Row]:
    """The newest jobs first, of one account or of all."""
    statement = _SHOWN.order_by(_C.created_at.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(_C.account_id == account_id)
    return connection.execute(statement).mappings().all()


def one_at_a_time(connection: Connection, key: str) -> None:
    """Wait until no other transaction asks for a job under the same key."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 7))"), {"key": key})


def same(connection: Connection, account_id: UUID, digest: str) -> UUID | None:
    """An unfinished job of that account with the same order."""
    return connection.execute(select(_C.id).where(
        _C.account_id == account_id, _C.digest == digest, _C.state.in_(ACTIVE)).limit(1)).scalar_one_or_none()


def count_active(connection: Connection, account_id: UUID) -> int:
    """How many jobs of an account wait or run."""
    return int(connection.execute(select(func.count()).where(
        _C.account_id == account_id, _C.state.in_(ACTIVE))).scalar_one())


def active_with(connection: Connection, kind: str, key: str, value: str) -> UUID | None:
    """An unfinished job of that kind whose order holds the value."""
    return connection.execute(select(_C.id).where(
        _C.kind == kind, _C.state.in_(ACTIVE), _C.asked[key].astext == value).limit(1)).scalar_one_or_none()


def note_queued(connection: Connection, job_id: UUID, queue_id: int) -> None:
    """The queue's own number of the job."""
    connection.execute(update(JOBS).where(_C.id == job_id).values(queue_id=queue_id, queued_at=func.now()))


def claim(connection: Connection, job_id: UUID) -> Row | None:
    """Begin a waiting job; None when it does not wait (any more). Only one caller ever gets it."""
    statement = update(JOBS).where(_C.id == job_id, _C.state == "waiting").values(
        state="running", attempt=_C.attempt + 1, started_at=func.now(), seen_at=func.now(), moved_at=func.now(),
        rows_done=0, step="", problem=None)
    return connection.execute(statement.returning(*_C)).mappings().one_or_none()


def _mine(job_id: UUID, attempt: int) -> ColumnElement[bool]:
    return and_(_C.id == job_id, _C.attempt == attempt, _C.state == "running")


def beat(connection: Connection, job_id: UUID, attempt: int, progress: Mapping[str, Any]) -> bool | None:
    """Say that the job's worker lives and how far it is. Whether to stop; None when the job is no longer its own."""
    moved = or_(false(), *(_C[name] != value for name, value in progress.items()))
    statement = update(JOBS).where(_mine(job_id, attempt)).values(
        seen_at=func.now(), moved_at=case((moved, func.now()), else_=_C.moved_at), **progress)
    return connection.execute(statement.returning(_C.cancel)).scalar_one_or_none()


def finish(connection: Connection, job_id: UUID, attempt: int, values: Mapping[str, Any],
           kept: timedelta | None = None) -> bool:
    """End a job that is still the worker's own; False when it is not. Its result is kept for `kept`."""
    statement = update(JOBS).where(_mine(job_id, attempt)).values(
        finished_at=func.now(), expires_at=func.now() + kept if kept else None, **values)
    return connection.execute(statement.returning(_C.id)).one_or_none() is not None


def give_back(connection: Connection, job_id: UUID, attempt: int) -> bool:
    """Let a job of a worker that stops wait again; the broken attempt is not counted against it."""
    statement = update(JOBS).where(_mine(job_id, attempt)).values(state="waiting", attempt=_C.attempt, seen_at=None)
    return connection.execute(statement.returning(_C.id)).one_or_none() is not None


def cancel(connection: Connection, job_id: UUID) -> str | None:
    """End a waiting job, ask a running one to stop: the state it is in then; None when it had ended."""
    ended = connection.execute(update(JOBS).where(_C.id == job_id, _C.state == "waiting").values(
        state="cancelled", cancel=True, finished_at=func.now()).returning(_C.id)).one_or_none()
    if ended is not None:
        return "cancelled"
    asked = update(JOBS).where(_C.id == job_id, _C.state == "running").values(cancel=True)
    return "running" if connection.execute(asked.returning(_C.id)).one_or_none() is not None else None


def again(connection: Connection, job_id: UUID) -> bool:
    """Let a failed or cancelled job wait once more; False when it is neither."""
    statement = update(JOBS).where(_C.id == job_id, _C.state.in_(("failed", "cancelled"))).values(
        state="waiting", cancel=False, rows_done=0, step="", finished_at=None, seen_at=None, started_at=None,
        expires_at=None, result=None, problem=None, attempt=0, queued_at=func.now())
    return connection.execute(statement.returning(_C.id)).one_or_none() is not None


def silent(connection: Connection, age: timedelta) -> Sequence[Row]:
    """Running jobs whose worker has not been heard of for `age`, held for the caller; others' are passed over."""
    statement = select(JOBS).where(_C.state == "running", _C.seen_at < func.now() - age)
    return connection.execute(statement.with_for_update(skip_locked=True)).mappings().all()


def unqueued(connection: Connection, age: timedelta) -> Sequence[Row]:
    """Waiting jobs older than `age` that the queue does not hold, or holds for a worker that is gone; held."""
    lost = text("""NOT EXISTS (SELECT 1 FROM jobs.procrastinate_jobs AS q
        LEFT JOIN jobs.procrastinate_workers AS w ON w.id = q.worker_id
        WHERE q.id = gisapp.jobs.queue_id AND (q.status = 'todo'
              OR q.status = 'doing' AND w.last_heartbeat > now() - interval '30 s'))""")
    statement = select(JOBS).where(_C.state == "waiting", _C.queued_at < func.now() - age, lost)
    return connection.execute(statement.with_for_update(of=JOBS, skip_locked=True)).mappings().all()


def wait_again(connection: Connection, job_id: UUID) -> None:
    """Put a job whose worker vanished back to those that wait."""
    connection.execute(update(JOBS).where(_C.id == job_id).values(state="waiting", seen_at=None, queued_at=func.now()))


def give_up(connection: Connection, job_id: UUID, state: str, problem: Mapping[str, Any] | None) -> None:
    """End a job whose worker vanished."""
    connection.execute(update(JOBS).where(_C.id == job_id).values(
        state=state, problem=problem and dict(problem), finished_at=func.now()))


def drop_from_queue(connection: Connection, queue_id: int | None) -> None:
    """Take a job out of the queue, whatever the queue thinks of it: a new line replaces it."""
    connection.execute(text("DELETE FROM jobs.procrastinate_jobs WHERE id = :id"), {"id": queue_id})


def expired(connection: Connection) -> Sequence[UUID]:
    """Jobs whose result was kept long enough; their files may go."""
    statement = update(JOBS).where(_C.expires_at < func.now(), _C.result.is_not(None), or_(
        _C.result["file"].astext.is_not(None), _C.kind == "import")).values(
        result=_C.result.op("-")("file"), expires_at=None)
    return connection.execute(statement.returning(_C.id)).scalars().all()


def drop_file(connection: Connection, job_id: UUID) -> bool:
    """Forget the finished file of an export before its time; False where there is none any more."""
    statement = update(JOBS).where(_C.id == job_id, _C.state == "done", _C.kind == "export",
                                   _C.result["file"].astext.is_not(None)).values(
        result=_C.result.op("-")("file"), expires_at=None)
    return connection.execute(statement.returning(_C.id)).one_or_none() is not None


def keep_until(connection: Connection, job_id: UUID, moment: Any) -> None:
    """Keep a job's result at least until `moment`."""
    connection.execute(update(JOBS).where(_C.id == job_id, _C.expires_at.is_not(None)).values(
        expires_at=func.greatest(_C.expires_at, moment)))


def forget(connection: Connection, age: timedelta) -> None:
    """Delete the lines of jobs that ended longer ago than `age` and keep nothing."""
    connection.execute(delete(JOBS).where(_C.finished_at < func.now() - age, _C.expires_at.is_(None)))


def folders_in_use(connection: Connection, job_ids: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """Of these jobs: those that run, or whose result is kept, with the attempt that their folder belongs to."""
    statement = select(_C.id, _C.attempt).where(_C.id.in_(job_ids), or_(
        _C.state == "running", and_(_C.state == "done", _C.expires_at.is_not(None))))
    return {(row.id, row.attempt) for row in connection.execute(statement)}


def workers_alive(connection: Connection) -> int:
    """How many workers were heard of in the last half minute."""
    return int(connection.execute(text(
        "SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '30 s'")).scalar_one())
