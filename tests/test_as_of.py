"""The layers as they were at a moment: items, single features, counts, tiles, files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import mapbox_vector_tile
import pytest

from gisapp.house import House
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS, history

TILE = "/collections/rooftop_signs/tiles/WebMercatorQuad/16/26680/53408"


@pytest.fixture(scope="module")
def told(admin: Role, house: House) -> dict[str, Any]:
    """A sign that was made, changed and deleted, with a moment in each of its three times, and one before."""
    one = admin.post(SIGNS, json=sign(sign_no="THEN-1", remark="first")).json
    address = f"{SIGNS}/{one['id']}"
    admin.patch(address, json={"properties": {"remark": "second"}}, headers={"If-Match": '"1"'})
    admin.delete(address, headers={"If-Match": '"2"'})
    starts = [row.valid_from for row in history(house, "rooftop_signs", one["id"])]
    tick = timedelta(microseconds=1)
    moments = {"before": starts[0] - tick, "first": starts[0], "second": starts[1], "gone": starts[2]}
    return {"id": one["id"], **{name: moment.isoformat() for name, moment in moments.items()}}


@pytest.mark.parametrize(("when", "remark"), [
    ("before", None), ("first", "first"), ("second", "second"), ("gone", None)])
def test_each_moment_shows_what_was_there(admin: Role, told: dict[str, Any], when: str, remark: str | None) -> None:
    moment = {"as_of": told[when]}
    one = admin.get(f"{SIGNS}/{told['id']}", query_string=moment)
    listed = admin.get(SIGNS, query_string=moment | {"sign_no": "THEN-1", "bbox": "113,31,114,32"}).json
    assert one.status_code == (200 if remark else 404)
    assert [feature["properties"]["remark"] for feature in listed["features"]] == ([remark] if remark else [])
    assert listed["numberMatched"] == (1 if remark else 0)


def test_tiles_show_the_moment_too(admin: Role, told: dict[str, Any]) -> None:
    def ids(when: str) -> set[str]:
        answer = admin.get(TILE, query_string={"as_of": told[when], "sign_no": "THEN-1"})
        layers = mapbox_vector_tile.decode(answer.data) if answer.data else {}
        return {f["properties"]["id"] for layer in layers.values() for f in layer["features"]}

    assert ids("first") == ids("second") == {told["id"]}
    assert ids("before") == ids("gone") == set()


def test_a_file_of_the_moment(admin: Role, told: dict[str, Any]) -> None:
    answer = admin.get(SIGNS, query_string={"as_of": told["second"], "sign_no": "THEN-1", "f": "geojson"})
    assert answer.status_code == 200
    assert [feature["properties"]["remark"] for feature in answer.json["features"]] == ["second"]


def test_now_and_later_are_the_present(admin: Role) -> None:
    admin.post(SIGNS, json=sign(sign_no="NOW-1"))
    for moment in (datetime.now(UTC), datetime.now(UTC) + timedelta(days=9)):
        found = admin.get(SIGNS, query_string={"as_of": moment.isoformat(), "sign_no": "NOW-1"}).json
        assert found["numberMatched"] == 1


@pytest.mark.parametrize("given", ["yesterday", "", "2024-13-01", "12:00", "99999-01-01"])
def test_a_wrong_moment_is_refused(admin: Role, given: str) -> None:
    for address in (SIGNS, TILE, f"{SIGNS}/00000000-0000-0000-0000-000000000000"):
        answer = admin.get(address, query_string={"as_of": given})
        assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_a_click_finds_what_was_there(admin: Role, told: dict[str, Any]) -> None:
    place = admin.get(f"{SIGNS}/{told['id']}", query_string={"as_of": told["first"]}).json["geometry"]["coordinates"]

    def titles(when: str) -> list[str]:
        asked = {"lon": place[0], "lat": place[1], "zoom": 18, "layers": "rooftop_signs", "f": "json",
                 "rooftop_signs.as_of": told[when], "rooftop_signs.sign_no": "THEN-1"}
        return [hit["title"] for hit in admin.get("/identify", query_string=asked).json["hits"]]

    assert [titles(when) for when in ("before", "first", "second", "gone")] == [[], ["THEN-1"], ["THEN-1"], []]


def test_a_click_on_an_area_of_the_past(admin: Role) -> None:
    square = [[[113.4, 31.7], [113.401, 31.7], [113.401, 31.701], [113.4, 31.701], [113.4, 31.7]]]
    made = admin.post("/collections/illegal_builds/items", json={
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": square},
        "properties": {"case_no": "AREA-THEN", "build_type": "01"}})
    assert made.status_code == 201
    asked = {"lon": 113.4005, "lat": 31.7005, "zoom": 18, "layers": "illegal_builds", "f": "json",
             "illegal_builds.as_of": datetime.now(UTC).isoformat()}
    assert [hit["title"] for hit in admin.get("/identify", query_string=asked).json["hits"]] == ["AREA-THEN"]


def test_the_panel_shows_the_moment_and_offers_no_change(admin: Role, told: dict[str, Any]) -> None:
    page = admin.get(f"/panel/rooftop_signs/{told['id']}", query_string={"as_of": told["first"]},
                     headers={"HX-Request": "true", "Accept": "text/html"})
    assert page.status_code == 200
    assert "first" in page.text
    assert "/forms/rooftop_signs" not in page.text
    assert 'data-act="delete"' not in page.text
    gone = admin.get(f"/panel/rooftop_signs/{told['id']}", query_string={"as_of": told["gone"]})
    assert gone.status_code == 404
