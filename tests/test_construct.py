"""Shapes out of numbers: coordinates in any system and order, traverses by bearing and distance."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pyproj import Transformer

from gisapp.crs import CRS84, MENU
from gisapp.errors import Problem
from gisapp.marking.construct import angle, from_coordinates, from_legs
from gisapp.repairs import GEOD
from tests.conftest import Role

CORNERS = [(113.38, 31.69), (113.381, 31.69), (113.381, 31.691)]


def lines(pairs: Any, pattern: str = "{}, {}") -> str:
    return "\n".join(pattern.format(*pair) for pair in pairs)


@pytest.mark.parametrize("pattern", ["{}, {}", "{1} {0}", "J1，{}；{}", "{}\t{}", "{},{},55.2", "  {}、{}  "])
def test_degrees_are_read_in_either_order(pattern: str) -> None:
    made = from_coordinates(lines(CORNERS, pattern), "MultiPolygon", CRS84)
    assert made == {"type": "Polygon", "coordinates": [[*map(list, CORNERS), list(CORNERS[0])]]}


def test_a_running_number_may_stand_before() -> None:
    text = "1 113.38 31.69\n\n3 113.381 31.69"
    assert from_coordinates(text, "MultiLineString", CRS84)["coordinates"] == [[113.38, 31.69], [113.381, 31.69]]


@pytest.mark.parametrize("srid", [4547, 4526, 3857, 4490, 4509, 4498])
@pytest.mark.parametrize("pattern", ["{:.4f} {:.4f}", "{1:.4f}, {0:.4f}"])
def test_projected_coordinates_are_read_in_either_order(srid: int, pattern: str) -> None:
    if srid == 3857 and pattern.startswith("{1"):
        pytest.skip("Web Mercator is easting first")
    if srid == 4490:
        pattern = pattern.replace(".4f", ".9f")
    convert = Transformer.from_crs(4326, srid, always_xy=True)
    text = lines([convert.transform(*corner) for corner in CORNERS], pattern)
    found = from_coordinates(text, "MultiLineString", MENU[srid])["coordinates"]
    assert [number for pair in found for number in pair] == pytest.approx(
        [number for pair in CORNERS for number in pair], abs=2e-9)


def test_degrees_minutes_and_seconds() -> None:
    text = "113°22′48″ 31°41′24″\n113度22分48.5秒，31度41分24秒"
    assert from_coordinates(text, "MultiLineString", CRS84)["coordinates"][0] == [113.38, 31.69]


@pytest.mark.parametrize(("text", "line"), [("x", 1), ("113.38", 1), ("113.38, 31.69\nnonsense, 3", 2),
                                           ("1 2 3 4 5", 1), ("500, 31", 1), ("113°75′ 31", 1)])
def test_a_line_that_says_nothing_is_named(text: str, line: int) -> None:
    with pytest.raises(Problem) as caught:
        from_coordinates(text, "Point", CRS84)
    assert (caught.value.code, caught.value.params["line"]) == ("line_unreadable", line)


@pytest.mark.parametrize(("kind", "text"), [("MultiPolygon", lines(CORNERS[:2])), ("MultiLineString", "113,31"),
                                            ("Point", " \n"), ("MultiPolygon", lines([*CORNERS[:2], CORNERS[0]]))])
def test_too_few_points_are_told(kind: str, text: str) -> None:
    with pytest.raises(Problem) as caught:
        from_coordinates(text, kind, CRS84)
    assert caught.value.code == "points_too_few"


def test_a_square_by_legs_closes_to_the_millimetre() -> None:
    legs = "0 100\n90 100\n180 100\n270 100"
    made, closure = from_legs("113.38, 31.69", legs, "MultiPolygon", CRS84, False)
    assert len(made["coordinates"][0]) == 5
    assert closure.closed
    assert closure.error_m < 0.01
    assert closure.length_m == 400
    area, length = GEOD.polygon_area_perimeter(*zip(*made["coordinates"][0], strict=True))
    assert abs(area) == pytest.approx(10_000, rel=1e-4)
    assert length == pytest.approx(400, abs=0.02)


def test_a_closure_error_is_told_and_spread() -> None:
    legs = "0 100\n90 100\n180 100\n270 99"
    _, closure = from_legs("113.38, 31.69", legs, "MultiPolygon", CRS84, False)
    assert (closure.closed, closure.document()["ratio"]) == (True, 399)
    assert closure.error_m == pytest.approx(1.0, abs=0.01)
    raw, _ = from_legs("113.38, 31.69", legs, "MultiLineString", CRS84, False)
    made, _ = from_legs("113.38, 31.69", legs, "MultiLineString", CRS84, True)
    assert made["coordinates"][-1] == pytest.approx(made["coordinates"][0], abs=1e-9)
    assert raw["coordinates"][-1] != raw["coordinates"][0]
    assert raw["coordinates"][1] != made["coordinates"][1]


def test_an_open_traverse_gets_a_closing_side() -> None:
    made, closure = from_legs("113.38, 31.69", "0 100\n90 100", "MultiPolygon", CRS84, True)
    assert not closure.closed
    assert closure.error_m == pytest.approx(math.hypot(100, 100), abs=0.01)
    assert len(made["coordinates"][0]) == 4


def test_a_start_in_projected_coordinates() -> None:
    made, _ = from_legs("3507506.0 536000.0", "N1 45°30′ 25.6", "Point", MENU[4547], False)
    lon, lat = made["coordinates"]
    assert 114.3 < lon < 114.4
    assert 31.6 < lat < 31.8


@pytest.mark.parametrize("legs", ["400 5", "45 -1", "45 0", "45", "x y", "45 1e9", "", "\n"])
def test_a_leg_that_says_nothing_is_refused(legs: str) -> None:
    with pytest.raises(Problem):
        from_legs("113.38, 31.69", legs, "MultiLineString", CRS84, False)


@pytest.mark.parametrize("start", ["", "here", "500 500 500 500"])
def test_a_start_that_is_none_is_refused(start: str) -> None:
    with pytest.raises(Problem):
        from_legs(start, "0 100", "MultiLineString", CRS84, False)


@given(st.text(max_size=60), st.sampled_from(list(MENU.values())), st.booleans())
def test_any_text_is_a_shape_or_a_refusal(text: str, crs: Any, legs: bool) -> None:
    try:
        made = (from_legs("113.38, 31.69", text, "MultiPolygon", CRS84, True)[0] if legs
                else from_coordinates(text, "MultiPolygon", crs))
    except Problem as problem:
        assert problem.code in ("line_unreadable", "points_too_few")
    else:
        assert made["type"] == "Polygon"


@given(st.floats(-180, 180), st.sampled_from(["°", "度"]))
def test_an_angle_comes_back(value: float, sign: str) -> None:
    degrees, minutes = int(value), abs(value - int(value)) * 60
    prefix = "-" if value < 0 and degrees == 0 else ""
    text = f"{prefix}{degrees}{sign}{int(minutes)}′{min((minutes - int(minutes)) * 60, 59.9999999):.7f}″"
    assert angle(text) == pytest.approx(value, abs=1e-7)


def test_by_http(admin: Role) -> None:
    page = admin.get("/map/construct/illegal_builds?lon=113.38&lang=en", headers={"Accept": "text/html"})
    assert page.text.index("EPSG:4547") < page.text.index("EPSG:4490")
    body = {"kind": "MultiPolygon", "crs": "EPSG:4490", "start": "113.38, 31.69", "legs": "0 10\n90 10\n180 10\n270 10"}
    answer = admin.post("/map/construct/illegal_builds", json=body).json
    assert (answer["geometry"]["type"], answer["closure"]["closed"]) == ("Polygon", True)


@pytest.mark.parametrize(("body", "status"), [
    ([], 422), ({}, 400), ({"kind": "Circle"}, 400), ({"kind": "Point", "points": 1}, 422),
    ({"kind": "Point", "crs": "EPSG:1"}, 400), ({"kind": "Point", "points": "x"}, 422)])
def test_what_makes_no_shape_is_refused(admin: Role, body: Any, status: int) -> None:
    assert admin.post("/map/construct/illegal_builds", json=body).status_code == status
