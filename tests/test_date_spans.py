"""Date fields asked to lie in a stretch of days: items, counts, tiles, lists, files and clicks alike."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile
import pytest

from gisapp.timeline import next_start, start_of
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS

TILE = "/collections/rooftop_signs/tiles/WebMercatorQuad/16/26680/53408"


@pytest.fixture(scope="module", autouse=True)
def _signs(admin: Role) -> None:
    for name, removed, start, end in (
            ("S-1", "2025-01-31", "2024-01-01", "2024-12-31"), ("S-2", "2025-02-01", "2024-06-01", "2025-06-30"),
            ("S-3", "2025-04-15", "2025-03-01", None), ("S-4", None, None, None)):
        made = admin.post(SIGNS, json=sign(sign_no=name, removed_at=removed, effective_from=start, effective_to=end,
                                           found_at="2025-01-10T16:30:00Z" if name == "S-1" else None))
        assert made.status_code == 201, made.json


def _names(admin: Role, **asked: str) -> list[str]:
    found = admin.get(SIGNS, query_string=asked | {"sortby": "sign_no"}).json
    assert found["numberMatched"] == len(found["features"])
    return [one["properties"]["sign_no"] for one in found["features"]]


@pytest.mark.parametrize(("asked", "expected"), [
    ({"removed_at": "2025-01-31/2025-02-01"}, ["S-1", "S-2"]),
    ({"removed_at": "../2025-01-31"}, ["S-1"]), ({"removed_at": "2025-02-01/.."}, ["S-2", "S-3"]),
    ({"removed_at": "/2025-01-31"}, ["S-1"]), ({"removed_at": "2025-04-15"}, ["S-3"]), ({"removed_at": ""}, ["S-4"]),
    ({"effective_from": "../2024-07-01", "effective_to": "2024-07-01/.."}, ["S-1", "S-2"]),
    ({"found_at": "2025-01-10/2025-01-10"}, ["S-1"]), ({"found_at": "2025-01-10T16:30:01Z/.."}, []),
])
def test_items_within_a_stretch(admin: Role, asked: dict[str, str], expected: list[str]) -> None:
    assert _names(admin, **asked) == expected


def test_tiles_lists_clicks_counts_and_files_agree(admin: Role) -> None:
    asked = {"removed_at": "2025-01-01/2025-03-31"}
    tile = admin.get(TILE, query_string=asked)
    drawn = {one["properties"]["label"] for layer in mapbox_vector_tile.decode(tile.data).values()
             for one in layer["features"]}
    file = admin.get(SIGNS, query_string=asked | {"f": "geojson"}).json
    listed = admin.get("/list/rooftop_signs", query_string=asked).text
    stock = admin.get("/map/stock", query_string={"rooftop_signs.removed_at": asked["removed_at"]}).json
    lon, lat = file["features"][0]["geometry"]["coordinates"]
    hits = admin.get("/identify", query_string={
        "lon": lon, "lat": lat, "zoom": 18, "layers": "rooftop_signs", "f": "json",
        "rooftop_signs.removed_at": asked["removed_at"]}).json["hits"]
    assert drawn == {one["properties"]["sign_no"] for one in file["features"]} == {hit["title"] for hit in hits} == {
        "S-1", "S-2"}
    assert stock["counts"]["rooftop_signs"] == "2"
    assert "S-2" in listed
    assert "S-3" not in listed
    assert "2025-01-01 – 2025-03-31" in file["question"]


def test_a_stretch_holds_for_a_past_moment_too(admin: Role) -> None:
    assert _names(admin, removed_at="2025-01-01/..", as_of="2020-01-01") == []
    assert _names(admin, removed_at="2025-01-01/..", as_of="2999-01-01") == ["S-1", "S-2", "S-3"]


@pytest.mark.parametrize("given", ["2025-02-01/2025-01-01", "../..", "/", "a/b", "2025-01-01/2025-01-02/2025-01-03",
                                   "2025-13-01/..", "2025-01-01T00:00:00Z/.."])
def test_a_senseless_stretch_is_refused(admin: Role, given: str) -> None:
    for address in (SIGNS, TILE, "/list/rooftop_signs"):
        answer = admin.get(address, query_string={"removed_at": given}, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def _bars(admin: Role, **asked: str) -> dict[str, Any]:
    return dict(admin.get("/map/times/rooftop_signs", query_string=asked).json["bars"])


def test_a_histogram_counts_what_the_filter_finds(admin: Role) -> None:
    assert _bars(admin, field="removed_at") == {
        "2025-01-01": 1, "2025-02-01": 1, "2025-03-01": 0, "2025-04-01": 1}
    assert _bars(admin, field="removed_at", unit="quarter", sign_no="S-3") == {"2025-04-01": 1}
    assert _bars(admin, field="removed_at", sign_no="S-4") == {}


def test_days_of_an_instant_are_those_of_the_office(admin: Role) -> None:
    assert _bars(admin, field="found_at", unit="day", removed_at="2025-01-31") == {"2025-01-11": 1}  # 00:30 in Shanghai


def test_a_histogram_of_two_dates_counts_what_lay_between(admin: Role) -> None:
    bars = _bars(admin, field="effective_from-effective_to")
    for day, count in bars.items():
        month = f"{day[:8]}28"
        assert count == len(_names(admin, effective_from=f"../{month}", effective_to=f"{day}/.."))
    assert (bars["2024-05-01"], bars["2024-12-01"], bars["2025-06-01"]) == (1, 2, 1)


def test_too_many_bars_become_coarser_ones(admin: Role) -> None:
    answer = admin.get("/map/times/rooftop_signs", query_string={
        "field": "effective_from-effective_to", "unit": "day"}).json
    assert answer["unit"] == "week"


@pytest.mark.parametrize("asked", [{}, {"field": "sign_no"}, {"field": "removed_at", "unit": "hour"}])
def test_a_wrong_question_about_dates_is_refused(admin: Role, asked: dict[str, str]) -> None:
    answer = admin.get("/map/times/rooftop_signs", query_string=asked, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_the_first_record_of_each_layer(admin: Role) -> None:
    answer = admin.get("/map/times").json
    assert answer["since"]["rooftop_signs"] is not None
    assert answer["since"]["truck_routes"] is None
    assert len(answer["today"]) == 10


def test_units_follow_the_calendar() -> None:
    from datetime import date

    assert start_of("week", date(2025, 3, 2)) == date(2025, 2, 24)
    assert start_of("quarter", date(2025, 8, 31)) == date(2025, 7, 1)
    assert next_start("month", date(2024, 12, 1)) == date(2025, 1, 1)
    assert next_start("quarter", date(2025, 10, 1)) == date(2026, 1, 1)
    assert next_start("year", date(9999, 1, 1)) is None
