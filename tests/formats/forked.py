"""A server of forks for tests: the child's work (gisapp.formats.intake) under its limits, a file at a time.

`python -m tests.formats.forked` reads one order a line and answers with what became of it: how the fork ended, its
answer, seconds and the peak of its memory. Starting a new interpreter for each hostile file would take minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
LIMITS = {"seconds": 25, "memory_mb": 4096, "file_mb": 4096, "data_mb": 480}


class Server:
    """The parent's side."""

    def __init__(self) -> None:
        from gisapp.children import _FIXED

        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.formats.forked"], cwd=ROOT, env=os.environ | _FIXED, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, encoding="utf-8")

    def work(self, order: dict[str, Any]) -> dict[str, Any]:
        """`status` of the fork, its `answer` or None, `seconds`, `grown_mb`."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(300)
        self._process.stdout.close()


def _serve() -> None:
    import gisapp.formats.intake
    import gisapp.formats.reading.ogr
    import gisapp.formats.reading.parquet
    import gisapp.formats.reading.tables  # noqa: F401

    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    plain = _peak_of(lambda: None)[2]
    for line in sys.stdin:
        order = json.loads(line)
        start = time.monotonic()
        status, answer, peak = _peak_of(lambda order=order: _work(order), Path(order["folder"]) / "answer.json")
        out.write(json.dumps({"status": status, "answer": answer, "seconds": time.monotonic() - start,
                              "grown_mb": (peak - plain) / 1024}) + "\n")
        out.flush()


def _work(order: dict[str, Any]) -> None:
    from gisapp.children import Limits, limit_self
    from gisapp.errors import Problem
    from gisapp.formats import intake

    limit_self(Limits(**LIMITS | order.get("limits", {})))
    try:
        answer = intake.work(order)
    except Problem as problem:
        answer = {"problem": problem.code, "status": problem.kind.status, "en": problem.sentence("en")}
    Path("answer.json").write_text(json.dumps(answer, default=str), "utf-8")


def _peak_of(act: Any, answer: Path | None = None) -> tuple[int, Any, int]:
    child = os.fork()
    if child == 0:
        try:
            if answer:
                os.chdir(answer.parent)
            act()
            os._exit(0)
        except BaseException as error:
            print(repr(error)[:300], file=sys.stderr)
            os._exit(1)
    _, status, usage = os.wait4(child, 0)
    found = json.loads(answer.read_text("utf-8")) if answer and answer.is_file() else None
    return os.waitstatus_to_exitcode(status), found, usage.ru_maxrss


if __name__ == "__main__":
    _serve()
