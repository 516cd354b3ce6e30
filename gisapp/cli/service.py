"""A process of an instance that `gisapp start` keeps: started as a process group of its own, watched and stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gisapp.cluster.place import Account
from gisapp.config import ROOT, Settings

STOP_SECONDS = 15
PR_SET_PDEATHSIG = 1


class Service:
    """One process and its children. `app_url` is the only database it learns of: never the owner's.

    It runs under `account`, under this process's own when there is none.
    """

    def __init__(self, settings: Settings, app_url: str, account: Account | None = None) -> None:
        self.settings = settings
        self.app_url = app_url
        self.account = account
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid_file(self) -> Path:
        """A file in a folder that the account may write into; gone while nothing runs."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """What is run."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the process."""
        self.pid_file.parent.mkdir(mode=0o700, exist_ok=True)
        self.pid_file.unlink(missing_ok=True)
        lowered: dict[str, Any] = {}
        if self.account is not None:
            lowered = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        self.process = subprocess.Popen(  # noqa: S603
            self.command(),
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
            **lowered,
        )

    def alive(self) -> bool:
        """Whether the main process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Let it finish what it does, then end the whole group."""
        if self.process is None:
            return
        send_signal(os.kill, self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        send_signal(os.killpg, self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.pid_file.unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        environment = {name: text for name, text in os.environ.items() if name != "GISAPP_OWNER_DATABASE_URL"}
        return environment | {
            "GISAPP_DATABASE_URL": self.app_url,
            "GISAPP_INSTANCE": str(self.settings.instance),
            "GISAPP_LAYERS": str(self.settings.layers),
            "GISAPP_HOST": self.settings.host,
            "GISAPP_PORT": str(self.settings.port),
            # Each thread's own heap would keep what its largest answer took.
            "MALLOC_ARENA_MAX": "2",
            **({"HOME": str(self.pid_file.parent)} if self.account else {}),
        }


def processes() -> list[tuple[int, str]]:
    """Number and command line of every process."""
    if Path("/proc/self").exists():
        found = [(int(path.name), _command_line(path)) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [(pid, words) for pid, words in found if words]
    listing = subprocess.run(["/bin/ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
    pairs = (line.strip().split(" ", 1) for line in listing.stdout.splitlines())
    return [(int(pair[0]), pair[1]) for pair in pairs if len(pair) == 2]


def _command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
    except OSError:
        return ""


def end_all(find: Callable[[], list[int]]) -> int:
    """End the processes that `find` finds, politely and then not; returns how many there were."""
    found = find()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            send_signal(os.kill, pid, number)
        give_up = time.monotonic() + 5
        while find() and time.monotonic() < give_up:
            time.sleep(0.1)
    return len(found)


def send_signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    """Send a signal to a process that may have ended by now."""
    with suppress(ProcessLookupError):
        send(pid, number)


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux: the kernel ends the service when this process is killed, so that nobody works unwatched."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
