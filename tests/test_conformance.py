"""The list of conformance classes is honest: each class that is declared is asked for what it promises, and no class
is declared without a question here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from gisapp.house import House
from gisapp.views.api import CONFORMANCE
from tests.conftest import Role

S = "/collections/rooftop_signs"
Check = Callable[[Role], None]
CHECKS: dict[str, Check] = {}


@pytest.fixture(scope="module", autouse=True)
def _signs(house: House) -> None:
    with house.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.rooftop_signs (sign_no, sign_kind, status, sign_text, area_m2, found_at, geom)
            SELECT 'K' || n, CASE n % 2 WHEN 0 THEN '01' ELSE '02' END, '01', CASE WHEN n > 4 THEN 'Café ' || n END, n,
                   timestamptz '2026-01-01T00:00:00Z' + n * interval '1 day',
                   ST_SetSRID(ST_MakePoint(113.38 + n / 1000.0, 31.69), 4326) FROM generate_series(1, 12) AS n"""))
        connection.execute(text("""
            INSERT INTO layers.vendor_points (point_no, name, kind, categories, geom)
            SELECT 'K' || n, 'x', (SELECT min(code) FROM codes.vendor_kind), CASE n WHEN 1 THEN ARRAY['01', '02']
                   WHEN 2 THEN ARRAY['02'] END, ST_SetSRID(ST_MakePoint(113.38, 31.69), 4326)
              FROM generate_series(1, 3) AS n"""))


def promises(*names: str) -> Callable[[Check], Check]:
    """Put a question to some classes, by what follows `spec/`."""
    def keep(check: Check) -> Check:
        for name in names:
            assert name not in CHECKS
            CHECKS[name] = check
        return check
    return keep


@pytest.mark.parametrize("uri", CONFORMANCE)
def test_what_is_declared_holds(admin: Role, uri: str) -> None:
    assert uri in admin.get("/conformance?f=json").json["conformsTo"]
    CHECKS[uri.removeprefix("http://www.opengis.net/spec/")](admin)


def test_nothing_is_asked_that_is_not_declared() -> None:
    assert {f"http://www.opengis.net/spec/{name}" for name in CHECKS} == set(CONFORMANCE)


def _get(admin: Role, path: str, **headers: str) -> Any:
    answer = admin.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, (path, answer.status_code, answer.data[:300])
    return answer


def _rels(document: Any) -> set[str]:
    return {link["rel"] for link in document["links"]}


def _found(admin: Role, written: str, layer: str = "rooftop_signs", name: str = "sign_no", **more: str) -> list[str]:
    asked = "".join(f"&{key.replace('_', '-')}={quote(value)}" for key, value in more.items())
    answer = _get(admin, f"/collections/{layer}/items?limit=100&filter={quote(written)}{asked}").json
    return sorted(feature["properties"][name] for feature in answer["features"])


def _k(*numbers: int) -> list[str]:
    return sorted(f"K{n}" for n in numbers)


@promises("ogcapi-common-1/1.0/conf/core", "ogcapi-common-1/1.0/conf/landing-page", "ogcapi-common-1/1.0/conf/json",
          "ogcapi-features-1/1.0/conf/core")
def _core(admin: Role) -> None:
    landing = _get(admin, "/?f=json").json
    assert {"self", "conformance", "data", "service-desc", "service-doc"} <= _rels(landing)
    page = _get(admin, f"{S}/items?limit=5&bbox=113.38,31.6,113.3855,31.8&datetime=2026-01-02T00:00:00Z/..").json
    assert (page["type"], page["numberReturned"], page["numberMatched"]) == ("FeatureCollection", 5, 5)
    assert {"self", "alternate"} <= _rels(page)
    assert page["timeStamp"]
    assert "next" in _rels(_get(admin, f"{S}/items?limit=5").json)
    feature = _get(admin, f"{S}/items/{page['features'][0]['id']}").json
    assert {"self", "collection"} <= _rels(feature)
    for wrong in ("limit=0", "bbox=1,2,3", "datetime=yesterday", "nonsense=1"):
        assert admin.get(f"{S}/items?{wrong}").status_code == 400
    assert admin.get("/collections/nothing").status_code == 404


@promises("ogcapi-common-1/1.0/conf/html", "ogcapi-features-1/1.0/conf/html")
def _html(admin: Role) -> None:
    for path in ("/collections", S, f"{S}/items", "/conformance", "/api"):
        assert _get(admin, path, Accept="text/html").mimetype == "text/html"


@promises("ogcapi-common-1/1.0/conf/oas30", "ogcapi-features-1/1.0/conf/oas30", "ogcapi-tiles-1/1.0/conf/oas30")
def _oas30(admin: Role) -> None:
    [href] = [link["href"] for link in _get(admin, "/?f=json").json["links"] if link["rel"] == "service-desc"]
    document = json.loads(_get(admin, href).data)
    assert document["openapi"].startswith("3.0.")
    tile = f"{S}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    assert {f"{S}/items", tile} <= document["paths"].keys()


@promises("ogcapi-common-2/1.0/conf/collections")
def _collections(admin: Role) -> None:
    for one in _get(admin, "/collections").json["collections"]:
        assert {"id", "title", "links", "itemType"} <= one.keys()
        assert _get(admin, f"/collections/{one['id']}").json["id"] == one["id"]
    assert _get(admin, S).json["extent"]["spatial"]["bbox"][0][0] == pytest.approx(113.381)


@promises("ogcapi-features-1/1.0/conf/geojson")
def _geojson(admin: Role) -> None:
    answer = _get(admin, f"{S}/items?limit=1")
    assert answer.mimetype == "application/geo+json"
    assert answer.json["features"][0]["geometry"]["coordinates"][0] == pytest.approx(113.38, abs=0.1)


@promises("ogcapi-features-2/1.0/conf/crs")
def _crs(admin: Role) -> None:
    known = _get(admin, "/collections").json["crs"]
    assert _get(admin, S).json["storageCrs"] in known
    for uri in known:
        answer = _get(admin, f"{S}/items?limit=1&crs={quote(uri)}")
        assert answer.headers["Content-Crs"] == f"<{uri}>"
    lat_first = "http://www.opengis.net/def/crs/EPSG/0/4326"
    shape = _get(admin, f"{S}/items?limit=1&crs={quote(lat_first)}").json["features"][0]["geometry"]
    assert shape["coordinates"][0] == pytest.approx(31.69)
    boxed = _get(admin, f"{S}/items?bbox=31.6,113.3805,31.8,113.3815&bbox-crs={quote(lat_first)}").json
    assert [one["properties"]["sign_no"] for one in boxed["features"]] == ["K1"]
    assert admin.get(f"{S}/items?crs=http://www.opengis.net/def/crs/EPSG/0/1").status_code == 400


@promises("ogcapi-features-3/1.0/conf/queryables")
def _queryables(admin: Role) -> None:
    assert "http://www.opengis.net/def/rel/ogc/1.0/queryables" in _rels(_get(admin, S).json)
    schema = _get(admin, f"{S}/queryables").json
    assert (schema["type"], schema["$schema"]) == ("object", "https://json-schema.org/draft/2020-12/schema")
    assert {"sign_no", "area_m2", "geometry"} <= schema["properties"].keys()


@promises("ogcapi-features-3/1.0/conf/queryables-query-parameters")
def _parameters(admin: Role) -> None:
    [feature] = _get(admin, f"{S}/items?sign_no=K3").json["features"]
    assert feature["properties"]["area_m2"] == 3


@promises("ogcapi-features-3/1.0/conf/filter", "ogcapi-features-3/1.0/conf/features-filter")
def _filter(admin: Role) -> None:
    assert _found(admin, "area_m2 > 10") == _k(11, 12)
    assert _found(admin, "area_m2 > 10", filter_lang="cql2-text", bbox="113.3,31,113.3915,32") == _k(11)
    boxed = "S_INTERSECTS(geom, BBOX(31.6,113.3805,31.8,113.3815))"
    assert _found(admin, boxed, filter_crs="http://www.opengis.net/def/crs/EPSG/0/4326") == _k(1)
    for wrong in ("area_m2 >", "nothing = 1", "filter-lang=sql"):
        asked = wrong if wrong.startswith("filter-") else f"filter={quote(wrong)}"
        assert admin.get(f"{S}/items?{asked}").status_code == 400


@promises("cql2/1.0/conf/cql2-text", "cql2/1.0/conf/basic-cql2")
def _basic(admin: Role) -> None:
    assert _found(admin, "area_m2 >= 3 AND area_m2 < 5 AND NOT sign_no = 'K4' OR sign_no = 'K9'") == _k(3, 9)
    assert _found(admin, "sign_text IS NULL AND area_m2 <> 1") == _k(2, 3, 4)
    assert _found(admin, "found_at < TIMESTAMP('2026-01-03T00:00:00Z')") == _k(1)


@promises("cql2/1.0/conf/cql2-json")
def _json(admin: Role) -> None:
    tree = {"op": "and", "args": [{"op": ">", "args": [{"property": "area_m2"}, 3]},
                                  {"op": "isNull", "args": [{"property": "sign_text"}]}]}
    assert _found(admin, json.dumps(tree), filter_lang="cql2-json") == _k(4)


@promises("cql2/1.0/conf/advanced-comparison-operators")
def _advanced(admin: Role) -> None:
    assert _found(admin, "sign_no LIKE 'K1_'") == _k(10, 11, 12)
    assert _found(admin, "area_m2 BETWEEN 2 AND 3 OR sign_no IN ('K7', 'K8')") == _k(2, 3, 7, 8)


@promises("cql2/1.0/conf/case-insensitive-comparison")
def _case(admin: Role) -> None:
    assert _found(admin, "CASEI(sign_text) = CASEI('cAFÉ 5')") == _k(5)


@promises("cql2/1.0/conf/accent-insensitive-comparison")
def _accent(admin: Role) -> None:
    assert _found(admin, "ACCENTI(sign_text) = ACCENTI('Cafe 5')") == _k(5)


@promises("cql2/1.0/conf/basic-spatial-functions", "cql2/1.0/conf/basic-spatial-functions-plus",
          "cql2/1.0/conf/spatial-functions")
def _spatial(admin: Role) -> None:
    around = "POLYGON((113.3805 31.6, 113.3825 31.6, 113.3825 31.8, 113.3805 31.8, 113.3805 31.6))"
    assert _found(admin, "S_INTERSECTS(geom, POINT(113.381 31.69))") == _k(1)
    assert _found(admin, f"S_INTERSECTS(geom, {around})") == _found(admin, f"S_WITHIN(geom, {around})") == _k(1, 2)
    assert len(_found(admin, f"S_DISJOINT(geom, {around})")) == 10
    for name in ("S_CONTAINS", "S_CROSSES", "S_EQUALS", "S_OVERLAPS", "S_TOUCHES"):
        assert _found(admin, f"{name}(geom, {around})") == []
    assert _found(admin, "S_EQUALS(geom, POINT(113.381 31.69))") == _k(1)


@promises("cql2/1.0/conf/temporal-functions")
def _temporal(admin: Role) -> None:
    assert _found(admin, "T_AFTER(found_at, TIMESTAMP('2026-01-12T00:00:00Z'))") == _k(12)
    assert _found(admin, "T_DURING(found_at, INTERVAL('2026-01-02T12:00:00Z', '2026-01-04T12:00:00Z'))") == _k(2, 3)


@promises("cql2/1.0/conf/array-functions")
def _arrays(admin: Role) -> None:
    for written, expected in (("A_CONTAINS(categories, ('01'))", _k(1)), ("A_OVERLAPS(categories, ('02'))", _k(1, 2)),
                              ("A_EQUALS(categories, ('02'))", _k(2)),
                              ("A_CONTAINEDBY(categories, ('02', '03'))", _k(2))):
        assert _found(admin, written, "vendor_points", "point_no") == expected, written


@promises("cql2/1.0/conf/property-property")
def _properties(admin: Role) -> None:
    assert len(_found(admin, "area_m2 = area_m2 AND sign_no <> sign_kind")) == 12
    assert len(_found(admin, "'01' = sign_kind")) == 6


@promises("cql2/1.0/conf/functions")
def _functions(admin: Role) -> None:
    told = {one["name"]: one for one in _get(admin, "/functions").json["functions"]}
    assert told["around"]["arguments"]
    assert _found(admin, "around(POINT(113.381 31.69), 20)") == _k(1)
    assert admin.get(f"{S}/items?filter={quote('unheard_of(1)')}").status_code == 400


@promises("cql2/1.0/conf/arithmetic")
def _arithmetic(admin: Role) -> None:
    assert _found(admin, "area_m2 * 2 - 1 = 9 OR area_m2 / 4 = 3") == _k(5, 12)


def _new(admin: Role, number: str) -> Any:
    answer = admin.post(f"{S}/items", json={
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [113.2, 31.6]},
        "properties": {"sign_no": number, "sign_kind": "01", "area_m2": 1}}, headers={
            "Content-Type": "application/geo+json"})
    assert answer.status_code == 201
    return answer


@promises("ogcapi-features-4/1.0/conf/create-replace-delete", "ogcapi-features-4/1.0/conf/features")
def _create(admin: Role) -> None:
    made = _new(admin, "N1")
    place = made.headers["Location"]
    replaced = admin.put(place, headers={"If-Match": made.headers["ETag"]}, json={
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [113.2, 31.6]},
        "properties": {"sign_no": "N2", "sign_kind": "01", "area_m2": 2}})
    assert replaced.status_code in (200, 204)
    assert _get(admin, place).json["properties"]["sign_no"] == "N2"
    assert admin.delete(place, headers={"If-Match": _get(admin, place).headers["ETag"]}).status_code in (200, 204)
    assert admin.get(place).status_code == 404


@promises("ogcapi-features-4/1.0/conf/update", "ogcapi-features-4/1.0/conf/optimistic-locking-etags")
def _update(admin: Role) -> None:
    made = _new(admin, "U1")
    place, first = made.headers["Location"], made.headers["ETag"]
    changed = admin.patch(place, json={"properties": {"area_m2": 7}}, headers={
        "If-Match": first, "Content-Type": "application/merge-patch+json"})
    assert changed.status_code in (200, 204)
    assert _get(admin, place).json["properties"]["area_m2"] == 7
    assert admin.patch(place, json={"properties": {"area_m2": 8}}, headers={"If-Match": first}).status_code == 412
    assert admin.patch(place, json={"properties": {"area_m2": 8}}).status_code == 428
    assert admin.delete(place, headers={"If-Match": _get(admin, place).headers["ETag"]}).status_code in (200, 204)


@promises("ogcapi-features-5/1.0/conf/schemas", "ogcapi-common-3/1.0/conf/schemas",
          "ogcapi-features-5/1.0/conf/returnables-and-receivables",
          "ogcapi-common-3/1.0/conf/returnables-and-receivables", "ogcapi-features-5/1.0/conf/core-roles-features")
def _schemas(admin: Role) -> None:
    assert "http://www.opengis.net/def/rel/ogc/1.0/schema" in _rels(_get(admin, S).json)
    answer = _get(admin, f"{S}/schema")
    schema = answer.json
    assert answer.mimetype == "application/schema+json"
    assert schema["$id"].endswith(f"{S}/schema")
    properties = schema["properties"]
    assert properties["id"]["x-ogc-role"] == "id"
    assert properties["geometry"]["x-ogc-role"] == "primary-geometry"
    assert properties["version"]["readOnly"] is True
    assert not properties["sign_no"].get("readOnly")
    returned = _get(admin, f"{S}/items?limit=1").json["features"][0]["properties"]
    assert returned.keys() <= properties.keys()


@promises("ogcapi-tiles-1/1.0/conf/core", "ogcapi-tiles-1/1.0/conf/mvt")
def _tiles(admin: Role) -> None:
    tile = _get(admin, f"{S}/tiles/WebMercatorQuad/14/6670/13352")
    assert tile.mimetype == "application/vnd.mapbox-vector-tile"
    assert tile.data
    for outside in ("14/99999/1", "99/0/0"):
        assert admin.get(f"{S}/tiles/WebMercatorQuad/{outside}").status_code == 404


@promises("ogcapi-tiles-1/1.0/conf/tileset", "ogcapi-tiles-1/1.0/conf/tilesets-list",
          "ogcapi-tiles-1/1.0/conf/geodata-tilesets")
def _tile_sets(admin: Role) -> None:
    assert "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector" in _rels(_get(admin, S).json)
    [listed] = _get(admin, f"{S}/tiles?f=json").json["tilesets"]
    assert {"tileMatrixSetURI", "crs", "dataType", "links"} <= listed.keys()
    whole = _get(admin, f"{S}/tiles/WebMercatorQuad?f=json").json
    [item] = [link for link in whole["links"] if link["rel"] == "item"]
    assert item["templated"] is True
    assert "{tileMatrix}" in item["href"]
    [scheme] = [link for link in whole["links"] if link["rel"].endswith("tiling-scheme")]
    assert _get(admin, scheme["href"]).json["id"] == "WebMercatorQuad"


@promises("ogcapi-styles-1/1.0/conf/core")
def _styles(admin: Role) -> None:
    for one in _get(admin, "/styles").json["styles"]:
        assert {"id", "title", "links"} <= one.keys()
        sheet = _get(admin, f"/styles/{one['id']}?f=json")
        assert sheet.mimetype == "application/vnd.mapbox.style+json"
        assert json.loads(sheet.data)["version"] == 8
