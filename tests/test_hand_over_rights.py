"""What of a person leaves the house, and what ends with a right: of an account, of a receiver, of a link."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill
from tests.test_deliveries import LAYER, change, done, latest, link_to, more, receiver, sent

NAME = "欧阳凡独"
REASON = "联合执法需要"
ASK = {"layer": LAYER, "f": "geojson"}


@pytest.fixture(scope="module", autouse=True)
def filled(house: House, roles: dict[str, Role]) -> str:
    """The id of one feature of a person with that name."""
    row = fill(house, LAYER, 6)[0]
    change(roles["admin"], str(row["id"]), 1, party_name=NAME)
    return str(row["id"])


def items(role: Role, **asked: str) -> Any:
    return role.get(f"/collections/{LAYER}/items", query_string=asked, buffered=True)


@pytest.mark.parametrize("question", [
    {"party_name": NAME}, {"filter": f"party_name = '{NAME}'"}, {"sortby": "party_name"},
    {"and": json.dumps({"filter": f"party_name LIKE '{NAME}%'"})}])
def test_a_question_that_leans_on_a_person_leaves_with_a_reason_only(roles: dict[str, Role],
                                                                     question: dict[str, str]) -> None:
    for asked in ({"f": "shp"}, {"f": "gpkg"}, {"f": "csv", "pack": "yes"}):
        answer = items(roles["reviewer"], **asked, **question)
        assert (answer.status_code, answer.json["code"]) == (422, "reason_missing")
        assert NAME not in answer.get_data(as_text=True)
        assert items(roles["exporter"], **asked, **question).json["code"] == "field_masked"
    assert roles["reviewer"].post("/jobs", json={**ASK, **question}).json["code"] == "reason_missing"
    trusted = receiver(roles["admin"])
    answer = roles["reviewer"].post("/jobs", json={**ASK, **question, "receiver": trusted, "personal-reason": REASON})
    assert answer.json["code"] == "receiver_no_personal"


def test_the_page_of_such_a_question_asks_for_the_reason(roles: dict[str, Role]) -> None:
    pages = [roles["reviewer"].get("/exports", query_string={"layer": LAYER, "lang": "en", **question}).get_data(True)
             for question in ({"party_name": NAME}, {"case_no": "1"})]
    assert ["a reason is needed" in page for page in pages] == [True, False]
    assert ["Left empty, these stay out" in page for page in pages] == [False, True]


def test_with_a_reason_it_leaves_and_the_reason_is_kept(roles: dict[str, Role], filled: str) -> None:
    answer = items(roles["reviewer"], f="shp", party_name=NAME, **{"personal-reason": REASON})
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        assert NAME in pack.read("README.txt").decode("utf-8-sig")
    told = latest(roles["reviewer"])
    assert (told["reason"], list(sent(told, roles["reviewer"]))) == (REASON, [filled])


def test_a_further_layer_is_asked_about_persons_too(roles: dict[str, Role]) -> None:
    near = f"near('{LAYER}', 50, party_name = '{NAME}')"
    answer = roles["reviewer"].get("/collections/rooftop_signs/items", query_string={"f": "geojson", "filter": near})
    assert (answer.status_code, answer.json["code"]) == (422, "reason_missing")


def test_the_page_of_a_receiver_tells_an_exporter_of_own_deliveries_only(house: House, roles: dict[str, Role]) -> None:
    trusted = receiver(roles["admin"], personal="1")
    done(house, roles["reviewer"], roles["reviewer"].post("/jobs", json={
        **ASK, "party_name": NAME, "receiver": trusted, "personal-reason": REASON}))
    page = {role: roles[role].get(f"/receivers/{trusted}", headers={"Accept": "text/html"}).get_data(as_text=True)
            for role in ("exporter", "reviewer", "admin")}
    assert [NAME in page[role] for role in ("exporter", "reviewer", "admin")] == [False, True, True]
    assert latest(roles["reviewer"])["id"] not in page["exporter"]
    done(house, roles["exporter"], roles["exporter"].post("/jobs", json={**ASK, "receiver": trusted}))
    page["exporter"] = roles["exporter"].get(f"/receivers/{trusted}", headers={"Accept": "text/html"}).get_data(True)
    assert f"/deliveries/{latest(roles['exporter'])['id']}/again" in page["exporter"]


def _role(owner: House, username: str, role: str) -> None:
    with owner.db.begin("test") as connection:
        connection.execute(text("UPDATE gisapp.accounts SET role = :role WHERE username = :name"),
                           {"role": role, "name": username})


def test_a_file_with_personal_fields_is_for_who_may_see_them_still(house: House, owner: House,
                                                                   roles: dict[str, Role]) -> None:
    reviewer, trusted = roles["reviewer"], receiver(roles["admin"], personal="1")
    job = done(house, reviewer, reviewer.post("/jobs", json={**ASK, "receiver": trusted, "personal-reason": REASON}))
    plain = done(house, reviewer, reviewer.post("/jobs", json={**ASK, "receiver": trusted}))
    delivery = latest(reviewer)
    _role(owner, "reviewer", "exporter")
    try:
        refused = reviewer.get(f"/jobs/{job['id']}/file")
        assert (refused.status_code, refused.json["code"]) == (403, "act_not_allowed")
        refused = reviewer.post(f"/deliveries/{job['delivery']}/links", data={"days": "1", "most": "1"})
        assert refused.json["code"] == "act_not_allowed"
        assert reviewer.get(f"/jobs/{plain['id']}/file", buffered=True).status_code == 200
        assert link_to(reviewer, delivery)
    finally:
        _role(owner, "reviewer", "reviewer")


def _form(role: Role, chosen: str, **more: str) -> None:
    row = role.get(f"/receivers/{chosen}").json
    answer = role.post(f"/receivers/{chosen}", data={"name": row["name"], "format": row["format"],
                                                     "version": str(row["version"]), **more})
    assert answer.status_code == 303, answer.get_data(as_text=True)[:500]


def test_what_a_receiver_may_no_longer_have_is_not_made_for_it(house: House, roles: dict[str, Role]) -> None:
    reviewer, chosen = roles["reviewer"], receiver(roles["admin"], personal="1")
    asked = [reviewer.post("/jobs", json={**ASK, "receiver": chosen, "personal-reason": REASON}),
             reviewer.post("/jobs", json={**ASK, "receiver": chosen})]
    _form(roles["admin"], chosen, active="1")
    first, second = (done(house, reviewer, answer) for answer in asked)
    assert (first["state"], first["problem"]["code"], second["state"]) == ("failed", "receiver_no_personal", "done")
    last = reviewer.post("/jobs", json={**ASK, "receiver": chosen, "bbox": "100,20,120,40"})
    _form(roles["admin"], chosen)
    assert done(house, reviewer, last)["problem"]["code"] == "receiver_retired"


@pytest.mark.parametrize("how", ["no longer in use", "no personal data"])
def test_a_link_ends_with_the_receivers_right(app: Flask, house: House, roles: dict[str, Role], how: str) -> None:
    reviewer, chosen = roles["reviewer"], receiver(roles["admin"], personal="1")
    done(house, reviewer, reviewer.post("/jobs", json={**ASK, "receiver": chosen, "personal-reason": REASON}))
    delivery, stranger = latest(reviewer), app.test_client(use_cookies=False)
    path = link_to(reviewer, delivery)
    assert stranger.get(path, buffered=True).status_code == 200
    _form(roles["admin"], chosen, **({} if how == "no longer in use" else {"active": "1"}))
    over = stranger.get(path)
    assert (over.status_code, over.json["code"], stranger.head(path).status_code) == (410, "link_over", 410)
    refused = reviewer.post(f"/deliveries/{delivery['id']}/links", data={"days": "1", "most": "1"})
    assert refused.json["code"] == ("receiver_retired" if how == "no longer in use" else "receiver_no_personal")


def test_a_difference_goes_on_with_what_the_receiver_has(house: House, roles: dict[str, Role]) -> None:
    admin = roles["admin"]
    chosen = receiver(admin, **{f"columns:{LAYER}": ["case_no", "status"]})
    ask = {**ASK, "receiver": chosen}
    done(house, admin, admin.post("/jobs", json=ask))
    more(house, 1)
    assert admin.post("/jobs", json={**ask, "mode": "difference", "datum": "GCJ-02"}).json["code"] == "difference_shape"
    _form(admin, chosen, active="1", **{f"columns:{LAYER}": "status"})  # what was sent before has more than that
    assert done(house, admin, admin.post("/jobs", json={**ask, "mode": "difference"}))["changes"]["added"] == 1
    _form(admin, chosen, active="1", **{f"columns:{LAYER}": "remark"})
    answer = admin.post("/jobs", json={**ask, "mode": "difference"})
    assert (answer.status_code, answer.json["code"]) == (409, "difference_shape")




def test_a_difference_knows_what_went_and_came_back(house: House, roles: dict[str, Role]) -> None:
    admin, chosen = roles["admin"], receiver(roles["admin"])
    gone, back, moved = sorted(more(house, 3))
    ask = {**ASK, "receiver": chosen}
    done(house, admin, admin.post("/jobs", json=ask))
    path = f"/collections/{LAYER}/items/{{}}"
    for key in (gone, back):
        assert admin.delete(path.format(key), headers={"If-Match": '"1"'}).status_code == 204
    assert admin.post(f"{path.format(back)}/restore", json={"version": 1}).status_code == 201
    change(admin, moved, 1, remark="去")
    change(admin, moved, 2, remark=None)
    found = done(house, admin, admin.post("/jobs", json={**ask, "mode": "difference"}))
    assert found["changes"] == {"added": 0, "changed": 2, "removed": 1}
    told = {key: one for key, (one, _) in sent(latest(admin), admin).items()}
    assert told == {gone: "removed", back: "changed", moved: "changed"}


def test_what_no_shift_reaches_is_new_to_nobody(house: House, roles: dict[str, Role]) -> None:
    admin, chosen = roles["admin"], receiver(roles["admin"])
    made = admin.post(f"/collections/{LAYER}/items", json={
        "type": "Feature", "geometry": None, "properties": {
            "case_no": "HK-1", "build_type": "01", "mark_point": {"type": "Point", "coordinates": [114.158, 22.28]}}})
    assert made.status_code == 201, made.json
    ask = {**ASK, "receiver": chosen, "datum": "GCJ-02"}
    done(house, admin, admin.post("/jobs", json=ask))
    assert made.json["id"] not in sent(latest(admin), admin)
    found = done(house, admin, admin.post("/jobs", json={**ask, "mode": "difference"}))
    assert (found["changes"], found["losses"]) == ({"added": 0, "changed": 0, "removed": 0}, {"left_out": 1})
