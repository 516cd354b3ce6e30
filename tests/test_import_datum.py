"""Shifted coordinates from upload to feature: asked for, undone, and kept as they came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely

from gisapp.datums import FROM_WGS84
from tests.dbase import points, table as dbase
from tests.formats.test_meridians import esri
from tests.test_imports import emptied, geojson, send, sign, stored, taken_in, zipped

PLACES = [(113.38, 31.69), (113.39, 31.70), (113.40, 31.71)]


def table(datum: str) -> bytes:
    """Signs as a CSV in GBK with shifted coordinates."""
    pairs = np.column_stack(FROM_WGS84[datum](*np.array(PLACES).T)).tolist()
    rows = [f"D-{n},01,12.5,中山路{n}号,{x!r},{y!r}" for n, (x, y) in enumerate(pairs)]
    return "\r\n".join(["sign_no,sign_kind,area_m2,address,经度,纬度", *rows]).encode("gbk")


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_a_shifted_table_is_put_right_and_its_numbers_are_kept(admin: Any, house: Any, owner: Any, datum: str) -> None:
    emptied(house, "rooftop_signs")
    sent = send(admin, "rooftop_signs", {"点位.csv": table(datum)})
    assert sent.status_code == 201, sent.json
    found = sent.json["layers"][0]
    assert (found["encoding"], found["columns"], found["crs"]) == ("GBK", {"x": "经度", "y": "纬度"}, None)
    assert found["datum"]["verdict"] == "missing" and "shapes" not in found and "labels" not in found
    assert {choice["frame"] for choice in found["datum"]["choices"]} >= {"EPSG:4490", "GCJ-02", "BD-09"}
    asked = admin.post(f"/imports/{sent.json['id']}/commit", json={})
    assert (asked.status_code, asked.json["code"]) == (422, "crs_needed")
    done = admin.post(f"/imports/{sent.json['id']}/commit", json={"crs": datum})
    assert done.status_code == 200 and done.json["accepted"] == 3, done.json
    rows = {row["sign_no"]: row for row in stored(house, "rooftop_signs").values()}
    for n, (lon, lat) in enumerate(PLACES):
        assert rows[f"D-{n}"]["geom"].distance(shapely.Point(lon, lat)) < 1e-8
    with owner.db.raw() as link:
        kept = link.execute("SELECT feature_id::text, frame, ST_X(geom), ST_Y(geom) FROM gisapp.origins"
                            " WHERE import_id = %s", [sent.json["id"]]).fetchall()
    given = dict(zip(PLACES, np.column_stack(FROM_WGS84[datum](*np.array(PLACES).T)).tolist(), strict=True))
    by_id = {str(row["id"]): PLACES[int(row["sign_no"][2:])] for row in rows.values()}
    assert {(key, frame) for key, frame, _, _ in kept} == {(key, datum) for key in by_id}
    assert all([x, y] == given[by_id[key]] for key, _, x, y in kept)
    for key, _, x, y in kept:
        assert f"{datum} · {x:.7f}, {y:.7f}<" in admin.get(f"/panel/rooftop_signs/{key}").text


def test_what_is_not_shifted_keeps_no_origin(admin: Any, house: Any, owner: Any) -> None:
    emptied(house, "rooftop_signs")
    taken_in(admin, "rooftop_signs", {"a.geojson": geojson(sign("O-1"))})
    with owner.db.raw() as link:
        [feature] = stored(house, "rooftop_signs")
        assert link.execute("SELECT count(*) FROM gisapp.origins WHERE feature_id = %s", [feature]).fetchone() == (0,)


def test_unknown_frames_are_problems(admin: Any) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("F-1"))}).json
    answer = admin.post(f"/imports/{sent['id']}/commit", json={"crs": "GCJ-03"})
    assert answer.json["code"] == "crs_unsupported"


def test_invalid_areas_enter_repaired_when_asked(admin: Any, house: Any) -> None:
    emptied(house, "districts")
    bow_tie = {"type": "Polygon", "coordinates": [[[113, 31], [114, 32], [114, 31], [113, 32], [113, 31]]]}
    row = {"type": "Feature", "geometry": bow_tie, "properties": {"code": "420303", "name": "x"}}
    sent = send(admin, "districts", {"a.geojson": geojson(row)}).json
    refused = admin.post(f"/imports/{sent['id']}/commit", json={})
    assert refused.json["code"] == "import_refused"
    done = admin.post(f"/imports/{sent['id']}/commit", json={"repair": True})
    assert done.status_code == 200 and done.json["accepted"] == 1, done.json
    [stored_row] = stored(house, "districts").values()
    assert stored_row["geom"].is_valid and len(stored_row["geom"].geoms) == 2


def test_real_districts_and_schools_go_in_together(admin: Any, house: Any, shared: Path) -> None:
    """Every road for the real data: the shapefile zipped; boundaries as GeoJSON; schools as a table."""
    emptied(house, "districts")
    folder = shared / "data"
    districts = {path.name: path.read_bytes() for path in (folder / "shanghai/districts_gbk_shp").iterdir()}
    taken_in(admin, "districts", {"上海.zip": zipped(districts)}, mapping={"NAME": "name", "ADMINCODE": "code"})
    for name in ("suizhou", "taizhou"):
        content = (folder / f"boundaries/{name}.geojson").read_bytes()
        result = taken_in(admin, "districts", {f"{name}.geojson": content}, mapping={"id": "code", "name": "name"},
                          repair=True)
        assert result["accepted"] == len(json.loads(content)["features"]), result
    schools = send(admin, "school_gates", {"中学.csv": (folder / "shanghai/中学.csv").read_bytes()})
    found = schools.json["layers"][0]
    assert (found["count"], found["datum"]["chosen"]) == (983, "EPSG:4490")
    assert found["datum"]["choices"][0]["named"] > 0.9


def shapefile_in(crs: str, places: Any, named: str | None = None) -> dict[str, bytes]:
    """Signs as a shapefile in a system, with the .prj of that one or of another that it names."""
    pairs = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(*np.array(places).T)
    shp, shx = points(list(zip(*(values.tolist() for values in pairs), strict=True)))
    fields = [("GGBH", "C", 20, 0), ("GGLX", "C", 20, 0)]
    rows = [[f"U-{n}", "01"] for n in range(len(places))]
    prj = pyproj.CRS.from_user_input(named or crs).to_wkt("WKT1_ESRI").encode()
    return {"a.shp": shp, "a.shx": shx, "a.dbf": dbase(fields, rows), "a.prj": prj}


def test_a_system_beside_the_menu_on_the_same_datum_is_read_exactly(admin: Any, house: Any) -> None:
    emptied(house, "rooftop_signs")
    sent = send(admin, "rooftop_signs", shapefile_in("EPSG:32649", PLACES)).json
    assert sent["layers"][0]["crs"] == "EPSG:32649"
    assert admin.post(f"/imports/{sent['id']}/commit", json={}).status_code == 200
    there = {row["sign_no"]: row["geom"] for row in stored(house, "rooftop_signs").values()}
    for n, place in enumerate(PLACES):
        assert there[f"U-{n}"].distance(shapely.Point(place)) < 1e-8


@pytest.mark.parametrize(("named", "asked"), [("", True), ("Xian 1980", True), ("CGCS2000", False)])
def test_a_meridian_of_a_citys_own_is_found_or_given(admin: Any, house: Any, named: str, asked: bool) -> None:
    emptied(house, "rooftop_signs")
    emptied(house, "districts")
    ring = [[113.3, 31.6], [113.5, 31.6], [113.5, 31.8], [113.3, 31.8], [113.3, 31.6]]
    taken_in(admin, "districts", {"a.geojson": geojson({
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"code": "421303", "name": "x"}})})
    given = {"": "cgcs2000", "Xian 1980": "xian", "CGCS2000": "cgcs2000"}[named]
    files = shapefile_in("+proj=tmerc +lon_0=113.5 +x_0=500000 +ellps=GRS80 +type=crs", PLACES)
    files |= {"a.prj": esri(given, 113.5).encode() if named else b""}
    sent = send(admin, "rooftop_signs", files).json
    source = sent["layers"][0]
    assert source["crs"] == (None if asked else "TM:113.5")
    assert "TM:113.5" in [choice["frame"] for choice in source["datum"]["choices"]]
    if asked:
        assert admin.post(f"/imports/{sent['id']}/check", json={}).json["code"] == "crs_needed"
        page = admin.get(f"/imports/{sent['id']}", headers={"Accept": "text/html"}).text
        form = {"role_0": "rows", "map_0_0": "sign_no", "map_0_1": "sign_kind", "crs_0": "", "meridian_0": " 113.5 "}
        assert 'name="meridian_0"' in page
        told = admin.post(f"/imports/{sent['id']}/check", data=form, headers={"Accept": "application/json"})
        assert told.json["counts"]["accepted"] == len(PLACES), told.json
    done = admin.post(f"/imports/{sent['id']}/commit", json={"crs": "TM:113°30′"} if asked else {})
    assert done.status_code == 200, done.json
    there = {row["sign_no"]: row["geom"] for row in stored(house, "rooftop_signs").values()}
    assert all(there[f"U-{n}"].distance(shapely.Point(place)) < 1e-8 for n, place in enumerate(PLACES))


@pytest.mark.parametrize("named", ["EPSG:2362", "EPSG:2414", "EPSG:4610", "EPSG:4214"])
def test_older_datums_are_asked_about_by_their_name(admin: Any, named: str) -> None:
    kind = "EPSG:4526" if named in ("EPSG:2362", "EPSG:2414") else "EPSG:4326"
    sent = send(admin, "rooftop_signs", shapefile_in(kind, PLACES, named)).json
    source = sent["layers"][0]
    assert source["crs"] is None and source["crs_found"] in source["datum"]["zh"] and source["crs_found"]
    asked = admin.post(f"/imports/{sent['id']}/check", json={})
    assert asked.json["code"] == "crs_needed" and (kind if kind != "EPSG:4326" else "EPSG:4490") in asked.json["en"]


def test_rows_that_their_own_system_lays_off_the_city_wait_for_a_word(admin: Any, house: Any) -> None:
    emptied(house, "rooftop_signs")
    emptied(house, "districts")
    ring = [[113.3, 31.6], [113.5, 31.6], [113.5, 31.8], [113.3, 31.8], [113.3, 31.6]]
    taken_in(admin, "districts", {"a.geojson": geojson({
        "type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"code": "421303", "name": "x"}})})
    sent = send(admin, "rooftop_signs", shapefile_in("EPSG:4526", PLACES, "EPSG:4547")).json
    assert sent["layers"][0]["datum"]["verdict"] == "outside"
    asked = admin.post(f"/imports/{sent['id']}/commit", json={})
    assert (asked.status_code, asked.json["code"]) == (422, "crs_needed") and "EPSG:4526" in asked.json["en"]
    done = admin.post(f"/imports/{sent['id']}/commit", json={"layers": {"a": {"crs": "EPSG:4526"}}})
    assert done.status_code == 200, done.json
    there = sorted(row["geom"].x for row in stored(house, "rooftop_signs").values())
    assert there == pytest.approx([lon for lon, _ in PLACES])
