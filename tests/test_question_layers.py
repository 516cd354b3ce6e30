"""A saved question as a collection: the same features everywhere, within the reader's rights, and read only."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import mapbox_vector_tile
import pypdfium2
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


def test_the_page_of_questions_takes_a_questions_collection(roles: dict[str, Role], large: str,
                                                            signs: dict[float, str]) -> None:
    reader = roles["reviewer"]

    def rows(asked: str) -> list[str]:
        answer = reader.get(f"/ask?layer={large}{asked}", headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        assert "大型广告图层" in answer.text
        return sorted(set(re.findall(r'data-row="([^"]+)"', answer.text)))

    assert rows("") == wanted(signs, 10)
    assert rows(f"&filter={quote('area_m2 < 30')}") == wanted(signs, 10, 30)
    assert rows("&status=02") == wanted(signs, 10)
    assert rows("&status=01") == []
    assert rows(f"&ids={signs[5.0]},{signs[15.0]}") == [signs[15.0]]
    assert rows("&bbox=113.3,31.6,113.5,31.8") == wanted(signs, 10)
    assert rows(f"&ids={signs[5.0]}") == []
    assert reader.get(f"/ask?layer={large}&ids={uuid4()}").status_code == 404
    assert reader.get(f"/ask?layer=q-{uuid4()}").status_code == 404
    dock = reader.get(f"/ask/answer?layer={large}")
    assert sorted(re.findall(r'data-row="([^"]+)"', dock.text)) == wanted(signs, 10)


def test_what_a_question_asks_and_what_is_asked_beside_it_must_both_hold(admin: Role,
                                                                         signs: dict[float, str]) -> None:
    asked = {"datetime": "2020-01-01/2099-01-01", "status": "02", "q": "T", "filter": "area_m2 > 10 OR area_m2 < 1",
             "bbox": "113.3,31.6,113.5,31.8"}
    made = kept(admin, name="两问", layer="rooftop_signs", query=asked)

    def rows(**more: str) -> int:
        answer = admin.get("/ask", query_string={"layer": f"q-{made['id']}"} | more, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return len(set(re.findall(r'data-row="([^"]+)"', answer.text)) & set(signs.values()))

    plain = len(admin.get(f"/collections/q-{made['id']}/items?f=json&limit=100").json["features"])
    assert rows() == min(plain, rows())
    assert rows(datetime="../2021-01-01") == 0
    assert rows(datetime="2021-01-01/..") == rows()
    assert rows(bbox="114,31.6,115,31.8") == 0
    assert rows(status="01") == 0
    assert rows(filter="area_m2 < 12 OR area_m2 > 40") <= rows()


def test_a_sheet_and_a_file_show_questions_as_layers_of_their_own(roles: dict[str, Role], admin: Role, large: str,
                                                                  signs: dict[float, str]) -> None:
    small = kept(roles["inspector"], name="小型广告图层", shared_with="everybody", as_layer=True,
                 query={"filter": "area_m2 < 20", "ids": ",".join(signs.values())})
    layers = f"q-{small['id']},{large},roads"
    page = roles["reviewer"].get(f"/print?layers={layers}&lang=zh", headers={"Accept": "text/html"})
    assert page.status_code == 200, page.text
    assert "大型广告图层" in page.text
    assert "小型广告图层" in page.text
    file = roles["exporter"].get(f"/map/export?layers={layers},rooftop_signs&lang=zh")
    assert file.status_code == 200, file.text
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', file.text, re.S)
    assert found
    shown = {one["rules"]["id"]: one for one in json.loads(found.group(1))["layers"]}
    assert sorted(one["id"] for one in shown[large]["features"]) == wanted(signs, 10)
    assert sorted(one["id"] for one in shown[f"q-{small['id']}"]["features"]) == wanted(signs, 0, 20)
    assert shown[large]["title"]["zh"] == "大型广告图层"
    sheet = pypdfium2.PdfDocument(admin.get(f"/print.pdf?layers={large}&lang=zh&scale=5000").data)
    text = sheet[0].get_textpage().get_text_range()
    assert "大型广告图层" in text
    narrowed = admin.get(f"/map/export?layers={large}&rooftop_signs.filter={quote('area_m2 < 30')}")
    data = json.loads(re.search(r'id="data">(.*?)</script>', narrowed.text, re.S).group(1))  # type: ignore[union-attr]
    assert sorted(one["id"] for one in data["layers"][0]["features"]) == wanted(signs, 10, 30)
    atlas = admin.get(f"/print.pdf?layers={large}&atlas={large}&lang=zh")
    assert len(pypdfium2.PdfDocument(atlas.data)) >= 5
    assert admin.get(f"/print?layers=q-{uuid4()}").status_code == 404


def test_a_question_shared_with_reviewers_is_no_sheet_for_others(roles: dict[str, Role], large: str,
                                                                 signs: dict[float, str]) -> None:
    made = kept(roles["inspector"], name="审核组图层", shared_with="reviewer", as_layer=True,
                query={"filter": "area_m2 > 20", "as_of": "2099-01-01"})
    for path in ("/print", "/print.pdf", "/map/export"):
        assert roles["exporter"].get(f"{path}?layers=q-{made['id']}").status_code == 404
    answer = roles["reviewer"].get(f"/print.pdf?layers=q-{made['id']}&lang=zh")
    assert answer.status_code == 200, answer.text
    assert "2099-01-0" in pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_range()
