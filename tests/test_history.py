"""Who changed what and when, the way back, and what differs between two moments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.browser_client import Browser
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import BUILDS, SIGNS, SQUARE, build, created

CHANGES = "/collections/rooftop_signs/changes"
ELSEWHERE = {"type": "Point", "coordinates": [113.39, 31.70]}


def v(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def now() -> str:
    return datetime.now(UTC).isoformat()


def told(client: Role, address: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{address}/history", query_string={"lang": "en"} | asked)
    assert answer.status_code == 200, answer.json
    versions: list[dict[str, Any]] = answer.json["versions"]
    return versions


def test_history_tells_who_changed_what_with_both_geometries(roles: dict[str, Role]) -> None:
    one = created(roles["inspector"], SIGNS, sign(remark="a", area_m2=5))
    address = f"{SIGNS}/{one['id']}"
    patch = {"properties": {"remark": "b", "area_m2": 7.5, "status": "01"}, "geometry": ELSEWHERE}
    roles["reviewer"].patch(address, json=patch, headers=v(1) | {"X-Request-Id": "who-asked"})
    roles["reviewer"].delete(address, headers=v(2))
    gone, second, first = told(roles["viewer"], address)
    assert [(x["version"], x["operation"], x["changed_by"]) for x in (gone, second, first)] == [
        (2, "delete", "reviewer"), (2, "update", "reviewer"), (1, "insert", "inspector")]
    fields = {x["field"]: (x["title"], x["old"], x["new"], x["new_text"]) for x in second["fields"]}
    assert fields == {"remark": ("Remark", "a", "b", "b"), "area_m2": ("Face area", 5, 7.5, "7.50\u00a0m²"),
                      "status": ("Status", "00", "01", "Lawful, in use")}
    assert second["geometries"] == {"geometry": {"before": one["geometry"], "after": ELSEWHERE}}
    assert second["request_id"] == "who-asked"
    assert second["valid_from"] == first["valid_to"]
    assert gone["fields"] == []
    assert {x["field"] for x in first["fields"]} >= {"sign_no", "remark"}
    assert first["geometries"]["geometry"] == {"before": None, "after": one["geometry"]}


def test_a_write_by_psql_is_told_too(admin: Role, owner: House) -> None:
    one = created(admin, SIGNS, sign())
    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE layers.rooftop_signs SET remark = 'by hand' WHERE id = :id"), {"id": one["id"]})
    newest = told(admin, f"{SIGNS}/{one['id']}")[0]
    assert (newest["changed_by"], newest["fields"][0]["new"]) == ("gisapp_owner", "by hand")


def test_history_comes_in_pages_without_gap(admin: Role) -> None:
    one = created(admin, SIGNS, sign(width_m=1))
    address = f"{SIGNS}/{one['id']}"
    for version in range(1, 6):
        admin.patch(address, json={"properties": {"width_m": version + 1}}, headers=v(version))
    seen: list[dict[str, Any]] = []
    following = f"{address}/history?limit=2"
    while following:
        page = admin.get(following).json
        seen += page["versions"]
        following = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert [one["version"] for one in seen] == [6, 5, 4, 3, 2, 1]
    assert [one["fields"][0]["old"] for one in seen[:-1]] == [5, 4, 3, 2, 1]


def test_personal_data_is_left_out_of_history_and_changes(roles: dict[str, Role]) -> None:
    start = now()
    one = created(roles["inspector"], BUILDS, build(party_name="王某某（虚构）"))
    middle = now()
    address = f"{BUILDS}/{one['id']}"
    roles["inspector"].patch(address, json={"properties": {"party_name": "李某某（虚构）"}}, headers=v(1))
    between = f"/collections/illegal_builds/changes?ids={one['id']}&from="
    for role in ("inspector", "viewer", "exporter"):
        texts = [roles[role].get(path).get_data(as_text=True) for path in (
            f"{address}/history", f"/panel/illegal_builds/{one['id']}/history",
            between.replace("&", f"&to={middle.replace('+', '%2B')}&") + start.replace("+", "%2B"))]
        counts = roles[role].get(between + middle.replace("+", "%2B")).json["counts"]
        sees = role == "inspector"
        assert ["王某某" in words for words in texts] == [sees] * 3
        assert ["party_name" in texts[0], counts["changed"]] == [sees, int(sees)]
    hidden = told(roles["viewer"], address)[0]
    assert (hidden["version"], hidden["fields"]) == (2, [])
    for role in ("viewer", "exporter"):
        answer = roles[role].get(f"{between}{middle.replace('+', '%2B')}&party_name=x")
        assert (answer.status_code, answer.json["code"]) == (403, "field_masked")


def test_a_deleted_feature_comes_back_by_a_reviewer_with_its_first_registration(roles: dict[str, Role]) -> None:
    one = created(roles["inspector"], SIGNS, sign(remark="first"))
    address = f"{SIGNS}/{one['id']}"
    roles["inspector"].patch(address, json={"properties": {"remark": "second"}}, headers=v(1))
    roles["admin"].delete(address, headers=v(2))
    refused = roles["inspector"].post(f"{address}/restore", json={"version": 2})
    assert (refused.status_code, refused.json["code"]) == (403, "act_not_allowed")
    unaware = roles["reviewer"].post(f"{address}/restore", json={"version": 1}, headers=v(2))
    assert (unaware.status_code, unaware.json["code"]) == (409, "feature_deleted")
    back = roles["reviewer"].post(f"{address}/restore", json={"version": 2})
    assert (back.status_code, back.headers["ETag"]) == (201, '"3"')
    properties = roles["viewer"].get(address).json["properties"]
    assert [properties[name] for name in ("remark", "version", "created_by", "updated_by", "created_at")] == [
        "second", 3, "inspector", "reviewer", one["properties"]["created_at"]]
    assert [x["operation"] for x in told(roles["viewer"], address)] == ["restore", "delete", "update", "insert"]
    assert roles["viewer"].get(address).json["geometry"] == one["geometry"]


def test_everything_that_was_written_comes_back(admin: Role, owner: House) -> None:
    one = created(admin, BUILDS, build(illegal_area_m2=12.5, party_name="王某某（虚构）"))
    address = f"{BUILDS}/{one['id']}"
    point = {"type": "Point", "coordinates": [113.3805, 31.6905]}
    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE layers.illegal_builds SET synthetic = true WHERE id = :id"), {"id": one["id"]})
    admin.patch(address, json={"properties": {"mark_point": point}}, headers=v(2))
    whole = admin.get(address).json
    small = [[[x, y - 0.0001] for x, y in SQUARE[0]]]
    other = build(case_no="OTHER-" + uuid4().hex[:8]) | {"geometry": {"type": "Polygon", "coordinates": small}}
    assert admin.put(address, json=other, headers=v(3)).status_code == 200
    moved = told(admin, address)[0]["geometries"]
    assert moved["mark_point"] == {"before": point, "after": None}
    back = admin.post(f"{address}/restore", json={"version": 3}, headers=v(4))
    assert back.status_code == 200
    own = {"version", "updated_at", "updated_by"}
    assert {k: x for k, x in back.json["properties"].items() if k not in own} == {
        k: x for k, x in whole["properties"].items() if k not in own}
    assert back.json["geometry"] == whole["geometry"]


def test_going_back_needs_the_version_that_was_seen(admin: Role) -> None:
    one = created(admin, SIGNS, sign(remark="a"))
    address = f"{SIGNS}/{one['id']}"
    admin.patch(address, json={"properties": {"remark": "b"}}, headers=v(1))
    for headers, code in (({}, "version_required"), (v(1), "version_stale"), ({"If-Match": "x"}, "version_invalid")):
        assert admin.post(f"{address}/restore", json={"version": 1}, headers=headers).json["code"] == code
    assert admin.get(address).json["properties"]["remark"] == "b"
    assert admin.post(f"{address}/restore", json={"version": 1}, headers={"If-Match": "*"}).status_code == 200
    assert admin.get(address).json["properties"]["remark"] == "a"


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"version": 9}, 404, "version_unknown"), ({"version": 0}, 400, "parameter_invalid"),
    ({"version": "1"}, 400, "parameter_invalid"), ({"version": True}, 400, "parameter_invalid"),
    ({"version": 10**12}, 400, "parameter_invalid"), ({}, 400, "parameter_invalid"), ([], 400, "parameter_invalid"),
])
def test_a_wrong_version_is_refused(admin: Role, body: Any, status: int, code: str) -> None:
    one = created(admin, SIGNS, sign())
    answer = admin.post(f"{SIGNS}/{one['id']}/restore", json=body, headers=v(1))
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_what_never_was_has_no_history(admin: Role) -> None:
    address = f"{SIGNS}/{uuid4()}"
    for answer in (admin.get(f"{address}/history"), admin.post(f"{address}/restore", json={"version": 1})):
        assert (answer.status_code, answer.json["code"]) == (404, "feature_unknown")
    for asked in ("limit=0", "before=x", "before=-1", "limit=1e3"):
        assert admin.get(f"{address}/history?{asked}").json["code"] == "parameter_invalid"
    assert admin.get(f"{address}/history?as_of=2024-01-01").json["code"] == "parameter_unknown"


def test_going_back_follows_the_workflow_and_the_unique_number(roles: dict[str, Role]) -> None:
    one = created(roles["inspector"], BUILDS, build())
    address = f"{BUILDS}/{one['id']}"
    roles["inspector"].patch(address, json={"properties": {"status": "02"}}, headers=v(1))
    answer = roles["inspector"].post(f"{address}/restore", json={"version": 1}, headers=v(2))
    assert (answer.status_code, answer.json["code"]) == (422, "state_not_reachable")
    assert roles["reviewer"].post(f"{address}/restore", json={"version": 1}, headers=v(2)).status_code == 200
    two = created(roles["admin"], SIGNS, sign(sign_no="TAKEN-1"))
    roles["admin"].delete(f"{SIGNS}/{two['id']}", headers=v(1))
    created(roles["admin"], SIGNS, sign(sign_no="TAKEN-1"))
    answer = roles["admin"].post(f"{SIGNS}/{two['id']}/restore", json={"version": 1})
    assert (answer.status_code, answer.json["code"]) == (409, "value_conflict")


def test_changes_between_two_moments(roles: dict[str, Role]) -> None:
    admin, mark = roles["admin"], uuid4().hex[:8]
    kept, changed, removed, there_and_back = (created(admin, SIGNS, sign(building_name=mark, remark=n))
                                              for n in ("kept", "changed", "removed", "back"))
    first = now()
    admin.patch(f"{SIGNS}/{changed['id']}", json={"properties": {"remark": "new"}, "geometry": ELSEWHERE},
                headers=v(1))
    roles["reviewer"].delete(f"{SIGNS}/{removed['id']}", headers=v(1))
    added = created(admin, SIGNS, sign(building_name=mark))
    passing = created(admin, SIGNS, sign(building_name=mark))
    admin.delete(f"{SIGNS}/{passing['id']}", headers=v(1))
    for version, remark in ((1, "x"), (2, "back")):
        admin.patch(f"{SIGNS}/{there_and_back['id']}", json={"properties": {"remark": remark}}, headers=v(version))
    last = now()
    asked = {"from": first, "to": last, "building_name": mark}
    answer = roles["viewer"].get(CHANGES, query_string=asked).json
    found = {feature["id"]: feature for feature in answer["features"]}
    assert answer["counts"] == {"added": 1, "changed": 1, "removed": 1}
    assert {key: one["properties"]["change"] for key, one in found.items()} == {
        added["id"]: "added", changed["id"]: "changed", removed["id"]: "removed"}
    one = found[changed["id"]]
    assert (one["geometry"], one["before"]["geometry"]) == (ELSEWHERE, changed["geometry"])
    assert one["changed"] == ["remark", "geometry"]
    assert one["before"]["properties"]["remark"] == "changed"
    assert found[removed["id"]]["properties"]["changed_by"] == "reviewer"
    assert "before" not in found[added["id"]]
    turned = roles["viewer"].get(CHANGES, query_string=asked | {"from": last, "to": now()}).json
    assert (turned["numberMatched"], kept["id"] in found) == (0, False)


def test_changes_come_in_pages_and_by_box_of_either_moment(admin: Role) -> None:
    first, mark = now(), uuid4().hex[:8]
    far = {"type": "Point", "coordinates": [113.6, 31.9]}
    ids = {created(admin, SIGNS, sign(building_name=mark) | {"geometry": far})["id"] for _ in range(5)}
    middle = now()
    mover = sorted(ids)[0]
    admin.patch(f"{SIGNS}/{mover}", json={"geometry": ELSEWHERE}, headers=v(1))
    seen: list[str] = []
    page = admin.get(CHANGES, query_string={"from": first, "building_name": mark, "limit": 2}).json
    while True:
        seen += [feature["id"] for feature in page["features"]]
        following = [link["href"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        page = admin.get(following[0]).json
    assert seen == sorted(ids)
    for box in ("113.59,31.89,113.61,31.91", "113.389,31.699,113.391,31.701"):
        answer = admin.get(CHANGES, query_string={"from": middle, "building_name": mark, "bbox": box}).json
        assert [feature["id"] for feature in answer["features"]] == [mover]
    outside = {"from": middle, "building_name": mark, "bbox": "100,20,101,21"}
    assert admin.get(CHANGES, query_string=outside).json["numberMatched"] == 0


@pytest.mark.parametrize("asked", [
    "", "from=", "from=yesterday", "to=2024-01-01", "from=2024-01-02&to=2024-01-01", "from=2024-01-01&to=x",
    "from=2024-01-01&limit=0", "from=2024-01-01&after=x", "from=2024-01-01&bbox=1,2,3"])
def test_wrong_moments_are_refused(admin: Role, asked: str) -> None:
    answer = admin.get(f"{CHANGES}?{asked}")
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


@pytest.mark.parametrize(("asked", "code"), [
    ("as_of=2024-01-01", "parameter_unknown"), ("sortby=sign_no", "parameter_unknown"),
    ("nonsense=1", "parameter_unknown"), ("from=2024-01-02", "parameter_repeated"), ("f=shp", "format_unknown")])
def test_other_questions_are_refused(admin: Role, asked: str, code: str) -> None:
    answer = admin.get(f"{CHANGES}?from=2024-01-01&{asked}")
    assert (answer.status_code, answer.json["code"]) == (400, code)


@pytest.mark.parametrize(("language", "words"), [("zh", "历史"), ("en", "History")])
def test_people_read_the_history_and_go_back_by_a_button(
        app: Any, admin: Role, accounts: dict[str, dict[str, str]], language: str, words: str) -> None:
    one = created(admin, SIGNS, sign(remark="<b>a</b>"))
    admin.patch(f"{SIGNS}/{one['id']}", json={"properties": {"remark": "b"}}, headers=v(1))
    path = f"/panel/rooftop_signs/{one['id']}"
    page = admin.get(f"{path}/history?lang={language}").get_data(as_text=True)
    assert words in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page
    assert "<b>a" not in page
    fragment = admin.get(f"{path}/history", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in fragment
    assert 'data-history' in fragment
    answer = admin.post(f"{path}/restore", data={"version": "1", "expected": "2"})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    stale = admin.post(f"{path}/restore", data={"version": "2", "expected": "2"})
    assert stale.status_code == 412
    assert admin.get(f"{SIGNS}/{one['id']}").json["properties"]["remark"] == "<b>a</b>"
    browser = Browser(app)
    browser.sign_in("viewer", accounts["viewer"]["password"])
    assert "/restore" not in browser.client.get(f"{path}/history").get_data(as_text=True)
