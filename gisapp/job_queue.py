"""The queue of jobs: procrastinate on the same database, in the schema `jobs`.

The queue says which worker does what next; what people see of a job is the register (gisapp.sql.jobs).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, make_url, text

from gisapp.db import is_away

if TYPE_CHECKING:  # it is loaded where a job is queued or done: every web process would hold 8 MB of it
    import procrastinate

_log = logging.getLogger(__name__)
TASK, QUEUE = "do_job", "files"
#: Seconds between two signs of life of a worker.
HEARTBEAT_S = 5
#: A database that gives no connection for so long, in seconds, is held to be away.
LOST_S = 5.0
_PATH = "-c search_path=jobs,public -c application_name=gisapp-worker"

#: Does a job; is told whether to stop by the second argument.
Do = Callable[[UUID, Callable[[], bool]], None]


def put(connection: Connection, job_id: UUID) -> int:
    """Queue a job in the caller's transaction: it is there for workers once that is committed. The queue's number."""
    import procrastinate
    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager

    driver = connection.connection.driver_connection
    path = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    set_path = text("SELECT set_config('search_path', :path, true)")
    connection.execute(set_path, {"path": "jobs, public"})
    manager = JobManager(procrastinate.SyncPsycopgConnector())
    queued = manager.defer_job(Job(queue=QUEUE, task_name=TASK, lock=str(job_id), queueing_lock=None,
                                   task_kwargs={"job_id": str(job_id)}), connection=driver)
    connection.execute(set_path, {"path": path})
    assert queued.id is not None  # noqa: S101  (told to mypy)
    return queued.id


class Away(Exception):
    """The database cannot be reached."""


async def work(url: str, do: Do, at_once: int, patience_s: float) -> None:
    """Take jobs and do them, `at_once` at a time, until SIGINT or SIGTERM; then `patience_s` for what runs.

    Raises Away when the database does not answer for some seconds.
    """
    from procrastinate.exceptions import ConnectorException
    from psycopg_pool import PoolTimeout

    _speak_less()
    try:
        await _work(_app(url, at_once), do, at_once, patience_s)
    except (ConnectorException, PoolTimeout) as error:
        cause = error.__cause__ if isinstance(error, ConnectorException) else error
        if isinstance(cause, PoolTimeout) or is_away(cause):
            raise Away from error
        raise


def _speak_less() -> None:
    """What each job says of itself, and the worker of a lost database, is enough: both libraries fill the log with the
    same, again and again."""
    for name in ("procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: _log.debug("%s", context.get("message"), exc_info=context.get("exception")))


async def _work(app: procrastinate.App, do: Do, at_once: int, patience_s: float) -> None:
    @app.task(name=TASK, pass_context=True)
    def do_job(context: procrastinate.JobContext, job_id: str) -> None:
        do(UUID(job_id), context.should_abort)

    async with app.open_async():
        await app.run_worker_async(
            queues=[QUEUE], name="gisapp", concurrency=at_once, delete_jobs="always",
            fetch_job_polling_interval=5, shutdown_graceful_timeout=patience_s,
            update_heartbeat_interval=HEARTBEAT_S, stalled_worker_timeout=30)


def _app(url: str, at_once: int) -> procrastinate.App:
    import procrastinate

    address = make_url(url).set(drivername="postgresql")
    given = " ".join(address.normalized_query.get("options", ()))
    place = address.difference_update_query(["options"]).render_as_string(hide_password=False)
    # A connection for the loop's own statements, and one for each job that ends.
    return procrastinate.App(connector=procrastinate.PsycopgConnector(
        conninfo=place, kwargs={"options": f"{given} {_PATH}".strip()}, min_size=1,
        max_size=at_once + 2, timeout=LOST_S))
