"""The way back from one's own last act, on the real database: split, merge, batch, state, create, delete."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role
from tests.test_marking import BUILD, at, cut, seen
from tests.test_writes import BUILDS, created


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """The same content, whatever the version."""
    stamps = ("version", "updated_at", "updated_by", "created_at")
    left, right = ({k: v for k, v in part["properties"].items() if k not in stamps} for part in (one, other))
    return (left, one["geometry"]) == (right, other["geometry"])


def undo(client: Role, answer: Any) -> Any:
    return client.post(f"{BUILD}/undo", json={"request": answer.headers["X-Request-Id"]})


def now(client: Role, feature: dict[str, Any]) -> Any:
    return client.get(f"{BUILDS}/{feature['id']}")


def test_a_split_is_undone_and_redone_by_an_inspector(admin: Role, roles: dict[str, Role]) -> None:
    made = created(admin, BUILDS, at(112.0))
    inspector = roles["inspector"]
    split = inspector.post(f"{BUILDS}/{made['id']}/split", json=cut(112.0004), headers={"If-Match": '"1"'})
    piece = split.json["features"][1]
    back = undo(inspector, split)
    assert (back.status_code, sorted(back.json["undone"])) == (200, sorted([made["id"], piece["id"]]))
    assert same(now(admin, made).json, made)
    assert now(admin, piece).status_code == 404
    assert undo(inspector, back).status_code == 403  # bringing back what is deleted takes a reviewer


def test_a_merge_is_undone_and_the_undoing_too(admin: Role) -> None:
    one, other = created(admin, BUILDS, at(112.1)), created(admin, BUILDS, at(112.101))
    merged = admin.post(f"{BUILD}/merge", json={"ids": seen(one, other)})
    back = undo(admin, merged)
    assert back.status_code == 200
    assert all(same(now(admin, made).json, made) for made in (one, other))
    assert undo(admin, back).status_code == 200
    assert now(admin, other).status_code == 404
    assert same(now(admin, one).json, merged.json)


def test_a_batch_is_undone_against_the_workflow(admin: Role, roles: dict[str, Role]) -> None:
    pair = [created(admin, BUILDS, at(x, status="01")) for x in (112.2, 112.21)]
    inspector = roles["inspector"]
    moved = inspector.post(f"{BUILD}/batch", json={"ids": seen(*pair), "properties": {"status": "02"}})
    assert moved.json["done"] == 2
    assert undo(inspector, moved).status_code == 200
    assert {now(admin, one).json["properties"]["status"] for one in pair} == {"01"}


def test_nothing_is_undone_when_somebody_changed_one_since(admin: Role, roles: dict[str, Role]) -> None:
    pair = [created(admin, BUILDS, at(x)) for x in (112.3, 112.31)]
    moved = admin.post(f"{BUILD}/batch", json={"ids": seen(*pair), "properties": {"remark": "mine"}})
    roles["inspector"].patch(f"{BUILDS}/{pair[1]['id']}", json={"properties": {"remark": "theirs"}},
                             headers={"If-Match": '"2"'})
    assert (undo(admin, moved).status_code, undo(admin, moved).json["code"]) == (412, "version_stale")
    assert [now(admin, one).json["properties"]["remark"] for one in pair] == ["mine", "theirs"]


def test_a_new_record_and_a_deletion_are_undone(admin: Role) -> None:
    answer = admin.post(BUILDS, json=at(112.4))
    made = answer.json
    gone = admin.delete(f"{BUILDS}/{made['id']}", headers={"If-Match": '"1"'})
    assert undo(admin, gone).status_code == 200
    assert same(now(admin, made).json, made)
    assert undo(admin, answer).status_code == 412  # it was deleted and came back since


@pytest.mark.parametrize(("body", "status"), [({"request": "no such"}, 404), ({}, 422), ([], 422),
                                              ({"request": 1}, 422), ({"request": "x" * 90}, 422)])
def test_what_is_no_act_is_refused(admin: Role, body: Any, status: int) -> None:
    assert admin.post(f"{BUILD}/undo", json=body).status_code == status


def test_others_and_the_past_are_left_alone(admin: Role, roles: dict[str, Role], owner: House) -> None:
    answer = admin.post(BUILDS, json=at(112.5), headers={"X-Request-Id": uuid4().hex})
    assert undo(roles["reviewer"], answer).status_code == 404
    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE layers.illegal_builds_history SET valid_from = valid_from - interval '1 hour' "
                                "WHERE id = :id"), {"id": answer.json["id"]})
    assert undo(admin, answer).status_code == 404
