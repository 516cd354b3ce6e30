"""The process that does jobs: procrastinate's loop, and a thread that looks after what others left behind."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlalchemy.exc import OperationalError

from gisapp import job_queue
from gisapp.db import is_away
from gisapp.house import House
from gisapp.jobs.doing import do
from gisapp.jobs.tending import tend

_log = logging.getLogger(__name__)
TEND_S = 5.0
#: What runs when the worker is stopped gets so long to end by itself; then it goes back to the queue.
PATIENCE_S = 1.0
#: Between two tries to reach a database that has gone away.
AGAIN_S = 1.0
#: So long, in seconds, a job waits before each further try to begin it.
TRIES_S = (0.2, 1.0, 3.0)


def work(house: House) -> None:
    """Do jobs until SIGINT or SIGTERM, also when the database goes away for a while."""
    ended = threading.Event()
    keeper = threading.Thread(target=keep, args=(house, ended), daemon=True, name="keeper")
    keeper.start()
    try:
        while not _taken(house):
            time.sleep(AGAIN_S)
    finally:
        ended.set()
        keeper.join(5)


def _taken(house: House) -> bool:
    """Take jobs until a signal; False when the database is away or went away instead."""
    try:
        house.db.ping()  # at once, where a pool would wait for its next try
        asyncio.run(job_queue.work(house.db.url, partial(_done, house), house.settings.jobs_at_once, PATIENCE_S))
    except (job_queue.Away, OperationalError):
        return False
    return True


def _done(house: House, job_id: UUID, stop: Callable[[], bool]) -> None:
    """Do a job. Only who finds it waiting does it, so that it may be tried again where a connection was cut."""
    for wait in (*TRIES_S, None):
        try:
            return do(house, job_id, stop)
        except Exception as error:
            if not is_away(error):
                raise
            if wait is None:  # `tend` finds it
                _log.warning("job %s: the database went away before that could be noted", job_id)
            else:
                time.sleep(wait)
    return None


def keep(house: House, ended: threading.Event) -> None:
    """Tend the jobs every few seconds. Nothing that goes wrong ends that; a database that is away is told once."""
    away = False
    while not ended.is_set():
        try:
            tend(house)
            if away:
                _log.warning("the database is back")
            away = False
        except Exception as error:
            if not is_away(error):
                _log.exception("jobs could not be tended just now")
            elif not away:
                _log.warning("the database cannot be reached; jobs wait for it")
            away = away or is_away(error)
        ended.wait(TEND_S)
