"""The import desk: checked, looked at, chosen, entered in one transaction, taken back."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from gisapp.house import House
from gisapp.jobs import doing
from gisapp.sql import jobs as sql_jobs
from tests.conftest import Role
from tests.test_imports import emptied, geojson, send, sign, stored

SIGNS = "rooftop_signs"


def checked(role: Role, layer_id: str, *features: dict[str, Any], **choices: Any) -> tuple[str, dict[str, Any]]:
    """Number and counts of an upload that was checked."""
    sent = send(role, layer_id, {"a.geojson": geojson(*features)})
    assert sent.status_code == 201, sent.json
    found = role.post(f"/imports/{sent.json['id']}/check", json=choices)
    assert found.status_code == 200, found.json
    return sent.json["id"], dict(found.json)


def committed(role: Role, number: str, **choices: Any) -> dict[str, Any]:
    done = role.post(f"/imports/{number}/commit", json=choices)
    assert done.status_code == 200, done.json
    return dict(done.json)


def by_number(house: House) -> dict[str, dict[str, Any]]:
    return {row["sign_no"]: row for row in stored(house, SIGNS).values()}


def at(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


def district(code: str, west: float, east: float, **more: Any) -> dict[str, Any]:
    ring = [[west, 31.0], [east, 31.0], [east, 31.5], [west, 31.5], [west, 31.0]]
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"code": code, "name": f"区{code}"} | more}


# ---------------------------------------------------------------- verdicts before anything enters

def test_every_row_has_a_verdict_and_nothing_enters(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, found = checked(admin, SIGNS, sign("V-1"), sign("V-2", area_m2=-3), sign("V-1"), sign("=V-4"))
    assert {name: count for name, count in found["counts"].items() if count} == {
        "accepted": 2, "insert": 2, "refused": 2}
    assert stored(house, SIGNS) == {}
    rows = admin.get(f"/imports/{number}/rows").json["rows"]
    assert [(row["row"], row["verdict"], [one["code"] for one in row["faults"]]) for row in rows] == [
        (1, "accepted", []), (2, "refused", ["too_small"]), (3, "refused", ["value_repeated"]), (4, "accepted", [])]
    assert rows[1]["cells"]["sign_no"] == "V-2"
    assert all(one["zh"] and one["en"] for row in rows for one in row["faults"])
    assert committed(admin, number, accept="valid")["inserted"] == 2
    assert set(by_number(house)) == {"V-1", "=V-4"}


def test_rows_come_page_by_page_and_by_kind(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, *(sign(f"P-{n}", area_m2=-1 if n % 3 else 1) for n in range(9)))
    first = admin.get(f"/imports/{number}/rows?kind=refused&limit=4").json
    rest = admin.get(f"/imports/{number}/rows?kind=refused&limit=4&after={first['next']}").json
    assert [row["row"] for row in first["rows"] + rest["rows"]] == [2, 3, 5, 6, 8, 9] and rest["next"] is None
    drawn = admin.get(f"/imports/{number}/shapes?bbox=113,31,114,32&kind=refused").json
    assert len(drawn["features"]) == 6 and drawn["all"] and drawn["features"][0]["geometry"]["type"] == "Point"


def test_the_report_is_a_csv_that_no_spreadsheet_runs(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("=1+1", area_m2=-3), sign("R-2"))
    for _ in range(2):  # before the commit, and the one that is kept after it
        raw = admin.get(f"/imports/{number}/report.csv").data
        assert raw.startswith(b"\xef\xbb\xbf")
        head, first, *_ = csv.reader(io.StringIO(raw.decode("utf-8-sig")))
        row = dict(zip(head, first, strict=True))
        assert row["sign_no"] == "'=1+1" and "不能小于" in row["原因"] and "below" in row["reason"]
        if admin.get(f"/imports/{number}").json["state"] == "ready":
            committed(admin, number, accept="valid")


@pytest.mark.parametrize(("path", "code", "status"), [
    ("rows?kind=x", "parameter_invalid", 400), ("rows?limit=0", "parameter_invalid", 400),
    ("rows?after=x", "parameter_invalid", 400), ("rows?after=99999999999999", "parameter_invalid", 400),
    ("shapes?bbox=1,2", "parameter_invalid", 400), ("shapes?bbox=nan,1,2,3", "parameter_invalid", 400)])
def test_wrong_questions_are_problems(admin: Role, path: str, code: str, status: int) -> None:
    number, _ = checked(admin, SIGNS, sign("Q-1"))
    answer = admin.get(f"/imports/{number}/{path}")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    admin.delete(f"/imports/{number}")


def test_what_was_not_checked_has_no_verdicts(admin: Role) -> None:
    sent = send(admin, SIGNS, {"a.geojson": geojson(sign("N-1"))}).json
    for path in ("preview", "rows", "shapes", "report.csv"):
        answer = admin.get(f"/imports/{sent['id']}/{path}")
        assert (answer.status_code, answer.json["code"]) == (409, "import_not_checked"), path
    assert admin.post(f"/imports/{sent['id']}/undo").json["code"] == "import_not_done"


@pytest.mark.parametrize("body", [
    {"mode": "update", "key": "address"}, {"mode": "merge"}, {"twins": {"id": "enter"}}, {"twins": {"place": "refuse"}},
    {"twins": []}, {"mode": "replace"}, {"mode": "replace", "territory": {"level": "planet", "code": "1"}},
    {"mode": "replace", "territory": {"level": "street_code", "code": ""}}, {"new": "perhaps"}, {"repair": "yes"},
    {"codes": {"sign_kind": ["01"]}}, {"save_as": 5}, {"save_as": "x" * 81}])
def test_wrong_plans_are_problems(admin: Role, body: dict[str, Any]) -> None:
    sent = send(admin, SIGNS, {"a.geojson": geojson(sign("W-1"))}).json
    answer = admin.post(f"/imports/{sent['id']}/check", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "mapping_invalid")


def test_a_check_of_nothing_is_a_problem(admin: Role) -> None:
    sent = send(admin, SIGNS, {"a.csv": "sign_no,sign_kind,甲,乙,丙\nN-1,01,113.38,113.39,31.69\n".encode()}).json
    assert sent["layers"][0]["role"] == "skip"
    answer = admin.post(f"/imports/{sent['id']}/check", json={})
    assert (answer.status_code, answer.json["code"]) == (422, "mapping_invalid") and "columns" in answer.json["en"]
    chosen = {"columns": {"x": "甲", "y": "丙"}, "crs": "EPSG:4490"}
    told = admin.post(f"/imports/{sent['id']}/check", json={"layers": {"a": chosen}})
    assert told.status_code == 200 and told.json["counts"]["accepted"] == 1


@pytest.mark.parametrize("text", ["\\u0000", "\\", "\\.", "\n\r\t", '"', "',;", "🚧", "\u202e", "=cmd|x"])
def test_odd_texts_come_through_the_stage_unharmed(admin: Role, house: House, text: str) -> None:
    emptied(house, SIGNS)
    rows = [sign("O-1", address=text), sign("O-2", address=text, area_m2=-1)]
    number, found = checked(admin, SIGNS, *rows)
    assert found["counts"]["insert"] == 1
    [shown] = admin.get(f"/imports/{number}/rows?kind=refused").json["rows"]
    assert shown["cells"]["address"] == text
    assert admin.get(f"/imports/{number}/report.csv").status_code == 200
    committed(admin, number, accept="valid")
    assert by_number(house)["O-1"]["address"] == (text.strip() or None)


# ---------------------------------------------------------------- what meets a feature

def test_an_update_by_key_shows_field_by_field_and_keeps_the_rest(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("U-1", address="旧址"), sign("U-2"), sign("U-3"))
    committed(admin, number)
    before = by_number(house)
    rows = [{"type": "Feature", "geometry": None, "properties": {"sign_no": "U-1", "area_m2": 20.5}},
            {"type": "Feature", "geometry": None, "properties": {"sign_no": "U-2", "area_m2": 12.5}},
            sign("U-9", geometry=at(113.5, 31.7))]
    number, found = checked(admin, SIGNS, *rows, mode="update", key="sign_no",
                            mapping={"sign_no": "sign_no", "area_m2": "area_m2", "sign_kind": None})
    counts = found["counts"]
    assert (counts["update"], counts["same"], counts["refused"]) == (1, 1, 1)  # the new one has no sign_kind
    shown = admin.get(f"/imports/{number}/rows?kind=update").json["rows"]
    [change] = shown[0]["meets"]["changes"]
    assert (change["field"], float(change["old"]), float(change["new"])) == ("area_m2", 12.5, 20.5)
    assert committed(admin, number, accept="valid")["updated"] == 1
    after = by_number(house)
    assert float(after["U-1"]["area_m2"]) == 20.5 and after["U-1"]["address"] == "旧址"
    assert after["U-1"]["geom"].equals(before["U-1"]["geom"]) and after["U-1"]["version"] == 2
    assert after["U-2"]["version"] == 1 and "U-9" not in after


def test_rows_whose_number_is_there_are_refused_passed_over_or_change_it(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("K-1"))[0])
    row = sign("K-1", area_m2=99)
    assert checked(admin, SIGNS, row)[1]["counts"]["refused"] == 1
    number, found = checked(admin, SIGNS, row, twins={"key": "skip"})
    assert found["counts"]["skip"] == 1 and committed(admin, number)["skipped"] == 1
    number, found = checked(admin, SIGNS, row, row | {"properties": row["properties"] | {"area_m2": 98}},
                            twins={"key": "update"})
    assert found["counts"]["update"] == 1 and found["counts"]["refused"] == 1  # twice in one file
    committed(admin, number, accept="valid")
    assert float(by_number(house)["K-1"]["area_m2"]) == 99


def test_rows_near_a_record_of_the_same_kind_are_asked_about(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("D-1", geometry=at(113.38, 31.69)))[0])
    near, far = at(113.38005, 31.69), at(113.39, 31.69)
    number, found = checked(admin, SIGNS, sign("D-2", geometry=near), sign("D-3", geometry=far),
                            sign("D-4", geometry=near, sign_kind="02"))
    assert found["twins"] == {"place": 1} and found["counts"]["insert"] == 3
    [doubt] = admin.get(f"/imports/{number}/rows?doubts=true").json["rows"]
    assert (doubt["title"], doubt["meets"]["title"], doubt["meets"]["by"]) == ("D-2", "D-1", "place")
    body = {"lines": [doubt["line"], *range(1, 70_000)], "act": "skip"}
    assert admin.post(f"/imports/{number}/near", json=body).json == {"changed": 1}
    assert admin.post(f"/imports/{number}/near", json={"lines": [0], "act": "burn"}).json["code"] == "parameter_invalid"
    assert admin.post(f"/imports/{number}/near", json={"lines": "0", "act": "skip"}).json["code"] == "parameter_invalid"
    assert admin.post(f"/imports/{number}/near", data={"act_²": "enter"}).status_code in (302, 303)
    assert committed(admin, number)["inserted"] == 2
    assert set(by_number(house)) == {"D-1", "D-3", "D-4"}


@pytest.mark.parametrize("by_form", [False, True])
def test_a_table_without_a_place_changes_records_by_their_key(admin: Role, house: House, by_form: bool) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("K-1", area_m2=1), sign("K-2", area_m2=2))[0])
    before = by_number(house)
    sent = send(admin, SIGNS, {"a.csv": "设施编号,广告面积\nK-1,11\nK-2,2\nK-9,5\n".encode()}).json
    assert sent["layers"][0]["role"] == "skip" and sent["layers"][0]["columns"] is None
    mapping = [sent["layers"][0]["mapping"][name] or "" for name in sent["layers"][0]["fields"]]
    form = {"mode": "update", "key": "sign_no", "role_0": "skip", "map_0_0": mapping[0], "map_0_1": mapping[1]}
    given: dict[str, Any] = {"data": form} if by_form else {"json": {"mode": "update", "key": "sign_no"}}
    found = admin.post(f"/imports/{sent['id']}/check", **given).json
    assert {name: found["counts"][name] for name in ("update", "same", "refused")} == {
        "update": 1, "same": 1, "refused": 1}, found
    assert ("sign_kind", "required") in [(one["field"], one["code"]) for one in found["reasons"]]
    committed(admin, sent["id"], accept="valid")
    after = by_number(house)
    assert [float(after[number]["area_m2"]) for number in ("K-1", "K-2")] == [11, 2] and "K-9" not in after
    assert all(after[number]["geom"] == before[number]["geom"] for number in before)
    appended = send(admin, SIGNS, {"a.csv": "设施编号,广告面积\nK-7,11\n".encode()}).json["id"]
    assert admin.post(f"/imports/{appended}/check", json={}).json["code"] == "mapping_invalid"


def test_a_set_is_replaced_and_what_the_file_lacks_is_deleted_with_history(admin: Role, house: House, owner) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("T-1"), sign("T-2"), sign("T-3"))[0])
    rows = [sign("T-1", area_m2=50), sign("T-4"), sign("T-3", area_m2=-1)]
    number, found = checked(admin, SIGNS, *rows, mode="replace", key="sign_no", territory={"level": "all"})
    assert {name: found["counts"][name] for name in ("insert", "update", "refused", "delete")} == {
        "insert": 1, "update": 1, "refused": 1, "delete": 1}
    assert admin.get(f"/imports/{number}/preview").status_code == 200
    done = committed(admin, number, accept="valid")
    assert (done["inserted"], done["updated"], done["deleted"]) == (1, 1, 1)
    assert set(by_number(house)) == {"T-1", "T-3", "T-4"}  # a refused row keeps its record from being deleted
    with owner.db.raw() as link:
        gone = link.execute("SELECT operation, changed_by FROM layers.rooftop_signs_history WHERE sign_no = 'T-2'"
                            " ORDER BY history_id DESC").fetchone()
    assert gone == ("delete", "admin")


def test_a_row_outside_of_the_replaced_set_is_refused(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    _, found = checked(admin, SIGNS, sign("O-1"), mode="replace", key="sign_no",
                       territory={"level": "street_code", "code": "999999999"})
    assert found["counts"]["refused"] == 1 and found["reasons"][0]["code"] == "outside_set"


def test_what_changed_since_the_check_is_not_overwritten(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("S-1"))[0])
    number, _ = checked(admin, SIGNS, sign("S-1", area_m2=7), twins={"key": "update"})
    row = by_number(house)["S-1"]
    patched = admin.patch(f"/collections/{SIGNS}/items/{row['id']}", json={"properties": {"area_m2": 8}},
                          headers={"If-Match": f'"{row["version"]}"'})
    assert patched.status_code in (200, 204), patched.json
    refused = admin.post(f"/imports/{number}/commit", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "import_stale")
    assert float(by_number(house)["S-1"]["area_m2"]) == 8
    other, _ = checked(admin, SIGNS, sign("S-2"))
    committed(admin, checked(admin, SIGNS, sign("S-2"))[0])
    assert admin.post(f"/imports/{other}/commit", json={}).json["code"] == "import_stale"


# ---------------------------------------------------------------- rules, repairs, codes

def test_overlaps_are_verdicts_on_rows(admin: Role, house: House) -> None:
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", district("420301", 113.0, 113.5))[0])
    rows = [district("420302", 113.5, 114.0), district("420303", 113.4, 113.45), district("420304", 113.9, 114.2),
            district("420305", 114.5, 114.9)]
    number, found = checked(admin, "districts", *rows)
    told = admin.get(f"/imports/{number}/rows?kind=refused").json["rows"]
    assert [(row["row"], row["faults"][0]["code"]) for row in told] == [(2, "rule_broken"), (3, "rule_broken")]
    assert "区420301" in told[0]["faults"][0]["zh"] and "1" in told[1]["faults"][0]["en"]
    assert found["counts"]["insert"] == 2
    assert committed(admin, number, accept="valid")["inserted"] == 2
    moved = [district("420301", 113.0, 113.3), district("420306", 113.3, 113.5)]
    number, found = checked(admin, "districts", *moved, twins={"key": "update"})
    assert found["counts"]["refused"] == 0, found["reasons"]  # the place that a change leaves may be taken
    committed(admin, number)


def test_an_invalid_shape_is_repaired_on_the_users_word_only(admin: Role, house: House) -> None:
    emptied(house, "districts")
    bow_tie = {"type": "Polygon", "coordinates": [[[113, 31], [114, 32], [114, 31], [113, 32], [113, 31]]]}
    row = district("420401", 113, 114) | {"geometry": bow_tie}
    number, found = checked(admin, "districts", row)
    assert found["counts"]["refused"] == 1
    shape = admin.get(f"/imports/{number}/shapes").json["features"]
    assert [one["properties"]["kind"] for one in shape] == ["refused"]
    again = admin.post(f"/imports/{number}/check", json={"repair": True}).json
    assert (again["counts"]["repaired"], again["counts"]["refused"]) == (1, 0)
    [shown] = admin.get(f"/imports/{number}/rows?kind=repaired").json["rows"]
    assert shown["repairs"][0]["area_after_m2"] > 0 and shown["repairs"][0]["zh"]
    committed(admin, number)
    [made] = stored(house, "districts").values()
    assert made["geom"].is_valid and made["geom"].area == pytest.approx(0.5)


def test_unknown_code_values_are_listed_and_chosen_for(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    rows = [sign("C-1", sign_kind="大牌子"), sign("C-2", sign_kind="大牌子"), sign("C-3", sign_kind="别的")]
    number, found = checked(admin, SIGNS, *rows)
    assert found["unknown"] == [{"field": "sign_kind", "value": "大牌子", "count": 2},
                                {"field": "sign_kind", "value": "别的", "count": 1}]
    again = admin.post(f"/imports/{number}/check", json={"codes": {"sign_kind": {"大牌子": "02"}}}).json
    assert again["counts"]["insert"] == 2
    committed(admin, number, accept="valid")
    assert {row["sign_kind"] for row in by_number(house).values()} == {"02"}


def test_matters_by_the_older_standard_are_translated(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, found = checked(admin, SIGNS, *(sign(f"M-{n}", matter_code=code) for n, code in enumerate(
        ("02-03", "0206", "07006", "违规户外广告", "42130307003", "0299"))))
    assert found["counts"]["refused"] == 1
    committed(admin, number, accept="valid")
    assert [row["matter_code"] for _, row in sorted(by_number(house).items())] == [
        "07003", "07006", "07006", "07003", "07003"]


def test_the_mapping_is_remembered_for_the_same_columns(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    row = {"type": "Feature", "geometry": at(113.38, 31.69), "properties": {"甲": "R-1", "乙": "01", "丙": 3}}
    mapping = {"甲": "sign_no", "乙": "sign_kind", "丙": "area_m2"}
    _, found = checked(admin, SIGNS, row, mapping=mapping, save_as="规划局")
    assert found["counts"]["insert"] == 1
    sent = send(admin, SIGNS, {"b.geojson": geojson(row)}).json["layers"][0]
    assert {name: sent["mapping"][name] for name in mapping} == mapping
    assert sent["remembered"][0]["name"] == "规划局"


def test_what_values_stand_for_is_remembered_by_the_page_too(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    row = sign("R-2", sign_kind="大牌子")
    checked(admin, SIGNS, row, codes={"sign_kind": {"大牌子": "02"}}, save_as="")
    sent = send(admin, SIGNS, {"b.geojson": geojson(row)}).json
    form = {"role_0": "rows", "save": "1"} | {
        f"map_0_{n}": sent["layers"][0]["mapping"][name] or "" for n, name in enumerate(sent["layers"][0]["fields"])}
    for _ in range(2):  # a second check without the list at hand does not forget it
        answer = admin.post(f"/imports/{sent['id']}/check", data=form)
        assert answer.status_code == 200 and answer.json["counts"]["insert"] == 1


# ---------------------------------------------------------------- undoing

def test_an_import_is_undone_as_one_step(admin: Role, house: House, owner) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("Z-1", address="甲"), sign("Z-2"))[0])
    before = by_number(house)
    number, _ = checked(admin, SIGNS, sign("Z-1", address="乙", area_m2=1), sign("Z-3"), mode="replace", key="sign_no",
                        territory={"level": "all"})
    committed(admin, number)
    assert set(by_number(house)) == {"Z-1", "Z-3"}
    done = admin.post(f"/imports/{number}/undo")
    assert done.status_code == 200 and {name: done.json[name] for name in (
        "removed", "restored", "brought_back")} == {"removed": 1, "restored": 1, "brought_back": 1}
    after = by_number(house)
    assert set(after) == set(before)
    assert all(after[key][name] == row[name] for key, row in before.items() for name in ("id", "address", "area_m2"))
    assert admin.post(f"/imports/{number}/undo").json["code"] == "import_not_done"
    with owner.db.raw() as link:
        kept = link.execute("SELECT count(*) FROM layers.rooftop_signs_history WHERE sign_no = 'Z-3'").fetchone()
    assert kept == (2,)


def test_what_was_changed_since_keeps_an_import_from_being_undone(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("Y-1"), sign("Y-2"))
    committed(admin, number)
    row = by_number(house)["Y-1"]
    admin.patch(f"/collections/{SIGNS}/items/{row['id']}", json={"properties": {"area_m2": 8}},
                headers={"If-Match": '"1"'})
    refused = admin.post(f"/imports/{number}/undo")
    assert (refused.status_code, refused.json["code"]) == (409, "import_changed_since")
    [told] = refused.json["errors"]
    assert (told["title"], told["version"], told["changed_by"]) == ("Y-1", 2, "admin") and "Y-1" in told["zh"]
    assert set(by_number(house)) == {"Y-1", "Y-2"}


# ---------------------------------------------------------------- who

@pytest.mark.parametrize("role", ["viewer", "inspector", "exporter"])
def test_only_those_who_may_import_come_to_the_desk(roles, role: str) -> None:
    number, _ = checked(roles["reviewer"], SIGNS, sign("X-1"))
    for path in ("rows", "shapes", "report.csv", "preview"):
        assert roles[role].get(f"/imports/{number}/{path}").json["code"] == "act_not_allowed"
    for path, body in (("check", {}), ("commit", {}), ("near", {"lines": [], "act": "skip"}), ("undo", {})):
        assert roles[role].post(f"/imports/{number}/{path}", json=body).json["code"] == "act_not_allowed", path
    assert roles["admin"].get(f"/imports/{number}/rows").status_code == 200


def test_nobody_sees_the_rows_of_another(roles) -> None:
    number, _ = checked(roles["admin"], SIGNS, sign("X-2"))
    assert roles["reviewer"].get(f"/imports/{number}/rows").json["code"] == "import_unknown"
    assert roles["reviewer"].post(f"/imports/{number}/commit", json={}).json["code"] == "import_unknown"


def test_a_discarded_import_leaves_no_table(admin: Role, owner) -> None:
    number, _ = checked(admin, SIGNS, sign("L-1"))
    table = f"staging.i_{number.replace('-', '')}"
    with owner.db.raw() as link:
        assert link.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)
        link.rollback()
        assert admin.delete(f"/imports/{number}").status_code == 204
        assert link.execute("SELECT to_regclass(%s)", [table]).fetchone() == (None,)


def test_the_pages_say_it_in_words(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("<b>H-1"), sign("H-2", sign_kind="<i>no"))
    page = admin.get(f"/imports/{number}/preview", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "&lt;b&gt;H-1" in page and "<b>H-1" not in page and "&lt;i&gt;no" in page and "不是代码表中的值" in page
    done = admin.post(f"/imports/{number}/commit", data={"accept": "valid"}, headers={"Accept": "text/html"})
    assert done.status_code == 303
    page = admin.get(done.headers["Location"], headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "report.csv" in page and f"/imports/{number}/undo" in page
    assert json.loads(admin.get(f"/imports/{number}").data)["result"]["inserted"] == 1
    behind = admin.get(f"/imports/{number}/preview", headers={"Accept": "text/html"})  # the way back, a second tab
    assert (behind.status_code, behind.headers["Location"]) == (303, done.headers["Location"])
    twice = admin.post(f"/imports/{number}/commit", data={"accept": "valid"}, headers={"Accept": "text/html"})
    assert twice.status_code == 409 and "已经提交过" in twice.get_data(as_text=True)


def test_very_many_rows_enter_as_few_do(admin: Role, house: House, owner, monkeypatch) -> None:
    """Stamps, territory, defaults and history are the same by both roads."""
    square = {"type": "Polygon", "coordinates": [[[113, 31], [114, 31], [114, 32], [113, 32], [113, 31]]]}
    area = {"type": "Feature", "geometry": square, "properties": {"code": "421399", "name": "大区"}}
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", area)[0])
    found = []
    for most, number in ((10**9, "B-1"), (1, "B-2")):
        monkeypatch.setattr("gisapp.sql.take_in.MANY", most)
        emptied(house, SIGNS)
        committed(admin, checked(admin, SIGNS, sign(number))[0])
        [row] = stored(house, SIGNS).values()
        with owner.db.raw() as link:
            told = link.execute("SELECT operation, changed_by, version, district_code, request_id LIKE 'import:%%'"
                                " FROM layers.rooftop_signs_history WHERE sign_no = %s ORDER BY history_id",
                                [number]).fetchall()
            on = link.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'layers.rooftop_signs'::regclass"
                              " AND tgenabled = 'D'").fetchone()
        assert on == (0,)
        found.append(({name: value for name, value in row.items() if name not in (
            "id", "sign_no", "created_at", "updated_at", "geom")}, told[:1]))
    assert found[0] == found[1] and found[0][0]["district_code"] == "421399" and found[0][0]["version"] == 1


def test_many_rows_are_checked_and_entered_by_a_job(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    rows = [sign(f"J-{n}", geometry=at(113.0 + n * 1e-3, 31.5)) for n in range(2001)]
    sent = send(admin, SIGNS, {"a.geojson": geojson(*rows)}).json
    for path, body in (("check", {}), ("commit", {"accept": "valid"})):
        asked = admin.post(f"/imports/{sent['id']}/{path}", json=body)
        assert asked.status_code == 202 and asked.headers["Location"].endswith(asked.json["id"]), asked.json
        doing.do(house, UUID(asked.json["id"]), lambda: False)
        assert admin.get(f"/jobs/{asked.json['id']}").json["state"] == "done"
        if path == "check":
            assert admin.get(f"/imports/{sent['id']}/preview").json["check"]["counts"]["insert"] == 2001
    assert len(stored(house, SIGNS)) == 2001
    asked = admin.post(f"/imports/{sent['id']}/undo")
    assert asked.status_code == 202, asked.json
    doing.do(house, UUID(asked.json["id"]), lambda: False)
    done = admin.get(f"/jobs/{asked.json['id']}").json
    assert (done["state"], done["rows_done"], done["result"]["undone"]["removed"]) == ("done", 2001, 2001)
    assert stored(house, SIGNS) == {} and admin.get(f"/imports/{sent['id']}").json["state"] == "undone"
    assert "2001" in admin.get(f"/jobs/{asked.json['id']}", headers={"Accept": "text/html"}).text
    assert admin.post(f"/imports/{sent['id']}/undo").json["code"] == "import_not_done"


def test_an_undoing_whose_worker_died_after_it_is_told_as_done(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    rows = [sign(f"D-{n}", geometry=at(113.0 + n * 1e-3, 31.5)) for n in range(2001)]
    sent = send(admin, SIGNS, {"a.geojson": geojson(*rows)}).json
    doing.do(house, UUID(admin.post(f"/imports/{sent['id']}/commit", json={}).json["id"]), lambda: False)
    job_id = UUID(admin.post(f"/imports/{sent['id']}/undo").json["id"])
    with house.db.begin("system") as connection:
        row = dict(sql_jobs.claim(connection, job_id))
    doing.undo(house, doing._actor(house, row), UUID(sent["id"]))
    with house.db.begin("system") as connection:
        connection.execute(text("UPDATE gisapp.jobs SET state = 'waiting' WHERE id = :id"), {"id": job_id})
    doing.do(house, job_id, lambda: False)
    done = admin.get(f"/jobs/{job_id}").json
    assert (done["state"], done["result"]["undone"]["removed"]) == ("done", 2001)


def test_the_territory_of_a_replacement_is_chosen_among_those_that_are_there(admin: Role, house: House) -> None:
    emptied(house, SIGNS)
    ring = [[101, 31], [101.1, 31], [101.1, 31.1], [101, 31]]
    street = {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]},
              "properties": {"code": "421399001", "name": "远方街道"}}
    made = admin.post("/collections/streets/items", json=street)
    assert made.status_code == 201, made.json
    number = send(admin, SIGNS, {"a.geojson": geojson(sign("W-1"))}).json["id"]
    page = admin.get(f"/imports/{number}", headers={"Accept": "text/html"}).text
    offered = re.findall(r'<datalist id="places_(\w+)">', page)
    assert "street_code" in offered and '<option value="421399001">远方街道</option>' in page
    # No level without a place.
    assert re.findall(r'<option value="(\w+_code)"', page.partition('id="level"')[2]) == offered
    chosen = {"mode": "replace", "key": "sign_no", "territory": {"level": "street_code", "code": "421399001"}}
    admin.post(f"/imports/{number}/check", json=chosen)
    again = admin.get(f"/imports/{number}", headers={"Accept": "text/html"}).text
    assert 'value="421399001" autocomplete="off" list="places_street_code"' in again
