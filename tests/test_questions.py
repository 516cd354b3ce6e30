"""Saved questions: kept, shared, changed against a version, run again to hear what is new; the short link."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from gisapp.example_questions import examples
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS, created


def body(**more: Any) -> dict[str, Any]:
    return {"name": "大型广告", "layer": "rooftop_signs", "query": {"filter": "area_m2 > 10"}, **more}


def kept(role: Role, **more: Any) -> dict[str, Any]:
    answer = role.post("/questions", json=body(**more))
    assert answer.status_code == 201, answer.json
    assert answer.headers["Location"].endswith(answer.json["id"])
    found: dict[str, Any] = answer.json
    return found


def names(role: Role) -> list[str]:
    return [one["name"] for one in role.get("/questions").json["questions"] if not one["example"]]


def test_a_question_comes_back_as_it_was_kept(roles: dict[str, Role]) -> None:
    made = kept(roles["viewer"], description="每周看一次", query={"filter": "area_m2 > 10", "limit": "7", "f": "json"})
    found = roles["viewer"].get(f"/questions/{made['id']}")
    assert found.headers["ETag"] == '"1"'
    assert {name: found.json[name] for name in ("name", "description", "query", "owner", "version")} == {
        "name": "大型广告", "description": "每周看一次", "query": {"filter": "area_m2 > 10"}, "owner": "viewer",
        "version": 1}


def test_the_questions_that_ship_stand_beside_ones_own(roles: dict[str, Role]) -> None:
    listed = [one["id"] for one in roles["viewer"].get("/questions").json["questions"] if one["example"]]
    assert listed == [one.id for one in examples()]
    shipped = roles["viewer"].get("/questions/vendors_near_gates").json
    assert shipped["query"]["filter"] == "near('school_gates', 200)"
    answer = roles["admin"].delete("/questions/vendors_near_gates", headers={"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (403, "question_not_yours")


@pytest.mark.parametrize(("shared", "readers"), [
    ("nobody", {"inspector", "admin"}), ("viewer", {"inspector", "viewer", "admin"}),
    ("everybody", {"inspector", "viewer", "reviewer", "exporter", "admin"})])
def test_it_is_seen_by_those_it_is_shared_with(roles: dict[str, Role], shared: str, readers: set[str]) -> None:
    made = kept(roles["inspector"], name=uuid4().hex, shared_with=shared)
    seen = {name for name, role in roles.items() if role.get(f"/questions/{made['id']}").status_code == 200}
    assert seen == readers
    assert {name for name, role in roles.items() if made["name"] in names(role)} == readers - (
        {"admin"} if shared != "everybody" else set())
    answer = roles["viewer"].get(f"/questions/{uuid4()}")
    assert (answer.status_code, answer.json["code"]) == (404, "question_unknown")


def test_it_may_be_shared_with_single_people(roles: dict[str, Role]) -> None:
    made = kept(roles["inspector"], name=uuid4().hex, people=["VIEWER", "exporter", "viewer"])
    path = f"/questions/{made['id']}"
    assert made["people"] == ["exporter", "viewer"]
    assert {name for name, role in roles.items() if made["name"] in names(role)} == {"inspector", "viewer", "exporter"}
    assert roles["reviewer"].get(path).status_code == 404
    assert roles["viewer"].get(f"/collections/q-{made['id']}/items?limit=1").status_code == 200
    less = roles["inspector"].put(path, json=body(people=["exporter"]), headers={"If-Match": '"1"'})
    assert less.json["people"] == ["exporter"]
    assert roles["viewer"].get(path).status_code == 404


def test_who_it_is_shared_with_is_chosen_on_its_page(roles: dict[str, Role]) -> None:
    made = kept(roles["inspector"])
    page = roles["inspector"].get(f"/q/{made['id']}", follow_redirects=True).text
    assert 'name="people" value="exporter"' in page and 'name="people" value="inspector"' not in page
    roles["inspector"].post("/ask", data={"act": "share", "question": made["id"], "shared_with": "viewer",
                                          "people": ["exporter"]})
    found = roles["exporter"].get(f"/questions/{made['id']}").json
    assert (found["shared_with"], found["people"], found["version"]) == ("viewer", ["exporter"], 2)
    assert 'id="share"' not in roles["exporter"].get(f"/q/{made['id']}", follow_redirects=True).text


def test_only_its_owner_or_an_administrator_changes_it_and_against_its_version(roles: dict[str, Role]) -> None:
    path = f"/questions/{kept(roles['inspector'], shared_with='everybody')['id']}"
    other = roles["viewer"].put(path, json=body(), headers={"If-Match": '"1"'})
    assert (other.status_code, other.json["code"]) == (403, "question_not_yours")
    assert roles["inspector"].put(path, json=body()).json["code"] == "version_required"
    done = roles["inspector"].put(path, json=body(name="改名"), headers={"If-Match": '"1"'})
    assert (done.status_code, done.json["name"], done.headers["ETag"]) == (200, "改名", '"2"')
    for headers in ({"If-Match": '"1"'}, {"If-Match": '"1", "9"'}):
        assert roles["inspector"].put(path, json=body(), headers=headers).status_code == 412
    stale = roles["inspector"].put(path, json=body(), headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "version_stale")
    assert roles["admin"].delete(path, headers={"If-Match": '"2"'}).status_code == 204
    assert roles["inspector"].get(path).status_code == 404


@pytest.mark.parametrize(("wrong", "code"), [
    ([], "body_invalid"), ({"name": "x"}, "layer_unknown"), ({"layer": "rooftop_signs"}, "body_invalid"),
    (body(shared_with="somebody"), "body_invalid"), (body(people="viewer"), "body_invalid"),
    (body(people=["nobody-here"]), "body_invalid"), (body(people=["a\0b"]), "body_invalid"),
    (body(query=[]), "body_invalid"), (body(colour=1), "body_invalid"),
    (body(query={"filter": "nothing = 1"}), "filter_invalid"), (body(query={"moon": "full"}), "parameter_unknown"),
    (body(name="x" * 201), "body_invalid")])
def test_a_question_that_cannot_be_asked_is_not_kept(admin: Role, wrong: Any, code: str) -> None:
    assert admin.post("/questions", json=wrong).json["code"] == code


def test_a_masked_field_is_neither_asked_nor_learnt_by_a_shared_question(roles: dict[str, Role]) -> None:
    query = {"filter": "party_phone = '13800000000'"}
    asked = body(query=query, layer="illegal_builds", shared_with="everybody")
    made = kept(roles["inspector"], **asked)
    assert roles["viewer"].post("/questions", json=asked).json["code"] == "field_masked"
    assert roles["viewer"].post(f"/questions/{made['id']}/runs").json["code"] == "field_masked"
    # What it asks for might be somebody's telephone: the text itself is kept from those who may not see the field.
    for path in (f"/questions/{made['id']}", f"/questions/{made['id']}?f=html", f"/q/{made['id']}", "/questions",
                 f"/collections/q-{made['id']}", "/ask"):
        assert "13800000000" not in roles["viewer"].get(path, follow_redirects=True).text
        assert roles["reviewer"].get(path, follow_redirects=True).status_code == 200


def test_a_second_run_tells_what_is_new_to_this_reader(roles: dict[str, Role]) -> None:
    mark = uuid4().hex[:8]
    made = kept(roles["admin"], query={"filter": f"sign_no LIKE '{mark}%'"}, shared_with="everybody")
    path = f"/questions/{made['id']}/runs"

    def new(role: str = "admin") -> list[str]:
        found: list[str] = roles[role].post(path).json["new"]
        return found

    created(roles["admin"], SIGNS, sign(sign_no=f"{mark}-1"))
    first = roles["admin"].post(path).json
    assert (first["since"], first["numberMatched"], first["numberNew"]) == (None, 1, 0)
    added = created(roles["admin"], SIGNS, sign(sign_no=f"{mark}-2"))["id"]
    assert new() == [added]
    assert new() == []
    assert roles["viewer"].post(path).json["since"] is None


def test_the_short_link_leads_to_the_table_and_to_the_map(admin: Role) -> None:
    made = kept(admin, query={"filter": "area_m2 > 10", "datetime": "2024-01-01/.."})
    to = urlsplit(admin.get(f"/q/{made['id']}").headers["Location"])
    assert to.path == "/ask"
    assert parse_qs(to.query) == {"layer": ["rooftop_signs"], "filter": ["area_m2 > 10"],
                                  "datetime": ["2024-01-01/.."], "question": [made["id"]]}
    to = urlsplit(admin.get(f"/q/{made['id']}?at=map").headers["Location"])
    assert to.path == "/map"
    assert parse_qs(to.fragment) == {"layers": ["rooftop_signs,districts,roads"],
                                     "ask": ["layer=rooftop_signs&filter=area_m2+%3E+10&datetime=2024-01-01%2F.."]}
    assert admin.get("/q/none").status_code == 404
