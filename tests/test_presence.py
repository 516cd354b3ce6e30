"""Two people at one feature hear of each other, for as long as they are there."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS, created


@pytest.fixture
def place(admin: Role) -> str:
    return f"/presence/rooftop_signs/{created(admin, SIGNS, sign())['id']}"


def others(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.json
    return [(one["username"], one["act"]) for one in answer.json["others"]]


def age(house: House, seconds: int) -> None:
    with house.db.engine.begin() as connection:
        connection.execute(text("UPDATE gisapp.presence SET since = since - make_interval(secs => :s), "
                                "seen_at = seen_at - make_interval(secs => :s)"), {"s": seconds})


def test_two_people_hear_of_each_other(roles: dict[str, Role], place: str) -> None:
    assert others(roles["viewer"].post(place, json={"act": "view"})) == []
    assert others(roles["inspector"].post(place, data={"act": "edit"})) == [("viewer", "view")]
    assert others(roles["viewer"].post(place, json={})) == [("inspector", "edit")]
    assert others(roles["admin"].get(place)) == [("inspector", "edit"), ("viewer", "view")]


def test_who_edits_and_views_is_told_as_editing(roles: dict[str, Role], place: str) -> None:
    roles["inspector"].post(place, json={"act": "view"})
    roles["inspector"].post(place, json={"act": "edit"})
    assert others(roles["viewer"].get(place)) == [("inspector", "edit")]


def test_who_leaves_or_falls_silent_is_gone(roles: dict[str, Role], place: str, house: House) -> None:
    roles["viewer"].post(place, json={"act": "view"})
    roles["inspector"].post(place, json={"act": "view"})
    assert others(roles["inspector"].post(place, json={"act": "leave"})) == [("viewer", "view")]
    assert others(roles["viewer"].get(place)) == []
    age(house, 31)
    assert others(roles["inspector"].get(place)) == []


def test_a_heartbeat_keeps_since_and_an_absence_ends_it(roles: dict[str, Role], place: str, house: House) -> None:
    def since() -> str:
        roles["viewer"].post(place, json={"act": "view"})
        return str(roles["admin"].get(place).json["others"][0]["since"])

    first = since()
    assert since() == first
    age(house, 31)
    assert since() > first


def test_old_rows_are_cleared_away(roles: dict[str, Role], place: str, house: House) -> None:
    roles["viewer"].post(place, json={"act": "view"})
    age(house, 3600)
    roles["inspector"].post(place, json={"act": "view"})
    with house.db.read() as connection:
        names = connection.execute(text("SELECT username FROM gisapp.presence")).scalars().all()
    assert names == ["inspector"]


@pytest.mark.parametrize("body", [{"act": "dance"}, {"act": None}, {"act": 1}, [], "view"])
def test_another_act_is_refused(admin: Role, place: str, body: Any) -> None:
    answer = admin.post(place, json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_editing_is_for_those_who_may(roles: dict[str, Role], place: str) -> None:
    answer = roles["viewer"].post(place, json={"act": "edit"})
    assert (answer.status_code, answer.json["code"]) == (403, "act_not_allowed")
    assert others(roles["admin"].get(place)) == []


def test_nobody_is_at_what_is_not_there(admin: Role) -> None:
    assert admin.post(f"/presence/rooftop_signs/{uuid4()}", json={}).json["code"] == "feature_unknown"
    assert admin.post(f"/presence/nonsense/{uuid4()}", json={}).json["code"] == "layer_unknown"
    assert admin.post("/presence/rooftop_signs/x", json={}).json["code"] == "id_invalid"
