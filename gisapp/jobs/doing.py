"""A worker's side of a job: take it, show that it lives, do it with the rights of now, end it once and for all."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from gisapp import imports, job_queue
from gisapp.accounts import people
from gisapp.children import Progress
from gisapp.db import is_away, is_busy, is_full
from gisapp.desk.check import check
from gisapp.desk.undo import undo
from gisapp.errors import Problem
from gisapp.hand_over import deliveries, exports
from gisapp.house import House
from gisapp.jobs import folder_of, kept_for
from gisapp.permissions import SYSTEM, Actor
from gisapp.sql import imports as sql_imports, jobs as sql_jobs
from gisapp.sql.jobs import Row
from gisapp.words import Words

_log = logging.getLogger(__name__)
#: Between two signs of life of a job.
BEAT_S = 1.0
#: What a child says whose database went away.
AWAY = "database_unavailable"


class Stopped(Exception):
    """The work must end here: `why` is cancel (the reader's wish), shutdown (the worker stops) or lost (the job is
    another worker's by now)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class Pulse:
    """Tells the register that a job's worker lives, from a thread of its own, and hears whether to stop."""

    house: House
    job_id: UUID
    attempt: int
    stop: Callable[[], bool]
    number: UUID | None = None
    why: str = ""
    _progress: dict[str, Any] = field(default_factory=dict)
    _unheard: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    def watch(self, progress: Progress) -> None:
        """Note how far the work is; raises Stopped when it must end."""
        known = {"rows_all": progress.rows_all} if progress.rows_all else {}
        self._progress = {"rows_done": progress.rows_done, "step": progress.step, **known}
        self.check()

    def check(self) -> None:
        """Raise Stopped when the work must end."""
        if self.why:
            raise Stopped(self.why)

    def beat(self) -> None:
        """One sign of life; a database that is away for a moment is no reason to stop."""
        try:
            with self.house.db.begin(SYSTEM.username) as connection:
                wish = sql_jobs.beat(connection, self.job_id, self.attempt, self._progress)
        except SQLAlchemyError:
            if not self._unheard:
                _log.warning("job %s: no sign of life could be noted", self.job_id)
            self._unheard = True
            return
        self._unheard = False
        self.why = "lost" if wish is None else "cancel" if wish else "shutdown" if self.stop() else self.why
        if self.why and self.number is not None:
            self._interrupt(self.number)

    def _interrupt(self, number: UUID) -> None:
        """Nobody listens within a statement that lets a million rows enter: it is stopped where it is."""
        try:
            with self.house.db.begin(SYSTEM.username) as connection:
                sql_imports.interrupt(connection, number, for_good=False)
        except SQLAlchemyError:
            _log.warning("job %s: its statement could not be stopped", self.job_id)

    def _run(self) -> None:
        while not self._ended.wait(BEAT_S):
            self.beat()

    @contextmanager
    def beating(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True, name=f"pulse {self.job_id}")
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()


def do(house: House, job_id: UUID, stop: Callable[[], bool]) -> None:
    """Do a job that waits; nothing for one that another worker has, or that was cancelled meanwhile."""
    with house.db.begin(SYSTEM.username) as connection:
        row = sql_jobs.claim(connection, job_id)
    if row is None:
        return
    asked = row["asked"].get("import")
    pulse = Pulse(house, job_id, row["attempt"], stop, UUID(asked) if asked else None)
    folder = folder_of(house, job_id, row["attempt"])
    kept = False
    try:
        with pulse.beating():
            kept = _KINDS[row["kind"]](house, row, _actor(house, row), pulse)
    except Stopped as stopped:
        _stopped(house, row, stopped.why)
    except Problem as problem:
        if problem.code == AWAY:
            _abandoned(job_id)
        else:
            _failed(house, row, problem)
    except Exception as error:
        if pulse.why:  # a statement that was stopped
            _stopped(house, row, pulse.why)
        elif is_away(error):
            _abandoned(job_id)
        else:
            _log.exception("job %s failed", job_id)
            _failed(house, row, _problem_of(error))
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(job_id: UUID) -> None:
    """The database ended under the work, which is no fault of the job's: nothing can be noted just now, and whoever
    tends jobs finds it silent and lets it be begun anew."""
    _log.warning("job %s: the database went away; it is begun anew", job_id)


def _problem_of(error: Exception) -> Problem:
    """What a reader is told of an error that nobody foresaw."""
    if is_busy(error):
        return Problem("busy", seconds=60)
    return Problem("storage_full" if is_full(error) or isinstance(error, PermissionError) else "work_failed")


def _actor(house: House, row: Row) -> Actor:
    """Who asked, with the rights of this moment. Problem `job_account_disabled` (403)."""
    with house.db.read() as connection:
        account = people.find(connection, row["account_id"])
    if not account.active:
        raise Problem("job_account_disabled")
    return people.actor_of(account, row["request_id"] or "")


def _export(house: House, row: Row, actor: Actor, pulse: Pulse) -> bool:
    folder = folder_of(house, row["id"], row["attempt"])
    work = folder / "work"
    work.mkdir(parents=True, mode=0o700)
    made = exports.make(house, actor, row["asked"], work, pulse.watch, exports.LONG)
    pulse.check()
    made.path.rename(folder / "file")
    with house.db.begin(actor.username, actor.request_id) as connection:
        delivery = deliveries.record(house, connection, actor, made, row["asked"], work, row["address"], row["id"])
        if not sql_jobs.finish(connection, row["id"], row["attempt"], {
                "state": "done", "result": _result(made, delivery), "rows_done": made.rows}, kept_for(house)):
            raise Stopped("lost")  # and nothing of this is true
    shutil.rmtree(work, ignore_errors=True)
    return True


def _result(made: exports.Made, delivery: UUID) -> dict[str, Any]:
    return {"file": "file", "name": made.name, "ascii_name": made.ascii_name, "size": made.size, "rows": made.rows,
            "losses": dict(made.losses), "question": dict(made.question), "media_type": made.media_type,
            "shown": list(made.shown), "withheld": list(made.withheld), "changes": made.changes,
            "files": list(made.files),
            "delivery": str(delivery)}


def _import(house: House, row: Row, actor: Actor, pulse: Pulse) -> bool:
    number, choices = UUID(row["asked"]["import"]), row["asked"]["choices"]
    if row["attempt"] > 1:
        _end_former(house, number)
    if row["asked"].get("act") == "undo":
        undone = _taken_back(house, row, actor, number, pulse)
        result = {"import": {"undone": undone}, "rows": sum(undone.values())}
    elif row["asked"].get("act") == "check":
        counts = check(house, actor, number, choices, pulse.watch)["counts"]
        result = {"import": {"checked": counts}, "rows": sum(counts.get(kind, 0) for kind in ("accepted", "refused"))}
    else:
        done = _committed(house, row, actor, number, choices, pulse)
        result = {"import": done, "rows": done.get("accepted", 0)}
    with house.db.begin(SYSTEM.username) as connection:
        sql_jobs.finish(connection, row["id"], row["attempt"], {"state": "done", "result": result}, kept_for(house))
    return False


def _end_former(house: House, number: UUID) -> None:
    """What a killed worker left running in the database holds the import still."""
    with house.db.begin(SYSTEM.username) as connection:
        sql_imports.interrupt(connection, number, for_good=True)


def _committed(house: House, row: Row, actor: Actor, number: UUID, choices: dict[str, Any],
               pulse: Pulse) -> dict[str, Any]:
    try:
        return imports.commit(house, actor, number, choices, row["address"], watch=pulse.watch)
    except Problem as problem:
        # An attempt that was killed right after its commit left everything done but the job's own line.
        done = imports.done_before(house, actor, number) if problem.code == "import_done" else None
        if row["attempt"] == 1 or done is None:
            raise
        return done


def _taken_back(house: House, row: Row, actor: Actor, number: UUID, pulse: Pulse) -> dict[str, int]:
    try:
        done = undo(house, actor, number, row["address"], pulse.watch)
    except Problem as problem:
        # An attempt that was killed right after its undoing left everything done but the job's own line.
        before = imports.undone_before(house, actor, number) if problem.code == "import_not_done" else None
        if row["attempt"] == 1 or before is None:
            raise
        done = before
    return {name: count for name, count in done.items() if isinstance(count, int)}


def _stopped(house: House, row: Row, why: str) -> None:
    job_id, attempt = row["id"], row["attempt"]
    with house.db.begin(SYSTEM.username) as connection:
        if why == "cancel":
            sql_jobs.finish(connection, job_id, attempt, {"state": "cancelled"})
        elif why == "shutdown" and sql_jobs.give_back(connection, job_id, attempt):
            sql_jobs.note_queued(connection, job_id, job_queue.put(connection, job_id))


def _failed(house: House, row: Row, problem: Problem) -> None:
    with house.db.begin(SYSTEM.username) as connection:
        sql_jobs.finish(connection, row["id"], row["attempt"], {"state": "failed", "problem": as_kept(problem)})


def as_kept(problem: Problem) -> dict[str, Any]:
    """A problem as it is kept with a job."""
    return {"code": problem.code, "params": {name: _plain(value) for name, value in problem.params.items()},
            "errors": problem.errors[:1000]}


def _plain(value: Any) -> Any:
    """A parameter of a sentence as JSON; words keep both languages."""
    if isinstance(value, Words):
        return {"zh": value.zh, "en": value.en}
    return value if isinstance(value, str | int | float | None) else str(value)


_KINDS: dict[str, Callable[[House, Row, Actor, Pulse], bool]] = {"export": _export, "import": _import}
