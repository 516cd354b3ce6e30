"""What a worker looks after beside its jobs: those that others left behind, results that were kept long enough."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from gisapp import job_queue
from gisapp.children import age_s, sweep
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.jobs.doing import as_kept
from gisapp.jobs.sweeping import OLD_S, is_time, sweep_imports
from gisapp.permissions import SYSTEM
from gisapp.photos import files as attachment_files
from gisapp.sql import jobs as sql_jobs
from gisapp.sql.jobs import Row

#: A job whose worker was silent for so long is somebody else's to do.
SILENCE = timedelta(seconds=15)
#: A waiting job that the queue does not know after so long is put there again.
UNQUEUED = timedelta(seconds=20)
#: So many workers may vanish over one job before it is held to be the reason.
ATTEMPTS = 3
#: How long the line of a job is kept after its end.
LINES_KEPT = timedelta(days=90)
#: So often files of photos that no line names are looked for, in seconds.
PHOTOS_SWEPT_S = 3600.0
#: A folder younger than this may belong to a job that is just beginning, in seconds.
YOUNG_S = 30.0


def tend(house: House) -> None:
    """Everything once; called every few seconds by each worker, and safe to be called by all at once.

    Raises what the database or the disk say.
    """
    with house.db.begin(SYSTEM.username) as connection:
        for row in sql_jobs.silent(connection, SILENCE):
            _take_up(connection, row)
        for row in sql_jobs.unqueued(connection, UNQUEUED):
            _queue(connection, row)
        sql_jobs.expired(connection)
        sql_jobs.forget(connection, LINES_KEPT)
    sweep_folders(house)
    # Of requests that were killed while they made a small file, a sheet or an area.
    for name in ("exports", "prints", "areas"):
        sweep(house.settings.instance / name, OLD_S)
    _sweep_photos(house)
    sweep_imports(house)


def _sweep_photos(house: House) -> None:
    """Once an hour, told by a file in the folder of photos: looking through all of them takes a while."""
    folder = attachment_files.root(house)
    if folder.is_dir() and is_time(folder / "swept", PHOTOS_SWEPT_S):
        attachment_files.sweep_files(house)


def _take_up(connection: Connection, row: Row) -> None:
    """A job of a worker that vanished: cancelled when that was asked, tried again, or given up with a reason."""
    if row["cancel"]:
        sql_jobs.give_up(connection, row["id"], "cancelled", None)
    elif row["attempt"] >= ATTEMPTS:
        problem = Problem("job_abandoned", attempts=row["attempt"])
        sql_jobs.give_up(connection, row["id"], "failed", as_kept(problem))
    else:
        sql_jobs.wait_again(connection, row["id"])
        _queue(connection, row)
        return
    sql_jobs.drop_from_queue(connection, row["queue_id"])


def _queue(connection: Connection, row: Row) -> None:
    sql_jobs.drop_from_queue(connection, row["queue_id"])
    sql_jobs.note_queued(connection, row["id"], job_queue.put(connection, row["id"]))


def sweep_folders(house: House) -> None:
    """Remove the folders of jobs that neither run nor keep a result."""
    found = {place: key for place in _folders(house.settings.instance / "jobs") if (key := _key(place.name))}
    if not found:
        return
    with house.db.read() as connection:
        used = sql_jobs.folders_in_use(connection, list({job_id for job_id, _ in found.values()}))
    for place, key in found.items():
        if key not in used:
            shutil.rmtree(place, ignore_errors=True)


def _folders(parent: Path) -> list[Path]:
    return [place for place in parent.iterdir() if age_s(place) > YOUNG_S] if parent.is_dir() else []


def _key(name: str) -> tuple[UUID, int] | None:
    job, _, attempt = name.partition("-")
    try:
        return UUID(job), int(attempt)
    except ValueError:
        return None
