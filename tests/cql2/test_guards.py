"""What a filter must not do: read masked fields, run for ever, take a wildcard for a letter, end in a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from pyproj import Transformer
from sqlalchemy import text

from gisapp import create_app
from gisapp.config import Settings
from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill, sample_rows, store

POINTS = "/collections/vendor_points"
MASKED = [
    "manager = 'x'", "manager IS NULL", "NOT manager IS NULL", "casei(manager) LIKE 'x%'", "name = manager",
    "name = 'x' OR (stalls_cap > 1 AND manager LIKE '%')", "manager IN ('a', 'b')", "manager BETWEEN 'a' AND 'b'",
    '{"op":"=","args":[{"property":"manager"},"x"]}', "near('vendor_points', 50, manager = 'x')",
    "near('school_gates', 50, near('vendor_points', 50, manager = 'x'))",
    "count_within('vendor_points', 9, manager='x')>0",
    "nearest('vendor_points', 1, manager = 'x')", "distance('vendor_points', manager = 'x') < 5",
]


@pytest.fixture(scope="module")
def stalls(house: House) -> list[dict[str, Any]]:
    """A few points; the second has letters in its name that LIKE has a use for."""
    rows = sample_rows(house, "vendor_points", 6)
    rows[1] |= {"name": "100%_a\\b", "manager": "王某某"}
    rows[2] |= {"name": "100XXa\\b", "manager": "李某某"}
    store(house, "vendor_points", rows)
    fill(house, "school_gates", 3)
    return rows


def get(role: Role, path: str, **asked: str) -> Any:
    return role.get(path + "?" + "&".join(f"{name}={quote(value)}" for name, value in asked.items()))


@pytest.mark.parametrize("condition", MASKED)
def test_masked_field_is_no_part_of_a_filter_anywhere(roles: dict[str, Role], stalls: Any, condition: str) -> None:
    asked = {"filter": condition}
    consumers = [(f"{POINTS}/items", asked), (f"{POINTS}/tiles/WebMercatorQuad/14/6688/13351", asked),
                 ("/list/vendor_points", asked), (f"{POINTS}/changes", asked | {"from": "2024-01-01"}),
                 (f"{POINTS}/items", asked | {"as_of": "2026-01-01"})]
    for path, args in consumers:
        answer = get(roles["viewer"], path, **args)
        assert answer.status_code == 403, (path, answer.data[:300])
        assert get(roles["inspector"], path, **args).status_code in (200, 204), path
    answer = get(roles["exporter"], f"{POINTS}/items", f="geojson", filter=condition)
    assert (answer.status_code, answer.json["code"]) == (403, "field_masked")


def test_masked_field_is_not_computed_with_nor_sorted_by_nor_a_queryable(roles: dict[str, Role], stalls: Any) -> None:
    compute = "count_within('vendor_points', 9, manager = 'x')"
    assert get(roles["viewer"], f"{POINTS}/items", compute=compute).status_code == 403
    assert get(roles["inspector"], f"{POINTS}/items", compute=compute).status_code == 200
    assert get(roles["viewer"], f"{POINTS}/items", sortby="manager").status_code == 403
    seen = {name: get(roles[name], f"{POINTS}/queryables").json["properties"] for name in ("viewer", "inspector")}
    assert "manager" not in seen["viewer"]
    assert "manager" in seen["inspector"]


def test_free_text_does_not_search_personal_data(roles: dict[str, Role], stalls: Any) -> None:
    for role in ("viewer", "inspector"):
        assert get(roles[role], f"{POINTS}/items", q="王某某").json["numberMatched"] == 0


def test_free_text_wants_every_word_and_takes_them_as_they_are(admin: Role, stalls: Any) -> None:
    def matched(text: str) -> int:
        return int(get(admin, f"{POINTS}/items", q=text).json["numberMatched"])
    assert matched("100%_A") == 1
    assert matched("100 a\\b") == 2
    assert matched("100 nothing") == 0
    assert get(admin, f"{POINTS}/items", q="a b c d e f g h i").status_code == 400
    assert get(admin, f"{POINTS}/items", q="x\x00y").status_code == 400


def test_wildcards_mean_letters_when_escaped(admin: Role, stalls: Any) -> None:
    def matched(pattern: str) -> int:
        tree = {"op": "like", "args": [{"property": "name"}, pattern]}
        answer = get(admin, f"{POINTS}/items", filter=json.dumps(tree))
        assert answer.status_code == 200, answer.json
        return int(answer.json["numberMatched"])
    assert (matched("100%"), matched("100\\%%"), matched("100\\%\\_a%")) == (2, 1, 1)
    assert (matched("100__a%"), matched("%\\"), matched("%b\\"), matched("%\\\\b")) == (2, 0, 0, 2)
    assert matched("(100|x)+.*") == 0


@pytest.mark.parametrize("condition", [
    "stalls_cap / 0 > 1", "stalls_cap % 0 = 1", "stalls_cap div 0 = 1", "10 ^ 999 > stalls_cap", "(0 - 8) ^ 0.5 = 1",
    "stalls_cap * 1e299 * 1e299 > 1", "season_to > '9999-12-31'", "T_AFTER(season_to, DATE('0001-01-01'))",
    "id = 'nonsense'", "id <> 'x'", "name > casei('A')",
    "casei(name) > accenti(casei('é'))", "accenti(name) = casei(name)",
    "name BETWEEN 'a' AND casei('B')", "S_EQUALS(geom, extent)", "S_INTERSECTS(extent, geometry)",
    "T_DURING(created_at, INTERVAL('2020-01-01', '..'))", "A_EQUALS(categories, ('01', '01'))", "extent IS NULL",
    "near('vendor_points', 0)", "near('vendor_points', 50000)", "open_days('1') AND open_now()", "synthetic", "true",
    "NOT synthetic = FALSE", "name IN ('a', casei('B'))", "stalls_cap = 99999999999999999999", "stalls_cap = 0.1",
    "S_INTERSECTS(geom, BBOX(170, -90, -170, 90))",
    "S_INTERSECTS(geom, POLYGON((-180 -90, 180 -90, 180 90, -180 90, -180 -90)))",
    "nearest('vendor_points', 100)", "distance('vendor_points') IS NULL", "inside('streets', 'x')",
    "S_CROSSES(geom, LINESTRING(113 31, 114 32))", "updated_at = TIMESTAMP('2024-01-01T00:00:00.123456789+08:00')",
])
def test_filter_that_reads_well_never_fails_inside(admin: Role, stalls: Any, condition: str) -> None:
    for path, more in ((f"{POINTS}/items", {}), (f"{POINTS}/items", {"as_of": "2099-01-01"}),
                       (f"{POINTS}/tiles/WebMercatorQuad/10/416/834", {}),
                       (f"{POINTS}/changes", {"from": "2024-01-01"})):
        answer = get(admin, path, filter=condition, **more)
        assert answer.status_code in (200, 204, 400, 422), (path, answer.data[:300])
        assert answer.status_code != 422 or answer.json["code"] == "filter_no_value"


def test_filters_in_other_systems_find_the_same(admin: Role, stalls: Any) -> None:
    def found(condition: str, **more: str) -> set[str]:
        answer = get(admin, f"{POINTS}/items", filter=condition, **more)
        assert answer.status_code == 200, answer.json
        return {feature["id"] for feature in answer.json["features"]}
    expected = found("S_INTERSECTS(geom, BBOX(113.3805, 31.68, 113.3845, 31.70))")
    assert 0 < len(expected) < len(stalls)
    turned = "S_INTERSECTS(geom, BBOX(31.68, 113.3805, 31.70, 113.3845))"
    assert found(turned, **{"filter-crs": "EPSG:4326"}) == expected
    move = Transformer.from_crs(4326, 4547, always_xy=True).transform
    (x0, y0), (x1, y1) = move(113.3805, 31.68), move(113.3845, 31.70)
    ring = ", ".join(f"{y} {x}" for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)))
    assert found(f"S_INTERSECTS(geom, POLYGON(({ring})))", **{"filter-crs": "EPSG:4547"}) == expected


@pytest.fixture
def slow(settings: Settings, owner: House, accounts: dict[str, dict[str, str]]) -> Iterator[Role]:
    """An administrator at an application that stops statements after a second, while a layer cannot be read."""
    app: Flask = create_app(Settings.from_env({}, instance=settings.instance, demo=False, statement_timeout_s=1)
                            .with_database(settings.database_url, settings.owner_database_url))
    with owner.db.engine.begin() as connection:
        connection.execute(text("LOCK TABLE layers.vendor_points IN ACCESS EXCLUSIVE MODE"))
        yield Role(app, accounts["admin"]["username"], accounts["admin"]["password"])
    app.extensions["gisapp"].db.close()


def test_question_that_takes_too_long_is_stopped_and_said_so(stalls: Any, slow: Role) -> None:
    answer = get(slow, f"{POINTS}/items", filter="near('school_gates', 50)")
    assert (answer.status_code, answer.json["code"]) == (422, "query_too_slow")


def test_settings_limit_length_and_depth(settings: Settings, accounts: Any) -> None:
    app = create_app(Settings.from_env({}, instance=settings.instance, demo=False, filter_length=100, filter_depth=4)
                     .with_database(settings.database_url, settings.owner_database_url))
    role = Role(app, accounts["admin"]["username"], accounts["admin"]["password"])
    for condition in ("name = '" + "x" * 100 + "'", "NOT NOT NOT NOT name = 'x'"):
        answer = get(role, f"{POINTS}/items", filter=condition)
        assert (answer.status_code, answer.json["code"]) == (400, "filter_too_large")
    app.extensions["gisapp"].db.close()


def test_classes_are_declared_and_functions_published(admin: Role) -> None:
    declared = admin.get("/conformance").json["conformsTo"]
    for name in ("cql2/1.0/conf/basic-cql2", "cql2/1.0/conf/arithmetic", "ogcapi-features-3/1.0/conf/features-filter"):
        assert f"http://www.opengis.net/spec/{name}" in declared
    functions = {one["name"]: one for one in admin.get("/functions").json["functions"]}
    assert {"near", "inside", "overlaps", "overlap_area", "overlap_share", "crosses", "nearest", "open_days",
            "open_now", "count_within"} <= functions.keys()
    assert [one["title"] for one in functions["near"]["arguments"]] == ["layer", "metres", "filter"]
