"""JSON that is nearly GeoJSON: without its type, with the old `crs`, of Esri's own kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.json_heads import head, with_type
from tests.formats.test_reading import opened, rows_of

PLACE = [113.38, 31.69]
FEATURE = {"type": "Feature", "properties": {"编号": "a"}, "geometry": {"type": "Point", "coordinates": PLACE}}
FIELDS = [{"name": "编号", "type": "esriFieldTypeString", "length": 20}]


def look(folder: Path, given: Any, name: str = "a.geojson") -> files.Source:
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    [source] = opened(folder, (name, text.encode()))
    return source


@pytest.mark.parametrize("given", [
    {"features": [FEATURE]}, {"name": "x", "bbox": [1, 2, 3, 4], "features": [FEATURE]},
    {"features": [FEATURE], "type": "FeatureCollection"}, FEATURE])
def test_features_without_a_type_are_a_collection(tmp_path: Path, given: Any) -> None:
    [row] = rows_of(look(tmp_path, given, "a.json"))
    assert row["编号"] == "a" and row["shape"].equals(shapely.Point(PLACE))


@pytest.mark.parametrize(("name", "system"), [
    ("EPSG:4490", "EPSG:4490"), ("CGCS2000", "EPSG:4490"), ("GCS_China_Geodetic_Coordinate_System_2000", "EPSG:4490"),
    ("CGCS2000_3_Degree_GK_CM_114E", "EPSG:4547"), ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"),
    ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"), ("GCJ-02", "GCJ-02"), ("bd09ll", "BD-09"), ("Xian 1980", None),
    ("urn:ogc:def:crs:EPSG::9999999", None), ("+init=/etc/passwd:x", None), ("", "EPSG:4326")])
def test_a_named_system_is_never_taken_for_another(tmp_path: Path, name: str, system: str | None) -> None:
    source = look(tmp_path, {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": name}},
                             "features": [FEATURE]})
    assert source.crs == system and (system or source.crs_words)


@pytest.mark.parametrize("crs", [None, 4547, "x", {"type": "name"}, {"type": "name", "properties": []}])
def test_a_crs_that_names_nothing_says_nothing(tmp_path: Path, crs: Any) -> None:
    assert look(tmp_path, {"type": "FeatureCollection", "crs": crs, "features": [FEATURE]}).crs in ("EPSG:4326", None)


def test_esri_json_is_read_with_its_system_and_times(tmp_path: Path) -> None:
    rings = [[[0, 0], [0, 9], [9, 9], [9, 0], [0, 0]], [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]]
    source = look(tmp_path, {
        "geometryType": "esriGeometryPolygon", "spatialReference": {"wkid": 4547},
        "fields": [*FIELDS, {"name": "t", "type": "esriFieldTypeDate"}],
        "features": [{"attributes": {"编号": "a", "t": 1700000000000}, "geometry": {"rings": rings}},
                     {"attributes": {"编号": "b", "t": None}, "geometry": None}]}, "a.json")
    first, second = rows_of(source)
    assert (source.crs, source.geometry, second["shape"]) == ("EPSG:4547", "Polygon", None)
    assert shapely.area(first["shape"]) == 77 and str(first["t"]).startswith("2023-11-14T22:13:20")


def test_esri_features_without_a_head_are_seen(tmp_path: Path) -> None:
    feature = {"attributes": {"编号": "a"}, "geometry": {"x": 113.38, "y": 31.69}}
    source = look(tmp_path, {"features": [feature]}, "a.json")
    assert (source.dataset.format, source.crs, rows_of(source)[0]["编号"]) == ("esrijson", None, "a")


@pytest.mark.parametrize(("text", "said"), [
    ('{"type":"Topology","objects":{},"arcs":[]}', "TopoJSON; export it"),
    ('{"geometryType":"esriGeometryPoint","features":[SPACE]}', "Esri JSON of more than 5 MB")])
def test_what_cannot_be_read_says_what_it_is(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Problem) as problem:
        look(tmp_path, text.replace("SPACE", " " * (6 << 20)), "a.json")
    assert problem.value.code == "file_unsupported" and said in problem.value.sentence("en")


@pytest.mark.parametrize("text", ["", "{", '{"features"', '{"a":DEEP', '{"a":nope,"features":[]}', "[]", "\ufeff{}"])
def test_a_broken_head_is_left_alone(tmp_path: Path, text: str) -> None:
    text = text.replace("DEEP", "[" * 50_000)
    (tmp_path / "a").write_text(text, "utf-8")
    assert head(tmp_path / "a")[1] is False
    with_type(tmp_path / "a")
    assert (tmp_path / "a").read_text("utf-8") == text
