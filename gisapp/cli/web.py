"""The web server of an instance: granian, started as a process group of its own, watched and stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gisapp.cluster.place import Account
from gisapp.config import ROOT, Settings
from gisapp.faults import Fault

STOP_SECONDS = 15
READY_SECONDS = 90
PR_SET_PDEATHSIG = 1


class WebFault(Fault):
    """The web server cannot start or does not stay up."""


class WebServer:
    """One granian with its workers. `app_url` is the only database it learns of: never the owner's.

    It runs under `account`, under this process's own when there is none.
    """

    def __init__(self, settings: Settings, app_url: str, account: Account | None = None) -> None:
        self.settings = settings
        self.app_url = app_url
        self.account = account
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid_file(self) -> Path:
        return pid_file(self.settings)

    def start(self) -> None:
        """Start granian; it replaces a worker that dies."""
        self.pid_file.parent.mkdir(mode=0o700, exist_ok=True)
        self.pid_file.unlink(missing_ok=True)
        lowered: dict[str, Any] = {}
        if self.account is not None:
            lowered = {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        self.process = subprocess.Popen(  # noqa: S603
            self._command(),
            cwd=ROOT,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent(),
            **lowered,
        )

    def wait_until_ready(self) -> None:
        """Return when /healthz answers 200. Raises WebFault when the server ends or stays silent."""
        give_up = time.monotonic() + READY_SECONDS
        while time.monotonic() < give_up:
            if not self.alive():
                raise WebFault("网页服务启动后即退出，原因见上。", "the web server ended at its start; see above.")
            if _healthy(address(self.settings) + "healthz"):
                return
            time.sleep(0.1)
        raise WebFault(
            f"网页服务在 {READY_SECONDS} 秒内没有应答。",
            f"the web server gave no answer within {READY_SECONDS} s.",
        )

    def alive(self) -> bool:
        """Whether granian's main process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Let requests finish, then end the whole group."""
        if self.process is None:
            return
        _signal(os.kill, self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        _signal(os.killpg, self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.pid_file.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        settings = self.settings
        options = {
            "--interface": "wsgi",
            "--host": listening_place(settings)[1],
            "--port": str(settings.port),
            "--http": "1",
            "--workers": str(settings.workers),
            "--blocking-threads": str(settings.threads),
            "--respawn-interval": "0.5",
            "--workers-kill-timeout": "10",
            "--log-level": "warning",
            "--pid-file": str(self.pid_file),
        }
        words = [word for pair in options.items() for word in pair]
        return [sys.executable, "-m", "granian", *words, "--no-ws", "--respawn-failed-workers", "wsgi:app"]

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


def pid_file(settings: Settings) -> Path:
    """granian's pid file; its path in a command line marks the processes of this instance."""
    return settings.instance / "web" / "granian.pid"


def address(settings: Settings) -> str:
    """The address to open in a browser on this machine, with a slash at the end."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/"


def listening_place(settings: Settings) -> tuple[int, str]:
    """Address family and IP address of the host setting, which may be a name. Raises OSError for an unknown one."""
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = found[0]
    return family, str(where[0])


def refuse_taken_port(settings: Settings) -> None:
    """Raise WebFault when the address cannot be listened on: said before the long steps, not after them."""
    try:
        family, ip = listening_place(settings)
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((ip, settings.port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise WebFault(
            f"无法监听 {settings.host}:{settings.port}（{reason}）。请用 --host 或 --port 另选。",
            f"cannot listen on {settings.host}:{settings.port} ({reason}): choose with --host or --port.",
        ) from None


def stop_orphans(settings: Settings) -> int:
    """End web processes of this instance whose keeper was killed; returns how many there were."""
    found = web_processes(settings)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in found:
            _signal(os.kill, pid, number)
        give_up = time.monotonic() + 5
        while web_processes(settings) and time.monotonic() < give_up:
            time.sleep(0.1)
    return len(found)


def web_processes(settings: Settings) -> list[int]:
    """Numbers of granian's processes that serve this instance, whoever started them."""
    # The first version had the file elsewhere; what it left behind is found too.
    marks = (str(pid_file(settings)), str(settings.instance / "web.pid"))
    return [pid for pid, words in _processes()
            if any(mark in words for mark in marks) and "granian" in words and pid != os.getpid()]


def _processes() -> list[tuple[int, str]]:
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


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        send(pid, number)


def _end_with_parent() -> Callable[[], None] | None:
    """On Linux: the kernel ends granian when this process is killed, so that nobody serves unwatched."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _healthy(url: str) -> bool:
    # A proxy of the environment is for the world outside, not for this machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
