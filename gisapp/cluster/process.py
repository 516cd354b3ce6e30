"""What the files of a cluster tell about its process."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

TURNED_AWAY = ("the database system is ", "remaining connection slots", "too many clients", "too many connections")

#: What a server says that ends or does not begin because its disk is full.
FULL_SIGNS = ("No space left on device", "Disk quota exceeded", "could not write init file")
#: Of its journal alone it begins a file of 16 MiB at a time.
_LEAST_ROOM = 32 * 2**20


def data_version(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return None


def _recorded_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def server_pid(data: Path) -> int | None:
    """The pid in postmaster.pid if that process is a server on this data."""
    pid = _recorded_pid(data)
    return pid if pid is not None and _command_line(pid).find(str(data)) >= 0 else None


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def forget_stale_pid(data: Path) -> None:
    """Remove the pid file of a server that is gone: the number may be another process's by now, or a zombie's.

    Backends that outlive a killed server still hold its shared memory, which PostgreSQL finds by the data
    folder's inode: that guard does not need the file.
    """
    if server_pid(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def end_orphans(data: Path, number: int) -> None:
    """Send a signal to what a killed server left at work on this data: in the middle of a long statement a backend does
    not notice that its server is gone, and no other may begin. All of them work in the data's folder.

    Linux only; elsewhere they are waited for.
    """
    if server_pid(data) is not None:
        return
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # of another account, or gone by now
            if place.readlink() == data and _command_line(int(place.parent.name)).startswith("postgres"):
                os.kill(int(place.parent.name), number)


def last_words(log: Path) -> str:
    """The lines that say why the server stopped, from the newest log files."""
    files = sorted(log.glob("*.log"), key=lambda path: path.stat().st_mtime)[-2:]
    lines = [line for path in files for line in _of_the_server(path)[-30:]]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "ERROR", "could not"))]
    return "\n".join(telling[-1:] or lines[-1:])


def _of_the_server(log: Path) -> list[str]:
    """The lines of a log without those by which a server that is busy turns clients away: they tell nothing of it."""
    lines = log.read_text("utf-8", "replace").splitlines()
    return [line for line in lines if not any(words in line for words in TURNED_AWAY)]


def is_full(data: Path, reason: str) -> bool:
    """Whether a server failed for want of room: by what it said, or by the room that is left, for then its last words
    found none either."""
    if any(sign in reason for sign in FULL_SIGNS):
        return True
    try:
        return shutil.disk_usage(data).free < _LEAST_ROOM
    except OSError:
        return False
