"""Long work in the background: asked for, watched, stopped, repeated, left behind by a killed worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from gisapp import jobs
from gisapp.accounts import people
from gisapp.cluster import inspection
from gisapp.config import Settings
from gisapp.errors import Problem
from gisapp.hand_over import exports
from gisapp.house import House
from gisapp.jobs import tending
from gisapp.jobs.doing import do
from gisapp.permissions import SYSTEM, Actor
from gisapp.sql import jobs as sql_jobs
from tests.conftest import psycopg_url
from tests.samples import fill
from tests.waiting import PATIENCE, never, until

LAYER, ROWS = "rooftop_signs", 60


@pytest.fixture(scope="module")
def filled(house: House) -> House:
    fill(house, LAYER, ROWS)
    return house


@pytest.fixture(scope="module")
def actors(house: House, accounts: dict[str, dict[str, str]]) -> dict[str, Actor]:
    with house.db.read() as connection:
        found = {role: people.find_by_name(connection, words["username"]) for role, words in accounts.items()}
    return {role: people.actor_of(account) for role, account in found.items() if account}


@pytest.fixture(autouse=True)
def _empty(owner: House) -> Iterator[None]:
    yield
    with owner.db.begin("test") as connection:
        connection.execute(text("DELETE FROM gisapp.jobs"))
        connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))


def ask(house: House, actor: Actor, **args: str) -> UUID:
    return jobs.ask_export(house, actor, LAYER, "geojson", {name: [value] for name, value in args.items()}, "en")


def state(house: House, job_id: UUID) -> str:
    return str(row(house, job_id)["state"])


def row(house: House, job_id: UUID) -> Any:
    with house.db.read() as connection:
        return sql_jobs.one(connection, job_id)


def folders(house: House) -> list[Path]:
    parent = house.settings.instance / "jobs"
    return list(parent.iterdir()) if parent.is_dir() else []


@contextmanager
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`gisapp worker` as a service manager starts it."""
    environment = {name: words for name, words in os.environ.items() if not name.startswith("GISAPP_")} | {
        "GISAPP_DATABASE_URL": psycopg_url(settings.database_url), "GISAPP_DEMO": "0",
        "GISAPP_OWNER_DATABASE_URL": psycopg_url(settings.owner_database_url)}
    command = [sys.executable, "-c", "from gisapp.cli import main; main()", "worker",
               "--instance", str(settings.instance)]
    process = subprocess.Popen(command, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


@contextmanager
def held(owner: House) -> Iterator[None]:
    """Nobody can read the layer: a job that reads it is in the middle of its work, for ten seconds at most."""
    with psycopg.connect(psycopg_url(owner.settings.owner_database_url)) as link:
        link.execute(f"LOCK TABLE layers.{LAYER} IN ACCESS EXCLUSIVE MODE")
        yield
        link.rollback()


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(one) for path in listed for one in path.read_text().split()]


def test_a_job_ends_with_a_file_that_is_kept_for_its_time(filled: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    found = jobs.show(filled, actors["exporter"], job_id, "en")
    assert (found["state"], found["rows_in_all"]) == ("waiting", ROWS)
    do(filled, job_id, never)
    found = jobs.show(filled, actors["exporter"], job_id, "en")
    assert (found["state"], found["rows_done"], found["rows_in_all"]) == ("done", ROWS, ROWS)
    file = jobs.file_of(filled, actors["exporter"], job_id)
    with file.file:
        assert file.file.read().count(b'"Feature"') == ROWS
    [folder] = folders(filled)
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_finished_file_can_be_deleted_before_its_time(filled: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    with pytest.raises(Problem, match="job_not_done"):
        jobs.remove_file(filled, actors["exporter"], job_id)
    do(filled, job_id, never)
    with pytest.raises(Problem, match="job_unknown"):
        jobs.remove_file(filled, actors["reviewer"], job_id)
    jobs.remove_file(filled, actors["exporter"], job_id, "192.0.2.7")
    assert not jobs.folder_of(filled, job_id, 1).exists()
    assert jobs.show(filled, actors["exporter"], job_id, "en")["file_name"] is None
    for act in (jobs.file_of, jobs.remove_file):
        with pytest.raises(Problem, match="job_expired"):
            act(filled, actors["exporter"], job_id)
    with filled.db.read() as connection:
        [line] = connection.execute(text("SELECT username, address, detail FROM gisapp.access_log WHERE act = "
                                         "'file_removed' AND detail->>'job' = :job"), {"job": str(job_id)}).all()
    assert (line.username, str(line.address), line.detail["layer"]) == ("exporter", "192.0.2.7", LAYER)


def test_the_child_says_how_far_it_is(filled: House, tmp_path: Path) -> None:
    order = exports.plan(filled, SYSTEM, LAYER, "shp", {}, "en")
    exports.make(filled, SYSTEM, order, tmp_path)
    said = json.loads((tmp_path / "progress.json").read_text("ascii"))
    assert said["step"] in ("read", "write", "prove")
    assert 0 < said["rows_done"] <= ROWS


def test_the_queue_holds_the_job_in_the_same_transaction(filled: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    with filled.db.read() as connection:
        queued = connection.execute(text("SELECT id, args->>'job_id' AS job, lock FROM jobs.procrastinate_jobs")).one()
    assert (queued.job, queued.lock, queued.id) == (str(job_id), str(job_id), row(filled, job_id)["queue_id"])


def test_the_same_order_is_one_job_while_it_has_not_ended(filled: House, actors: dict[str, Actor]) -> None:
    first = ask(filled, actors["exporter"])
    assert ask(filled, actors["exporter"]) == first
    assert ask(filled, actors["reviewer"]) != first
    assert ask(filled, actors["exporter"], crs="EPSG:4490") != first
    do(filled, first, never)
    assert ask(filled, actors["exporter"]) != first


def test_an_account_has_so_many_jobs_at_most(filled: House, actors: dict[str, Actor],
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_ACTIVE", 1)
    ask(filled, actors["exporter"])
    with pytest.raises(Problem, match="jobs_too_many"):
        ask(filled, actors["exporter"], crs="EPSG:4490")


def test_others_see_nothing_of_a_job_but_administrators(filled: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    do(filled, job_id, never)
    for act in (jobs.cancel, jobs.retry, jobs.file_of):
        with pytest.raises(Problem, match="job_unknown"):
            act(filled, actors["reviewer"], job_id)
    assert jobs.listed(filled, actors["reviewer"], "en") == []
    assert [one["id"] for one in jobs.listed(filled, actors["admin"], "en")] == [str(job_id)]
    jobs.file_of(filled, actors["admin"], job_id).file.close()


def test_the_rights_are_those_of_the_moment_of_the_work(filled: House, actors: dict[str, Actor]) -> None:
    account, _ = people.make(filled, SYSTEM, "leaving", "exporter")
    leaving = people.actor_of(account)
    demoted, disabled = ask(filled, leaving), ask(filled, leaving, crs="EPSG:4490")
    people.set_role(filled.db, SYSTEM, str(account.id), "viewer")
    do(filled, demoted, never)
    assert row(filled, demoted)["problem"]["code"] == "act_not_allowed"
    assert "Words" not in jobs.show(filled, leaving, demoted, "en")["problem"]["detail"]
    people.disable(filled.db, SYSTEM, str(account.id))
    do(filled, disabled, never)
    assert row(filled, disabled)["problem"]["code"] == "job_account_disabled"
    assert (state(filled, demoted), state(filled, disabled)) == ("failed", "failed")
    assert folders(filled) == [] or all(not any(path.iterdir()) for path in folders(filled) if path.name.startswith(
        (demoted.hex, disabled.hex)))


def test_a_finished_file_is_refused_to_an_account_that_may_export_no_longer(filled: House) -> None:
    account, _ = people.make(filled, SYSTEM, "lowered", "exporter")
    job_id = ask(filled, people.actor_of(account))
    do(filled, job_id, never)
    people.set_role(filled.db, SYSTEM, str(account.id), "viewer")
    with filled.db.read() as connection:
        lowered = people.actor_of(people.find(connection, account.id))
    with pytest.raises(Problem, match="act_not_allowed"):
        jobs.file_of(filled, lowered, job_id)


def test_a_cancelled_job_is_not_begun_and_can_be_tried_again(filled: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    jobs.cancel(filled, actors["exporter"], job_id)
    do(filled, job_id, never)
    assert state(filled, job_id) == "cancelled"
    with pytest.raises(Problem, match="job_ended"):
        jobs.cancel(filled, actors["exporter"], job_id)
    jobs.retry(filled, actors["exporter"], job_id)
    with pytest.raises(Problem, match="job_not_ended"):
        jobs.retry(filled, actors["exporter"], job_id)
    do(filled, job_id, never)
    assert state(filled, job_id) == "done"


def test_a_running_job_stops_in_its_query_and_leaves_nothing(filled: House, owner: House,
                                                             actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    before = set(folders(filled))
    with held(owner):
        thread = threading.Thread(target=do, args=(filled, job_id, never))
        thread.start()
        until(lambda: state(filled, job_id) == "running" and set(folders(filled)) - before)
        jobs.cancel(filled, actors["exporter"], job_id)
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert state(filled, job_id) == "cancelled"
    assert set(folders(filled)) == before


def test_a_worker_that_stops_gives_its_job_back(filled: House, owner: House, actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    with held(owner):
        do(filled, job_id, lambda: True)
    assert state(filled, job_id) == "waiting"
    do(filled, job_id, never)
    assert state(filled, job_id) == "done"


def test_two_workers_never_do_the_same_job(filled: House, actors: dict[str, Actor],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[UUID] = []
    from gisapp.jobs import doing

    def work(_: House, row: Any, *more: Any) -> bool:
        time.sleep(0.2)
        made.append(row["id"])
        return False

    monkeypatch.setitem(doing._KINDS, "export", work)
    job_id = ask(filled, actors["exporter"])
    threads = [threading.Thread(target=do, args=(filled, job_id, never)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [job_id]


def test_what_an_earlier_attempt_says_afterwards_does_not_count(filled: House, owner: House,
                                                                actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    with filled.db.begin("test") as connection:
        assert sql_jobs.claim(connection, job_id)
        sql_jobs.wait_again(connection, job_id)
        second = sql_jobs.claim(connection, job_id)
        assert second is not None and second["attempt"] == 2
        assert sql_jobs.beat(connection, job_id, 1, {}) is None
        assert not sql_jobs.finish(connection, job_id, 1, {"state": "done"})
        assert sql_jobs.beat(connection, job_id, 2, {}) is False


def silent(owner: House, job_id: UUID) -> None:
    with owner.db.begin("test") as connection:
        connection.execute(text("UPDATE gisapp.jobs SET seen_at = now() - interval '1 hour' WHERE id = :id"),
                           {"id": job_id})


def test_a_job_that_breaks_every_worker_is_given_up_with_a_reason(filled: House, owner: House,
                                                                  actors: dict[str, Actor]) -> None:
    job_id = ask(filled, actors["exporter"])
    for _ in range(tending.ATTEMPTS):
        with filled.db.begin("test") as connection:
            assert sql_jobs.claim(connection, job_id)
        silent(owner, job_id)
        tending.tend(filled)
    assert (state(filled, job_id), row(filled, job_id)["problem"]["code"]) == ("failed", "job_abandoned")
    with filled.db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs.procrastinate_jobs")).scalar_one() == 0


def test_a_job_that_the_queue_has_lost_is_queued_again(filled: House, owner: House, actors: dict[str, Actor],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = ask(filled, actors["exporter"])
    monkeypatch.setattr(tending, "UNQUEUED", timedelta(0))
    tending.tend(filled)
    first = row(filled, job_id)["queue_id"]
    with owner.db.begin("test") as connection:
        connection.execute(text("DELETE FROM jobs.procrastinate_jobs"))
    tending.tend(filled)
    assert row(filled, job_id)["queue_id"] != first


def test_a_result_goes_after_its_time(filled: House, owner: House, actors: dict[str, Actor],
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = ask(filled, actors["exporter"])
    do(filled, job_id, never)
    monkeypatch.setattr(tending, "YOUNG_S", -1.0)
    tending.tend(filled)
    jobs.file_of(filled, actors["exporter"], job_id).file.close()
    with owner.db.begin("test") as connection:
        connection.execute(text("UPDATE gisapp.jobs SET expires_at = now() - interval '1 s'"))
    with pytest.raises(Problem, match="job_expired"):
        jobs.file_of(filled, actors["exporter"], job_id)
    tending.tend(filled)
    assert folders(filled) == []
    with pytest.raises(Problem, match="job_expired"):
        jobs.file_of(filled, actors["exporter"], job_id)
    assert jobs.show(filled, actors["exporter"], job_id, "en")["file_name"] is None


def test_check_says_when_jobs_wait_and_no_worker_lives(filled: House, actors: dict[str, Actor]) -> None:
    with psycopg.connect(psycopg_url(filled.settings.database_url)) as link:
        assert list(inspection.job_faults(link, served=False)) == []
        assert len(list(inspection.job_faults(link, served=True))) == 1
    ask(filled, actors["exporter"])
    with psycopg.connect(psycopg_url(filled.settings.database_url)) as link:
        assert len(list(inspection.job_faults(link, served=False))) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="children are found in /proc")
def test_a_killed_workers_job_is_done_by_the_next_one(filled: House, owner: House, actors: dict[str, Actor],
                                                      settings: Settings) -> None:
    job_id = ask(filled, actors["exporter"])
    with held(owner), worker(settings) as first:
        until(lambda: state(filled, job_id) == "running" and children_of(first.pid))
        [child] = children_of(first.pid)
        first.kill()
        first.wait()
        until(lambda: not Path(f"/proc/{child}").exists())
        until(lambda: not any(path.name.startswith(job_id.hex) and any(path.iterdir()) for path in folders(filled)))
    silent(owner, job_id)
    with worker(settings):
        until(lambda: state(filled, job_id) == "done")
        with psycopg.connect(psycopg_url(filled.settings.database_url)) as link:
            assert list(inspection.job_faults(link, served=True)) == []
    assert row(filled, job_id)["attempt"] == 2


@pytest.mark.parametrize("order", ["", '{"folder": "'])
def test_what_a_parent_left_that_was_killed_before_its_order_was_out_goes(tmp_path: Path, order: str) -> None:
    for words, stays in (((), True), (("temporary",), False)):
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        (folder / "half").touch()
        ended = subprocess.run([sys.executable, "-P", "-m", "gisapp.children", "gisapp.formats.work", *words],
                               cwd=folder, input=order, encoding="utf-8", check=False)
        assert (ended.returncode, folder.exists()) == (1, stays)


def test_the_application_role_cannot_change_what_a_job_is(house: House) -> None:
    for statement in ("DROP TABLE jobs.procrastinate_jobs", "CREATE TABLE jobs.mine ()",
                      "ALTER TABLE gisapp.jobs ADD COLUMN mine text", "TRUNCATE gisapp.jobs"):
        with pytest.raises(Exception, match=r"permission denied|must be owner"), house.db.begin("test") as connection:
            connection.execute(text(statement))


# --- imports

def upload(role: Any, count: int) -> str:
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.3 + n / 9999, 31.7]},
                 "properties": {"sign_no": f"J{time.time_ns()}-{n}", "sign_kind": "01", "area_m2": 3}}
                for n in range(count)]
    file = (BytesIO(json.dumps({"type": "FeatureCollection", "features": features}).encode()), "signs.geojson")
    made = role.post("/imports", data={"layer": LAYER, "file": file})
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def test_an_import_of_many_rows_is_checked_and_entered_by_jobs(house: House, roles: dict[str, Any],
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 3)
    reviewer = roles["reviewer"]
    small, large = upload(reviewer, 3), upload(reviewer, 5)
    assert reviewer.post(f"/imports/{small}/check", json={}).status_code == 200
    checking = reviewer.post(f"/imports/{large}/check", json={})
    assert (checking.status_code, checking.json["kind"], checking.json["rows_in_all"]) == (202, "import", 5)
    # One work at a time on an upload, and nothing is taken away under it.
    assert reviewer.post(f"/imports/{large}/commit", json={}).json["code"] == "import_busy"
    assert reviewer.delete(f"/imports/{large}").json["code"] == "import_busy"
    do(house, UUID(checking.json["id"]), never)
    found = reviewer.get(f"/jobs/{checking.json['id']}").json
    assert (found["state"], found["result"]["checked"]["accepted"]) == ("done", 5)
    entering = reviewer.post(f"/imports/{large}/commit", json={})
    assert entering.status_code == 202
    do(house, UUID(entering.json["id"]), never)
    found = reviewer.get(f"/jobs/{entering.json['id']}").json
    assert (found["state"], found["rows_done"], found["result"]["accepted"]) == ("done", 5, 5)
    assert reviewer.get(f"/imports/{large}").json["state"] == "done"


def test_two_orders_for_one_import_at_once_are_one_job(house: House, roles: dict[str, Any],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second is told at once, not by a job that fails."""
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 1)
    together, answers = threading.Barrier(4), list[tuple[int, str]]()
    ask_now = sql_jobs.count_active

    def late(*given: Any) -> int:
        time.sleep(0.2)  # others ask meanwhile
        return ask_now(*given)

    monkeypatch.setattr(sql_jobs, "count_active", late)

    def commit(accept: str) -> None:
        together.wait(PATIENCE)
        answer = roles["reviewer"].post(f"/imports/{number}/commit", json={"accept": accept})
        answers.append((answer.status_code, answer.json.get("code", answer.json.get("id"))))

    threads = [threading.Thread(target=commit, args=(accept,)) for accept in ("all", "valid") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(status for status, _ in answers) == [202, 202, 409, 409], answers
    assert len({word for status, word in answers if status == 202}) == 1
    assert {word for status, word in answers if status == 409} == {"import_busy"}
    with house.db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM gisapp.jobs")).scalar_one() == 1


def test_an_import_that_was_killed_after_its_commit_enters_once(house: House, roles: dict[str, Any],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 2)
    job_id = UUID(roles["reviewer"].post(f"/imports/{number}/commit", json={}).json["id"])
    with monkeypatch.context() as patch:
        patch.setattr(sql_jobs, "finish", lambda *_: False)  # the worker dies before it can say so
        do(house, job_id, never)
    assert state(house, job_id) == "running"
    with house.db.begin("test") as connection:
        sql_jobs.wait_again(connection, job_id)
    do(house, job_id, never)
    assert (state(house, job_id), row(house, job_id)["result"]["import"]["accepted"]) == ("done", 2)


def test_a_cancelled_import_enters_nothing(house: House, roles: dict[str, Any],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 2)
    job_id = UUID(roles["reviewer"].post(f"/imports/{number}/commit", json={}).json["id"])
    assert roles["reviewer"].delete(f"/jobs/{job_id}").json["state"] == "cancelled"
    do(house, job_id, never)
    assert state(house, job_id) == "cancelled"
    assert roles["reviewer"].get(f"/imports/{number}").json["state"] == "ready"
