"""Work with GDAL in a process of its own: a crash, a bomb or a leak ends the child and never a web worker.

The child is `python -m gisapp.children MODULE`: it reads one JSON object from stdin, hands it to the module's
`work` and writes the answer to stdout.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any
from uuid import uuid4

from gisapp.errors import DISK_FULL, Problem

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parent.parent
_RETRY_SECONDS = 10
#: How often a parent looks how far the child is, and a child whether its parent lives.
_GLANCE_S = 0.5
#: So far into the future a file may lie for other reasons, such as a disk with a clock of its own.
_SKEW_S = 60.0
#: In the work's folder: the child's last word on how far it is.
_PROGRESS = "progress.json"

#: What a child may see of this process's environment; no setting, no secret.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE")
_FIXED = {
    # Address space is limited, so nothing may reserve it in advance.
    "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    # GDAL would follow an address inside a file; nobody listens on the discard port.
    "GDAL_HTTP_PROXY": "127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9",
    "PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1",
}


@dataclass(frozen=True)
class Limits:
    """Of one child: seconds by the clock and of processor, address space and largest file in MiB.

    `data_mb` bounds what it may allocate, libraries not counted; 0 for no bound of its own.
    """

    seconds: int
    memory_mb: int
    file_mb: int
    data_mb: int = 0


@dataclass(frozen=True)
class Progress:
    """How far a work is: rows done, rows in all where known, and which step (read, write, prove, check, store)."""

    rows_done: int
    rows_all: int | None
    step: str


#: Hears of the progress; what it raises stops the work.
Watch = Callable[[Progress], None]


class Slots:
    """At most `count` children of a kind at once in this process; Problem `busy` (503) beyond."""

    def __init__(self, count: int, patience_s: float = 3.0) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._patience_s = patience_s

    @contextmanager
    def one(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._patience_s):
            raise Problem("busy", headers={"Retry-After": str(_RETRY_SECONDS)}, seconds=_RETRY_SECONDS)
        try:
            yield
        finally:
            self._free.release()


@contextmanager
def work_folder(parent: Path, max_age_s: float) -> Iterator[Path]:
    """A fresh folder that is gone afterwards, whatever happens; older ones left by a killed process go too."""
    sweep(parent, max_age_s)
    folder = parent / uuid4().hex
    folder.mkdir(parents=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path, max_age_s: float) -> None:
    """Remove the folders under `parent` that were last touched longer ago than `max_age_s`."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        if age_s(folder) > max_age_s:
            shutil.rmtree(folder, ignore_errors=True)


def age_s(place: Path) -> float:
    """Seconds since a file or folder was touched; 0.0 for one that another process was quicker to remove. What lies in
    the future since a clock was set back is touched now: else it would not grow old before its time has come."""
    try:
        seconds = time.time() - place.stat().st_mtime
        if seconds < -_SKEW_S:
            os.utime(place)
    except OSError:
        return 0.0
    return max(seconds, 0.0)


def run(module: str, spec: dict[str, Any], folder: Path, limits: Limits, watch: Watch | None = None) -> dict[str, Any]:
    """Let the module's `work` do `spec` in a child process in `folder` and hand back its answer.

    `watch` is told every half second how far the child is; what it raises ends the child. With `temporary` in
    the spec the folder goes should this process die. A Problem of the child's is raised here again.
    `work_failed` (422) when it crashed or passed a limit.
    """
    environment = {name: os.environ[name] for name in _PASSED if name in os.environ} | _FIXED
    order = json.dumps(spec | {"limits": vars(limits), "parent": os.getpid()})
    with subprocess.Popen(  # noqa: S603  (our own interpreter and module)
        [sys.executable, "-P", "-m", "gisapp.children", module, *(["temporary"] if spec.get("temporary") else [])],
        cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace",
    ) as child:
        try:
            answer, complaint = _watched(child, order, folder, limits.seconds + 5, watch)
        except BaseException as error:
            _end(child)
            if isinstance(error, subprocess.TimeoutExpired):  # it could not even end itself
                _log.error("%s did not end within its time", module)
                raise Problem("work_failed") from None
            raise
    return _answer(module, child.returncode, answer, complaint)


def _watched(child: subprocess.Popen[str], order: str, folder: Path, seconds: float,
             watch: Watch | None) -> tuple[str, str]:
    """Both outputs of the child once it ended; TimeoutExpired when that takes longer than `seconds`."""
    if watch is None:
        return child.communicate(order, timeout=seconds)
    end, first = time.monotonic() + seconds, order
    while True:
        try:
            return child.communicate(first or None, timeout=_GLANCE_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                raise
        first = ""  # told once
        watch(_glance(folder))


def _glance(folder: Path) -> Progress:
    """How far the child says it is; nothing known before its first word."""
    try:
        return Progress(**json.loads((folder / _PROGRESS).read_text("ascii")))
    except (OSError, ValueError):
        return Progress(0, None, "")


def _end(child: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):  # it ended by itself, and was waited for already
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _answer(module: str, code: int, answer: str, complaint: str) -> dict[str, Any]:
    if code == 0:
        result: dict[str, Any] = json.loads(answer)
        if "problem" not in result:
            return result
        raise Problem(result["problem"], errors=result.get("errors"), **result.get("params", {}))
    _log.error("%s ended with %s: %s", module, code, complaint[-4000:])
    raise Problem("work_failed")


def serve(module: str, *, temporary: bool = False) -> None:
    """The child's side: limits first, then one order from stdin, one answer to stdout.

    The real stdout is kept aside, because libraries print where they please. A `temporary` working folder goes with
    a parent that died.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        order = _order(temporary)
        limit_self(Limits(**order.pop("limits")))
        _end_with_parent(order.pop("parent"), Path.cwd() if temporary else None)
        order.pop("temporary", None)
        sys.meta_path.insert(0, _Absent())
        if not order.pop("plain", False):  # work that needs neither GDAL nor its quarter of a second
            importlib.import_module("pyogrio")
        # This file runs as __main__; those who report import it by its name.
        importlib.import_module("gisapp.children").begin_reports()
        try:
            answer = importlib.import_module(module).work(order)
        except Problem as problem:
            answer = {"problem": problem.code, "params": problem.params, "errors": problem.errors}
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            answer = {"problem": "storage_full"}
        json.dump(answer, out, default=str)


def report(rows_done: int, rows_all: int | None = None, step: str = "") -> None:
    """Tell the parent how far this child is, in its folder; at most four times a second, so it may be called often."""
    global _last_report
    if _last_report is None or time.monotonic() < _last_report + 0.25:
        return
    _last_report = time.monotonic()
    fresh = Path(f"{_PROGRESS}.new")
    fresh.write_text(json.dumps({"rows_done": rows_done, "rows_all": rows_all, "step": step}), "ascii")
    fresh.rename(_PROGRESS)


#: None in a process that is no child: nobody listens there.
_last_report: float | None = None


def begin_reports() -> None:
    """From now on `report` tells the parent."""
    global _last_report
    _last_report = 0.0


def _order(temporary: bool) -> dict[str, Any]:
    """What is to be done. A parent that was killed before it had told that leaves less than an order."""
    try:
        order: dict[str, Any] = json.load(sys.stdin)
    except ValueError:
        if temporary:
            _remove(Path.cwd())
        sys.exit(1)
    return order


def _remove(folder: Path) -> None:
    """Whatever is still being written there meanwhile."""
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def _end_with_parent(parent: int, folder: Path | None) -> None:
    """End this process soon after its parent did: nobody waits for the answer, and nobody else would tidy up."""
    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE_S)
        if folder is not None:
            _remove(folder)
        os._exit(1)

    threading.Thread(target=look, daemon=True, name="parent").start()


class _Absent(MetaPathFinder):
    """Arrow and pyogrio take pandas along where it is installed, which nothing here uses: half a second and 60 MB."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname in ("pandas", "geopandas"):
            raise ModuleNotFoundError(fullname, name=fullname)


def limit_self(limits: Limits) -> None:
    """Bind this process to the limits; passing one ends it."""
    megabyte = 2**20
    for kind, most in ((resource.RLIMIT_AS, limits.memory_mb * megabyte), (resource.RLIMIT_CPU, limits.seconds),
                       (resource.RLIMIT_FSIZE, limits.file_mb * megabyte), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))
    if limits.data_mb:
        resource.setrlimit(resource.RLIMIT_DATA, (limits.data_mb * megabyte, limits.data_mb * megabyte))
    signal.alarm(limits.seconds)


if __name__ == "__main__":
    serve(sys.argv[1], temporary=sys.argv[2:] == ["temporary"])
