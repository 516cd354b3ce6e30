"""The private PostGIS cluster of an instance: made, started, recovered and stopped.

    with Cluster(instance / "postgres") as cluster:
        psycopg.connect(cluster.app_url)

The server listens on a Unix socket in a folder of mode 0700 and, unless asked, on no TCP port. Who may connect is
decided by the system account at the other end (`peer`), so there is no password to lose; only logins for QGIS have one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psycopg

from gisapp.cluster import binaries, database
from gisapp.cluster.place import Place, known_home, run, settle
from gisapp.cluster.process import data_version, end_orphans, forget_stale_pid, is_full, last_words, server_pid
from gisapp.errors import DISK_FULL
from gisapp.faults import Fault

Say = Callable[[str, str], None]
# A killed server's processes need a moment to notice it; until then the data is locked.
LET_GO_SECONDS = 30
# They are asked to end at first; those that cannot hear it are ended.
QUIT_SECONDS = 5
LET_GO_SIGNS = ("still in use", "already exists")
# One that is killed while it recovers says nothing of why it ended; it is started again so many times. So is one that
# ends its recovery with "File exists": what a killed server had begun to remove of a stage is put right by the next.
TRIES = 3
RECOVERY_SECONDS = 900


class ClusterError(Fault):
    """The private cluster cannot be made, started or reached."""


class NoRoom(ClusterError):
    """It cannot run because its disk is full."""


def silent(zh: str, en: str) -> None:
    """Says nothing; for callers that show no progress."""


class Cluster:
    """One private cluster. `durable=False` is for throw-away data of tests only: it may lose commits. `listen` are
    addresses at which logins for QGIS are let in by password."""

    def __init__(self, folder: Path, *, durable: bool = True, say: Say = silent, listen: str = "") -> None:
        self.folder = folder.absolute()
        self.listen = listen
        self.durable = durable
        self.say = say
        self._place: Place | None = None
        self._launching = False

    @property
    def place(self) -> Place:
        """Where it lies; settled at first use."""
        if self._place is None:
            self._place = settle(self.folder)
        return self._place

    @property
    def owner_url(self) -> str:
        """Connects as the role that owns all tables; for migrations."""
        return self.url(database.OWNER)

    @property
    def app_url(self) -> str:
        """Connects as the role of the application: no DDL, no change to history."""
        return self.url(database.APP)

    @property
    def superuser_url(self) -> str:
        """Connects as the cluster's superuser, to the same database."""
        return self.url(database.SUPERUSER)

    def url(self, role: str, name: str = database.DATABASE) -> str:
        """The URL of any database of the cluster as any of its three roles."""
        return database.url(self.place, role, name)

    @property
    def pid(self) -> int | None:
        """The running server's process id, None when it does not run."""
        home = known_home(self.folder)
        return server_pid(home / "data") if home else None

    def start(self) -> Cluster:
        """Make the cluster when missing, start it when stopped. Raises ClusterError in one line."""
        with self._locked():
            programs = binaries.find(data_version(self.place.data))
            try:
                if not (self.place.data / "PG_VERSION").exists():
                    self._make(programs)
                if self.pid is None:
                    self._launch(programs)
                database.prepare(self.place)
            except psycopg.Error as error:
                raise self._failed("数据库无法准备", "the private cluster cannot be prepared", str(error)) from error
            except OSError as error:
                if error.errno not in DISK_FULL:
                    raise
                raise self._failed("数据库无法启动", "the private cluster does not start", str(error)) from error
        return self

    def stop(self) -> None:
        """Stop the server and wait; no matter when it is not running."""
        if self.pid is None:
            return
        with self._locked():
            for mode in ("fast", "immediate"):
                if server_pid(self.place.data) is None:
                    return
                programs = binaries.find(data_version(self.place.data))
                self._pg_ctl(programs, "stop", "-w", "-t", "60", "-m", mode)
            if server_pid(self.place.data) is None:
                return
        raise ClusterError("私有数据库无法停止。", f"the private cluster (process {self.pid}) does not stop.")

    def remove(self) -> None:
        """Stop the server and delete its data, wherever it lies."""
        self.stop()
        if self._place is not None or known_home(self.folder):
            shutil.rmtree(self.place.socket, ignore_errors=True)
            shutil.rmtree(self.place.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._place = None

    def __enter__(self) -> Cluster:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time makes, starts or stops this cluster; a dead process holds no lock."""
        descriptor = os.open(self.place.home / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.fchown(descriptor, self.place.account.uid, self.place.account.gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make(self, programs: binaries.Binaries) -> None:
        """initdb beside the final name, then rename: a folder called `data` is always whole."""
        self.say("创建私有数据库（PostgreSQL）…", f"making the private cluster (PostgreSQL {programs.version}) …")
        # Never the name of an earlier try: its initdb may still be writing after its parent was killed.
        fresh = self.place.home / f"data.new.{os.getpid()}.{time.monotonic_ns()}"
        for left in (self.place.data, *self.place.home.glob("data.new*")):
            shutil.rmtree(left, ignore_errors=True)
        locale = "C.UTF-8" if os.uname().sysname == "Linux" else "en_US.UTF-8"
        done = run(
            self.place.account,
            programs.program("initdb"),
            "-D",
            str(fresh),
            "-U",
            database.SUPERUSER,
            "--auth=peer",
            "--encoding=UTF8",
            f"--locale={locale}",
            "--data-checksums",
            *(() if self.durable else ("--no-sync",)),
        )
        if done.returncode:
            raise self._failed("私有数据库无法创建", "the private cluster cannot be made", done.stderr)
        fresh.rename(self.place.data)

    def _launch(self, programs: binaries.Binaries) -> None:
        if not self._launching:  # said once, however often it is tried
            self.say("启动私有数据库…", "starting the private cluster …")
        self._launching = True
        database.write_files(self.place, self.durable, self.listen)
        impatient, give_up, failed = time.monotonic() + QUIT_SECONDS, time.monotonic() + LET_GO_SECONDS, 0
        while True:
            forget_stale_pid(self.place.data)
            done = self._pg_ctl(
                programs, "start", "-w", "-t", str(RECOVERY_SECONDS), "-l", str(self.place.log / "start.log")
            )
            if done.returncode == 0:
                self._launching = False
                return
            reason = last_words(self.place.log)
            locked = any(words in reason for words in LET_GO_SIGNS)
            # A server that waited for the one before is not the worse for it: each reason has a patience of its own.
            failed += not locked
            if locked:
                end_orphans(self.place.data, signal.SIGKILL if time.monotonic() > impatient else signal.SIGQUIT)
            full = is_full(self.place.data, reason)
            if full or failed >= TRIES or (locked and time.monotonic() > give_up):
                raise self._failed("私有数据库无法启动", "the private cluster does not start", reason or done.stderr)
            time.sleep(0.5)

    def _pg_ctl(self, programs: binaries.Binaries, *words: str) -> subprocess.CompletedProcess[str]:
        return run(self.place.account, programs.program("pg_ctl"), "-D", str(self.place.data), *words)


    def _failed(self, zh: str, en: str, reason: str) -> ClusterError:
        lines = [line.strip() for line in reason.splitlines() if line.strip()]
        short = lines[-1] if lines else "?"
        return (NoRoom if is_full(self.place.home, reason) else ClusterError)(f"{zh}：{short}", f"{en}: {short}")
