"""The API as a standards client meets it: pages of every document, links, ETag, compression, other sites, counts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import brotli
import pytest
from flask import Flask

from gisapp import create_app, features
from gisapp.config import Settings
from gisapp.house import House
from gisapp.params import Query
from gisapp.permissions import SYSTEM
from tests.conftest import Role

S = "/collections/rooftop_signs"
DOCUMENTS = ("/", "/conformance", "/collections", S, f"{S}/schema", f"{S}/queryables", "/functions", "/styles",
             "/styles/light", f"{S}/styles", f"{S}/styles/dark", f"{S}/tiles", f"{S}/tiles/WebMercatorQuad",
             "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad", "/api", f"{S}/items")


@pytest.fixture(scope="module", autouse=True)
def _signs(admin: Role) -> None:
    for n in range(12):
        sign = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38 + n / 1000, 31.69]},
                "properties": {"sign_no": f"标准-{n:02}", "sign_kind": "01", "area_m2": n + 0.5}}
        assert admin.post(f"{S}/items", json=sign).status_code == 201


@pytest.mark.parametrize("path", DOCUMENTS)
def test_every_document_is_json_and_a_page_in_both_languages(admin: Role, path: str) -> None:
    assert admin.get(f"{path}?f=json").is_json
    for lang in ("zh", "en"):
        page = admin.get(f"{path}?f=html&lang={lang}")
        assert (page.status_code, page.mimetype) == (200, "text/html"), path
        assert "<h1>" in page.text
    wanted = admin.get(path, headers={"Accept": "text/html"})
    assert wanted.mimetype == "text/html" or (path == "/" and wanted.status_code == 302)


def test_a_collection_offers_the_files_that_can_hold_it(admin: Role) -> None:
    def files(layer: str) -> set[str]:
        links = admin.get(f"/collections/{layer}?f=json").json["links"]
        return {one["type"] for one in links if one["rel"] == "enclosure"}

    assert "application/gpx+xml" in files("rooftop_signs")
    assert "application/gpx+xml" not in files("illegal_builds")
    assert "application/zip" in files("illegal_builds")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_known_document_is_not_sent_again(admin: Role, path: str) -> None:
    first = admin.get(f"{path}?f=json")
    again = admin.get(f"{path}?f=json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    head = admin.open("HEAD", f"{path}?f=json")
    assert (head.status_code, head.get_data()) == (200, b"")


def test_a_page_of_features_is_new_after_a_write(admin: Role) -> None:
    first = admin.get(f"{S}/items")
    sign = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.4, 31.69]},
            "properties": {"sign_no": "标准-新", "sign_kind": "01", "area_m2": 3}}
    assert admin.post(f"{S}/items", json=sign).status_code == 201
    assert admin.get(f"{S}/items", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def links(document: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield from document.get("links", ())
    for part in ("collections", "styles", "tilesets"):
        for one in document.get(part, ()):
            yield from one["links"]


def test_every_link_leads_somewhere(admin: Role) -> None:
    seen, ahead = set(), {"/?f=json"}
    while ahead - seen:
        path = sorted(ahead - seen)[0]
        seen.add(path)
        answer = admin.get(path)
        assert answer.status_code in (200, 302), (path, answer.status_code)
        if answer.is_json:
            found = {one["href"].removeprefix("http://localhost") for one in links(answer.json)
                     if not one.get("templated") and one["rel"] != "enclosure"}
            # One layer stands for all.
            ahead |= {path for path in found if not path.startswith("/collections/") or path.startswith(S)}
    assert len(seen) > 25


def test_all_pages_together_hold_what_was_matched(admin: Role) -> None:
    path, numbers, matched = f"{S}/items?limit=5", [], None
    while path:
        page = admin.get(path).json
        numbers += [feature["id"] for feature in page["features"]]
        matched = page["numberMatched"]
        path = next((one["href"] for one in page["links"] if one["rel"] == "next"), "")
    assert len(numbers) == len(set(numbers)) == matched


def test_beyond_the_limit_the_count_is_an_estimate(house: House) -> None:
    exact = features.list_features(house, SYSTEM, "rooftop_signs", Query(limit=2), 1000)
    assert not exact.estimated
    assert exact.number_matched >= 12
    box = Query(bbox=(113.38, 31.68, 113.41, 31.7), limit=2)
    for query in (Query(equals=(("sign_kind", "01"),), limit=2), Query(limit=2)):
        about = features.list_features(house, SYSTEM, "rooftop_signs", query, 3)
        assert about.estimated, query
        assert about.number_matched > 3
    # A box is counted by the grid, exactly at any number.
    counted = features.list_features(house, SYSTEM, "rooftop_signs", box, 3)
    assert not counted.estimated
    whole = features.list_features(house, SYSTEM, "rooftop_signs", box, 1000)
    assert counted.number_matched == whole.number_matched > 3


def test_the_page_before_is_linked_as_the_next_one_is(admin: Role) -> None:
    """With each order that a page can have, walked to the end and back again."""
    box = "bbox=113.3,31.6,113.5,31.8"
    for order in ("", "sortby=-area_m2", "sortby=sign_text,sign_no", box, f"{box}&sortby=sign_no", "as_of=2100-01-01"):
        page = admin.get(f"{S}/items?limit=5&{order}").json
        walked = [page]
        while href := _link(page, "next"):
            page = admin.get(href).json
            walked.append(page)
        assert len(walked) > 2, order
        ids = [[one["id"] for one in page["features"]] for page in walked]
        for expected in reversed(ids[:-1]):
            page = admin.get(_link(page, "prev")).json
            assert [one["id"] for one in page["features"]] == expected, order
        assert not _link(page, "prev"), order
        assert _link(admin.get(_link(page, "next")).json, "prev"), order


def _link(page: dict[str, Any], rel: str) -> str:
    return next((str(one["href"]) for one in page["links"] if one["rel"] == rel), "")


@pytest.mark.parametrize("asked", ["after=x", "before=x", "bbox=113,31,114,32&after=WyJ4IiwgIjEyMyJd"])
def test_a_page_key_of_somebody_elses_is_refused(admin: Role, asked: str) -> None:
    answer = admin.get(f"{S}/items?{asked}")
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")


def test_a_page_key_points_one_way(admin: Role) -> None:
    key = admin.get(f"{S}/items?limit=5").json
    after = _link(key, "next").partition("after=")[2].partition("&")[0]
    assert admin.get(f"{S}/items?after={after}&before={after}").status_code == 400


@pytest.mark.parametrize(("accepted", "encoding"), [
    ("gzip", "gzip"), ("br", "br"), ("gzip, deflate, br", "br"), ("identity", None), ("br;q=0.1, gzip", "gzip")])
def test_documents_are_compressed_as_the_client_likes(admin: Role, accepted: str, encoding: str | None) -> None:
    answer = admin.get(f"{S}/items", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    opened = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}[encoding](answer.get_data())
    assert json.loads(opened)["type"] == "FeatureCollection"
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_features_version_is_never_encoded(admin: Role) -> None:
    number = admin.get(f"{S}/items?limit=1").json["features"][0]["id"]
    answer = admin.get(f"{S}/items/{number}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["ETag"] == '"1"'
    assert "Content-Encoding" not in answer.headers


def test_schemas_are_as_part_5_has_them(admin: Role) -> None:
    schema = admin.get("/collections/illegal_builds/schema").json
    assert schema["$id"] == "http://localhost/collections/illegal_builds/schema"
    geometry = schema["properties"]["geometry"]
    assert geometry["format"] == "geometry-any"
    assert {"type", "$ref"} & geometry.keys() == set()
    assert admin.get(f"{S}/schema").json["properties"]["geometry"]["format"] == "geometry-point"
    assert admin.get(f"{S}/schema").json["properties"]["area_m2"]["x-ogc-unit"] == "m2"
    relations = {one["rel"] for one in admin.get(S).json["links"]}
    assert "http://www.opengis.net/def/rel/ogc/1.0/schema" in relations


def test_every_system_of_the_menu_is_declared_and_served(admin: Role) -> None:
    everything = admin.get("/collections").json
    systems = admin.get(S).json["crs"]
    assert everything["crs"] == systems
    assert all(one["crs"] == ["#/crs"] for one in everything["collections"])
    for uri in systems[:6]:
        answer = admin.get(f"{S}/items", query_string={"crs": uri, "limit": 1})
        assert answer.headers["Content-Crs"] == f"<{uri}>"


ORIGIN = "https://gis.example.org"


@pytest.fixture(scope="module")
def shared_app(settings: Settings, accounts: Any) -> Iterator[Flask]:
    from dataclasses import replace

    made = create_app(replace(settings, cors_origins=f"{ORIGIN} https://other.example.org"))
    yield made
    made.extensions["gisapp"].db.close()


def test_no_other_site_is_let_in_at_first(admin: Role) -> None:
    assert "Access-Control-Allow-Origin" not in admin.get(S, headers={"Origin": ORIGIN}).headers


def test_sites_of_the_setting_may_use_the_api_by_token(shared_app: Flask, accounts: dict[str, dict[str, str]]) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    client = shared_app.test_client(use_cookies=False)
    preflight = client.options(f"{S}/items/{uuid4()}", headers=asked)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)
    assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
    role = Role(shared_app, accounts["viewer"]["username"], accounts["viewer"]["password"])
    answer = role.get(S, headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]
    for stranger in ("https://evil.example.org", f"{ORIGIN}.evil.org", "null"):
        assert "Access-Control-Allow-Origin" not in role.get(S, headers={"Origin": stranger}).headers
        assert client.options(S, headers=asked | {"Origin": stranger}).status_code == 401
