"""A database that goes away while the application works, and comes back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from gisapp import create_app, job_queue, jobs
from gisapp.cli import start
from gisapp.cluster import Cluster, NoRoom, connections
from gisapp.cluster.connections import Unreachable, Urls
from gisapp.db import is_away
from gisapp.errors import Problem
from gisapp.hand_over import exports
from gisapp.house import House
from gisapp.jobs import doing, tending, worker as working
from gisapp.jobs.doing import do
from tests.conftest import at
from tests.test_jobs import ask, folders, row, silent, state, worker
from tests.waiting import PATIENCE, never, until

#: What a driver says of a connection that broke, and of a server that ends.
LOST, ENDING = psycopg.OperationalError("the connection is lost"), psycopg.errors.AdminShutdown("terminating")


@pytest.fixture
def actors(house: House, accounts: Any) -> dict[str, Any]:
    from gisapp.accounts import people

    with house.db.read() as connection:
        found = people.find_by_name(connection, accounts["exporter"]["username"])
    assert found is not None
    return {"exporter": people.actor_of(found)}


@pytest.fixture(autouse=True)
def _empty(owner: House) -> Iterator[None]:
    yield
    with owner.db.begin("test") as connection:
        connection.execute(text("DELETE FROM gisapp.jobs"))
        connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))


@contextmanager
def away(cluster: Cluster, *houses: House) -> Iterator[None]:
    """Nobody reaches the database of these houses, and who had is cut off."""
    name = make_url(houses[0].settings.database_url).database
    assert name is not None
    with psycopg.connect(at(cluster.superuser_url, "postgres"), autocommit=True) as link:
        identifier = sql.Identifier(name)
        link.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(identifier))
        try:
            link.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
        finally:
            link.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(identifier))
            for house in houses:  # what the test itself held was cut too
                house.db.engine.dispose()


@pytest.mark.parametrize(("error", "gone"), [
    (LOST, True), (ENDING, True), (OperationalError("SELECT", {}, LOST), True),
    (OperationalError("SELECT", {}, ENDING), True), (psycopg.errors.DiskFull("no room"), False),
    (psycopg.errors.QueryCanceled("slow"), False), (psycopg.errors.UniqueViolation("twice"), False),
    (ValueError("x"), False), (None, False)])
def test_only_a_lost_server_is_held_to_be_away(error: BaseException | None, gone: bool) -> None:
    assert is_away(error) is gone


@pytest.mark.parametrize("error", [LOST, OperationalError("COPY", {}, ENDING), Problem("database_unavailable")])
def test_a_job_whose_database_went_away_is_begun_anew(house: House, owner: House, actors: dict[str, Any],
                                                      monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*_: Any) -> bool:
        raise error

    job_id = ask(house, actors["exporter"])
    with monkeypatch.context() as patch:
        patch.setitem(doing._KINDS, "export", broken)
        do(house, job_id, never)
    assert (state(house, job_id), row(house, job_id)["problem"]) == ("running", None)
    silent(owner, job_id)
    tending.tend(house)
    do(house, job_id, never)
    assert (state(house, job_id), row(house, job_id)["attempt"]) == ("done", 2)


def test_a_child_says_that_its_database_is_away(house: House, owner: House, actors: dict[str, Any], cluster: Cluster,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """As a job, it is left to be begun anew; nothing of it stays."""
    job_id = ask(house, actors["exporter"])
    make, before = exports.make, set(folders(house))

    def cut_off(given: House, *more: Any) -> Any:
        with away(cluster, house, owner):
            return make(given, *more)

    monkeypatch.setattr(exports, "make", cut_off)
    monkeypatch.setattr("gisapp.hand_over.receivers.require_welcome", lambda *_: None)
    do(house, job_id, never)
    assert (state(house, job_id), set(folders(house))) == ("running", before)


@pytest.mark.parametrize(("error", "code", "said"), [
    (psycopg.errors.DiskFull("no room"), "storage_full", "磁盘空间"),
    (OSError(28, "No space left on device"), "storage_full", "磁盘空间"),
    (PermissionError(13, "Permission denied"), "storage_full", "不可写"),
    (OperationalError("INSERT", {}, psycopg.errors.DiskFull("no room")), "storage_full", "磁盘空间"),
    (OperationalError("LOCK", {}, psycopg.errors.LockNotAvailable("late")), "busy", "繁忙"),
    (OperationalError("LOCK", {}, psycopg.errors.DeadlockDetected("both")), "busy", "繁忙")])
def test_a_full_disk_or_a_lock_under_a_job_is_told_as_such(house: House, actors: dict[str, Any],
                                                 monkeypatch: pytest.MonkeyPatch, error: Exception, code: str,
                                                 said: str) -> None:
    def broken(*_: Any) -> bool:
        raise error

    monkeypatch.setitem(doing._KINDS, "export", broken)
    job_id = ask(house, actors["exporter"])
    do(house, job_id, never)
    shown = jobs.show(house, actors["exporter"], job_id, "zh")
    assert (shown["state"], shown["problem"]["code"]) == ("failed", code)
    assert said in shown["problem"]["detail"]


def test_nothing_ends_the_tending_of_jobs(house: House, monkeypatch: pytest.MonkeyPatch,
                                          caplog: pytest.LogCaptureFixture) -> None:
    ended, errors = threading.Event(), [RuntimeError("surprise"), LOST, LOST, LOST, None, None]

    def tend(_: House) -> None:
        error = errors.pop(0)
        if not errors:
            ended.set()
        if error is not None:
            raise error

    monkeypatch.setattr(working, "tend", tend)
    monkeypatch.setattr(working, "TEND_S", 0.0)
    with caplog.at_level(logging.WARNING, "gisapp.jobs.worker"):
        working.keep(house, ended)
    assert errors == []
    said = [line.getMessage() for line in caplog.records]
    assert said == ["jobs could not be tended just now", "the database cannot be reached; jobs wait for it",
                    "the database is back"]


def test_a_worker_waits_for_its_database_and_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    async def work(*_: Any) -> None:
        heard.append("work")
        if len(heard) < 4:
            raise job_queue.Away

    def ping() -> None:
        heard.append("ping")
        if len(heard) == 1:
            raise OperationalError("SELECT 1", {}, LOST)

    monkeypatch.setattr(job_queue, "work", work)
    monkeypatch.setattr(house.db, "ping", ping)
    monkeypatch.setattr(working, "tend", lambda _: None)
    monkeypatch.setattr(working, "AGAIN_S", 0.0)
    # A thread of its own has no event loop; that of the tests may still have the one of a browser.
    thread = threading.Thread(target=working.work, args=(house,))
    thread.start()
    thread.join(PATIENCE)
    assert heard == ["ping", "ping", "work", "ping", "work"]


def test_a_worker_outlives_a_cut_and_does_the_next_job(house: House, owner: House, actors: dict[str, Any],
                                                       cluster: Cluster) -> None:
    def alive() -> bool:
        with house.db.read() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM jobs.procrastinate_workers")).scalar_one())

    with worker(house.settings) as process:
        until(alive)
        with away(cluster, house, owner):
            pass
        job_id: UUID = ask(house, actors["exporter"])
        until(lambda: state(house, job_id) == "done")
        assert process.poll() is None


class Said:
    """Progress that keeps what it says in English."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def say(self, _: str, en: str) -> None:
        self._said.append(en)


class Kept:
    """A service that has died."""

    app_url = "postgresql:///nothing?host=/nowhere"

    def __init__(self) -> None:
        self.starts = 0

    def alive(self) -> bool:
        return self.starts > 0

    def stop(self) -> None:
        pass

    def start(self) -> None:
        self.starts += 1


def test_what_dies_without_a_database_is_started_when_it_is_back(monkeypatch: pytest.MonkeyPatch,
                                                                 settings: Any) -> None:
    """And it is not held to end again and again."""
    server, service, rounds = Kept(), Kept(), iter(range(12))
    said: list[str] = []

    def sleep(_: float) -> None:
        turn = next(rounds)
        if turn == 8:
            server.app_url = settings.database_url
        if turn == 11:
            raise KeyboardInterrupt

    monkeypatch.setattr("gisapp.cli.start.time.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        start.watch(server, service, None, Said(said))  # type: ignore[arg-type]
    assert (server.starts, service.starts) == (1, 1)
    assert said == ["the database cannot be reached; waiting for it …",
                    "the web server stopped unexpectedly; starting it again …",
                    "the worker stopped unexpectedly; starting it again …"]


def test_a_web_process_that_begins_without_its_database_says_so_and_goes_on(
        settings: Any, house: House, owner: House, cluster: Cluster) -> None:
    """One that died while the database was away is replaced at once, and the replacement does not die of it too."""
    with away(cluster, house, owner):
        app = create_app(settings)
        answer = app.test_client().get("/healthz")
        assert (answer.status_code, (answer.json or {})["code"]) == (503, "database_unavailable")
    assert app.test_client().get("/healthz").status_code == 200
    app.extensions["gisapp"].db.close()


def test_a_database_that_alone_knows_the_lesser_role_is_waited_for(
        settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    tries = 0

    def running(given: Any) -> Urls:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Unreachable("连不上", "no connection")
        return Urls(given.database_url, "postgresql:///as_app")

    monkeypatch.setattr(connections, "running", running)
    monkeypatch.setattr(connections, "AGAIN_SECONDS", 0.0)
    alone = settings.with_database("postgresql:///theirs")
    with caplog.at_level(logging.WARNING, "gisapp.cluster.connections"):
        assert connections.serving(alone) == "postgresql:///as_app"
    assert [line.getMessage() for line in caplog.records] == ["no connection"]
    tries = 0
    as_app = "postgresql:///theirs?options=-c%20role%3Dgisapp_app"
    assert connections.serving(settings.with_database(as_app)) == as_app
    assert tries == 1


class Full:
    """A private database that ended because its disk is full; there is room at the fourth try."""

    def __init__(self) -> None:
        self.tries, self.pid = 0, None

    def start(self) -> None:
        self.tries += 1
        if self.tries < 4:
            raise NoRoom("私有数据库无法启动：满", "the private cluster does not start: full")
        self.pid = 4711  # type: ignore[assignment]


def test_a_database_whose_disk_is_full_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server answers meanwhile; one that dies is started when the database is back."""
    server, service, full, rounds, said = Kept(), Kept(), Full(), iter(range(8)), []
    service.starts = 1

    def sleep(seconds: float) -> None:
        if seconds == start.WATCH_SECONDS and next(rounds) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr("gisapp.cli.start.time.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        start.watch(server, service, full, Said(said))  # type: ignore[arg-type]
    assert (full.tries, server.starts, service.starts) == (4, 1, 1)
    assert said == ["the database stopped unexpectedly; recovering it …",
                    "the private cluster does not start: full. The disk is full; it goes on when there is room …",
                    "the web server stopped unexpectedly; starting it again …"]
