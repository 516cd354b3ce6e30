"""The system account that serves when root starts an instance: the private cluster's own, wherever it can work.

What the web server writes lies in folders that are given to that account. The rest of the instance stays root's:
the lock, the first passwords, where the data lies.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from gisapp.cluster import Cluster
from gisapp.cluster.place import Account, own, run
from gisapp.config import ROOT, Settings
from gisapp.faults import Fault
from gisapp.words import Words

#: Folders of an instance that the web server and its children write into.
FOLDERS = ("areas", "attachments", "exports", "imports", "jobs", "prints", "translations", "web")
_FIRST_FREE_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def web_account(settings: Settings, cluster: Cluster | None, say: Callable[[str, str], None]) -> Account | None:
    """The account to serve under, None for this process's own. Says why root has to serve itself, when it has to."""
    if os.geteuid() != 0 or cluster is None:  # an outside database may know its callers by their account
        return None
    account = cluster.place.account
    hindrance = _hindrance(settings, account)
    if hindrance is None:
        return account
    say(f"网页服务以 root 运行：{hindrance.zh}。", f"the web server runs as root: {hindrance.en}.")
    return None


def _hindrance(settings: Settings, account: Account) -> Words | None:
    lowest = _first_free_port()
    if settings.port < lowest:
        return Words(f"低于 {lowest} 的端口只有 root 能用", f"only root may listen on a port below {lowest}")
    closed = _closed(settings, account)
    if closed:
        return Words(f"账户 {account.name} 无法读取 {closed}", f"the account {account.name} cannot read {closed}")
    try:
        reachable = run(account, "test", "-x", str(settings.instance)).returncode == 0
        if reachable:
            _give(settings, account)
    except (Fault, OSError):
        reachable = False
    return None if reachable else Words(f"账户 {account.name} 无法使用 {settings.instance}",
                                        f"the account {account.name} cannot use {settings.instance}")


def _first_free_port() -> int:
    try:
        return int(_FIRST_FREE_PORT.read_text("ascii"))
    except (OSError, ValueError):
        return 1024


def _closed(settings: Settings, account: Account) -> str:
    """The first thing that the server needs and the account cannot read; empty when all is open to it."""
    needed = [str(path) for path in (ROOT / "wsgi.py", ROOT / "gisapp", ROOT / "static", settings.layers, sys.prefix)]
    try:
        found = run(account, "find", *needed, "-maxdepth", "4", "!", "-readable", "-print", "-quit")
        works = run(account, sys.executable, "-c", "")
    except (OSError, subprocess.SubprocessError):
        return sys.executable
    if found.returncode or found.stdout:
        return found.stdout.strip() or str(ROOT)
    return sys.executable if works.returncode else ""


def _give(settings: Settings, account: Account) -> None:
    """Give the account its folders, and the key that signs sessions; older versions left them to root."""
    for name in FOLDERS:
        folder = settings.instance / name
        of_root = folder.is_dir() and folder.lstat().st_uid == 0
        own(folder, account)
        if of_root:  # nobody else could put anything in there, so what lies in it may be given away
            for place, folders, files in os.walk(folder):
                for path in (*folders, *files):
                    os.chown(Path(place) / path, account.uid, account.gid, follow_symlinks=False)
    key = settings.instance / "secret_key"
    if key.exists():
        os.chown(key, account.uid, account.gid, follow_symlinks=False)
