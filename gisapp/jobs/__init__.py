"""Long work in the background: imports and exports of many features, asked for, looked at, stopped, repeated.

A job belongs to the account that asked; administrators see all. Its rights are those that the account has when
the work is done, not when it was asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from gisapp import job_queue
from gisapp.accounts.log import record
from gisapp.errors import Problem
from gisapp.hand_over import deliveries, exports
from gisapp.house import House
from gisapp.jobs import pace
from gisapp.permissions import Actor, may, require
from gisapp.sql import jobs as sql_jobs
from gisapp.sql.jobs import Row
from gisapp.words import Words

#: Unfinished jobs that one account may have.
MOST_ACTIVE = 20
#: An import or export of more features than this is a job.
DIRECT = 2000
#: So is one with more photos than this, or with more bytes of them.
DIRECT_PHOTOS, DIRECT_BYTES = 200, 100 * 2**20
LISTED = 100


@dataclass(frozen=True)
class File:
    """The finished file of a job, open for reading; `etag` tells it from every other."""

    file: IO[bytes]
    size: int
    media_type: str
    ascii_name: str
    name: str
    etag: str = ""


def is_long(house: House, actor: Actor, layer_id: str, format_name: str, args: Mapping[str, Sequence[str]],
            language: str) -> bool:
    """Whether the file of an items request is to be made by a job. Problems: those of `exports.plan`."""
    order = exports.plan(house, actor, layer_id, format_name, args, language)
    photos, size = exports.photos(house, actor, order)
    return photos > DIRECT_PHOTOS or size > DIRECT_BYTES or exports.count(house, actor, order) > DIRECT


def ask_export(house: House, actor: Actor, layer_id: str, format_name: str, args: Mapping[str, Sequence[str]],
               language: str, address: str | None = None) -> UUID:
    """A job that makes the file of an items request; the same one again while it has not ended.

    Problems: those of `exports.plan`; `jobs_too_many` (429).
    """
    return ask_planned(house, actor, exports.plan(house, actor, layer_id, format_name, args, language), address)


def ask_planned(house: House, actor: Actor, order: Mapping[str, Any], address: str | None = None) -> UUID:
    """The same for an order that `exports.plan` has made."""
    return _ask(house, actor, "export", order["layer"], order, exports.count(house, actor, order), address)


def ask_import(house: House, actor: Actor, number: UUID, layer_id: str, choices: Mapping[str, Any], rows: int,
               address: str | None = None, act: str = "commit", file: str = "") -> UUID:
    """A job that checks an upload of about so many `rows`, or (`act` = "commit") lets its rows enter, or (`act` =
    "undo") takes a committed import back; `choices` are those of `imports.commit`, `file` is what the sender called
    it. Problem `import_busy` (409) while another job works on it."""
    require(actor, "delete" if act == "undo" else "import")
    order = {"import": str(number), "choices": dict(choices), "act": act, "file": file}
    return _ask(house, actor, "import", layer_id, order, rows, address, number)


def _ask(house: House, actor: Actor, kind: str, layer_id: str, order: Mapping[str, Any], rows: int,
         address: str | None, number: UUID | None = None) -> UUID:
    """The job of an order, an unfinished one with the same order first. On an import `number` works one at a time."""
    account, job_id = _account(actor), uuid4()
    digest = hashlib.sha256(json.dumps([kind, order], sort_keys=True, default=str).encode()).hexdigest()
    with house.db.begin(actor.username, actor.request_id) as connection:
        # Two requests at once must not both find nothing.
        sql_jobs.one_at_a_time(connection, str(number or f"{account}{digest}"))
        found = sql_jobs.same(connection, account, digest)
        if found is not None:
            return found
        if number is not None and busy_with(connection, number):
            raise Problem("import_busy")
        if sql_jobs.count_active(connection, account) >= MOST_ACTIVE:
            raise Problem("jobs_too_many", limit=MOST_ACTIVE, headers={"Retry-After": "60"})
        sql_jobs.add(connection, {
            "id": job_id, "kind": kind, "account_id": account, "username": actor.username, "layer": layer_id,
            "asked": dict(order), "digest": digest, "address": address, "request_id": actor.request_id,
            "rows_all": rows})
        sql_jobs.note_queued(connection, job_id, job_queue.put(connection, job_id))
    return job_id


def _account(actor: Actor) -> UUID:
    try:
        return UUID(actor.id)
    except ValueError:  # the system itself has no list of jobs
        raise Problem("act_not_allowed", role=actor.role, act="export") from None


def show(house: House, actor: Actor, job_id: UUID, language: str) -> dict[str, Any]:
    """One job as a document. Problem `job_unknown` (404), for others' jobs too."""
    return document(_own(house, actor, job_id), language)


def listed(house: House, actor: Actor, language: str) -> list[dict[str, Any]]:
    """The newest jobs: one's own, or all for an administrator."""
    require(actor, "own_account")
    everything = may(actor, "manage_accounts")
    with house.db.read() as connection:
        rows = sql_jobs.recent(connection, None if everything else _account(actor), LISTED)
    return [document(row, language) for row in rows]


def _own(house: House, actor: Actor, job_id: UUID) -> Row:
    require(actor, "own_account")
    with house.db.read() as connection:
        row = sql_jobs.one(connection, job_id)
    if row is None or (str(row["account_id"]) != actor.id and not may(actor, "manage_accounts")):
        raise Problem("job_unknown")
    return row


def document(row: Row, language: str) -> dict[str, Any]:
    """What is told of a job: state, rows done, rows in all, seconds that remain, its result or what went wrong."""
    result, problem = dict(row["result"] or {}), row["problem"]
    done, whole = pace.rows(row)
    return {
        "id": str(row["id"]), "kind": row["kind"], "layer": row["layer"], "state": row["state"],
        "rows_done": done, "rows_in_all": whole, "step": row["step"] or None,
        "remaining_s": pace.remaining(row), "cancelling": row["cancel"] and row["state"] == "running",
        "asked_by": row["username"], "attempt": row["attempt"],
        **{name: row[name] and row[name].isoformat() for name in
           ("created_at", "started_at", "finished_at", "expires_at")},
        "format": row["asked"].get("format"), "datum": row["asked"].get("datum"),
        "further": [each["layer"] for each in row["asked"].get("further") or []], "question": result.get("question"),
        "file_name": result.get("name") if result.get("file") else None,
        "media_type": result.get("media_type"), "size": result.get("size"), "losses": result.get("losses"),
        "import": row["asked"].get("import"), "act": row["asked"].get("act"), "source": row["asked"].get("file"),
        "result": result.get("import"),
        "delivery": result.get("delivery"), "changes": result.get("changes"), "shown": result.get("shown"),
        "withheld": result.get("withheld"), "files": result.get("files"),
        "receiver": (row["asked"].get("receiver") or {}).get("name"),
        "problem": _problem(problem).document(language) if problem else None,
    }


def _problem(kept: Mapping[str, Any]) -> Problem:
    params: dict[str, Any] = {name: Words(**value) if isinstance(value, dict) else value
                              for name, value in kept["params"].items()}
    return Problem(kept["code"], errors=kept.get("errors"), **params)


def cancel(house: House, actor: Actor, job_id: UUID) -> None:
    """End a waiting job; ask a running one to stop, which it does within seconds. Problem `job_ended` (409)."""
    _own(house, actor, job_id)
    with house.db.begin(actor.username, actor.request_id) as connection:
        if sql_jobs.cancel(connection, job_id) is None:
            raise Problem("job_ended")


def retry(house: House, actor: Actor, job_id: UUID) -> None:
    """Queue a failed or cancelled job anew. Problem `job_not_ended` (409)."""
    row = _own(house, actor, job_id)
    with house.db.begin(actor.username, actor.request_id) as connection:
        if not sql_jobs.again(connection, job_id):
            raise Problem("job_not_ended")
        sql_jobs.drop_from_queue(connection, row["queue_id"])
        sql_jobs.note_queued(connection, job_id, job_queue.put(connection, job_id))


def file_of(house: House, actor: Actor, job_id: UUID, address: str | None = None, *, count: bool = True,
            goes_on: bool = False) -> File:
    """The finished file, for who asked and for administrators who may export; one with personal fields only while
    they may see those. With `count` false nothing is noted (HEAD); one who `goes_on` is noted once in a day.

    Problems: `job_unknown`, `job_not_done` (409), `job_expired` (410).
    """
    row = _own(house, actor, job_id)
    require(actor, "export")
    if row["state"] != "done" or row["kind"] != "export":
        raise Problem("job_not_done")
    deliveries.require_personal(actor, row["asked"].get("personal"))
    found = open_file(house, row)
    if not count:
        return found
    with house.db.begin(actor.username, actor.request_id) as connection:
        delivery = row["result"].get("delivery")
        if goes_on and delivery and deliveries.took(connection, UUID(delivery), actor):
            return found
        if delivery:
            deliveries.note_taking(connection, UUID(delivery), actor, address)
        record(connection, "file_taken", actor, address=address, detail={
            "job": str(job_id), "layer": row["layer"], "delivery": delivery})
    return found


def open_file(house: House, row: Row) -> File:
    """The file of a done job. Problem `job_expired` (410) once it was not kept any longer."""
    result = row["result"] or {}
    if not result.get("file") or (row["expires_at"] and row["expires_at"] < datetime.now(UTC)):
        raise Problem("job_expired")
    try:
        file = (folder_of(house, row["id"], row["attempt"]) / result["file"]).open("rb")
    except OSError:
        raise Problem("job_expired") from None
    return File(file, os.fstat(file.fileno()).st_size, result["media_type"], result["ascii_name"], result["name"],
                f"{row['id'].hex}-{row['attempt']}")


def remove_file(house: House, actor: Actor, job_id: UUID, address: str | None = None) -> None:
    """Delete a finished file before its time: who asked for it may, and administrators. Links to it end.

    Problems: `job_unknown`, `job_not_done` (409), `job_expired` (410) where it is gone already.
    """
    row = _own(house, actor, job_id)
    if row["state"] != "done" or row["kind"] != "export":
        raise Problem("job_not_done")
    with house.db.begin(actor.username, actor.request_id) as connection:
        if not sql_jobs.drop_file(connection, job_id):
            raise Problem("job_expired")
        record(connection, "file_removed", actor, address=address, detail={
            "job": str(job_id), "layer": row["layer"], "delivery": (row["result"] or {}).get("delivery")})
    shutil.rmtree(folder_of(house, job_id, row["attempt"]), ignore_errors=True)


def folder_of(house: House, job_id: UUID, attempt: int) -> Path:
    """Where one attempt at a job works and leaves its file."""
    return house.settings.instance / "jobs" / f"{job_id.hex}-{attempt}"


def kept_for(house: House) -> timedelta:
    """How long a result is kept."""
    return timedelta(hours=house.settings.job_keep_hours)


def busy_with(connection: Connection, number: UUID) -> bool:
    """Whether a job that has not ended works on that import."""
    return sql_jobs.active_with(connection, "import", "import", str(number)) is not None
