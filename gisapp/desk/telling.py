"""How far a statement is that writes very many rows: nobody sees them before it ends, but the numbers that their lines
of history take are seen by all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gisapp.children import Progress, Watch
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.sql import imports as sql_imports

TOLD_S = 1.0


@contextmanager
def told(house: House, layer: Layer, rows: int, step: str, watch: Watch | None) -> Iterator[None]:
    """Tell `watch` once a second how many of `rows` were written in the meantime. What it raises then is not heard: who
    wants to stop a statement interrupts it. Raised is what it raises at the beginning."""
    if watch is None:
        yield
        return
    watch(Progress(0, rows, step))
    began, ended = _reached(house, layer), threading.Event()
    thread = threading.Thread(target=_tell, args=(house, layer, began, rows, step, watch, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tell(house: House, layer: Layer, began: int, rows: int, step: str, watch: Watch, ended: threading.Event) -> None:
    while not ended.wait(TOLD_S):
        with suppress(Exception):  # of a database that is away, or of a reader who wants to stop
            watch(Progress(min(_reached(house, layer) - began, rows), rows, step))


def _reached(house: House, layer: Layer) -> int:
    with house.db.read() as connection:
        return sql_imports.history_reached(connection, layer.id)
