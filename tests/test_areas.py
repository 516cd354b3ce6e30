"""Areas out of files: only their shapes, in any system that they name, asked like any other place."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas
import pytest
import shapely

from gisapp.house import House
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS, created

#: The sign of `sign()` lies at 113.38, 31.69.
AROUND, AWAY = shapely.box(113.379, 31.689, 113.381, 31.691), shapely.box(113.5, 31.8, 113.51, 31.81)


def send(role: Role, *files: tuple[str, bytes]) -> Any:
    return role.post("/ask/area", data={"question": "layer=rooftop_signs&filter=area_m2+%3E+10", "file": [
        (io.BytesIO(content), name) for name, content in files]}, content_type="multipart/form-data")


def place_of(answer: Any) -> str:
    assert answer.status_code == 303, answer.text
    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["filter"] == ["area_m2 > 10"]
    kind, _, number = asked["within"][0].partition(":")
    assert kind == "area"
    return number


def found(role: Role, number: str) -> list[str]:
    answer = role.get(f"{SIGNS}?f=json&filter=in_area('{number}')")
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json["features"]]


def frame(*shapes: Any, crs: int = 4326) -> Any:
    return geopandas.GeoDataFrame({"secret": ["x"] * len(shapes)}, geometry=list(shapes), crs=4326).to_crs(crs)


def zipped(folder: Path, given: Any, prj: bool = True) -> bytes:
    given.to_file(folder / "a.shp", encoding="UTF-8")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for one in folder.glob("a.*"):
            if prj or one.suffix != ".prj":
                archive.write(one, one.name)
    return packed.getvalue()


@pytest.fixture(scope="module")
def inside(roles: dict[str, Role]) -> str:
    return str(created(roles["inspector"], SIGNS, sign())["id"])


@pytest.mark.parametrize(("kind", "crs"), [("shp", 4547), ("shp", 4490), ("gpkg", 3857), ("geojson", 4326)])
def test_a_files_areas_are_asked_in_whatever_system_they_are(
        roles: dict[str, Role], inside: str, tmp_path: Path, kind: str, crs: int) -> None:
    given = frame(AROUND, AWAY, crs=4326 if kind == "geojson" else crs)
    if kind == "shp":
        content, name = zipped(tmp_path, given), "区域.zip"
    else:
        given.to_file(tmp_path / f"a.{kind}")
        content, name = (tmp_path / f"a.{kind}").read_bytes(), f"区域.{kind}"
    number = place_of(send(roles["viewer"], (name, content)))
    assert inside in found(roles["viewer"], number)
    shown = roles["viewer"].get(f"/ask/area/{number}").json
    assert "secret" not in json.dumps(shown)
    assert shapely.from_geojson(json.dumps(shown["geometry"])).intersects(AROUND.centroid)
    page = roles["viewer"].get(f"/ask?layer=rooftop_signs&within=area:{number}").text
    assert f"in_area(&#39;{number}&#39;)" in page
    away = place_of(send(roles["viewer"], ("b.geojson", frame(AWAY).to_json().encode())))
    assert inside not in found(roles["viewer"], away)
    assert inside in [one["id"] for one in roles["viewer"].get(
        f"{SIGNS}?f=json&as_of=2100-01-01&filter=in_area('{number}')").json["features"]]


def test_areas_that_overlap_count_once_and_bow_ties_are_mended(roles: dict[str, Role], inside: str) -> None:
    tie = shapely.Polygon([(113.379, 31.689), (113.381, 31.691), (113.381, 31.689), (113.379, 31.691)])
    number = place_of(send(roles["viewer"], ("a.geojson", frame(AROUND, tie, AROUND).to_json().encode())))
    assert inside in found(roles["viewer"], number)
    assert roles["viewer"].get(f"/ask/area/{number}").json["properties"]["corners"] < 12


def test_the_files_are_gone_afterwards_and_those_of_imports_stay(roles: dict[str, Role], house: House) -> None:
    waiting = house.settings.instance / "imports" / "waiting"
    waiting.mkdir(parents=True)
    os.utime(waiting, (0, 0))
    place_of(send(roles["viewer"], ("a.geojson", frame(AROUND).to_json().encode())))
    assert waiting.is_dir()
    assert list((house.settings.instance / "areas").iterdir()) == []


@pytest.mark.parametrize(("name", "content", "code"), [
    ("a.geojson", b"{}", "file_unreadable"), ("a.zip", b"PK\x03\x04broken", "archive_refused"),
    ("a.txt", b"hello", "file_unsupported"),
    ("a.geojson", frame(shapely.Point(113, 31)).to_json().encode(), "file_unreadable")])
def test_what_is_no_area_is_refused(roles: dict[str, Role], name: str, content: bytes, code: str) -> None:
    answer = send(roles["viewer"], (name, content))
    assert answer.status_code in (400, 415, 422), answer.text
    assert answer.json["code"] == code


def test_a_shapefile_in_metres_without_a_name_of_its_system_is_refused(
        roles: dict[str, Role], tmp_path: Path) -> None:
    answer = send(roles["viewer"], ("a.zip", zipped(tmp_path, frame(AROUND, crs=4547), prj=False)))
    assert (answer.status_code, answer.json["code"]) == (422, "file_unreadable")
    assert ".prj" in answer.json["en"]


def test_an_unknown_area_holds_nothing_and_a_wrong_id_is_refused(roles: dict[str, Role]) -> None:
    number = "00000000-0000-4000-8000-000000000000"
    assert found(roles["viewer"], number) == []
    assert roles["viewer"].get(f"/ask/area/{number}").json["code"] == "area_unknown"
    assert roles["viewer"].get(f"{SIGNS}?f=json&filter=in_area('x')").json["code"] == "filter_invalid"
    assert roles["viewer"].get(f"/ask?layer=rooftop_signs&within=area:{number}").status_code == 200
