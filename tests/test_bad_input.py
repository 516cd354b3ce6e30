"""Whatever a client sends gets an answer in the 4xx range with a stable code, and leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from gisapp.views.plain_addresses import TAKES
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import BUILDS, SIGNS, build

#: An id that no feature has; a fixed one, so that every process names the tests alike.
NOBODY = "00000000-0000-4000-8000-000000000000"

POINT = {"type": "Point", "coordinates": [113.38, 31.69]}


def refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.get_data(as_text=True)[:400]
    assert answer.content_type.startswith("application/problem+json")
    assert answer.json["code"] == code
    assert answer.json["zh"]
    assert answer.json["en"]


def with_geometry(geometry: Any) -> dict[str, Any]:
    return sign() | {"geometry": geometry}


@pytest.mark.parametrize(("geometry", "status", "code"), [
    (None, 422, "geometry_missing"),
    ("POINT (1 2)", 422, "geometry_type"),
    ([], 422, "geometry_type"),
    ({}, 422, "geometry_type"),
    ({"type": "Circle", "coordinates": [1, 2]}, 422, "geometry_type"),
    ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, 422, "geometry_type"),
    ({"type": "GeometryCollection", "geometries": [POINT]}, 422, "geometry_type"),
    ({"type": "Point"}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": []}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": [1]}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": ["113", "31"]}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": [None, None]}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": [[113, 31]]}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": [True, False]}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": {"x": 1}}, 400, "feature_invalid"),
    ({"type": "Point", "coordinates": [200, 31]}, 422, "coordinates_outside"),
    ({"type": "Point", "coordinates": [113, 95]}, 422, "coordinates_outside"),
    ({"type": "Point", "coordinates": [113, 90]}, 422, "coordinates_outside"),
    ({"type": "Point", "coordinates": [1e308, 1e308]}, 422, "coordinates_outside"),
    ({"type": "Point", "coordinates": [10**400, 1]}, 422, "coordinates_outside"),
])
def test_a_wrong_point_is_refused(admin: Role, geometry: Any, status: int, code: str) -> None:
    refused(admin.post(SIGNS, data=json.dumps(with_geometry(geometry)), content_type="application/geo+json"),
            status, code)


@pytest.mark.parametrize(("ring", "status", "code"), [
    ([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]], 422, "geometry_invalid"),
    ([[0, 0], [1, 1]], 422, "geometry_invalid"),
    ([[0, 0], [0, 0], [0, 0], [0, 0]], 422, "geometry_invalid"),
    ([[0, 0], [1, 0], [1, 1]], 422, "geometry_invalid"),
    ([[0, 0], [1, 0], [1, 1], [0, 1e-9]], 422, "geometry_invalid"),
    ([], 400, "feature_invalid"),
    ([[0, 0], [1, 0], [1, 1], [0, "a"], [0, 0]], 400, "feature_invalid"),
    ([[0, 0], [181, 0], [181, 1], [0, 0]], 422, "coordinates_outside"),
])
def test_a_wrong_polygon_is_refused_with_the_place(admin: Role, ring: Any, status: int, code: str) -> None:
    feature = build() | {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    refused(admin.post(BUILDS, json=feature), status, code)


@pytest.mark.parametrize("crs", ["", "<http://www.opengis.net/def/crs/EPSG/0/4326>"])
def test_a_ring_that_does_not_end_where_it_began_is_closed_on_the_users_word_only(admin: Role, crs: str) -> None:
    corners = [[113.38, 31.69], [113.381, 31.69], [113.381, 31.691]]
    ring = [corner[::-1] for corner in corners] if crs else corners
    headers = {"Content-Crs": crs} if crs else {}
    for geometry in ({"type": "Polygon", "coordinates": [ring]}, {"type": "MultiPolygon", "coordinates": [[ring]]}):
        feature = build() | {"geometry": geometry}
        answer = admin.post(BUILDS, json=feature, headers=headers)
        refused(answer, 422, "geometry_invalid")
        assert "Ring is not closed" in answer.json["en"]
        assert "环未闭合" in answer.json["zh"]
        assert answer.json["point"]["coordinates"] == corners[0]
        assert answer.json["repair"]["geometry"]["coordinates"][0][0][0] == corners[0]
        mended = admin.post(f"{BUILDS}?repair=true", json=feature, headers=headers)
        assert mended.status_code == 201
        assert [one["reason"] for one in mended.json["repairs"]] == ["环未闭合 / Ring is not closed"]
        assert mended.json["geometry"]["coordinates"] == [[[*corners, corners[0]]]]


def test_the_place_of_a_bow_tie_is_told(admin: Role) -> None:
    ring = [[113, 31], [113.1, 31.1], [113.1, 31], [113, 31.1], [113, 31]]
    answer = admin.post(BUILDS, json=build() | {"geometry": {"type": "Polygon", "coordinates": [ring]}})
    assert "113.05 31.05" in answer.json["en"]


def test_a_shape_of_too_many_vertices_is_refused(admin: Role) -> None:
    ring = [[113 + n * 1e-6, 31] for n in range(200_001)]
    answer = admin.post(BUILDS, data=json.dumps(build() | {"geometry": {"type": "Polygon", "coordinates": [ring]}}),
                        content_type="application/json")
    assert answer.json["code"] in ("geometry_too_large", "body_too_large")


@pytest.mark.parametrize(("properties", "field", "code"), [
    ({"no_such_field": 1}, "no_such_field", "field_unknown"),
    ({"area_m2": "12"}, "area_m2", "wrong_type"),
    ({"area_m2": True}, "area_m2", "wrong_type"),
    ({"area_m2": -1}, "area_m2", "too_small"),
    ({"area_m2": 1e300}, "area_m2", "too_large"),
    ({"area_m2": 1.234}, "area_m2", "too_precise"),
    ({"sign_kind": None}, "sign_kind", "required"),
    ({"sign_no": "   "}, "sign_no", "required"),
    ({"sign_no": "x" * 33}, "sign_no", "too_long"),
    ({"sign_no": 5}, "sign_no", "wrong_type"),
    ({"sign_no": "a\x00b"}, "sign_no", "bad_character"),
    ({"sign_kind": "nonsense"}, "sign_kind", "code_unknown"),
    ({"sign_kind": ["01"]}, "sign_kind", "code_unknown"),
    ({"sign_kind": {"a": 1}}, "sign_kind", "code_unknown"),
    ({"status": "zz"}, "status", "code_unknown"),
    ({"found_at": "yesterday"}, "found_at", "wrong_type"),
    ({"found_at": "2024-13-01T00:00:00Z"}, "found_at", "wrong_type"),
    ({"found_at": 1700000000}, "found_at", "wrong_type"),
    ({"faces": 1.5}, "faces", "wrong_type"),
    ({"faces": 10**30}, "faces", "wrong_type"),
    ({"remark": "字" * 1001}, "remark", "too_long"),
])
def test_a_wrong_property_is_named(admin: Role, properties: dict[str, Any], field: str, code: str) -> None:
    answer = admin.post(SIGNS, json=sign(**properties))
    refused(answer, 422, "properties_invalid")
    assert (field, code) in {(fault["field"], fault["code"]) for fault in answer.json["errors"]}


@pytest.mark.parametrize(("body", "status", "code"), [
    (b"", 400, "json_invalid"), (b"{", 400, "json_invalid"), (b"\xff\xfe", 400, "json_invalid"),
    (b'{"a": NaN}', 400, "json_invalid"),
    (b'{"type": "Feature", "properties": {"\\uD800": 1}}', 400, "json_invalid"), (b"[" * 200_000, 400, "json_invalid"),
    (b"[]", 400, "feature_invalid"), (b'"x"', 400, "feature_invalid"), (b"null", 400, "feature_invalid"),
    (b"{}", 400, "feature_invalid"), (b'{"type": "FeatureCollection", "features": []}', 400, "feature_invalid"),
    (b'{"type": "Feature", "properties": [1]}', 400, "feature_invalid"),
    (b'{"type": "Feature", "properties": "x"}', 400, "feature_invalid"),
    (b'{"type": "Feature", "id": 7, "properties": {}}', 400, "id_invalid"),
    (b'{"type": "Feature", "id": "seven", "properties": {}}', 400, "id_invalid"),
    (b" " * 10_000_000, 413, "body_too_large"),
])
def test_a_wrong_body_is_refused(admin: Role, body: bytes, status: int, code: str) -> None:
    refused(admin.post(SIGNS, data=body, content_type="application/geo+json"), status, code)


def test_another_content_type_is_refused(admin: Role) -> None:
    refused(admin.post(SIGNS, data=b"a=b", content_type="application/x-www-form-urlencoded"),
            415, "media_type_unsupported")


@pytest.mark.parametrize(("query", "status", "code"), [
    ("bbox=1,2,3", 400, "parameter_invalid"), ("bbox=a,b,c,d", 400, "parameter_invalid"),
    ("bbox=nan,1,2,3", 400, "parameter_invalid"), ("bbox=3,3,1,1", 400, "parameter_invalid"),
    ("bbox=-1e400,0,1,1", 400, "parameter_invalid"), ("bbox=-200,0,1,1", 400, "parameter_invalid"),
    ("bbox=0,0,1,1&bbox=1,1,2,2", 400, "parameter_repeated"), ("bbox-crs=EPSG:9999", 400, "crs_unsupported"),
    ("crs=EPSG:32650", 400, "crs_unsupported"), ("crs=", 400, "crs_unsupported"),
    ("crs=http://evil.example/4326", 400, "crs_unsupported"),
    ("limit=0", 400, "parameter_invalid"), ("limit=-1", 400, "parameter_invalid"),
    ("limit=ten", 400, "parameter_invalid"), ("limit=٣", 400, "parameter_invalid"),
    ("after=zzz", 400, "parameter_invalid"), ("after=W10", 400, "parameter_invalid"),
    ("after=bnVsbA", 400, "parameter_invalid"), ("sortby=nothing", 400, "parameter_invalid"),
    ("sortby=id;drop table", 400, "parameter_invalid"), ("datetime=soon", 400, "parameter_invalid"),
    ("datetime=2024-01-02/2024-01-01", 400, "parameter_invalid"), ("datetime=1/2/3", 400, "parameter_invalid"),
    ("datetime=0001-01-01T00:00:00%2B14:00", 400, "parameter_invalid"),
    ("ids=1", 400, "id_invalid"), ("f=exe", 400, "format_unknown"), ("fliter=x", 400, "parameter_unknown"),
    ("area_m2=big", 400, "parameter_invalid"), ("area_m2=nan", 400, "parameter_invalid"),
    ("faces=99999999999999999999", 400, "parameter_invalid"), ("sign_no=%00", 400, "parameter_invalid"),
    ("found_at=x", 400, "parameter_invalid"), ("properties=secret", 400, "parameter_invalid"),
])
def test_a_wrong_parameter_is_refused(admin: Role, query: str, status: int, code: str) -> None:
    refused(admin.get(f"{SIGNS}?{query}"), status, code)


@pytest.mark.parametrize("query", [
    "bbox=-180,-90,180,90", "bbox=0,0,0,0", "bbox=177,65,-177,70", "limit=1000000000", "limit=99999999999999999999",
    "bbox=1,2,3,4,5,6", "limit=999999999", "sign_no=' OR 1=1 --",
    "sign_no=%25", "remark=", "bbox=500000,3000000,600000,4000000&bbox-crs=EPSG:4547",
    "bbox=-20037508,-20037508,20037508,20037508&bbox-crs=EPSG:3857", "datetime=../..", "datetime=2024-06-01T00:00:00Z",
    "bbox=-1e8,-1e8,1e8,1e8&bbox-crs=EPSG:3857", "bbox=-1e8,-1e8,1e8,1e8&bbox-crs=EPSG:4547",
])
def test_odd_but_right_questions_are_answered(admin: Role, query: str) -> None:
    answer = admin.get(f"{SIGNS}?{query}")
    beyond = "EPSG:4547" in query and "1e8" in query  # no such place in that system
    assert (answer.status_code, answer.json.get("code")) == ((400, "parameter_invalid") if beyond else (200, None))


@pytest.mark.parametrize("bbox", [
    "bbox=113.4,31.6,113.39,31.8", "bbox=31.6,113.4,31.8,113.39&bbox-crs=EPSG:4326",
    "bbox=31.6,113.4,31.8,113.39&bbox-crs=EPSG:4490", "bbox=113.4,31.6,0,113.39,31.8,9"])
def test_a_box_across_the_antimeridian_goes_the_long_way_round(admin: Role, bbox: str) -> None:
    """From 113.4 eastward around the world to 113.39: all but the strip between them."""
    for lon in (113.385, 113.395, 113.405):
        place = {"type": "Point", "coordinates": [lon, 31.7]}
        made = sign(sign_no=f"around-{bbox[-12:]}-{lon}") | {"geometry": place}
        assert admin.post(SIGNS, json=made).status_code == 201
    asked = f"{bbox}&filter=sign_no LIKE 'around-{bbox[-12:]}-%25'"
    for answer in (admin.get(f"{SIGNS}?{asked}"), admin.get(f"{SIGNS}?{asked}&sortby=sign_no"),
                   admin.get(f"{SIGNS}?{asked}&as_of=2100-01-01")):
        found = sorted(one["geometry"]["coordinates"][0] for one in answer.json["features"])
        assert (found, answer.json["numberMatched"]) == ([113.385, 113.405], 2)
    pages = [admin.get(f"{SIGNS}?{asked}&limit=1")]
    following = next(link["href"] for link in pages[0].json["links"] if link["rel"] == "next")
    pages.append(admin.get(following))
    assert len({page.json["features"][0]["id"] for page in pages}) == 2


@pytest.mark.parametrize("rule", sorted(TAKES))
def test_an_address_that_takes_little_refuses_the_rest(admin: Role, rule: str) -> None:
    path = rule.replace("<layer_id>", "rooftop_signs").replace("<question_id>", "vendors_near_gates").replace(
        "<style_id>", "light").replace("<name>", "WebMercatorQuad")
    needed = "&lon=113.38&lat=31.69" if rule.endswith("/near") else ""
    assert admin.get(f"{path}?lang=en{needed}").status_code in (200, 302)
    refused(admin.get(f"{path}?lang=en{needed}&colour=red"), 400, "parameter_unknown")


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/collections/nothing", 404, "layer_unknown"), ("/collections/nothing/items", 404, "layer_unknown"),
    ("/collections/nothing/schema", 404, "layer_unknown"),
    ("/collections/rooftop_signs_history/items", 404, "layer_unknown"),
    (f"{SIGNS}/1", 400, "id_invalid"), (f"{SIGNS}/{NOBODY}", 404, "feature_unknown"), ("/nothing", 404, "not_found"),
    (f"{SIGNS}/{NOBODY}?x=1", 400, "parameter_unknown"),
])
def test_a_wrong_address_is_refused(admin: Role, path: str, status: int, code: str) -> None:
    refused(admin.get(path), status, code)


def test_a_wrong_method_names_the_right_ones(admin: Role) -> None:
    answer = admin.delete("/collections")
    refused(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("given", ["x", '"1" "2"', "W/", '"1', "1x", '"1", x', ",", '"1";"2"', '", ' * 30 + "x"])
def test_a_wrong_version_is_refused(admin: Role, given: str) -> None:
    refused(admin.delete(f"{SIGNS}/{uuid4()}", headers={"If-Match": given}), 400, "version_invalid")


HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def test_html_in_every_text_is_kept_as_text(admin: Role) -> None:
    schema = admin.get("/collections/illegal_builds/schema").json["properties"]
    texts = {name: HTML[: shape["maxLength"]] for name, shape in schema.items()
             if shape.get("type") == "string" and "maxLength" in shape and not shape.get("readOnly")}
    one = admin.post(BUILDS, json=build(**texts))
    assert one.status_code == 201, one.json
    read = admin.get(f"{BUILDS}/{one.json['id']}")
    assert {name: read.json["properties"][name] for name in texts} == texts
    for address in (f"{BUILDS}?f=html", f"/panel/illegal_builds/{one.json['id']}"):
        page = admin.get(address, headers={"Accept": "text/html"}).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4), max_leaves=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=JSON | st.fixed_dictionaries({"type": st.sampled_from(["Point", "Polygon", "MultiPolygon"]),
                                              "coordinates": JSON}),
       properties=st.dictionaries(st.sampled_from([
           "case_no", "build_type", "floors", "illegal_area_m2", "found_at", "removed_at", "planning_judged", "status",
           "mark_point", "id"]), JSON))
def test_no_body_at_all_gives_a_500(admin: Role, geometry: Any, properties: dict[str, Any]) -> None:
    body = json.dumps({"type": "Feature", "geometry": geometry, "properties": properties})
    assert admin.post(BUILDS, data=body, content_type="application/geo+json").status_code < 500


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["bbox", "crs", "bbox-crs", "limit", "after", "datetime", "sortby", "ids", "properties",
                             "status", "area_m2", "found_at", "faces", "removed_at", "f", "version", "synthetic"]),
       value=st.text(max_size=40))
def test_no_parameter_at_all_gives_a_500(admin: Role, name: str, value: str) -> None:
    assert admin.get(SIGNS, query_string={name: value}).status_code < 500
