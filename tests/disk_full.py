"""Work for a child process that writes where there never is room."""

from __future__ import annotations

from typing import Any


def work(_: dict[str, Any]) -> dict[str, Any]:
    with open("/dev/full", "wb") as sink:
        sink.write(bytes(100_000))
    return {}
