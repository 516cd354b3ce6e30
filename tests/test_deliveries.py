"""Files for others: large ones by a job, receivers, what a delivery held, what is new since, links without account."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from gisapp import jobs
from gisapp.formats import ledger
from gisapp.hand_over import deliveries, links
from gisapp.house import House
from gisapp.jobs.doing import do
from gisapp.sql import deliveries as sql_deliveries
from tests.conftest import Role
from tests.samples import fill, sample_rows, store

LAYER, ROWS = "illegal_builds", 12
PERSONAL = "party_name"


@pytest.fixture(scope="module", autouse=True)
def filled(house: House) -> list[dict[str, Any]]:
    return fill(house, LAYER, ROWS)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few features are many."""
    monkeypatch.setattr(jobs, "DIRECT", 5)


def more(house: House, count: int) -> set[str]:
    """So many further features; their ids."""
    with house.db.read() as connection:
        there = connection.execute(text(f"SELECT count(*) FROM layers.{LAYER}_history WHERE operation = 'insert'"))
        first = there.scalar_one()
    rows = sample_rows(house, LAYER, first + count)[first:]
    store(house, LAYER, rows)
    return {str(row["id"]) for row in rows}


def done(house: House, role: Role, answer: Any) -> dict[str, Any]:
    """The job that a request began, done."""
    assert answer.status_code == 202, answer.get_data(as_text=True)[:500]
    job_id = answer.headers["Location"].rsplit("/", 1)[1]
    do(house, UUID(job_id), lambda: False)
    found: dict[str, Any] = role.get(f"/jobs/{job_id}").json
    return found


def receiver(role: Role, **more: Any) -> str:
    form = {"name": uuid4().hex, "format": "geojson", "active": "1"} | more
    answer = role.post("/receivers", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
    return str(answer.headers["Location"].rsplit("/", 1)[1])


def unpacked(role: Role, job: dict[str, Any]) -> dict[str, bytes]:
    data = role.get(f"/jobs/{job['id']}/file", buffered=True).data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def sent(delivery: dict[str, Any], role: Role) -> dict[str, tuple[str, str]]:
    """What the log says of a delivery: id → change, version."""
    lines = table(role.get(f"/deliveries/{delivery['id']}/ids", buffered=True).data)
    return {line["id"]: (line["change"], line["version"]) for line in lines}


def latest(role: Role) -> dict[str, Any]:
    found: dict[str, Any] = role.get("/deliveries").json["deliveries"][0]
    return found


# --- large files

def test_a_small_file_is_answered_at_once_and_a_large_one_by_a_job(house: House, roles: dict[str, Role],
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, path = roles["exporter"], f"/collections/{LAYER}/items?f=geojson"
    monkeypatch.setattr(jobs, "DIRECT", ROWS)
    assert exporter.get(path, buffered=True).status_code == 200
    monkeypatch.setattr(jobs, "DIRECT", ROWS - 1)
    assert exporter.open("HEAD", path).status_code == 202
    answer = exporter.get(path)
    assert (answer.json["state"], answer.json["rows_done"], answer.json["rows_in_all"]) == ("waiting", 0, ROWS)
    assert answer.json["file"] is None
    found = done(house, exporter, answer)
    assert (found["state"], found["rows_done"], found["rows_in_all"]) == ("done", ROWS, ROWS)
    path = re.sub(r"^https?://[^/]+", "", found["file"])
    file = exporter.get(path, buffered=True)
    assert len(json.loads(file.data)["features"]) == ROWS
    assert exporter.get(f"{path}", buffered=True).headers["Content-Disposition"].startswith("attachment")
    assert roles["viewer"].get(path).status_code == 404
    assert exporter.get(f"/collections/{LAYER}/items?f=geojson&limit=1&bbox=0,0,1,1", buffered=True).status_code == 200


def test_who_only_looks_takes_nothing(house: House, roles: dict[str, Role]) -> None:
    exporter, path = roles["exporter"], f"/collections/{LAYER}/items?f=gpkg"
    job = done(house, exporter, exporter.post("/jobs", json={"layer": LAYER, "f": "gpkg"}))
    before = exporter.get("/deliveries").json["deliveries"]
    answer = exporter.open("HEAD", path)
    assert (answer.status_code, answer.mimetype) == (200, "application/geopackage+sqlite3")
    assert "Content-Length" not in answer.headers
    assert exporter.get("/deliveries").json["deliveries"] == before
    answer = exporter.open("HEAD", f"/jobs/{job['id']}/file", buffered=True)
    assert (answer.status_code, answer.content_length) == (200, job["size"])
    taken = text("SELECT count(*) FROM gisapp.takings WHERE delivery_id = :id")
    for count in (0, 1):
        with house.db.read() as connection:
            assert connection.execute(taken, {"id": job["delivery"]}).scalar_one() == count
        exporter.get(f"/jobs/{job['id']}/file", buffered=True)


def test_a_browser_is_led_to_the_page_of_the_job(app: Flask, roles: dict[str, Role], many: None) -> None:
    answer = roles["exporter"].get(f"/collections/{LAYER}/items?f=gpkg", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    page = roles["exporter"].get(answer.headers["Location"], headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert 'hx-trigger="every 2s"' in page.get_data(as_text=True)


def test_who_may_not_export_gets_no_job(roles: dict[str, Role], many: None) -> None:
    assert roles["viewer"].get(f"/collections/{LAYER}/items?f=shp").json["code"] == "act_not_allowed"
    assert roles["viewer"].post("/jobs", json={"layer": LAYER, "f": "shp"}).json["code"] == "act_not_allowed"


@pytest.mark.parametrize(("given", "code"), [
    ({"layer": "none", "f": "shp"}, "layer_unknown"), ({"layer": LAYER, "f": "zip"}, "format_unknown"),
    ({"layer": LAYER, "f": "shp", "receiver": "x"}, "receiver_unknown"),
    ({"layer": LAYER, "f": "shp", "mode": "some"}, "parameter_invalid"),
    ({"layer": LAYER, "f": "shp", "mode": "difference"}, "difference_nothing"),
    ({"layer": LAYER, "f": "shp", "nonsense": "1"}, "parameter_unknown"), (["x"], "request_invalid")])
def test_a_wrong_order_says_what_is_wrong(roles: dict[str, Role], given: Any, code: str) -> None:
    answer = roles["exporter"].post("/jobs", json=given)
    assert (400 <= answer.status_code < 500, answer.json["code"]) == (True, code)


# --- the log

def test_every_file_is_logged_with_its_ids_and_its_takers(house: House, roles: dict[str, Role],
                                                          filled: list[dict[str, Any]]) -> None:
    exporter = roles["exporter"]
    exporter.get(f"/collections/{LAYER}/items?f=geojson", buffered=True)
    small = latest(exporter)
    assert (small["rows"], small["kind"], small["layer"]) == (ROWS, "full", LAYER)
    assert sent(small, exporter) == {str(row["id"]): ("sent", "1") for row in filled}
    found = done(house, exporter, exporter.post("/jobs", json={"layer": LAYER, "f": "shp"}))
    with house.db.read() as connection:
        takings = text("SELECT count(*) FROM gisapp.takings WHERE delivery_id = :id")
        assert connection.execute(takings, {"id": found["delivery"]}).scalar_one() == 0
        exporter.get(f"/jobs/{found['id']}/file", buffered=True)
        assert connection.execute(takings, {"id": found["delivery"]}).scalar_one() == 1
        assert connection.execute(takings, {"id": small["id"]}).scalar_one() == 1


def test_the_log_finds_who_got_a_record(roles: dict[str, Role], filled: list[dict[str, Any]]) -> None:
    exporter, one = roles["exporter"], str(filled[0]["id"])
    exporter.get(f"/collections/{LAYER}/items?f=geojson&ids={one}", buffered=True)
    held = {row["id"] for row in exporter.get(f"/deliveries?feature={one}").json["deliveries"]}
    assert latest(exporter)["id"] in held
    other = {row["id"] for row in exporter.get(f"/deliveries?feature={filled[1]['id']}").json["deliveries"]}
    assert latest(exporter)["id"] not in other
    assert exporter.get(f"/deliveries?feature={uuid4()}").json["deliveries"] == []
    page = exporter.get("/deliveries?feature=a+slip", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert 'value="a slip"' in page.text


def test_others_deliveries_are_for_those_who_look_after_receivers(roles: dict[str, Role]) -> None:
    roles["admin"].get(f"/collections/{LAYER}/items?f=geojson", buffered=True)
    mine = latest(roles["admin"])
    assert roles["reviewer"].get(f"/deliveries/{mine['id']}").json["username"] == "admin"
    for tail in ("", "/ids"):
        assert roles["exporter"].get(f"/deliveries/{mine['id']}{tail}").json["code"] == "delivery_unknown"
    assert all(row["username"] != "admin" for row in roles["exporter"].get("/deliveries").json["deliveries"])


@pytest.mark.parametrize("name", ["deliveries", "delivered", "takings"])
@pytest.mark.parametrize("act", ["UPDATE gisapp.{} SET delivery_id = NULL", "DELETE FROM gisapp.{}",
                                 "TRUNCATE gisapp.{}"])
def test_what_was_logged_cannot_be_changed(house: House, name: str, act: str) -> None:
    statement = act.replace("delivery_id", "id").format(name) if name == "deliveries" else act.format(name)
    with pytest.raises(Exception, match="permission denied"), house.db.begin("test") as connection:
        connection.execute(text(statement))


def test_the_ledger_keeps_ids_in_order_however_many(tmp_path: Any) -> None:
    import numpy as np
    ids = sorted((uuid4() for _ in range(2500)), key=lambda one: one.int)
    lines = np.zeros(len(ids), ledger.LINE)
    lines["change"] = b"s"
    lines["high"], lines["low"] = [i.int >> 64 for i in ids], [i.int & (2**64 - 1) for i in ids]
    lines["version"] = range(len(ids))
    lines.tofile(tmp_path / "x")
    parts = list(ledger.read(tmp_path / "x"))
    assert [len(part[1]) for part in parts] == [1000, 1000, 500]
    assert [key for part in parts for key in part[1]] == ids
    assert [version for part in parts for version in part[2]] == list(range(2500))


# --- receivers

def test_a_receiver_gets_files_in_its_own_shape(house: House, roles: dict[str, Role]) -> None:
    columns = {f"columns:{LAYER}": ["case_no", "status"]} if "case_no" in fields(house) else {}
    chosen = receiver(roles["reviewer"], crs="EPSG:4547", **columns)
    found = done(house, roles["exporter"], roles["exporter"].post(
        "/jobs", json={"layer": LAYER, "f": "shp", "receiver": chosen, "crs": "EPSG:3857"}))
    assert (found["format"], found["state"], found["receiver"]) == ("geojson", "done", latest(
        roles["exporter"])["receiver_name"])
    assert latest(roles["exporter"])["crs"] == "EPSG:4547"


def test_a_receivers_columns_hold_for_questions_and_further_layers_too(house: House, roles: dict[str, Role]) -> None:
    fill(house, "rooftop_signs", 2)
    admin = roles["admin"]
    chosen = receiver(admin, **{f"columns:{LAYER}": ["status"], "columns:rooftop_signs": ["sign_no"]})
    asked = admin.post("/questions", json={"name": "所有违建", "layer": LAYER, "query": {"bbox": "100,20,120,40"}}).json
    found = done(house, admin, admin.post("/jobs", json={
        "layer": f"q-{asked['id']}", "f": "geojson", "receiver": chosen, "layers": "rooftop_signs"}))
    assert found["state"] == "done", found
    files = unpacked(admin, found)
    for name, column in ((LAYER, "status"), ("rooftop_signs", "sign_no")):
        data = next(content for path, content in files.items() if path.startswith(name) and path.endswith("geojson"))
        names = {key for feature in json.loads(data)["features"] for key in feature["properties"]}
        second = house.layer(name).second_geometry
        assert names - {"version", "synthetic", second and second.id} == {column}, names


def fields(house: House) -> set[str]:
    return {field.id for field in house.layer(LAYER).all_fields}


def test_only_who_looks_after_receivers_may_change_them(roles: dict[str, Role]) -> None:
    chosen = receiver(roles["reviewer"])
    for form in ("/receivers", f"/receivers/{chosen}"):
        assert roles["exporter"].post(form, data={"name": "x", "format": "shp"}).json["code"] == "act_not_allowed"
    assert chosen in [one["id"] for one in roles["exporter"].get("/receivers").json["receivers"]]
    assert roles["viewer"].get("/receivers").json["code"] == "act_not_allowed"


def test_a_receiver_is_changed_from_the_version_that_was_seen(roles: dict[str, Role]) -> None:
    chosen, form = receiver(roles["reviewer"]), {"name": uuid4().hex, "format": "gpkg", "version": "1"}
    assert roles["reviewer"].post(f"/receivers/{chosen}", data=form).status_code == 303
    assert roles["reviewer"].get(f"/receivers/{chosen}").json["format"] == "gpkg"
    assert roles["reviewer"].post(f"/receivers/{chosen}", data=form).status_code == 409
    # The box “in use” was not ticked.
    answer = roles["exporter"].post("/jobs", json={"layer": LAYER, "f": "shp", "receiver": chosen})
    assert answer.json["code"] == "receiver_retired"


@pytest.mark.parametrize("form", [{"name": ""}, {"name": "x" * 101}, {"name": "a\nb"}, {"format": "exe"},
                                  {"crs": "EPSG:1"}, {f"columns:{LAYER}": "nothing"}, {"columns:none": "x"}])
def test_a_wrong_receiver_is_refused(roles: dict[str, Role], form: dict[str, str]) -> None:
    answer = roles["admin"].post("/receivers", data={"name": uuid4().hex, "format": "shp"} | form)
    assert 400 <= answer.status_code < 500


def test_two_receivers_have_two_names(roles: dict[str, Role]) -> None:
    name = f"规划局{uuid4().hex}"
    receiver(roles["admin"], name=name)
    assert roles["admin"].post("/receivers", data={"name": name, "format": "shp"}).status_code == 409


def test_personal_fields_go_only_to_receivers_that_may_have_them_and_with_a_reason(
        house: House, roles: dict[str, Role]) -> None:
    personal = {field.id for field in house.layer(LAYER).all_fields if field.personal}
    assert PERSONAL in personal
    closed, trusted = receiver(roles["admin"]), receiver(roles["admin"], personal="1")
    ask = {"layer": LAYER, "f": "geojson", "personal-reason": "联合执法需要"}
    assert roles["reviewer"].post("/jobs", json=ask | {"receiver": closed}).json["code"] == "receiver_no_personal"
    assert roles["exporter"].post("/jobs", json=ask | {"receiver": trusted}).json["code"] == "act_not_allowed"
    done(house, roles["reviewer"], roles["reviewer"].post("/jobs", json=ask | {"receiver": trusted}))
    told = latest(roles["reviewer"])
    assert (PERSONAL in told["personal"], told["reason"]) == (True, "联合执法需要")
    done(house, roles["reviewer"], roles["reviewer"].post("/jobs", json={
        "layer": LAYER, "f": "geojson", "receiver": trusted}))
    assert latest(roles["reviewer"])["personal"] == []
    # A receiver that may not have them cannot be given such a column.
    answer = roles["admin"].post("/receivers", data={
        "name": uuid4().hex, "format": "shp", f"columns:{LAYER}": [PERSONAL]})
    assert answer.status_code == 403


# --- what is new

def change(role: Role, feature: str, version: int, **properties: Any) -> None:
    answer = role.patch(f"/collections/{LAYER}/items/{feature}", json={"properties": properties},
                        headers={"If-Match": f'"{version}"'})
    assert answer.status_code in (200, 204), answer.json


def test_a_difference_holds_what_was_added_changed_and_removed(house: House, roles: dict[str, Role]) -> None:
    admin, chosen = roles["admin"], receiver(roles["admin"])
    before = more(house, 4)
    ask = {"layer": LAYER, "f": "geojson", "receiver": chosen}
    assert admin.post("/jobs", json=ask | {"mode": "difference"}).json["code"] == "difference_nothing"
    done(house, admin, admin.post("/jobs", json=ask))
    whole = set(sent(latest(admin), admin))
    assert before <= whole
    changed, removed, kept, *_ = sorted(before)
    added = more(house, 2)
    change(admin, changed, 1, remark="换了")
    assert admin.delete(f"/collections/{LAYER}/items/{removed}", headers={"If-Match": '"1"'}).status_code == 204
    found = done(house, admin, admin.post("/jobs", json=ask | {"mode": "difference"}))
    assert (found["state"], found["changes"]) == ("done", {"added": 2, "changed": 1, "removed": 1})
    files = unpacked(admin, found)
    lines = {line["id"]: line for line in table(files["changes.csv"])}
    assert {key: line["change"] for key, line in lines.items()} == dict.fromkeys(added, "added") | {
        changed: "changed", removed: "removed"}
    assert (lines[changed]["version before"], lines[changed]["version now"]) == ("1", "2")
    data = next(content for name, content in files.items() if name.endswith(".geojson"))
    assert {feature["id"] for feature in json.loads(data)["features"]} == added | {changed}
    assert b"changes.csv" in files["README.txt"]
    told = latest(admin)
    assert (told["kind"], {key: one for key, (one, _) in sent(told, admin).items()}) == (
        "difference", {key: line["change"] for key, line in lines.items()})
    # And the next one begins where this one ended.
    change(admin, changed, 2, remark="又换了")
    found = done(house, admin, admin.post(f"/deliveries/{told['id']}/again", data={"mode": "difference"}))
    assert found["changes"] == {"added": 0, "changed": 1, "removed": 0}
    found = done(house, admin, admin.post(f"/deliveries/{told['id']}/again", data={"mode": "difference"}))
    assert found["changes"] == {"added": 0, "changed": 0, "removed": 0}
    assert kept in whole


def test_a_difference_that_was_overtaken_is_not_handed_over(house: House, roles: dict[str, Role]) -> None:
    admin, ask = roles["admin"], {"layer": LAYER, "f": "geojson", "receiver": receiver(roles["admin"])}
    done(house, admin, admin.post("/jobs", json=ask))
    first, second = (admin.post("/jobs", json=ask | {"mode": "difference", "sortby": order})
                     for order in ("status", "-status"))  # not the same job
    assert done(house, admin, second)["state"] == "done"
    told = latest(admin)["id"]
    late = done(house, admin, first)
    assert (late["state"], late["problem"]["code"], latest(admin)["id"]) == ("failed", "difference_overtaken", told)
    # A whole one is never too late, and the next difference begins from it.
    assert done(house, admin, admin.post("/jobs", json=ask))["state"] == "done"
    assert done(house, admin, admin.post("/jobs", json=ask | {"mode": "difference"}))["changes"]["added"] == 0


def test_a_difference_is_told_of_the_same_question_only(house: House, roles: dict[str, Role]) -> None:
    admin, chosen = roles["admin"], receiver(roles["admin"])
    done(house, admin, admin.post("/jobs", json={"layer": LAYER, "f": "geojson", "receiver": chosen}))
    other = {"layer": LAYER, "f": "geojson", "receiver": chosen, "mode": "difference", "bbox": "100,20,120,40"}
    assert admin.post("/jobs", json=other).json["code"] == "difference_nothing"
    two = {"layer": LAYER, "f": "geojson", "receiver": chosen, "mode": "difference", "layers": "rooftop_signs"}
    assert admin.post("/jobs", json=two).json["code"] == "difference_one_layer"


def test_the_same_again_asks_the_same(house: House, roles: dict[str, Role]) -> None:
    exporter, chosen = roles["exporter"], receiver(roles["admin"])
    box = {"layer": LAYER, "f": "geojson", "receiver": chosen, "bbox": "100,20,120,40"}
    done(house, exporter, exporter.post("/jobs", json=box))
    first = latest(exporter)
    done(house, exporter, exporter.post(f"/deliveries/{first['id']}/again"))
    second = latest(exporter)
    assert second["id"] != first["id"]
    assert [second[name] for name in ("question", "receiver_name", "format", "crs", "rows")] == [
        first[name] for name in ("question", "receiver_name", "format", "crs", "rows")]


# --- links

@pytest.fixture
def delivery(house: House, roles: dict[str, Role]) -> dict[str, Any]:
    chosen = receiver(roles["admin"])
    done(house, roles["exporter"], roles["exporter"].post(
        "/jobs", json={"layer": LAYER, "f": "geojson", "receiver": chosen}))
    return latest(roles["exporter"])


def link_to(role: Role, delivery: dict[str, Any], **form: str) -> str:
    answer = role.post(f"/deliveries/{delivery['id']}/links", data={"days": "2", "most": "3"} | form)
    assert answer.status_code == 201, answer.json
    return re.sub(r"^https?://[^/]+", "", answer.json["url"])


def test_a_link_gives_the_file_without_an_account_and_is_counted(app: Flask, house: House, roles: dict[str, Role],
                                                                 delivery: dict[str, Any]) -> None:
    path, stranger = link_to(roles["exporter"], delivery), app.test_client(use_cookies=False)
    assert stranger.head(path, buffered=True).status_code == 200
    for _ in range(3):
        answer = stranger.get(path, buffered=True)
        assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
        assert json.loads(answer.data)["features"]
    over = stranger.get(path)
    assert (over.status_code, over.json["code"], over.headers["Referrer-Policy"]) == (410, "link_over", "no-referrer")
    with house.db.read() as connection:
        taken = connection.execute(text(
            "SELECT address, username FROM gisapp.takings WHERE delivery_id = :id"), {"id": delivery["id"]}).all()
        logged = connection.execute(text("SELECT count(*) FROM gisapp.access_log WHERE act = 'link_used' AND "
                                         "detail->>'delivery' = :id"), {"id": delivery["id"]}).scalar_one()
        kept = connection.execute(text("SELECT string_agg(t::text, '') FROM gisapp.delivery_links AS t")).scalar_one()
        written = connection.execute(text("SELECT string_agg(detail::text, '') FROM gisapp.access_log")).scalar_one()
    assert [(row.address, row.username) for row in taken] == [("127.0.0.1", None)] * 3
    assert logged == 3
    token = path.rsplit("/", 1)[1]
    assert token not in kept + written


PARTS = [("bytes=0-9", slice(0, 10)), ("bytes=10-", slice(10, None)), ("bytes=-7", slice(-7, None)),
         ("bytes=5-5", slice(5, 6)), ("bytes=20-99999999", slice(20, None))]


def test_a_finished_file_is_given_by_parts(house: House, roles: dict[str, Role], many: None) -> None:
    exporter = roles["exporter"]
    found = done(house, exporter, exporter.get(f"/collections/{LAYER}/items?f=gpkg"))
    path = f"/jobs/{found['id']}/file"
    whole = exporter.get(path, buffered=True)
    etag = whole.headers["ETag"]
    assert (whole.status_code, whole.headers["Accept-Ranges"], whole.content_length) == (200, "bytes", found["size"])
    for asked, wanted in PARTS:
        part = exporter.get(path, headers={"Range": asked, "If-Range": etag}, buffered=True)
        assert (part.status_code, part.data, part.headers["ETag"]) == (206, whole.data[wanted], etag), asked
        first = range(found["size"])[wanted][0]
        assert part.headers["Content-Range"] == f"bytes {first}-{first + len(part.data) - 1}/{found['size']}"
        assert part.content_length == len(part.data) and part.headers["Content-Disposition"].startswith("attachment")
    # Another file, units that nobody knows, several parts at once, no range at all: the whole.
    for headers in ({"Range": "bytes=10-", "If-Range": '"other"'}, {"Range": "rows=1-2"}, {"Range": "bytes=0-1,5-6"},
                    {"Range": "bytes=x"}, {"Range": "bytes=10-", "If-Range": "Sun, 22 Nov 2026 10:00:00 GMT"}):
        answer = exporter.get(path, headers=headers, buffered=True)
        assert (answer.status_code, answer.data) == (200, whole.data), headers
    beyond = exporter.get(path, headers={"Range": "bytes=99999999-"}, buffered=True)
    assert (beyond.status_code, beyond.json["code"]) == (416, "range_outside")
    assert beyond.headers["Content-Range"] == f"bytes */{found['size']}"
    head = exporter.open("HEAD", path, headers={"Range": "bytes=0-9"}, buffered=True)
    assert (head.status_code, head.content_length, head.headers["ETag"]) == (200, found["size"], etag)
    assert exporter.get(path, headers={"If-None-Match": f'"a", {etag}'}, buffered=True).status_code == 304


def test_who_goes_on_with_a_file_is_noted_once(house: House, roles: dict[str, Role], many: None) -> None:
    exporter = roles["exporter"]
    found = done(house, exporter, exporter.get(f"/collections/{LAYER}/items?f=ndjson"))
    path = f"/jobs/{found['id']}/file"

    def takings() -> int:
        with house.db.read() as connection:
            return len(sql_deliveries.takings(connection, UUID(found["delivery"])))

    before = takings()
    exporter.get(path, headers={"Range": "bytes=1-"}, buffered=True)  # all but a byte is a file too
    assert takings() == before + 1
    exporter.get(path, headers={"Range": "bytes=50-"}, buffered=True)
    assert takings() == before + 1
    for headers in ({}, {"Range": "bytes=0-"}):
        exporter.get(path, headers=headers, buffered=True)
    assert takings() == before + 3


def test_a_download_by_a_link_goes_on_as_one_use(app: Flask, owner: House, roles: dict[str, Role],
                                                 delivery: dict[str, Any]) -> None:
    path, stranger = link_to(roles["exporter"], delivery, most="1"), app.test_client()
    assert "ETag" not in stranger.head(path, buffered=True).headers
    first = stranger.get(path, buffered=True)
    etag, whole = first.headers["ETag"], first.data
    assert first.status_code == 200
    for start in (1, 100, len(whole) - 1):
        part = stranger.get(path, headers={"Range": f"bytes={start}-", "If-Range": etag}, buffered=True)
        assert (part.status_code, part.data, part.headers["ETag"]) == (206, whole[start:], etag)
        assert part.headers["Cache-Control"] == "no-store"
    # Only who was answered then knows its ETag; from the beginning it is a use like any other.
    use = etag.strip('"').partition("-")[0]
    forged = (f'"{use}-{"0" * 32}"', f'"{use}"', '"x"', '"-"', f'"{int(use) + 1}-{etag.strip(chr(34))[-32:]}"')
    for headers in ({"Range": "bytes=1-"}, {"Range": "bytes=0-", "If-Range": etag}, {"If-Range": etag}, {},
                    *({"Range": "bytes=1-", "If-Range": one} for one in forged)):
        answer = stranger.get(path, headers=headers, buffered=True)
        assert (answer.status_code, answer.json["code"]) == (410, "link_over"), headers
    other = link_to(roles["exporter"], delivery, most="1")
    part = stranger.get(other, headers={"Range": "bytes=1-", "If-Range": etag}, buffered=True)
    assert (part.status_code, part.data) == (200, whole)  # a use of its own, whose ETag is another
    with owner.db.begin("test") as connection:
        connection.execute(text("UPDATE gisapp.takings SET at = now() - interval '25 hours'"))
    late = stranger.get(path, headers={"Range": "bytes=1-", "If-Range": etag}, buffered=True)
    assert late.json["code"] == "link_over"


def test_a_link_opens_one_delivery_and_nothing_else(app: Flask, roles: dict[str, Role],
                                                    delivery: dict[str, Any]) -> None:
    path, stranger = link_to(roles["exporter"], delivery), app.test_client(use_cookies=False)
    token = path.rsplit("/", 1)[1]
    swapped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (swapped, token[::-1], token + "A", token[:20], "x", "a" * 500, "%00", "é"):
        assert (stranger.get(f"/d/{wrong}").json or {}).get("code") == "link_unknown", wrong
    assert stranger.get(f"/deliveries/{delivery['id']}").status_code == 401


@pytest.mark.parametrize("how", ["expired", "revoked", "gone"])
def test_a_link_ends(app: Flask, owner: House, house: House, roles: dict[str, Role], delivery: dict[str, Any],
                     how: str) -> None:
    path, stranger = link_to(roles["exporter"], delivery), app.test_client(use_cookies=False)
    if how == "revoked":
        page = roles["exporter"].get(f"/deliveries/{delivery['id']}", headers={"Accept": "text/html"})
        [address] = re.findall(r'action="([^"]+/revoke)"', page.get_data(as_text=True))
        assert roles["reviewer"].post(address).status_code == 303
    else:
        statement = ("UPDATE gisapp.delivery_links SET expires_at = now() WHERE delivery_id = :id" if how == "expired"
                     else "UPDATE gisapp.jobs SET expires_at = now() WHERE id = (SELECT job_id FROM gisapp.deliveries "
                          "WHERE id = :id)")
        with owner.db.begin("test") as connection:
            connection.execute(text(statement), {"id": delivery["id"]})
    assert (stranger.get(path).status_code, stranger.head(path).status_code) == (410, 410)


def test_a_link_cannot_be_used_without_end_within_an_hour(app: Flask, roles: dict[str, Role],
                                                          delivery: dict[str, Any],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "HOURLY", 1)
    path, stranger = link_to(roles["exporter"], delivery), app.test_client(use_cookies=False)
    assert stranger.get(path, buffered=True).status_code == 200
    again = stranger.get(path)
    assert (again.status_code, again.json["code"], again.headers["Retry-After"]) == (429, "link_busy", "3600")


def test_the_file_is_kept_as_long_as_the_link_works(owner: House, roles: dict[str, Role],
                                                    delivery: dict[str, Any]) -> None:
    link_to(roles["exporter"], delivery, days="30")
    with owner.db.read() as connection:
        days = connection.execute(text(
            "SELECT extract(epoch FROM j.expires_at - now()) / 86400 FROM gisapp.jobs AS j JOIN gisapp.deliveries AS d "
            "ON d.job_id = j.id WHERE d.id = :id"), {"id": delivery["id"]}).scalar_one()
    assert 29 < days <= 30


@pytest.mark.parametrize("form", [{"days": "0"}, {"days": "31"}, {"days": "x"}, {"most": "0"}, {"most": "101"}])
def test_a_wrong_link_is_refused(roles: dict[str, Role], delivery: dict[str, Any], form: dict[str, str]) -> None:
    answer = roles["exporter"].post(f"/deliveries/{delivery['id']}/links", data={"days": "1", "most": "1"} | form)
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_a_file_for_oneself_has_no_link(roles: dict[str, Role]) -> None:
    roles["exporter"].get(f"/collections/{LAYER}/items?f=geojson", buffered=True)
    answer = roles["exporter"].post(f"/deliveries/{latest(roles['exporter'])['id']}/links",
                                    data={"days": "1", "most": "1"})
    assert answer.json["code"] == "link_no_receiver"


def test_the_same_question_has_one_key_whatever_the_file_looks_like() -> None:
    asked = {"bbox": ["1,2,3,4"], "crs": ["EPSG:4490"]}
    key = deliveries.key_of({"layer": LAYER, "args": asked})
    assert key == deliveries.key_of({"layer": LAYER, "args": {"bbox": ["1,2,3,4"], "properties": ["a"]}})
    assert key != deliveries.key_of({"layer": LAYER, "args": {"bbox": ["1,2,3,5"]}})
