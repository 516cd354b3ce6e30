"""The web server of an instance: granian, started as a process group of its own, watched and stopped."""

from __future__ import annotations

import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from gisapp.cli.service import Service, end_all, processes
from gisapp.cli.worker import worker_processes
from gisapp.config import Settings
from gisapp.faults import Fault

READY_SECONDS = 90


class WebFault(Fault):
    """The web server cannot start or does not stay up."""


class WebServer(Service):
    """granian with its workers; it replaces a worker that dies."""

    @property
    def pid_file(self) -> Path:
        """granian's own."""
        return pid_file(self.settings)

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

    def command(self) -> list[str]:
        """granian's command line."""
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
    """End web processes and workers of this instance whose keeper was killed; returns how many there were."""
    return end_all(lambda: web_processes(settings) + worker_processes(settings))


def web_processes(settings: Settings) -> list[int]:
    """Numbers of granian's processes that serve this instance, whoever started them."""
    # The first version had the file elsewhere; what it left behind is found too.
    marks = (str(pid_file(settings)), str(settings.instance / "web.pid"))
    return [pid for pid, words in processes()
            if any(mark in words for mark in marks) and "granian" in words and pid != os.getpid()]


def _healthy(url: str) -> bool:
    # A proxy of the environment is for the world outside, not for this machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
