"""Waiting for what other processes do: never for a time that should be enough, but until it is so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

#: Seconds. What does not come fails this much later; what is only slow, on a machine busy with all else, does not.
PATIENCE = 300


def until(condition: Callable[[], Any]) -> Any:
    """The first answer that is true."""
    give_up = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.05)
    return found


def never() -> bool:
    """What a job asks before it stops early."""
    return False
