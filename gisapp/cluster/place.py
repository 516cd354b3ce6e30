"""Where a private cluster lies and which account runs it.

PostgreSQL refuses to run as root: then the account `postgres` runs it, and the data lies in /var/lib/gisapp
when that account cannot enter the instance's folder. Whoever may enter the socket's folder (mode 0700) and is
named in pg_ident.conf gets in, with no password: the kernel vouches for the other side's account.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import secrets
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gisapp.faults import Fault

ELSEWHERE = Path("/var/lib/gisapp")
# A socket's path may have 107 bytes (103 on macOS); PostgreSQL adds "/.s.PGSQL.5432.lock" to the folder.
SOCKET_FOLDER_BYTES = 80
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")


@dataclass(frozen=True)
class Account:
    """The system account that runs the server."""

    name: str
    uid: int
    gid: int

    @property
    def is_mine(self) -> bool:
        """Whether this process runs under it already."""
        return self.uid == os.geteuid()


@dataclass(frozen=True)
class Place:
    """Folders of one cluster."""

    home: Path
    socket: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"


def current_user() -> str:
    """The name of the account this process runs under."""
    return _name(os.geteuid())


def _name(uid: int) -> str:
    """An account's name; its number when it has none, as in some containers."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def server_account(home: Path | None = None) -> Account:
    """The account of the server: one's own; for root that of the data in `home`, else `postgres`.

    Raises Fault when root finds none.
    """
    if os.geteuid() != 0:
        return Account(current_user(), os.geteuid(), os.getegid())
    if home is not None and (home / "data").exists() and (home / "data").stat().st_uid != 0:
        found = (home / "data").stat()
        return Account(_name(found.st_uid), found.st_uid, found.st_gid)
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        raise Fault(
            "PostgreSQL 不能由 root 运行，本机又没有 postgres 账户。请安装 postgresql，或换普通用户运行。",
            "PostgreSQL refuses to run as root and there is no account `postgres`: "
            "install postgresql, or run this as an ordinary user.",
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def run(account: Account, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program as the server's account, with none of this process's PG* settings."""
    other: dict[str, Any] = {}
    if not account.is_mine:
        other = {"user": account.uid, "group": account.gid, "extra_groups": []}
    done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
        env=clean_environment(),
        **other,
    )
    return done


def clean_environment() -> dict[str, str]:
    """An environment in which a server behaves the same for everybody."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": "/"}


def settle(folder: Path) -> Place:
    """The cluster's place for an instance folder; makes the folders and remembers a place elsewhere."""
    folder = folder.absolute()
    account = server_account(_remembered(folder) or folder)
    home = _remembered(folder) or _choose(folder, account)
    own(home, account)
    place = Place(home, _socket_folder(home, account), account)
    for path in (place.socket, place.log):
        own(path, account)
    return place


def known_home(folder: Path) -> Path | None:
    """Where the cluster of an instance folder lies, when it was made; makes nothing."""
    home = _remembered(folder.absolute()) or folder.absolute()
    return home if (home / "data").is_dir() else None


def _pointer(folder: Path) -> Path:
    return folder / "place"


def _remembered(folder: Path) -> Path | None:
    try:
        home = Path(_pointer(folder).read_text("utf-8").strip())
    except FileNotFoundError:
        return None
    return home if home.is_dir() else None


def _choose(folder: Path, account: Account) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if account.is_mine or _can_own(folder, account):
        return folder
    # A fresh name: whoever removes the instance's folder starts anew and finds no data of before.
    home = ELSEWHERE / secrets.token_hex(8)
    ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
    home.mkdir(mode=0o700)
    (home / "instance").write_text(f"{folder}\n", "utf-8")
    fresh = folder / "place.new"
    fresh.write_text(f"{home}\n", "utf-8")
    fresh.replace(_pointer(folder))
    return home


def _can_own(folder: Path, account: Account) -> bool:
    try:
        os.chown(folder, account.uid, account.gid)
    except OSError:
        return False
    return run(account, "test", "-w", str(folder)).returncode == 0


def own(path: Path, account: Account) -> None:
    """Make a folder of mode 0700 that belongs to the account; refuse one that somebody else put there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {account.uid, os.geteuid()}:
        raise Fault(
            f"{path} 属于另一个账户，不能使用。请删除它，或换普通目录。",
            f"{path} belongs to another account: remove it, or choose another instance folder.",
        )
    if found.st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def _socket_folder(home: Path, account: Account) -> Path:
    usual = home / "socket"
    if len(os.fsencode(usual)) <= SOCKET_FOLDER_BYTES and PLAIN_PATH.fullmatch(str(usual)):
        return usual
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return _short_base(account) / f"gisapp-{account.uid}-{digest}"


def _short_base(account: Account) -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() == 0 and os.access("/run", os.W_OK):
        return Path("/run")
    if account.is_mine and runtime and len(runtime) < 40 and os.access(runtime, os.W_OK):
        return Path(runtime)
    return Path("/tmp" if len(tempfile.gettempdir()) > 40 else tempfile.gettempdir())  # noqa: S108  checked by own
