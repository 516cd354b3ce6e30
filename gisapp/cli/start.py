"""`gisapp start`: everything between an empty folder and a served page, each step safe to repeat."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gisapp.cli.progress import Progress
from gisapp.cli.web import WebFault, WebServer, address, refuse_taken_port, stop_orphans
from gisapp.cli.web_account import web_account
from gisapp.cli.worker import JobWorker
from gisapp.cluster import Cluster, NoRoom
from gisapp.cluster.connections import Urls, answers, external, private_cluster, require_owner
from gisapp.config import Settings, secret_key
from gisapp.faults import Fault
from gisapp.words import Words

if TYPE_CHECKING:
    from gisapp.house import House

WATCH_SECONDS = 0.5
# A server that ends this often within this time is not started again.
RESTARTS, WITHIN_SECONDS = 5, 120
#: Between two tries to start a database whose disk is full: each reads its journal anew.
ROOM_SECONDS = 5.0


class Running(Fault):
    """The instance is served by another process already."""


def start(settings: Settings) -> None:
    """Set up what is missing, serve until a signal, then stop all that was started."""
    progress = Progress()
    take_signals()
    with only_one(settings):
        stop_orphans(settings)
        refuse_taken_port(settings)
        cluster = private_cluster(settings, progress.inner)
        try:
            urls = open_database(settings, cluster, progress)
            accounts = set_up(settings, urls, progress)
            serve(settings, urls, cluster, accounts, progress)
        except KeyboardInterrupt:
            progress.say("正在停止…", "stopping …")
        finally:
            ignore_signals()
            if cluster is not None:
                cluster.stop()
    progress.say("已停止。", "stopped.")


def open_database(settings: Settings, cluster: Cluster | None, progress: Progress) -> Urls:
    """The database's URLs, the private cluster running."""
    with progress.step("打开数据库", "opening the database"):
        if cluster is None:
            return external(settings)
        cluster.start()
        return Urls(cluster.owner_url, cluster.app_url)


def set_up(settings: Settings, urls: Urls, progress: Progress) -> dict[str, Any]:
    """Migrate, sync code lists, load the demo once, make the first accounts; returns the new accounts."""
    from gisapp.house import make_house

    secret_key(settings)
    house = make_house(settings, urls.owner)
    try:
        migrate(house, progress)
        if settings.demo:
            load_demo_once(house, progress)
        return first_accounts(house, progress)
    finally:
        house.db.close()


def migrate(house: House, progress: Progress) -> None:
    """Run the migrations that are missing and bring code lists and views for QGIS to what the files say."""
    from gisapp import desktop
    from gisapp.codelists import sync_codelists
    from gisapp.migrate import lacking, pending, upgrade

    missing = pending(house.db.engine)
    if missing:
        with progress.step(f"执行 {len(missing)} 个数据库迁移", f"running {len(missing)} migrations"):
            with house.db.raw() as driver:
                require_owner(driver)
            desktop.take_away(house)
            upgrade(house.db.engine)
    with house.db.read() as connection:
        undrafted = ", ".join(lacking(connection, house.tables))
    if undrafted:
        raise Fault(f"数据库缺少图层文件声明的表或字段（{undrafted}）。请运行 gisapp layers draft \"说明\"，"
                    "读过起草的迁移后再运行 gisapp migrate。",
                    f"the database lacks tables or columns that layer files declare ({undrafted}): run "
                    "gisapp layers draft \"what it adds\", read the migration, then run gisapp migrate")
    with progress.step("同步代码表", "syncing code lists"):
        sync_codelists(house)
        desktop.sync(house)


def load_demo_once(house: House, progress: Progress) -> None:
    """The demo data, on the first start of a database only."""
    from gisapp import marks

    with house.db.read() as connection:
        if marks.is_done(connection, "demo"):
            return
    from gisapp.demo import load_demo

    with progress.step("载入演示数据（合成数据）", "loading the demo data (synthetic)"):
        load_demo(house, scale=1, progress=progress.inner)
        with house.db.begin("system") as connection:
            marks.set_done(connection, "demo")


def first_accounts(house: House, progress: Progress) -> dict[str, Any]:
    """The first accounts when there are none yet."""
    from gisapp.accounts import ensure_first_accounts

    return ensure_first_accounts(house, demo=house.settings.demo) or {}


def serve(
    settings: Settings, urls: Urls, cluster: Cluster | None, accounts: dict[str, Any], progress: Progress
) -> None:
    """Start the web server and the worker, say where it is, and keep them and the cluster up until a signal."""
    account = web_account(settings, cluster, progress.inner)
    server, worker = WebServer(settings, urls.app, account), JobWorker(settings, urls.app, account)
    try:
        with progress.step("启动网页服务", "starting the web server"):
            server.start()
            worker.start()
            server.wait_until_ready()
        write_lock_note(settings)
        show(settings, accounts, progress)
        watch(server, worker, cluster, progress)
    finally:
        ignore_signals()
        worker.stop()
        server.stop()


def show(settings: Settings, accounts: dict[str, Any], progress: Progress) -> None:
    """The address, and the passwords of accounts made just now: the only time they are shown."""
    if accounts:
        progress.say(
            f"首批账户（密码只显示这一次，另存于 {settings.accounts_file}）：",
            f"first accounts (passwords are shown this once, and kept in {settings.accounts_file}):",
        )
        for words in accounts.values():
            click.echo(f"    {words['username']:<10} {words['password']}")
    elif settings.accounts_file.exists():
        progress.say(f"账户密码见 {settings.accounts_file}", f"passwords: {settings.accounts_file}")
    progress.say(
        f"就绪：{address(settings)}  （{progress.whole():.1f} 秒；Ctrl-C 停止）",
        f"ready: {address(settings)}  ({progress.whole():.1f} s; Ctrl-C stops it)",
    )


def watch(server: WebServer, worker: JobWorker, cluster: Cluster | None, progress: Progress) -> None:
    """Start again what dies; give up with a fault when it dies again and again. Left by KeyboardInterrupt.

    Nothing can begin without its database: while that is away nothing is started, and nothing held against it.
    """
    falls: list[float] = []
    waiting: Words | None = None
    while True:
        time.sleep(WATCH_SECONDS)
        fallen, idle = not server.alive(), not worker.alive()
        ended = cluster is not None and cluster.pid is None
        if ended and not waiting:
            progress.say("数据库意外停止，正在恢复…", "the database stopped unexpectedly; recovering it …")
        hindrance = _hindrance(cluster, server.app_url, fallen or idle)
        if hindrance is not None:
            if not waiting:
                progress.say(hindrance.zh, hindrance.en)
            waiting = hindrance
            continue
        waiting = None
        falls += [time.monotonic()] * (ended + fallen + idle)
        if fallen:
            progress.say("网页服务意外停止，正在重启…", "the web server stopped unexpectedly; starting it again …")
            server.stop()
            server.start()
        if idle:
            progress.say("任务进程意外停止，正在重启…", "the worker stopped unexpectedly; starting it again …")
            worker.stop()
            worker.start()
        falls = [moment for moment in falls if moment > time.monotonic() - WITHIN_SECONDS]
        if len(falls) > RESTARTS:
            raise WebFault("服务反复退出，不再重启。", "the service ends again and again; giving up.")


def _hindrance(cluster: Cluster | None, url: str, needed: bool) -> Words | None:
    """What keeps the database away, None when nothing does; a private one that ended is started again. A foreign one is
    asked only where it is `needed`."""
    if cluster is None:
        if not needed or answers(url):
            return None
        return Words("数据库连接不上，恢复后继续…", "the database cannot be reached; waiting for it …")
    if cluster.pid is None:
        try:
            cluster.start()
        except NoRoom as fault:
            time.sleep(ROOM_SECONDS)
            return Words(f"{fault.words.zh}。磁盘空间不足，腾出后自动恢复…",
                         f"{fault.words.en}. The disk is full; it goes on when there is room …")
    return None


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """One keeper for an instance. The lock is the kernel's: it goes with the process, however that ends."""
    try:
        settings.instance.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(settings.instance / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Fault(
            f"实例目录 {settings.instance} 不可用：{error.strerror}。是否曾由另一用户启动？可用 --instance 另选。",
            f"the instance folder {settings.instance} cannot be used: {error.strerror}. "
            "Did another user start it before? Choose another one with --instance.",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _running(settings) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid()}).encode())
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def write_lock_note(settings: Settings) -> None:
    """Note beside the lock where the instance is served, for the message of a second start."""
    note = json.dumps({"pid": os.getpid(), "address": address(settings)})
    (settings.instance / "lock").write_text(note, "utf-8")


def _running(settings: Settings) -> Running:
    try:
        note = json.loads((settings.instance / "lock").read_text("utf-8"))
    except (OSError, ValueError):
        note = {}
    place = note.get("address", "")
    pid = note.get("pid", "?")
    return Running(
        f"{settings.instance} 已由进程 {pid} 启动" + (f"，地址 {place}" if place else "，尚未就绪") + "。",
        f"{settings.instance} is started already by process {pid}"
        + (f" and served at {place}" if place else ", not ready yet")
        + ".",
    )


def take_signals() -> None:
    """Ctrl-C, a stop by a service manager and a closed terminal all end in the same orderly stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # started by nohup
        signal.signal(number, _interrupt)


def ignore_signals() -> None:
    """A second Ctrl-C must not leave a server behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
