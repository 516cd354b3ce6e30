"""The search box and the list: what is found by which words, in which order, and never by personal data."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gisapp import search
from gisapp.coordinates import parse_place
from gisapp.house import House
from tests.conftest import Role
from tests.test_api import sign
from tests.waiting import PATIENCE

S = "/collections/rooftop_signs/items"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a search would leave layers out, as it should for people."""
    monkeypatch.setattr(search, "PATIENCE_S", float(PATIENCE))


def find(client: Role, text: str, **more: str) -> dict[str, Any]:
    answer = client.get("/search", query_string={"q": text} | more)
    assert answer.status_code == 200, answer.json
    document: dict[str, Any] = answer.json
    return document


def titles(client: Role, text: str) -> list[str]:
    return [one["title"] for one in find(client, text)["results"]]


def put(client: Role, **properties: Any) -> str:
    made = client.post(S, json=sign(**properties))
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def test_a_sign_is_found_by_number_text_address_and_id(admin: Role) -> None:
    key = put(admin, sign_no="Gq-7001", sign_text="随州老酒坊", address="汉东路88号院内", building_name="青年大厦")
    for text in ("Gq-7001", "gq-70", "老酒", "汉东路 88号", "青年大厦 酒坊", key):
        found = find(admin, text)["results"]
        assert [one["id"] for one in found] == [key], text
    [one] = find(admin, "汉东路")["results"]
    assert one["note"] == "汉东路88号院内"
    assert one["bbox"] == pytest.approx([113.38, 31.69] * 2)
    assert titles(admin, "汉东路 99号") == []


def test_the_very_number_comes_before_what_begins_with_it(admin: Role) -> None:
    for number in ("ZK-12", "ZK-1", "XZK-1", "ZK-11"):
        put(admin, sign_no=number)
    put(admin, sign_no="other-1", address="ZK-1旁")
    assert titles(admin, "zk-1") == ["ZK-1", "ZK-11", "ZK-12", "XZK-1", "other-1"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "100%", "'; DROP TABLE x; --", "\x00", "", " ", "x" * 5000])
def test_signs_of_patterns_are_only_signs(admin: Role, text: str) -> None:
    put(admin, sign_no=f"N{uuid4().hex[:10]}", sign_text="50% off, a_b" if text != "100%" else None)
    found = titles(admin, text)
    assert bool(found) is (text in ("%", "_"))


def test_names_of_people_are_never_searched(house: House, roles: dict[str, Role]) -> None:
    put(roles["admin"], sign_no="P-1", owner="欧阳未名", owner_phone="13912345678")
    for role in roles.values():
        assert titles(role, "欧阳未名") == titles(role, "13912345678") == []
    for layer in house.catalogue.layers.values():
        assert not any(one.personal for one in search.searched_fields(layer))


def test_a_search_that_takes_too_long_says_what_it_left_out(
        admin: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PATIENCE_S", 0.0)
    answer = find(admin, "ZK-1")
    assert answer["results"] == []
    assert "rooftop_signs" in answer["partial"]


@pytest.mark.parametrize(("text", "lon", "lat"), [
    ("113.38, 31.69", 113.38, 31.69), ("31.69 113.38", 113.38, 31.69), ("31.69N,113.38E", 113.38, 31.69),
    ("113.38°，31.69°", 113.38, 31.69), ("-0.1, 51.5", -0.1, 51.5), ("51.5, -120", -120, 51.5),
    ("441217.48, 3507645.44", 113.38, 31.69), ("3507645.44 441217.48", 113.38, 31.69),
    ("38441217.48,3507645.44", 113.38, 31.69),
])
def test_places_by_coordinates(text: str, lon: float, lat: float) -> None:
    place = parse_place(text, 113.4)
    assert place is not None
    assert (place.lon, place.lat) == pytest.approx((lon, lat), abs=1e-6)


@pytest.mark.parametrize("text", ["113.38", "a, b", "999, 999", "12345678, 12345678", "200, 100", "1 2 3", "GG-1, 2"])
def test_other_numbers_are_no_place(text: str) -> None:
    assert parse_place(text, 113.4) is None


def test_coordinates_are_answered_beside_features(admin: Role) -> None:
    found = find(admin, "441217.48, 3507645.44", lon="113.4")
    assert found["place"]["crs"] == "EPSG:4547"
    assert (found["place"]["lon"], found["place"]["lat"]) == pytest.approx((113.38, 31.69), abs=1e-6)


@pytest.mark.parametrize(("query", "code"), [
    ({"q": "x", "lon": "east"}, "parameter_invalid"), ({"q": "x", "lon": "nan"}, "parameter_invalid"),
    ({"q": "x", "layer": "roads"}, "parameter_unknown")])
def test_a_wrong_search_is_refused(admin: Role, query: dict[str, str], code: str) -> None:
    answer = admin.get("/search", query_string=query)
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_the_fragment_escapes_what_it_shows(admin: Role) -> None:
    put(admin, sign_no="<b>&1", address="<script>x</script>")
    page = admin.get("/search?q=<b>", headers={"HX-Request": "true"}).text
    assert "&lt;b&gt;&amp;1" in page
    assert "<script>" not in page


# --- the list ------------------------------------------------------------------------------------------------

def rows(client: Role, **query: str) -> list[str]:
    """Titles of all pages of the list."""
    found, path = [], "/list/rooftop_signs"
    page = client.get(path, query_string=query, headers={"HX-Request": "true"})
    while True:
        assert page.status_code == 200, page.text[:300]
        found += [part.split("</span>")[0] for part in page.text.split('<span class="name">')[1:]]
        if 'data-more="' not in page.text:
            return found
        following = page.text.split('data-more="')[1].split('"')[0].replace("&amp;", "&")
        page = client.get(following, headers={"HX-Request": "true"})


def test_the_list_has_every_feature_once_in_its_order(admin: Role) -> None:
    for number in range(7):
        put(admin, sign_no=f"L{number}", status=f"0{1 + number % 2}", building_name="listed")
    asked = {"building_name": "listed", "limit": "3"}
    assert rows(admin, **asked) == [f"L{number}" for number in range(7)]
    assert rows(admin, **asked, sortby="-sign_no") == [f"L{number}" for number in reversed(range(7))]
    assert rows(admin, **asked, status="02") == ["L1", "L3", "L5"]
    assert rows(admin, **asked, status="01,02") == [f"L{number}" for number in range(7)]
    assert rows(admin, **asked, status="07,08") == []


def test_the_list_stands_on_a_page_of_its_own(admin: Role) -> None:
    page = admin.get("/list/rooftop_signs?limit=2&lang=en", headers={"Accept": "text/html"}).text
    assert "<table" in page
    assert 'aria-sort="ascending"' in page
    assert "Next page" in page


def test_a_list_refuses_what_items_refuse(admin: Role, roles: dict[str, Role]) -> None:
    assert admin.get("/list/rooftop_signs?nonsense=1").json["code"] == "parameter_unknown"
    assert admin.get("/list/nowhere").status_code == 404
    assert roles["viewer"].get("/list/rooftop_signs?owner=x").json["code"] == "field_masked"
    assert roles["viewer"].get("/list/rooftop_signs?sortby=owner").json["code"] == "field_masked"


# --- filters -------------------------------------------------------------------------------------------------

def items(client: Role, layer: str, **query: str) -> int:
    count: int = client.get(f"/collections/{layer}/items", query_string=query | {"limit": "1"}).json["numberMatched"]
    return count


def test_several_codes_are_any_of_them(admin: Role) -> None:
    for status in ("01", "03", "04"):
        put(admin, sign_no=f"OR-{status}", status=status, building_name="any")
    ask = {"building_name": "any"}
    counts = [items(admin, "rooftop_signs", **ask, status=asked) for asked in (
        "01,03", "01,03,04", "04,04", ",01", "08")]
    assert counts == [2, 3, 1, 1, 0]
    # Only codes are split: a text may hold a comma.
    assert items(admin, "rooftop_signs", building_name="any,other") == 0
    answer = admin.get(S, query_string={"status": ",".join(str(number) for number in range(300))})
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_several_values_of_a_field_of_lists_are_any_of_them(admin: Role) -> None:
    for number, kinds in enumerate((["01"], ["02"], ["01", "03"])):
        made = admin.post("/collections/waste_sites/items", json={
            "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [
                [[113.38, 31.69], [113.381, 31.69], [113.381, 31.691], [113.38, 31.69]]]},
            "properties": {"site_no": f"W-{number}", "name": "x", "site_kind": "01", "waste_kinds": kinds}})
        assert made.status_code == 201, made.json
    counts = [items(admin, "waste_sites", waste_kinds=asked) for asked in ("01", "01,02", "03,02", "04,05")]
    assert counts == [2, 3, 2, 0]


def test_counts_follow_the_filter(admin: Role) -> None:
    before = admin.get("/map/stock").json["counts"]
    asked = {"rooftop_signs.status": "03,04", "district_code": ""}
    counts = admin.get("/map/stock", query_string=asked).json["counts"]
    wanted = items(admin, "rooftop_signs", status="03,04", district_code="")
    assert counts["rooftop_signs"] == str(wanted)
    assert 0 < wanted < int(before["rooftop_signs"])
    assert counts["roads"] == before["roads"]
    for wrong in ({"nowhere.status": "01"}, {"status": "01"}, {"rooftop_signs.nothing": "1"}):
        answer = admin.get("/map/stock", query_string=wrong, headers={"Accept": "application/json"})
        assert answer.json["code"] == "parameter_unknown"


def test_the_form_offers_states_and_kinds_of_every_mission_layer(admin: Role, house: House) -> None:
    page = admin.get("/map/filter?lang=en").text
    for layer in house.catalogue.layers.values():
        assert (f'name="{layer.id}.status"' in page) is bool(layer.states)
    assert "Without a permit" in page
    assert 'name="rooftop_signs.sign_kind"' in page
