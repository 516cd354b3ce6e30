"""A saved question as a collection: the same features everywhere, within the reader's rights, and read only."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import mapbox_vector_tile
import pytest

from tests.conftest import Role
from tests.test_api import sign
from tests.test_questions import kept
from tests.test_writes import SIGNS, created

#: The tile at zoom 14 around 113.38, 31.69.
TILE = "14/6670/13352"


@pytest.fixture(scope="module")
def signs(roles: dict[str, Role]) -> dict[float, str]:
    """Ids of five signs by their area, registered by an inspector."""
    return {area: created(roles["inspector"], SIGNS, sign(area_m2=area, status="02"))["id"]
            for area in (5.0, 15.0, 25.0, 35.0, 45.0)}


@pytest.fixture(scope="module")
def large(roles: dict[str, Role], signs: dict[float, str]) -> str:
    """The collection of signs above 10 m², shared with all."""
    made = kept(roles["inspector"], name="大型广告图层", description="大于 10 平方米", shared_with="everybody",
                as_layer=True, query={"filter": "area_m2 > 10", "ids": ",".join(signs.values()), "sortby": "-area_m2"})
    return f"q-{made['id']}"


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return sorted(one["id"] for one in answer.json["features"])


def wanted(signs: dict[float, str], least: float, most: float = 1e9) -> list[str]:
    return sorted(number for area, number in signs.items() if least < area < most)


def test_every_consumer_gives_the_same_features(roles: dict[str, Role], large: str, signs: dict[float, str]) -> None:
    reader, base = roles["reviewer"], f"/collections/{large}"
    found = reader.get(f"{base}/items?f=json&limit=100")
    assert ids(found) == wanted(signs, 10)
    assert found.json["numberMatched"] == 4
    numbers = reader.get(f"{base}/statistics?sum=area_m2").json
    assert (numbers["numberMatched"], numbers["total"]["sum"]["area_m2"]) == (4, 120)
    tile = reader.get(f"{base}/tiles/WebMercatorQuad/{TILE}")
    layers = mapbox_vector_tile.decode(tile.get_data())
    assert sorted(one["properties"]["id"] for one in layers["rooftop_signs"]["features"]) == wanted(signs, 10)
    file = reader.get(f"{base}/items?f=geojson")
    assert file.status_code == 200, file.text
    assert file.headers["OGC-NumberReturned"] == "4"
    assert sorted(one["properties"]["area_m2"] for one in json.loads(file.get_data())["features"]) == [15, 25, 35, 45]


def test_a_request_narrows_the_question_and_never_widens_it(admin: Role, large: str, signs: dict[float, str]) -> None:
    base = f"/collections/{large}/items?f=json&limit=100"
    assert ids(admin.get(f"{base}&filter={quote('area_m2 < 30')}")) == wanted(signs, 10, 30)
    assert ids(admin.get(f"{base}&ids={signs[5.0]},{signs[15.0]}")) == [signs[15.0]]
    further = quote(json.dumps({"filter": "area_m2 > 20"}))
    assert ids(admin.get(f"{base}&and={further}")) == wanted(signs, 20)


def test_pages_and_links_stay_with_the_question(admin: Role, large: str, signs: dict[float, str]) -> None:
    address, seen = f"/collections/{large}/items?f=json&limit=3", []
    while address:
        page = admin.get(address).json
        seen += [one["id"] for one in page["features"]]
        assert all(f"/collections/{large}" in one["href"] and "and=" not in one["href"] for one in page["links"])
        address = next((one["href"] for one in page["links"] if one["rel"] == "next"), "")
    assert sorted(seen) == wanted(signs, 10)
    for path in ("", "/schema", "/queryables", "/tiles", "/tiles/WebMercatorQuad", "/styles", "/styles/light"):
        answer = admin.get(f"/collections/{large}{path}?f=json")
        assert answer.status_code == 200, path
        assert "/collections/rooftop_signs" not in answer.text
        assert admin.get(f"/collections/{large}{path}?f=html").status_code == 200


def test_it_is_listed_for_whom_it_is_shared_with(roles: dict[str, Role], large: str) -> None:
    mine = f"q-{kept(roles['viewer'], name=uuid4().hex, as_layer=True)['id']}"
    plain = f"q-{kept(roles['viewer'], name=uuid4().hex)['id']}"
    listed = {name: {one["id"]: one for one in role.get("/collections?f=json").json["collections"]}
              for name, role in roles.items()}
    assert all(large in found for found in listed.values())
    assert {name for name, found in listed.items() if mine in found} == {"viewer"}
    assert not any(plain in found for found in listed.values())
    described = listed["viewer"][large]
    assert (described["title"], described["description"]) == ("大型广告图层", "大于 10 平方米")
    assert roles["viewer"].get(f"/collections/{plain}/items").status_code == 200
    assert roles["inspector"].get(f"/collections/{mine}/items").json["code"] == "question_unknown"


def test_the_readers_rights_count_and_not_the_owners(roles: dict[str, Role]) -> None:
    made = kept(roles["inspector"], name=uuid4().hex, layer="illegal_builds", shared_with="everybody", as_layer=True,
                query={"filter": "party_name = 'X'"})
    address = f"/collections/q-{made['id']}"
    assert roles["inspector"].get(f"{address}/items").status_code == 200
    for path in ("", "/items", "/statistics", f"/tiles/WebMercatorQuad/{TILE}"):
        answer = roles["viewer"].get(f"{address}{path}?f=json" if path != f"/tiles/WebMercatorQuad/{TILE}"
                                     else f"{address}{path}")
        assert (answer.status_code, answer.json["code"]) == (403, "field_masked")
    assert f"q-{made['id']}" not in roles["viewer"].get("/collections?f=json").text
    assert f"q-{made['id']}" in roles["inspector"].get("/collections?f=json").text


def test_a_single_feature_is_there_while_it_answers(
        roles: dict[str, Role], large: str, signs: dict[float, str]) -> None:
    found = roles["viewer"].get(f"/collections/{large}/items/{signs[15.0]}?f=json")
    assert (found.status_code, found.json["id"]) == (200, signs[15.0])
    assert all(f"/collections/{large}" in one["href"] for one in found.json["links"])
    gone = roles["viewer"].get(f"/collections/{large}/items/{signs[5.0]}?f=json")
    assert (gone.status_code, gone.json["code"]) == (404, "feature_unknown")


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/items"), ("PATCH", "/items/{id}"), ("PUT", "/items/{id}"), ("DELETE", "/items/{id}"),
    ("POST", "/batch"), ("GET", "/near"), ("GET", "/changes"), ("GET", "/items/{id}/history")])
def test_it_can_only_be_read(admin: Role, large: str, signs: dict[float, str], method: str, path: str) -> None:
    address = f"/collections/{large}{path}".replace("{id}", signs[15.0])
    answer = admin.open(method, address, json={}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json["code"]) == (405, "question_read_only")


def test_a_question_of_the_past_is_a_collection_of_the_past(admin: Role, roles: dict[str, Role]) -> None:
    made = created(roles["inspector"], SIGNS, sign(area_m2=99))
    then = datetime.now(UTC).isoformat()
    admin.patch(f"{SIGNS}/{made['id']}", json={"properties": {"area_m2": 1}}, headers={"If-Match": '"1"'})
    question = kept(roles["inspector"], query={"as_of": then, "ids": made["id"]})
    found = roles["inspector"].get(f"/collections/q-{question['id']}/items?f=json").json["features"]
    assert [one["properties"]["area_m2"] for one in found] == [99]
    later = roles["inspector"].get(f"/collections/q-{question['id']}/items?f=json&as_of=2100-01-01").json["features"]
    assert [one["properties"]["area_m2"] for one in later] == [1]


def test_a_question_that_ships_is_a_collection_too(admin: Role) -> None:
    answer = admin.get("/collections/q-vendors_near_gates/items?f=json")
    assert answer.status_code == 200
    assert admin.get("/collections/q-nothing/items").json["code"] == "question_unknown"


@pytest.mark.parametrize("text", ["x", "3", "[3]", '{"limit": "3"}', '{"and": "{}"}', '{"status": 3}',
                                  "[" * 5000, json.dumps([{}] * 5)])
def test_a_wrong_further_question_is_refused(admin: Role, large: str, text: str) -> None:
    for layer in ("rooftop_signs", large):
        answer = admin.get(f"/collections/{layer}/items?f=json&and={quote(text)}")
        assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid"), answer.json


def test_a_masked_field_is_masked_in_a_further_question(roles: dict[str, Role]) -> None:
    for one in ({"party_name": "X"}, {"filter": "party_name = 'X'"}):
        answer = roles["viewer"].get(f"/collections/illegal_builds/items?f=json&and={quote(json.dumps(one))}")
        assert (answer.status_code, answer.json["code"]) == (403, "field_masked")
