"""Marking beside plain writes, on the real database: near, check, repair, batch, split, merge."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from shapely.geometry import shape

from gisapp.crs import CRS84
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.marking.batch import change_many
from gisapp.marking.parts import merge, split
from gisapp.permissions import Actor
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import BUILDS, SIGNS, build, created, history

BUILD = "/collections/illegal_builds"
BOW_TIE = [[[113.5, 31.69], [113.501, 31.691], [113.501, 31.69], [113.5, 31.691], [113.5, 31.69]]]


def at(x: float, **more: Any) -> dict[str, Any]:
    """A build of a thousandth of a degree, its south-west corner at x, 31.69."""
    ring = [[x, 31.69], [x + .001, 31.69], [x + .001, 31.691], [x, 31.691], [x, 31.69]]
    return build(**more) | {"geometry": {"type": "Polygon", "coordinates": [ring]}}


def bow_tie() -> dict[str, Any]:
    return build() | {"geometry": {"type": "Polygon", "coordinates": BOW_TIE}}


def seen(*features: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": one["id"], "version": one["properties"]["version"]} for one in features]


def test_what_lies_within_fifteen_metres_is_near(admin: Role) -> None:
    made = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [114.0, 31.0]}})
    def found(lon: float) -> list[Any]:
        return [one["id"] for one in admin.get(f"/collections/rooftop_signs/near?lon={lon}&lat=31.0").json["features"]]
    assert found(114.00015) == [made["id"]]  # 14.3 m
    assert found(114.00017) == []  # 16.2 m


def test_a_create_beside_another_is_refused_when_asked(admin: Role) -> None:
    made = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [114.1, 31.0]}})
    near = sign() | {"id": str(uuid4()), "geometry": {"type": "Point", "coordinates": [114.1001, 31.0]}}
    answer = admin.post(f"{SIGNS}?duplicates=refuse", json=near)
    assert (answer.status_code, answer.json["code"], answer.json["metres"]) == (409, "duplicates_near", 15)
    assert [one["id"] for one in answer.json["duplicates"]] == [made["id"]]
    assert answer.json["duplicates"][0]["point"]["coordinates"] == pytest.approx([114.1, 31.0])
    assert admin.get(f"{SIGNS}/{near['id']}").status_code == 404
    assert admin.post(f"{SIGNS}?duplicates=maybe", json=near).status_code == 400
    assert admin.post(SIGNS, json=near).status_code == 201  # a plain create asks nothing
    assert admin.post(f"{SIGNS}?duplicates=refuse", json=near).status_code == 200  # a retry is no duplicate


@pytest.mark.parametrize("asked", ["", "?lon=1", "?lon=x&lat=2", "?lon=nan&lat=2", "?lon=1&lat=2&metres=1e9"])
def test_a_place_that_is_none_is_refused(admin: Role, asked: str) -> None:
    assert admin.get(f"/collections/rooftop_signs/near{asked}").status_code == 400


def test_a_refused_shape_names_the_place_and_what_a_repair_makes(admin: Role) -> None:
    answer = admin.post(BUILDS, json=bow_tie())
    assert (answer.status_code, answer.json["code"]) == (422, "geometry_invalid")
    assert answer.json["point"]["coordinates"] == pytest.approx([113.5005, 31.6905])
    assert answer.json["repair"]["area_before_m2"] < 1 < answer.json["repair"]["area_after_m2"]


def test_a_shape_is_repaired_on_the_users_word(admin: Role) -> None:
    answer = admin.post(f"{BUILDS}?repair=true", json=bow_tie())
    assert answer.status_code == 201
    assert shape(answer.json["geometry"]).is_valid
    assert answer.json["geometry"]["type"] == "MultiPolygon"
    assert answer.json["repairs"][0]["parts"] == 2


def test_a_check_says_everything_and_stores_nothing(admin: Role) -> None:
    made = created(admin, BUILDS, at(113.6))
    before = admin.get(f"{BUILDS}?limit=1").json["numberMatched"]
    fine = admin.post(f"{BUILD}/check", json=at(113.6)).json
    assert (fine["ok"], fine["duplicates"][0]["id"]) == (True, made["id"])
    own = admin.post(f"{BUILD}/check", json=at(113.6) | {"id": made["id"]}).json
    assert own["duplicates"] == []
    wrong = admin.post(f"{BUILD}/check", json=bow_tie() | {"properties": {"case_no": 1}}).json
    assert (wrong["ok"], wrong["geometry"]["code"]) == (False, "geometry_invalid")
    assert {fault["field"] for fault in wrong["faults"]} >= {"case_no"}
    assert admin.get(f"{BUILDS}?limit=1").json["numberMatched"] == before


def test_a_batch_tells_for_each_feature_what_came_of_it(admin: Role, roles: dict[str, Role], house: House) -> None:
    fine, stale, closed = (created(admin, BUILDS, at(113.7, status=status)) for status in ("01", "01", "11"))
    admin.patch(f"{BUILDS}/{stale['id']}", json={"properties": {"remark": "later"}}, headers={"If-Match": '"1"'})
    ids = [*seen(fine, stale, closed), {"id": str(uuid4()), "version": 1}]
    answer = roles["inspector"].post(f"{BUILD}/batch", json={"ids": ids, "properties": {"status": "02"}})
    assert [one.get("code", "done") for one in answer.json["results"]] == [
        "done", "version_stale", "state_not_reachable", "feature_unknown"]
    assert (answer.json["done"], answer.json["refused"]) == (1, 3)
    assert "已核实" in answer.json["results"][2]["zh"]
    assert [row.version for row in history(house, "illegal_builds", fine["id"])] == [1, 2]
    assert len(history(house, "illegal_builds", closed["id"])) == 1


def test_a_batch_that_wants_all_changes_nothing_when_one_is_refused(admin: Role, house: House) -> None:
    fine, gone = created(admin, BUILDS, at(113.71)), {"id": str(uuid4()), "version": 1}
    body = {"ids": [*seen(fine), gone], "properties": {"remark": "x"}, "accept": "all"}
    answer = admin.post(f"{BUILD}/batch", json=body)
    assert (answer.status_code, answer.json["code"], len(answer.json["results"])) == (422, "batch_refused", 2)
    assert len(history(house, "illegal_builds", fine["id"])) == 1


@pytest.mark.parametrize("body", [[], {}, {"ids": []}, {"ids": [1], "properties": {"remark": "x"}}, {"ids": [
    {"id": "x", "version": 1}]}, {"ids": [{"id": str(uuid4()), "version": True}], "properties": {"remark": "x"}},
    {"ids": [{"id": str(uuid4()), "version": 1}], "properties": {}}])
def test_a_batch_that_says_nothing_is_refused(admin: Role, body: Any) -> None:
    assert admin.post(f"{BUILD}/batch", json=body).status_code in (400, 422)


def cut(x: float) -> dict[str, Any]:
    return {"line": {"type": "LineString", "coordinates": [[x, 31.68], [x, 31.70]]}}


def test_a_split_keeps_the_area_the_attributes_and_one_id(admin: Role, house: House) -> None:
    made = created(admin, BUILDS, at(113.8, remark="kept", status="03"))
    for number, x in enumerate((113.8003, 113.8006)):
        answer = admin.post(f"{BUILDS}/{made['id']}/split", json=cut(x), headers={"If-Match": f'"{number + 1}"'})
        assert answer.status_code == 200, answer.json
    case = made["properties"]["case_no"]
    found = admin.get(f"{BUILDS}?bbox=113.7999,31.68,113.8011,31.70").json["features"]
    assert sorted(one["properties"]["case_no"] for one in found) == [case, f"{case}-2", f"{case}-3"]
    assert {(one["properties"]["remark"], one["properties"]["status"]) for one in found} == {("kept", "03")}
    assert sum(one["properties"]["geom_area_m2"] for one in found) == pytest.approx(
        made["properties"]["geom_area_m2"], rel=1e-6)
    assert len(history(house, "illegal_builds", made["id"])) == 3


def test_a_line_that_misses_and_a_stale_version_change_nothing(admin: Role, house: House) -> None:
    made = created(admin, BUILDS, at(113.81))
    address = f"{BUILDS}/{made['id']}/split"
    assert admin.post(address, json=cut(113.9), headers={"If-Match": '"1"'}).json["code"] == "split_misses"
    assert admin.post(address, json=cut(113.8105), headers={"If-Match": '"7"'}).status_code == 412
    assert admin.post(address, json=cut(113.8105)).status_code == 428
    assert admin.post(address, json={"line": 1}, headers={"If-Match": '"1"'}).status_code == 422
    assert len(history(house, "illegal_builds", made["id"])) == 1


def test_a_merge_leaves_one_and_history_keeps_the_others(admin: Role, house: House) -> None:
    one, other = created(admin, BUILDS, at(113.85)), created(admin, BUILDS, at(113.851))
    answer = admin.post(f"{BUILD}/merge", json={"ids": seen(one, other)})
    assert (answer.status_code, answer.json["id"]) == (200, one["id"])
    assert answer.json["properties"]["case_no"] == one["properties"]["case_no"]
    assert shape(answer.json["geometry"]).area == pytest.approx(2e-6)
    assert len(answer.json["geometry"]["coordinates"]) == 1
    assert admin.get(f"{BUILDS}/{other['id']}").status_code == 404
    rows = [history(house, "illegal_builds", made["id"])[-1] for made in (one, other)]
    assert [row.operation for row in rows] == ["update", "delete"]
    assert rows[0].request_id == rows[1].request_id


def test_a_merge_with_a_stale_one_changes_nothing(admin: Role, roles: dict[str, Role], house: House) -> None:
    one, other = created(admin, BUILDS, at(113.86)), created(admin, BUILDS, at(113.861))
    ids = [seen(one)[0], {"id": other["id"], "version": 5}]
    assert admin.post(f"{BUILD}/merge", json={"ids": ids}).status_code == 412
    assert roles["inspector"].post(f"{BUILD}/merge", json={"ids": seen(one, other)}).status_code == 403
    assert all(len(history(house, "illegal_builds", made["id"])) == 1 for made in (one, other))


def test_an_account_of_a_squadron_marks_only_at_home(admin: Role, house: House) -> None:
    guest = Actor("guest", "guest", "reviewer", squadron_code="S9")
    one, other = (created(admin, BUILDS, at(x)) for x in (113.9, 113.901))
    body = {"ids": seen(one, other), "properties": {"remark": "x"}}
    results = change_many(house, guest, "illegal_builds", body)
    assert [result["code"] for result in results] == ["outside_territory"] * 2
    for act in (lambda: merge(house, guest, "illegal_builds", body),
                lambda: split(house, guest, "illegal_builds", UUID(one["id"]), cut(113.9005), 1, CRS84)):
        with pytest.raises(Problem) as caught:
            act()
        assert caught.value.code == "outside_territory"
    assert all(len(history(house, "illegal_builds", made["id"])) == 1 for made in (one, other))
