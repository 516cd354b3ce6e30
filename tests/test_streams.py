"""Everything that answers, as one stream: whole, well-formed, without what is personal, and in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gisapp import streams
from gisapp.children import Slots
from gisapp.house import House
from gisapp.params import parse
from gisapp.permissions import SYSTEM
from gisapp.sql import streams as sql_streams
from tests.conftest import Role

POINTS = "/collections/vendor_points"


@pytest.fixture(scope="module", autouse=True)
def _stalls(house: House) -> None:
    with house.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.vendor_points (point_no, name, kind, manager, geom)
            SELECT 'N' || n, '摊 "' || n || '"', (SELECT min(code) FROM codes.vendor_kind), '张三',
                   ST_SetSRID(ST_MakePoint(113.38 + n / 20000.0, 31.69), 4326)
              FROM generate_series(1, 1203) AS n"""))


def _lines(body: bytes) -> list[Any]:
    return [json.loads(line) for line in body.decode().splitlines()]


def test_a_feature_a_line_and_all_of_them(admin: Role) -> None:
    answer = admin.get(f"{POINTS}/stream")
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    found = _lines(answer.data)
    assert len(found) == len({one["id"] for one in found}) == 1203 == admin.get(f"{POINTS}/items").json["numberMatched"]
    assert {one["type"] for one in found} == {"Feature"}
    assert "manager" not in found[0]["properties"]


def test_one_collection_in_order_and_in_another_system(admin: Role) -> None:
    answer = admin.get(f"{POINTS}/stream?f=geojson&sortby=-name&crs=EPSG:4547&filter=point_no LIKE 'N1%'")
    document = json.loads(answer.data)
    names = [one["properties"]["point_no"] for one in document["features"]]
    assert document["numberReturned"] == len(names) == 315
    assert names == [one["properties"]["point_no"] for one in admin.get(
        f"{POINTS}/items?sortby=-name&limit=10000&filter=point_no LIKE 'N1%'").json["features"]]
    north, east = document["features"][0]["geometry"]["coordinates"]
    assert 3_500_000 < north < 3_520_000
    assert 430_000 < east < 460_000
    assert answer.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4547>"


@pytest.mark.parametrize("kind", streams.KINDS)
def test_nothing_is_a_whole_document_too(admin: Role, kind: str) -> None:
    answer = admin.get(f"{POINTS}/stream?f={kind}&bbox=0,0,1,1")
    assert answer.status_code == 200
    assert (json.loads(answer.data)["features"] if kind == "geojson" else _lines(answer.data)) == []


@pytest.mark.parametrize(("asked", "code"), [
    ("limit=5", "parameter_invalid"), ("after=x", "parameter_invalid"), ("f=shp", "format_unknown"),
    ("filter=nothing=1", "filter_invalid"), ("colour=red", "parameter_unknown"), ("crs=EPSG:1", "crs_unsupported")])
def test_what_has_no_place_is_refused_before_anything_is_sent(admin: Role, asked: str, code: str) -> None:
    answer = admin.get(f"{POINTS}/stream?{asked}")
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_it_is_an_export(roles: dict[str, Role], house: House) -> None:
    assert roles["viewer"].get(f"{POINTS}/stream").status_code == 403
    assert roles["exporter"].get(f"{POINTS}/stream?properties=manager").status_code == 403
    assert len(_lines(roles["exporter"].get(f"{POINTS}/stream?properties=name").data)) == 1203
    with house.db.read() as connection:
        detail = connection.execute(text(
            "SELECT detail FROM gisapp.access_log WHERE act = 'export' ORDER BY id DESC LIMIT 1")).scalar_one()
    assert detail == {"layer": "vendor_points", "format": "ndjson", "rows": 1203, "stream": True, "whole": True}


def test_a_reader_who_goes_away_gives_everything_back(house: House) -> None:
    before = house.db.engine.pool.checkedout()  # type: ignore[attr-defined]
    for _ in range(5):
        pieces = _stream(house)
        assert [next(pieces), next(pieces)][1].startswith(b'{"type": "Feature"')
        pieces.close()  # type: ignore[attr-defined]
    assert house.db.engine.pool.checkedout() == before  # type: ignore[attr-defined]


def _stream(house: House) -> Iterator[bytes]:
    query = parse({}, house.layer("vendor_points"), house.catalogue)
    return streams.stream(house, SYSTEM, "vendor_points", query, "ndjson")


def test_only_so_many_at_once(house: House, admin: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SLOTS", Slots(1, patience_s=0.05))
    first = _stream(house)
    next(first)
    answer = admin.get(f"{POINTS}/stream")
    assert (answer.status_code, answer.json["code"]) == (503, "busy")
    first.close()  # type: ignore[attr-defined]
    assert len(_lines(admin.get(f"{POINTS}/stream").data)) == 1203


def test_little_is_held_at_a_time(house: House) -> None:
    query = parse({}, house.layer("vendor_points"), house.catalogue)
    layer, table = house.layer("vendor_points"), house.tables.layers["vendor_points"]
    with house.db.raw() as driver:
        sizes = [len(piece) for piece in sql_streams.texts(driver, layer, table, query, ["name"])]
    assert sizes == [500, 500, 203]
