"""Leafing and counting: a page fetched by the grid of counts is the one that looking at every feature gives."""

from __future__ import annotations

import json
import random
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import literal_column, select, text

from gisapp import features
from gisapp.crs import parse_crs
from gisapp.house import House
from gisapp.params import parse
from gisapp.permissions import SYSTEM
from gisapp.sql import paging as sql_paging, statements as sql
from gisapp.sql.features import feature_text

SIGNS, BUILDS = "rooftop_signs", "illegal_builds"
BOXES = {"a city": "113.31,31.62,113.45,31.76", "a part of it": "113.345,31.655,113.398,31.702",
         "narrow": "113.33,31.69,113.44,31.6905", "beyond it all": "100,20,125,45", "elsewhere": "110,20,110.2,20.2"}


@pytest.fixture(scope="module", autouse=True)
def _town(house: House) -> None:
    """Signs thickly around one place and thinly elsewhere; builds that reach over many cells; some moved, some gone."""
    with house.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.rooftop_signs (sign_no, sign_kind, status, area_m2, geom)
            SELECT 'P' || n, CASE n % 3 WHEN 0 THEN '01' ELSE '02' END, CASE n % 5 WHEN 0 THEN '02' ELSE '01' END, 5,
                   ST_SetSRID(ST_MakePoint(113.38 + 0.06 * sin(n * 1.7) * (n % 97) / 97.0,
                                           31.69 + 0.06 * cos(n * 2.3) * (n % 89) / 89.0), 4326)
              FROM generate_series(1, 4000) AS n"""))
        connection.execute(text("""
            INSERT INTO layers.illegal_builds (case_no, build_type, status, geom)
            SELECT 'P' || n, '01', '01', ST_Multi(ST_MakeEnvelope(x, y, x + w, y + h, 4326))
              FROM (SELECT n, 0.0001 * (1 + n % 300) AS w, 0.00003 * (1 + n % 200) AS h,
                           113.33 + 0.0001 * (n * 37 % 1000) AS x, 31.64 + 0.0001 * (n * 53 % 1000) AS y
                      FROM generate_series(1, 900) AS n) AS places"""))
        connection.execute(text("DELETE FROM layers.rooftop_signs WHERE sign_no LIKE 'P%9'"))
        connection.execute(text("UPDATE layers.rooftop_signs SET geom = ST_Translate(geom, 0.02, -0.01), status = '02'"
                                " WHERE sign_no LIKE 'P%8'"))


@pytest.fixture(params=["in strips", "as it comes"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Short answers leafed through in strips as well; or all of them as the size decides."""
    if request.param == "in strips":
        monkeypatch.setattr(sql_paging, "_FEW", 0)
        monkeypatch.setattr(sql_paging, "_PART", 1)
    return str(request.param)


def _page(house: House, layer_id: str, **asked: str) -> features.Page:
    query = parse({name: [value] for name, value in asked.items()}, house.layer(layer_id), house.catalogue)
    return features.list_features(house, SYSTEM, layer_id, query, 100_000)


def _ids(page: features.Page) -> list[str]:
    return [json.loads(one)["id"] for one in page.features]


def _truth(house: House, layer_id: str, **asked: str) -> set[str]:
    layer, table = house.layer(layer_id), house.tables.layers[layer_id]
    query = parse({name: [value] for name, value in asked.items()}, layer, house.catalogue)
    with house.db.read() as connection:
        return {str(row[0]) for row in connection.execute(sql.select_rows(layer, table, query, [], 4326))}


@pytest.mark.parametrize("extra", [{}, {"status": "02"}, {"status": "02", "sign_kind": "01,02"},
                                   {"filter": "status = '02' AND sign_kind IN ('01', '02')"},
                                   {"filter": "sign_kind = '01'", "status": "01"},
                                   {"filter": "status = '02' AND sign_no <> 'P5'"}],
                         ids=["all", "state", "two", "codes", "both", "more"])
@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_all_pages_forth_and_back_are_what_lies_in_the_box(
        house: House, way: str, box: str, extra: dict[str, str]) -> None:
    asked = {"bbox": box, "limit": "90"} | extra
    expected = _truth(house, SIGNS, **asked)
    page = _page(house, SIGNS, **asked)
    pages = [page]
    while page.after:
        page = _page(house, SIGNS, **asked, after=page.after)
        pages.append(page)
    walked = [_ids(page) for page in pages]
    assert {page.number_matched for page in pages} == {len(expected)}
    assert sorted(chain.from_iterable(walked)) == sorted(expected)
    for before in reversed(walked[:-1]):
        page = _page(house, SIGNS, **asked, before=page.before or "")
        assert _ids(page) == before
    assert page.before is None


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_areas_that_reach_over_many_cells_are_counted_once(house: House, way: str, box: str) -> None:
    expected = _truth(house, BUILDS, bbox=box)
    page = _page(house, BUILDS, bbox=box, limit="40")
    found = _ids(page)
    assert page.number_matched == len(expected)
    while page.after:
        page = _page(house, BUILDS, bbox=box, limit="40", after=page.after)
        found += _ids(page)
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_filter_by_codes_is_read_from_the_grid(house: House) -> None:
    def told(text_: str) -> Any:
        layer = house.layer(SIGNS)
        return sql_paging._by_codes(layer, parse({"filter": [text_]}, layer, house.catalogue))

    assert told("status = '02'").equals == (("status", "02"),)
    assert told("status IN ('01', '02') AND sign_kind = '01'").equals == (("status", ("01", "02")), ("sign_kind", "01"))
    for other in ("area_m2 = 2", "status = '02' OR sign_kind = '01'", "NOT status = '02'", "status = sign_kind",
                  "id = '02'", "casei(status) = '02'", "status IN ('01', sign_kind)"):
        assert told(other) is None, other


@pytest.mark.parametrize("sortby", ["area_m2", "-area_m2", "-area_m2,sign_no", "found_at,-area_m2"])
def test_numbers_are_ordered_as_numbers_in_every_way_of_fetching(house: House, sortby: str) -> None:
    with house.db.begin("tester") as connection:
        connection.execute(text("UPDATE layers.rooftop_signs SET area_m2 = 1 + abs(hashtext(sign_no)) % 300"
                                " WHERE sign_no LIKE 'P1%'"))
    for asked in ({"status": "01"}, {"bbox": BOXES["a city"]}, {"filter": "sign_no LIKE 'P1%'"}, {}):
        page, found = _page(house, SIGNS, sortby=sortby, limit="70", **asked), []
        for _ in range(5):
            found += [json.loads(one)["properties"]["area_m2"] for one in page.features]
            if page.after is None:
                break
            page = _page(house, SIGNS, sortby=sortby, limit="70", after=page.after, **asked)
        assert found == sorted(found, reverse="-area_m2" in sortby), asked
        assert min(found) < 9 or max(found) > 100


def test_the_order_is_the_same_whichever_way_it_is_fetched(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = _ids(_page(house, SIGNS, bbox=BOXES["a city"], limit="200"))
    monkeypatch.setattr(sql_paging, "_facets", lambda look: None)
    assert _ids(_page(house, SIGNS, bbox=BOXES["a city"], limit="200")) == plain


def test_any_box_is_counted_as_looking_at_every_feature_does(house: House, way: str) -> None:
    chance = random.Random(11)
    for layer_id in (SIGNS, BUILDS) * 30:
        lon, lat = chance.uniform(113.3, 113.45), chance.uniform(31.62, 31.76)
        wide, high = (0.0001 * 800 ** chance.random() for _ in "xy")
        box = f"{lon:.7f},{lat:.7f},{lon + wide:.7f},{lat + high:.7f}"
        assert _page(house, layer_id, bbox=box).number_matched == len(_truth(house, layer_id, bbox=box)), box


def test_a_box_in_metres_is_left_through_as_well(house: House) -> None:
    asked = {"bbox": "3503000,438000,3511000,445000", "bbox-crs": "EPSG:4547", "limit": "50"}
    expected = _truth(house, SIGNS, **asked)
    page = _page(house, SIGNS, **asked)
    found = _ids(page)
    while page.after:
        page = _page(house, SIGNS, **asked, after=page.after)
        found += _ids(page)
    assert set(found) == expected
    assert len(found) == len(expected) == page.number_matched > 100


@pytest.mark.parametrize("crs", ["OGC:CRS84", "EPSG:4490", "EPSG:4547", "EPSG:3857"])
def test_a_features_text_says_what_json_functions_say(house: House, crs: str) -> None:
    with house.db.begin("tester") as connection:
        connection.execute(text("UPDATE layers.rooftop_signs SET sign_text = :odd WHERE sign_no = 'P7'"),
                           {"odd": 'a"b\\c\n\t 字 \x01 %(x)s:y'})
    for layer_id in (SIGNS, BUILDS, "vendor_points", "truck_routes", "districts"):
        layer, table = house.layer(layer_id), house.tables.layers[layer_id]
        names = [field.id for field in layer.all_fields]
        for chosen in (names, names[:1], []):
            textual = feature_text(layer, table, chosen, parse_crs(crs))
            with house.db.read() as connection:
                rows = connection.execute(select(literal_column(textual), sql.feature_json(
                    layer, table, chosen, parse_crs(crs))).select_from(table).limit(300)).all()
            assert all(json.loads(ours) == json.loads(theirs) for ours, theirs in rows)
            assert rows or layer_id not in (SIGNS, BUILDS)


def test_what_is_reckoned_stands_among_the_properties(house: House) -> None:
    page = _page(house, SIGNS, bbox=BOXES["a city"], compute="count_within('rooftop_signs', 50)", limit="5",
                 filter="sign_no LIKE 'P1%'")
    reckoned = [json.loads(one)["properties"] for one in page.features]
    assert [sum(name.startswith("count_within") and isinstance(value, int) for name, value in one.items())
            for one in reckoned] == [1] * 5




def test_the_whole_box_is_never_looked_through_for_one_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few lie far in the north, so that the first guesses of where a page ends fall short; and the last pages end
    where the box does."""
    with house.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.rooftop_signs (sign_no, sign_kind, status, area_m2, geom)
            SELECT 'N' || n, '01', '01', 5, ST_SetSRID(ST_MakePoint(113.3 + 0.005 * n, 31.8 + 0.004 * n), 4326)
              FROM generate_series(1, 30) AS n"""))
    looked: list[bool] = []
    page_of = sql_paging._Look.page

    def page(look: Any, asked: Any = None) -> Any:
        looked.append(asked is None)
        return page_of(look, asked)

    monkeypatch.setattr(sql_paging._Look, "page", page)
    box = "113.2,31.5,113.6,32.0"
    first = _page(house, SIGNS, bbox=box, limit="40")
    seen = len(_ids(first))
    assert len(looked) > 1
    while first.after:
        first = _page(house, SIGNS, bbox=box, limit="40", after=first.after)
        seen += len(_ids(first))
    assert seen == first.number_matched > 3000
    assert not any(looked)
