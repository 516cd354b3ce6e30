"""What becomes of photos after they were added: brought back after a removal, come along with a merge."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from gisapp.house import House
from tests.browser_client import Browser
from tests.conftest import Role
from tests.photos import photo
from tests.test_attachments import SIGNS, Reader, _plain, make_sign, send
from tests.test_marking import BUILD, at, seen
from tests.test_undo import undo
from tests.test_writes import BUILDS, created


@pytest.fixture(scope="module")
def roles(app: Flask, accounts: dict[str, dict[str, str]]) -> dict[str, Role]:
    return {role: Reader(app, words["username"], words["password"]) for role, words in accounts.items()}


@pytest.fixture
def sign(admin: Role) -> str:
    return make_sign(admin)


def listed(role: Role, feature: str, **asked: str) -> list[dict[str, Any]]:
    answer = role.get(f"{feature}/attachments", query_string=asked)
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["attachments"]
    return found


def test_a_removed_photo_comes_back_with_its_story(roles: dict[str, Role], sign: str) -> None:
    told = send(roles["inspector"], sign, photo(place=(113.3805, 31.6904)), caption="左").json
    address = f"{sign}/attachments/{told['id']}"
    assert roles["reviewer"].delete(f"{address}?why=wrong").status_code == 204
    made = roles["reviewer"].post(f"{address}/restore")
    assert made.status_code == 201, made.json
    back = made.json
    assert made.headers["Location"].endswith(back["id"])
    assert back["id"] != told["id"]
    same = ("sha256", "caption", "taken_at", "added_by", "added_at", "place", "distance_m")
    assert {name: back[name] for name in same} == {name: told[name] for name in same}
    assert (back["brought_by"], back["first_feature"]) == ("reviewer", sign.rpartition("/")[2])
    assert [one["id"] for one in listed(roles["viewer"], sign)] == [back["id"]]
    assert roles["viewer"].get(f"{sign}/attachments/{back['id']}/thumbnail").status_code == 200
    # Twice is once; the removal stays in the history.
    for again in (address, f"{sign}/attachments/{back['id']}"):
        answer = roles["reviewer"].post(f"{again}/restore")
        assert (answer.status_code, answer.json["id"]) == (200, back["id"])
    story = roles["viewer"].get(f"{sign}/history").json["photos"]
    assert sorted((one["id"], one["removed_why"], one["brought_by"]) for one in story) == sorted(
        [(told["id"], "wrong", None), (back["id"], None, "reviewer")])


def test_who_may_bring_back(roles: dict[str, Role], sign: str, owner: House) -> None:
    told = [send(roles["inspector"], sign, photo(colour=colour)).json["id"] for colour in ("red", "green", "blue")]
    mine, theirs, old = (f"{sign}/attachments/{one}" for one in told)
    assert roles["inspector"].delete(mine).status_code == 204
    assert roles["reviewer"].delete(theirs).status_code == 204
    assert roles["inspector"].delete(old).status_code == 204
    with psycopg.connect(_plain(owner)) as link:
        link.execute("ALTER TABLE gisapp.attachments DISABLE TRIGGER USER")
        link.execute("UPDATE gisapp.attachments SET removed_at = now() - interval '31 minutes' WHERE id = %s",
                     (told[2],))
        link.execute("ALTER TABLE gisapp.attachments ENABLE TRIGGER USER")
    for address, code in ((theirs, "photo_not_yours"), (old, "photo_not_yours")):
        answer = roles["inspector"].post(f"{address}/restore")
        assert (answer.status_code, answer.json["code"]) == (403, code)
    assert roles["viewer"].post(f"{mine}/restore").status_code == 403
    assert roles["inspector"].post(f"{mine}/restore").status_code == 201
    assert roles["reviewer"].post(f"{old}/restore").status_code == 201
    other = make_sign(roles["reviewer"])
    for address in (f"{other}/attachments/{told[1]}", f"{sign}/attachments/{uuid4()}"):
        answer = roles["reviewer"].post(f"{address}/restore")
        assert (answer.status_code, answer.json["code"]) == (404, "photo_unknown")


def test_no_more_come_back_than_a_feature_may_have(
        app: Flask, roles: dict[str, Role], sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [send(roles["reviewer"], sign, photo(colour=colour)).json["id"] for colour in ("red", "green")]
    assert roles["reviewer"].delete(f"{sign}/attachments/{told[0]}").status_code == 204
    house: House = app.extensions["gisapp"]
    monkeypatch.setitem(app.extensions, "gisapp",
                        replace(house, settings=replace(house.settings, photos_per_feature=1)))
    answer = roles["reviewer"].post(f"{sign}/attachments/{told[0]}/restore")
    assert (answer.status_code, answer.json["code"]) == (422, "photo_too_many")


def test_removed_photos_are_offered_to_who_may_bring_them_back(
        app: Flask, roles: dict[str, Role], accounts: dict[str, dict[str, str]], sign: str) -> None:
    told = send(roles["inspector"], sign, photo(), caption="<i>右</i>").json["id"]
    assert roles["reviewer"].delete(f"{sign}/attachments/{told}").status_code == 204
    page = sign.replace(SIGNS, "/panel/rooftop_signs") + "/photos"
    seen_by = {role: roles[role].get(f"{page}?lang=zh", headers={"Accept": "text/html"}).get_data(as_text=True)
               for role in ("viewer", "inspector", "reviewer")}
    assert ["已移除的照片" in seen_by[role] for role in ("viewer", "inspector", "reviewer")] == [False, False, True]
    assert "&lt;i&gt;右" in seen_by["reviewer"]
    assert "<i>右" not in seen_by["reviewer"]
    browser = Browser(app)
    browser.sign_in(accounts["reviewer"]["username"], accounts["reviewer"]["password"])
    done = browser.client.post(f"{page}/{told}/restore", data={"csrf_token": browser.token(page)},
                               headers={"Accept": "text/html"})
    assert (done.status_code, done.headers["Location"].endswith(page)) == (303, True)
    assert len(listed(roles["viewer"], sign)) == 1
    assert "已移除的照片" not in roles["reviewer"].get(f"{page}?lang=zh").get_data(as_text=True)


def test_photos_come_along_with_a_merge_and_go_when_it_is_undone(admin: Role) -> None:
    one, other = created(admin, BUILDS, at(112.7)), created(admin, BUILDS, at(112.701))
    first, second = (f"{BUILDS}/{made['id']}" for made in (one, other))
    kept = send(admin, first, photo(colour="red", taken="2025:06:01 08:30:00")).json
    came = [send(admin, second, photo(colour=colour, taken=taken)).json for colour, taken in (
        ("green", "2025:05:01 08:30:00"), ("blue", "2025:07:01 08:30:00"))]
    gone = send(admin, second, photo(colour="black")).json
    assert admin.delete(f"{second}/attachments/{gone['id']}").status_code == 204
    digests = [came[0]["sha256"], kept["sha256"], came[1]["sha256"]]  # as they were taken
    merged = admin.post(f"{BUILD}/merge", json={"ids": seen(one, other)})
    assert merged.status_code == 200, merged.json
    found = listed(admin, first)
    assert [photo["sha256"] for photo in found] == digests
    assert [photo["first_feature"] for photo in found] == [other["id"], None, other["id"]]
    assert [photo["sha256"] for photo in listed(admin, first, as_of=kept["added_at"])] == [kept["sha256"]]
    assert {photo["sha256"] for photo in admin.get(f"{second}/history").json["photos"]} >= set(digests[::2])
    back = undo(admin, merged)
    assert [photo["sha256"] for photo in listed(admin, first)] == [kept["sha256"]]
    assert [photo["sha256"] for photo in listed(admin, second)] == digests[::2]
    undo(admin, back)
    assert [photo["sha256"] for photo in listed(admin, first)] == digests


def test_a_photo_that_came_leaves_in_a_file_as_it_was_added(admin: Role) -> None:
    one, other = created(admin, BUILDS, at(112.75)), created(admin, BUILDS, at(112.751))
    send(admin, f"{BUILDS}/{other['id']}", photo())
    assert admin.post(f"{BUILD}/merge", json={"ids": seen(one, other)}).status_code == 200
    pack = admin.get(f"{BUILDS}?f=archive&ids={one['id']}")
    assert pack.status_code == 200, pack.text
    names = zipfile.ZipFile(io.BytesIO(pack.data)).namelist()
    assert sum(name.startswith(f"photos/illegal_builds/{one['id']}/") for name in names) == 1
