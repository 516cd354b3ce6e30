"""What a click finds, on the real database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from gisapp.house import House
from tests.conftest import Role
from tests.samples import run

LON, LAT = 113.38, 31.675
LAYERS = "rooftop_signs,illegal_builds,truck_routes,districts,streets"


def add_sign(owner: House, name: str, lon: float, lat: float) -> None:
    run(owner, """INSERT INTO layers.rooftop_signs (sign_no, sign_kind, area_m2, geom)
                  VALUES (:name, '01', 10, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))""", name=name, lon=lon, lat=lat)


def add_build(owner: House, name: str, half: float) -> None:
    """An area around the place."""
    run(owner, """INSERT INTO layers.illegal_builds (case_no, build_type, geom)
                  SELECT :name, min(code), ST_Multi(ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :half))
                    FROM codes.build_type""", name=name, lon=LON, lat=LAT, half=half)


def add_district(owner: House, name: str) -> None:
    run(owner, """INSERT INTO layers.districts (code, name, geom) VALUES ('421303', :name,
                  ST_Multi(ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.1)))""", name=name, lon=LON, lat=LAT)


@pytest.fixture(scope="module", autouse=True)
def _furnished(owner: House) -> Iterator[None]:
    add_district(owner, "district")
    add_build(owner, "large", 0.01)
    add_build(owner, "small", 0.0001)
    add_sign(owner, "near", LON + 0.00002, LAT)
    add_sign(owner, "nearer", LON + 0.00001, LAT)
    add_sign(owner, "far", LON + 0.005, LAT)
    yield


def click(client: Role, **changes: Any) -> Any:
    asked = {"lon": LON, "lat": LAT, "zoom": 17, "layers": LAYERS, "f": "json"} | changes
    return client.get("/identify", query_string=asked)


def test_points_come_before_areas_and_missions_before_the_ground(admin: Role) -> None:
    hits = click(admin).json["hits"]
    assert [hit["title"] for hit in hits] == ["nearer", "near", "small", "large", "district"]
    assert [hit["dimension"] for hit in hits] == [0, 0, 2, 2, 2]
    assert hits[0]["distance_m"] == pytest.approx(0.95, abs=0.02)  # 1e-5 degree of longitude here
    assert hits[2]["distance_m"] == 0


def test_the_reach_is_eight_pixels_of_the_zoom(admin: Role) -> None:
    titles = {zoom: [hit["title"] for hit in click(admin, zoom=zoom, layers="rooftop_signs").json["hits"]]
              for zoom in (12, 17, 21)}
    assert titles[12] == ["nearer", "near"]
    assert titles[17] == ["nearer", "near"]
    assert titles[21] == []
    assert len(click(admin, zoom=10, layers="rooftop_signs").json["hits"]) == 3


def test_at_most_twenty_come_the_nearest_of_them(admin: Role, owner: House) -> None:
    for n in range(30):
        add_sign(owner, f"many {n:02}", LON - 0.05 - n * 1e-6, LAT)
    found = click(admin, lon=LON - 0.05, zoom=14, layers="rooftop_signs").json["hits"]
    assert [hit["title"] for hit in found] == [f"many {n:02}" for n in range(20)]


def test_only_the_layers_asked_for_are_searched(admin: Role) -> None:
    assert [hit["layer"] for hit in click(admin, layers="districts").json["hits"]] == ["districts"]
    assert click(admin, layers="").json["hits"] == []


@pytest.mark.parametrize("changes", [
    {"lon": "x"}, {"lon": 181}, {"lat": 91}, {"lat": "nan"}, {"lon": ""}, {"zoom": 99}, {"zoom": "inf"}, {"zoom": -1}])
def test_a_wrong_place_has_a_stable_code(admin: Role, changes: dict[str, Any]) -> None:
    answer = click(admin, **changes)
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_an_unknown_layer_is_not_found(admin: Role) -> None:
    assert click(admin, layers=f"nothing{uuid4().hex[:4]}").json["code"] == "layer_unknown"


def test_the_poles_are_no_trouble(admin: Role) -> None:
    assert click(admin, lat=-90, lon=180, zoom=0).status_code == 200


def test_a_filter_leaves_out_what_it_does_not_fit(admin: Role) -> None:
    place = {"lon": LON, "lat": LAT, "zoom": 18, "layers": "rooftop_signs,illegal_builds", "f": "json"}
    every = admin.get("/identify", query_string=place).json["hits"]
    signs = {one["status"] for one in every if one["layer"] == "rooftop_signs"}
    assert signs
    for status in signs:
        hits = admin.get("/identify", query_string=place | {"rooftop_signs.status": f"{status},08"}).json["hits"]
        assert hits == [one for one in every if one["layer"] != "rooftop_signs" or one["status"] in (status, "08")]
    none = admin.get("/identify", query_string=place | {"district_code": "999999", "datetime": "1999-01-01"})
    assert none.json["hits"] == []
    wrong = admin.get("/identify", query_string=place | {"rooftop_signs.nothing": "1"})
    assert (wrong.status_code, wrong.json["code"]) == (400, "parameter_unknown")
