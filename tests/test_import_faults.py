"""Imports that somebody stops, that killed processes left behind, or whose words no database holds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from sqlalchemy import text

from gisapp import children, jobs
from gisapp.accounts import people
from gisapp.children import Progress, age_s, sweep
from gisapp.desk import report, telling
from gisapp.desk.check import check
from gisapp.desk.commit import commit
from gisapp.desk.undo import undo
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.jobs import pace, sweeping
from gisapp.jobs.doing import do
from gisapp.permissions import Actor
from gisapp.sql import imports as sql_imports, jobs as sql_jobs
from tests.conftest import Role, psycopg_url
from tests.test_imports import geojson, send, sign
from tests.test_jobs import held, row, state, upload
from tests.waiting import never, until

_GEO = {"version": "1.0.0", "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}}}


def parquet(**columns: list[Any]) -> bytes:
    point = shapely.to_wkb(shapely.Point(113.38, 31.69))
    table = pa.table(columns | {"geometry": [point] * len(next(iter(columns.values())))})
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(_GEO)}), sink)
    return sink.getvalue()


# ---------------------------------------------------------------------------------------------- words

def test_nul_in_names_and_values_is_told_row_by_row(admin: Role) -> None:
    given = parquet(**{"sign_no": ["N\x00UL", "N-2"], "a\x00b": ["x\x00y", "z"], "sign_kind": ["01", "01"],
                       "area_m2": [1.0, 2.0]})
    sent = send(admin, "rooftop_signs", {"a\x00b.parquet": given})
    assert sent.status_code == 201, sent.json
    assert sent.json["layers"][0]["fields"][1] == "ab" and "\x00" not in sent.text
    checked = admin.post(f"/imports/{sent.json['id']}/check", json={})
    assert checked.status_code == 200 and checked.json["counts"]["accepted"] + checked.json["counts"]["refused"] == 2
    assert admin.get(f"/imports/{sent.json['id']}/report.csv").status_code == 200


@pytest.mark.parametrize("body", [
    r'{"save_as": "a\u0000b"}', r'{"mapping": {"a\u0000": null}}', r'{"crs": "\ud800"}', r'{"layers": {"\u0000": {}}}',
    r'{"twins": {"id": "refuse"}, "new": NaN}'])
def test_choices_that_no_database_holds_are_problems(admin: Role, body: str) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("Z-1"))}).json
    for act in ("check", "commit"):
        answer = admin.post(f"/imports/{sent['id']}/{act}", data=body, content_type="application/json")
        assert (answer.status_code, answer.json["code"]) == (422, "mapping_invalid"), answer.json


def test_truth_is_no_line(admin: Role) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("Z-2"))}).json
    admin.post(f"/imports/{sent['id']}/check", json={})
    answer = admin.post(f"/imports/{sent['id']}/near", json={"lines": [True], "act": "enter"})
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_curved_texts_are_rows_of_the_report(admin: Role) -> None:
    table = ('case_no,wkt\n1,"POLYGON((113 31,114 31,114 32,113 31))"\n2,"CIRCULARSTRING(0 0,1 1,2 0)"\n'
             '3,"CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))"\n4,"POLYGON((113 31,114 31,114 32,113 31))"\n'
             '5,"POLYGON((113 31,114 31,114 32,113 31))"\n')
    sent = send(admin, "illegal_builds", {"a.csv": table.encode()})
    assert sent.status_code == 201, sent.json
    checked = admin.post(f"/imports/{sent.json['id']}/check", json={"crs": "EPSG:4326"}).json
    assert sum(one["count"] for one in checked["reasons"] if one["code"] == "geometry_unreadable") == 2, checked


# ---------------------------------------------------------------------------------------------- stopping

def test_a_cancelled_import_stops_within_its_statement(house: House, owner: House, roles: dict[str, Any],
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 3)
    job_id = UUID(roles["reviewer"].post(f"/imports/{number}/commit", json={}).json["id"])
    with held(owner):  # its statements wait for ten seconds at least
        work = threading.Thread(target=do, args=(house, job_id, never))
        work.start()
        until(lambda: state(house, job_id) == "running")
        with house.db.begin("test") as connection:
            sql_jobs.cancel(connection, job_id)
        until(lambda: state(house, job_id) == "cancelled")
    work.join()
    assert roles["reviewer"].get(f"/imports/{number}").json["state"] == "ready"


def test_the_progress_of_a_check_counts_the_rows_that_are_in(house: House, roles: dict[str, Any],
                                                             accounts: dict[str, dict[str, str]]) -> None:
    number, heard = UUID(upload(roles["reviewer"], 40)), list[Progress]()
    check(house, actors_of(house, accounts, "reviewer"), number, {}, heard.append)
    assert [(one.step, one.rows_done) for one in heard] == [("check", 40), ("judge", 0)]


def test_a_child_that_does_not_end_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any) -> Any:
        raise subprocess.TimeoutExpired("child", 1)

    monkeypatch.setattr(children, "_watched", late)
    with pytest.raises(Problem, match="work_failed"):
        children.run("tests.disk_full", {"folder": str(tmp_path)}, tmp_path, children.Limits(5, 4096, 64))


def test_a_child_that_ended_at_the_moment_of_ctrl_c_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(child: subprocess.Popen[str], *_: Any) -> Any:
        child.communicate("")  # it hears no order, ends and is waited for
        raise KeyboardInterrupt

    monkeypatch.setattr(children, "_watched", interrupted)
    with pytest.raises(KeyboardInterrupt):
        children.run("tests.disk_full", {"folder": str(tmp_path)}, tmp_path, children.Limits(5, 4096, 64))


def test_what_a_killed_worker_left_running_gives_way(house: House, roles: dict[str, Any],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 2)
    job_id = UUID(roles["reviewer"].post(f"/imports/{number}/commit", json={}).json["id"])
    with house.db.begin("test") as connection:
        connection.execute(text("UPDATE gisapp.jobs SET attempt = 1 WHERE id = :id"), {"id": job_id})
    with psycopg.connect(psycopg_url(house.settings.database_url)) as left:
        left.execute("SELECT set_config('application_name', %s, true)", [f"gisapp import {number}"])
        left.execute("SELECT FROM gisapp.imports WHERE id = %s FOR UPDATE", [number])
        until(lambda: _ended(house, job_id))
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")
    assert (state(house, job_id), row(house, job_id)["result"]["import"]["accepted"]) == ("done", 2)


def _ended(house: House, job_id: UUID) -> bool:
    if state(house, job_id) == "waiting":
        do(house, job_id, never)
    return state(house, job_id) in ("done", "failed")


def test_as_many_imports_are_read_at_once_as_a_worker_does_jobs(house: House, roles: dict[str, Any],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    found = [UUID(roles["reviewer"].post(f"/imports/{upload(roles['reviewer'], 2)}/check", json={}).json["id"])
             for _ in range(2)]
    monkeypatch.setattr("gisapp.imports.SLOTS._free", threading.BoundedSemaphore(1))
    monkeypatch.setattr("gisapp.imports.SLOTS._patience_s", 0.01)
    workers = [threading.Thread(target=do, args=(house, job_id, never)) for job_id in found]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert [state(house, job_id) for job_id in found] == ["done", "done"]


@pytest.mark.parametrize("lost", ["DELETE FROM", "DROP TABLE"])
def test_rows_that_a_crash_took_from_the_stage_are_checked_again(house: House, owner: House, admin: Role,
                                                                 lost: str) -> None:
    """PostgreSQL empties unlogged tables when it recovers; nobody may be told that rows entered which did not."""
    given = {"a.geojson": geojson(sign(f"C-{lost[:3]}-1"), sign(f"C-{lost[:3]}-2"))}
    number = UUID(send(admin, "rooftop_signs", given).json["id"])
    assert admin.post(f"/imports/{number}/check", json={}).json["counts"]["accepted"] == 2
    with owner.db.begin("test") as connection:
        connection.execute(text(f"{lost} staging.i_{number.hex}"))
    for path in ("preview", "rows", "shapes", "report.csv"):
        answer = admin.get(f"/imports/{number}/{path}")
        assert (answer.status_code, answer.json["code"]) == (409, "import_lost"), path
    page = admin.get(f"/imports/{number}/preview", headers={"Accept": "text/html"})
    assert page.status_code == 409 and 'id="mapping"' in page.text and 'role="alert"' in page.text
    done = admin.post(f"/imports/{number}/commit", json={})
    assert (done.status_code, done.json["accepted"], done.json["inserted"]) == (200, 2, 2), done.json


# ---------------------------------------------------------------------------------------------- how far it is

def test_a_statement_that_writes_rows_tells_how_many(house: House, owner: House, roles: dict[str, Any],
                                                     accounts: dict[str, dict[str, str]],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees the rows before it ends; it is held up here before its end."""
    monkeypatch.setattr(telling, "TOLD_S", 0.02)
    number = UUID(upload(roles["reviewer"], 30))
    actor, heard = actors_of(house, accounts, "reviewer"), list[Progress]()
    check(house, actor, number, {})
    keep = report.keep

    def late(*given: Any) -> None:
        until(lambda: any(one.rows_done for one in heard))
        keep(*given)

    monkeypatch.setattr(report, "keep", late)
    assert commit(house, actor, number, {}, watch=heard.append)["inserted"] == 30
    assert {(one.step, one.rows_all) for one in heard} == {("enter", 30)}
    assert (heard[0].rows_done, heard[-1].rows_done) == (0, 30)
    heard.clear()
    monkeypatch.setattr("gisapp.desk.undo._require_rules", lambda *_: until(lambda: any(o.rows_done for o in heard)))
    assert undo(house, actors_of(house, accounts, "admin"), number, watch=heard.append)["removed"] == 30
    assert (heard[0].rows_done, heard[-1].rows_done, heard[-1].step) == (0, 30, "undo")


def actors_of(house: House, accounts: dict[str, dict[str, str]], role: str) -> Actor:
    with house.db.read() as connection:
        account = people.find_by_name(connection, accounts[role]["username"])
    assert account is not None
    return people.actor_of(account)


def shown(**more: Any) -> Any:
    """A running job of 100 rows, as the register holds it."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {"state": "running", "kind": "import", "asked": {"act": "commit"}, "rows_all": 100, "rows_done": 50,
            "step": "enter", "result": None, "started_at": now - timedelta(seconds=40), "seen_at": now,
            "moved_at": now - timedelta(seconds=10), "now": now} | more


def test_the_remaining_time_is_that_of_the_way_so_far() -> None:
    moment = shown()["now"]
    assert (pace.rows(shown()), pace.remaining(shown())) == ((50, 100), 20)  # 30 s for half of it, 10 s ago
    assert pace.remaining(shown(moved_at=moment - timedelta(seconds=22))) is None  # longer than was reckoned
    assert pace.remaining(shown(seen_at=moment - timedelta(seconds=9))) is None  # the worker is silent
    assert pace.remaining(shown(rows_done=0)) is None
    assert (pace.remaining(shown(rows_done=1)), pace.remaining(shown(rows_done=2))) == (None, 1460)
    assert pace.remaining(shown(state="waiting")) is None


@pytest.mark.parametrize(("act", "steps"), [
    ("export", ("read", "write", "prove")), ("check", ("check", "judge")), ("commit", ("check", "judge", "store")),
    ("commit", ("enter",)), ("undo", ("undo",))])
def test_the_steps_of_an_act_are_the_whole_way(act: str, steps: tuple[str, ...]) -> None:
    ways = [pace.way(act, step, done, 1000) for step in steps for done in (0, 500, 1000)]
    assert (ways[0], ways[-1]) == (0, 1000) and ways == sorted(ways)


def test_a_job_tells_when_it_moved(house: House, roles: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DIRECT", 0)
    number = upload(roles["reviewer"], 1)
    job_id = UUID(roles["reviewer"].post(f"/imports/{number}/check", json={}).json["id"])

    def moved(**progress: Any) -> Any:
        with house.db.begin("test") as connection:
            assert sql_jobs.beat(connection, job_id, 1, progress) is False
        return row(house, job_id)["moved_at"]

    with house.db.begin("test") as connection:
        assert sql_jobs.claim(connection, job_id)
    first = moved(rows_done=0, step="check")
    assert moved(rows_done=0, step="check") == first < moved(rows_done=1, step="check")
    with house.db.begin("test") as connection:
        sql_jobs.finish(connection, job_id, 1, {"state": "failed"})


# ---------------------------------------------------------------------------------------------- what is left behind

def aged(folder: Path, seconds: float = sweeping.OLD_S + 60) -> None:
    then = time.time() - seconds
    for place in (*folder.iterdir(), folder):
        os.utime(place, (then, then))


def swept(house: House) -> None:
    (house.settings.instance / "imports" / "swept").unlink(missing_ok=True)
    sweeping.sweep_imports(house)


def test_nothing_of_a_killed_process_stays_for_long(house: House, admin: Role) -> None:
    parent = house.settings.instance / "imports"
    young, orphan = parent / uuid4().hex, parent / uuid4().hex
    for folder in (young, orphan):
        folder.mkdir(parents=True)
        (folder / "u0").write_bytes(b"x")
    waiting = parent / UUID(send(admin, "rooftop_signs", {"a.geojson": geojson(sign("K-1"))}).json["id"]).hex
    (waiting / "part-000001.csv").write_text("x")
    (waiting / "part-000002.making").write_text("x")
    entered = UUID(send(admin, "rooftop_signs", {"a.geojson": geojson(sign(f"K-{uuid4().hex[:8]}"))}).json["id"])
    assert admin.post(f"/imports/{entered}/commit", json={}).status_code == 200
    done = parent / entered.hex
    (done / "d0.geojson").write_text("x")  # killed before it threw the upload away
    for folder in (orphan, waiting, done):
        aged(folder)
    swept(house)
    assert young.is_dir() and not orphan.exists()
    assert {path.name for path in done.iterdir()} == {"report.csv"}
    left = {path.name for path in waiting.iterdir()}
    assert not any(name.startswith("part-") for name in left) and "datasets.json" in left
    assert admin.post(f"/imports/{UUID(waiting.name)}/check", json={}).status_code == 200


def test_pieces_of_a_check_that_goes_on_are_left_alone(house: House, admin: Role) -> None:
    number = UUID(send(admin, "rooftop_signs", {"a.geojson": geojson(sign("K-3"))}).json["id"])
    folder = house.settings.instance / "imports" / number.hex
    (folder / "part-000001.csv").write_text("x")
    aged(folder)
    with house.db.begin("test") as connection:
        assert sql_imports.hold(connection, number) == "ready"
        swept(house)
    assert (folder / "part-000001.csv").exists()


def test_imports_are_swept_once_a_minute(house: House) -> None:
    swept(house)
    orphan = house.settings.instance / "imports" / uuid4().hex
    orphan.mkdir()
    aged(orphan)
    sweeping.sweep_imports(house)
    assert orphan.is_dir()
    swept(house)
    assert not orphan.exists()


def test_what_a_clock_set_back_has_put_into_the_future_grows_old(house: House) -> None:
    """It would stay for as long as the clock was set back."""
    orphan = house.settings.instance / "imports" / uuid4().hex
    orphan.mkdir()
    (orphan / "u0").write_text("left", "ascii")
    aged(orphan, -90 * 86400)
    swept(house)
    assert all(abs(time.time() - place.stat().st_mtime) < 600 for place in (orphan, orphan / "u0"))
    aged(orphan)
    swept(house)
    assert not orphan.exists()
    stray = house.settings.instance / "exports" / uuid4().hex
    stray.mkdir(parents=True)
    aged(stray, -3600)
    sweep(stray.parent, sweeping.OLD_S)
    assert age_s(stray) < 600
    aged(stray, 3600)
    sweep(stray.parent, sweeping.OLD_S)
    assert not stray.exists()


@pytest.mark.parametrize(("age", "due"), [(-90 * 86400, True), (5, False), (61, True)])
def test_a_clock_that_was_set_back_does_not_end_the_sweeping(tmp_path: Path, age: float, due: bool) -> None:
    mark = tmp_path / "swept"
    assert sweeping.is_time(mark, 60)
    then = time.time() - age
    os.utime(mark, (then, then))
    assert (sweeping.is_time(mark, 60), sweeping.is_time(mark, 60)) == (due, False)
