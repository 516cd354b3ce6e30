"""Create, replace, update and delete: versions, history, retries, and nobody overwriting anybody."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role
from tests.test_api import sign

SIGNS = "/collections/rooftop_signs/items"
BUILDS = "/collections/illegal_builds/items"
SQUARE = [[[113.38, 31.69], [113.381, 31.69], [113.381, 31.691], [113.38, 31.691], [113.38, 31.69]]]


def build(**more: Any) -> dict[str, Any]:
    """An illegal build with what is required."""
    properties = {"case_no": f"B-{uuid4().hex[:12]}", "build_type": "01"} | more
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": SQUARE}, "properties": properties}


def created(client: Role, address: str, feature: dict[str, Any]) -> dict[str, Any]:
    response = client.post(address, json=feature)
    assert response.status_code == 201, response.json
    answer: dict[str, Any] = response.json
    return answer


def history(house: House, layer: str, feature_id: str) -> list[Any]:
    with house.db.read() as connection:
        return list(connection.execute(text(
            "SELECT version, operation, changed_by, valid_from, nullif(valid_to, 'infinity') AS valid_to, request_id "
            f"FROM layers.{layer}_history WHERE id = :id ORDER BY history_id"), {"id": feature_id}))


def test_a_retry_with_the_same_content_makes_no_second_record(admin: Role) -> None:
    feature = sign() | {"id": str(uuid4())}
    assert admin.post(SIGNS, json=feature).status_code == 201
    again = admin.post(SIGNS, json=feature)
    assert (again.status_code, again.json["id"]) == (200, feature["id"])


def test_a_retry_is_known_even_after_somebody_changed_the_feature(admin: Role) -> None:
    feature = sign(remark="first") | {"id": str(uuid4())}
    admin.post(SIGNS, json=feature)
    admin.patch(f"{SIGNS}/{feature['id']}", json={"properties": {"remark": "later"}}, headers={"If-Match": '"1"'})
    again = admin.post(SIGNS, json=feature)
    assert (again.status_code, again.json["properties"]["remark"]) == (200, "later")


def test_the_same_id_with_other_content_is_a_conflict(admin: Role) -> None:
    feature = sign() | {"id": str(uuid4())}
    admin.post(SIGNS, json=feature)
    other = sign() | {"id": feature["id"]}
    answer = admin.post(SIGNS, json=other)
    assert (answer.status_code, answer.json["code"]) == (409, "id_conflict")


def test_a_deleted_id_does_not_come_back_by_a_retry(admin: Role) -> None:
    feature = sign() | {"id": str(uuid4())}
    admin.post(SIGNS, json=feature)
    assert admin.delete(f"{SIGNS}/{feature['id']}", headers={"If-Match": '"1"'}).status_code == 204
    assert admin.get(f"{SIGNS}/{feature['id']}").status_code == 404
    answer = admin.post(SIGNS, json=feature)
    assert (answer.status_code, answer.json["code"]) == (409, "feature_deleted")


def test_two_features_cannot_share_a_unique_number(admin: Role) -> None:
    created(admin, SIGNS, sign(sign_no="ONLY-ONE"))
    answer = admin.post(SIGNS, json=sign(sign_no="ONLY-ONE"))
    assert (answer.status_code, answer.json["code"]) == (409, "value_conflict")


def test_a_stale_change_is_refused_and_changes_nothing(admin: Role) -> None:
    one = created(admin, SIGNS, sign(remark="a"))
    address = f"{SIGNS}/{one['id']}"
    assert admin.patch(address, json={"properties": {"remark": "b"}}, headers={"If-Match": '"1"'}).status_code == 200
    for stale in (admin.patch(address, json={"properties": {"remark": "c"}}, headers={"If-Match": '"1"'}),
                  admin.put(address, json=sign(), headers={"If-Match": '"1"'}),
                  admin.delete(address, headers={"If-Match": '"1"'})):
        assert (stale.status_code, stale.json["code"]) == (412, "version_stale")
    assert admin.get(address).json["properties"]["remark"] == "b"


@pytest.mark.parametrize("given", ['"7", "1"', 'W/"1"', '"x,1" ,, "1",', '"1","1"', "2, 1", "*"])
def test_one_of_several_etags_is_enough(admin: Role, given: str) -> None:
    one = created(admin, SIGNS, sign(remark="a"))
    address = f"{SIGNS}/{one['id']}"
    answer = admin.patch(address, json={"properties": {"remark": "b"}}, headers={"If-Match": given})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    for none in ('"1", "7"', '"x", "2,2"'):
        stale = admin.delete(address, headers={"If-Match": none})
        assert (stale.status_code, stale.json["code"]) == (412, "version_stale")
    gone = admin.delete(f"{SIGNS}/{uuid4()}", headers={"If-Match": '"1", "2"'})
    assert (gone.status_code, gone.json["code"]) == (404, "feature_unknown")
    assert admin.get(address, headers={"If-None-Match": 'W/"9", W/"2"'}).status_code == 304
    assert admin.delete(address, headers={"If-Match": '"1", "2"'}).status_code == 204


@pytest.mark.parametrize("given", ['"x"', '""', 'W/"5cd3e635460ad8adc4467b7b"', '"99999999999999999999"'])
def test_an_etag_that_was_never_the_features_is_stale_and_changes_nothing(admin: Role, given: str) -> None:
    made = created(admin, SIGNS, sign())
    address = f"{SIGNS}/{made['id']}"
    for answer in (admin.delete(address, headers={"If-Match": given}),
                   admin.put(address, json=sign(), headers={"If-Match": given})):
        assert (answer.status_code, answer.json["code"], answer.headers["ETag"]) == (412, "version_stale", '"1"')
    assert admin.get(address).headers["ETag"] == '"1"'


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_change_without_a_version_is_refused(admin: Role, method: str) -> None:
    one = created(admin, SIGNS, sign())
    body = {} if method == "delete" else {"json": sign()}
    answer = getattr(admin, method)(f"{SIGNS}/{one['id']}", **body)
    assert (answer.status_code, answer.json["code"]) == (428, "version_required")


def test_replacing_takes_away_what_is_left_out(admin: Role) -> None:
    one = created(admin, SIGNS, sign(remark="gone soon", width_m=3))
    fresh = sign(sign_no=one["properties"]["sign_no"])
    answer = admin.put(f"{SIGNS}/{one['id']}", json=fresh, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.json
    assert answer.headers["ETag"] == '"2"'
    assert answer.json["properties"]["remark"] is None
    assert answer.json["properties"]["version"] == 2


def test_what_was_read_can_be_put_back(admin: Role) -> None:
    one = created(admin, BUILDS, build(illegal_area_m2=12.34))
    read = admin.get(f"{BUILDS}/{one['id']}")
    answer = admin.put(f"{BUILDS}/{one['id']}", json=read.json, headers={"If-Match": read.headers["ETag"]})
    assert answer.status_code == 200, answer.json
    ignored = {"version", "updated_at", "updated_by"}
    for name, value in read.json["properties"].items():
        assert name in ignored or answer.json["properties"][name] == value
    assert answer.json["geometry"] == read.json["geometry"]


def test_history_keeps_every_version_with_its_period_and_author(admin: Role, house: House) -> None:
    one = created(admin, SIGNS, sign(remark="1"))
    address = f"{SIGNS}/{one['id']}"
    admin.patch(address, json={"properties": {"remark": "2"}}, headers={"If-Match": '"1"'})
    admin.delete(address, headers={"If-Match": '"2"', "X-Request-Id": "the-last-request"})
    rows = history(house, "rooftop_signs", one["id"])
    assert [(row.version, row.operation) for row in rows] == [(1, "insert"), (2, "update"), (2, "delete")]
    assert rows[0].valid_to == rows[1].valid_from
    assert rows[1].valid_to == rows[2].valid_from == rows[2].valid_to
    assert {row.changed_by for row in rows} == {"admin"}
    assert rows[2].request_id == "the-last-request"


def test_a_write_by_psql_is_recorded_too(owner: House, house: House, admin: Role) -> None:
    one = created(admin, SIGNS, sign())
    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE layers.rooftop_signs SET remark = 'by hand' WHERE id = :id"), {"id": one["id"]})
    rows = history(house, "rooftop_signs", one["id"])
    assert (rows[-1].version, rows[-1].changed_by) == (2, "gisapp_owner")


@pytest.mark.parametrize("statement", [
    "UPDATE layers.rooftop_signs_history SET remark = 'x'", "DELETE FROM layers.rooftop_signs_history",
    "INSERT INTO layers.rooftop_signs_history (id) VALUES (gen_random_uuid())",
    "TRUNCATE layers.rooftop_signs", "DROP TABLE layers.rooftop_signs",
    "ALTER TABLE layers.rooftop_signs DISABLE TRIGGER ALL",
    "UPDATE gisapp.access_log SET act = 'x'", "DELETE FROM gisapp.access_log",
])
def test_the_application_role_cannot_touch_evidence(house: House, statement: str) -> None:
    with pytest.raises(Exception, match=r"permission denied|must be owner"), house.db.engine.begin() as connection:
        connection.execute(text(statement))


def test_of_many_writers_of_one_version_one_wins(admin: Role) -> None:
    one = created(admin, SIGNS, sign())
    codes: list[int] = []

    def change(number: int) -> None:
        answer = admin.patch(f"{SIGNS}/{one['id']}", json={"properties": {"remark": str(number)}},
                             headers={"If-Match": '"1"'})
        codes.append(answer.status_code)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 412, 412, 412]


def test_a_build_may_be_a_point_until_it_is_measured(admin: Role) -> None:
    feature = build()
    feature["geometry"] = {"type": "Point", "coordinates": [113.3805, 31.6905]}
    one = created(admin, BUILDS, feature)
    assert one["geometry"]["type"] == "Point"
    assert one["properties"]["geom_area_m2"] is None
    measured = {"geometry": {"type": "Polygon", "coordinates": SQUARE}}
    answer = admin.patch(f"{BUILDS}/{one['id']}", json=measured, headers={"If-Match": '"1"'})
    assert answer.json["geometry"]["type"] == "MultiPolygon"
    assert answer.json["properties"]["geom_area_m2"] == pytest.approx(10512, abs=20)
    assert answer.json["properties"]["mark_point"]["coordinates"] == [113.3805, 31.6905]


def test_an_inspector_follows_the_workflow_and_a_reviewer_may_correct(roles: dict[str, Role]) -> None:
    one = created(roles["inspector"], BUILDS, build())
    address = f"{BUILDS}/{one['id']}"
    leap = {"properties": {"status": "11"}}
    answer = roles["inspector"].patch(address, json=leap, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json["code"]) == (422, "state_not_reachable")
    assert roles["reviewer"].patch(address, json=leap, headers={"If-Match": '"1"'}).status_code == 200


@pytest.mark.parametrize(("role", "act", "status"), [
    ("viewer", "post", 403), ("exporter", "post", 403), ("inspector", "post", 201), ("reviewer", "post", 201),
    ("viewer", "delete", 403), ("inspector", "delete", 403), ("exporter", "delete", 403), ("reviewer", "delete", 204),
])
def test_roles_may_write_as_the_table_says(roles: dict[str, Role], admin: Role, role: str, act: str,
                                           status: int) -> None:
    if act == "post":
        answer = roles[role].post(SIGNS, json=sign())
    else:
        one = created(admin, SIGNS, sign())
        answer = roles[role].delete(f"{SIGNS}/{one['id']}", headers={"If-Match": '"1"'})
    assert answer.status_code == status


def test_personal_data_is_left_out_for_those_who_may_not_see_it(roles: dict[str, Role]) -> None:
    one = created(roles["inspector"], BUILDS, build(party_name="王某某（虚构）"))
    address = f"{BUILDS}/{one['id']}"
    assert roles["inspector"].get(address).json["properties"]["party_name"] == "王某某（虚构）"
    for role in ("viewer", "exporter"):
        assert "party_name" not in roles[role].get(address).json["properties"]
        assert "party_name" not in roles[role].get("/collections/illegal_builds/schema").json["properties"]
        for asked in ("party_name=王某某（虚构）", "sortby=party_name", "properties=party_name"):
            answer = roles[role].get(f"{BUILDS}?{asked}")
            assert (answer.status_code, answer.json["code"]) == (403, "field_masked")


def test_pages_follow_each_other_without_gap_or_repeat(admin: Role) -> None:
    wanted = {created(admin, SIGNS, sign(building_name="paging", width_m=n % 3 or None))["id"] for n in range(11)}
    for order in ("", "&sortby=width_m", "&sortby=-width_m,sign_no", "&sortby=-created_at"):
        seen: list[str] = []
        address = f"{SIGNS}?building_name=paging&limit=4{order}"
        while address:
            page = admin.get(address).json
            assert page["numberMatched"] == 11
            seen += [feature["id"] for feature in page["features"]]
            address = next((item["href"] for item in page["links"] if item["rel"] == "next"), "")
        assert len(seen) == 11
        assert set(seen) == wanted


def test_a_box_finds_what_meets_it(admin: Role) -> None:
    far = created(admin, SIGNS, sign() | {"geometry": {"type": "Point", "coordinates": [113.5, 31.8]}})
    found = admin.get(f"{SIGNS}?bbox=113.49,31.79,113.51,31.81").json
    assert [feature["id"] for feature in found["features"]] == [far["id"]]
    swapped = admin.get(f"{SIGNS}?bbox=31.79,113.49,31.81,113.51&bbox-crs=EPSG:4326").json
    assert swapped["numberMatched"] == 1
    edge = admin.get(f"{SIGNS}?bbox=113.5,31.8,113.6,31.9").json
    assert edge["numberMatched"] == 1


def test_a_period_filters_on_when_it_was_found(admin: Role) -> None:
    old = created(admin, SIGNS, sign(found_at="2001-05-06T10:00:00+08:00"))
    found = admin.get(f"{SIGNS}?datetime=2001-05-06").json
    assert [feature["id"] for feature in found["features"]] == [old["id"]]
    assert found["features"][0]["properties"]["found_at"] == "2001-05-06T02:00:00+00:00"
    assert admin.get(f"{SIGNS}?datetime=../2001-05-06T01:59:59Z").json["numberMatched"] == 0
    assert datetime.now(UTC).year > 2001
