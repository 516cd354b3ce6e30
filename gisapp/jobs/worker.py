"""The process that does jobs: procrastinate's loop, and a thread that looks after what others left behind."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from gisapp import job_queue
from gisapp.house import House
from gisapp.jobs.doing import do
from gisapp.jobs.tending import tend

TEND_S = 5.0
#: What runs when the worker is stopped gets so long to end by itself; then it goes back to the queue.
PATIENCE_S = 1.0


def work(house: House) -> None:
    """Do jobs until SIGINT or SIGTERM."""
    ended = threading.Event()

    def keep() -> None:
        while True:
            tend(house)
            if ended.wait(TEND_S):
                return

    keeper = threading.Thread(target=keep, daemon=True, name="keeper")
    keeper.start()
    try:
        asyncio.run(job_queue.work(house.db.url, partial(do, house), house.settings.jobs_at_once, PATIENCE_S))
    finally:
        ended.set()
        keeper.join(5)
