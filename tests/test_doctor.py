"""The datum doctor tells shifted data by the city: on the demo city, and on real districts and schools."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from sqlalchemy import text

from gisapp.datums import FROM_WGS84
from gisapp.demo import load_demo
from gisapp.doctor import examine
from gisapp.house import House

Move = Callable[[Any], Any]


@pytest.fixture(scope="module")
def city(owner: House) -> House:
    """The demo city: roads, buildings, districts, and what stands among them."""
    load_demo(owner)
    return owner


def shapes_of(house: House, layer_id: str, limit: int = 300, offset: int = 0) -> Any:
    column = "coalesce(geom, mark_point)" if layer_id == "illegal_builds" else "geom"
    with house.db.read() as connection:
        rows = connection.execute(text(
            f"SELECT ST_AsBinary({column}) FROM layers.{layer_id} ORDER BY id LIMIT {limit} OFFSET {offset}"))
        return shapely.from_wkb([bytes(row[0]) for row in rows])


def told(house: House, shapes: Any, crs: str | None = None, **labels: list[str | None]) -> dict[str, Any]:
    source = {"crs": crs, "shapes": [wkb.hex() for wkb in shapely.to_wkb(shapes)], "labels": labels}
    examine(house, [source])
    assert "shapes" not in source and "labels" not in source
    found = source["datum"]
    assert isinstance(found, dict)
    return found


def shifted(datum: str) -> Move:
    return lambda points: np.column_stack(FROM_WGS84[datum](points[:, 0], points[:, 1]))


def projected(srid: int, swapped: bool = False, datum: str = "") -> Move:
    there = pyproj.Transformer.from_crs(4326, srid, always_xy=True)

    def move(points: Any) -> Any:
        points = shifted(datum)(points) if datum else points
        made = np.column_stack(there.transform(points[:, 0], points[:, 1]))
        return made[:, ::-1] if swapped else made
    return move


#: Layers whose features stand beside roads or on buildings.
TELLING = ("rooftop_signs", "illegal_builds", "truck_routes", "buildings", "roads")


def best(found: dict[str, Any]) -> str:
    return str(found["choices"][0]["frame"])


@pytest.mark.parametrize("layer_id", TELLING)
@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_a_shifted_datum_is_told_within_the_city(city: House, layer_id: str, datum: str) -> None:
    """The shift is 600 or 1300 m: both readings fall into the same districts, only roads and buildings tell."""
    shapes = shapes_of(city, layer_id)
    found = told(city, shapely.transform(shapes, shifted(datum)), "EPSG:4326")
    assert (found["verdict"], found["chosen"], best(found)) == ("doubtful", datum, datum)
    assert found["zh"] and found["en"]
    first = found["choices"][0]
    assert first["inside"] > 0.9 and 400 < first["shift_m"] < 1500
    west, south, east, north = shapely.total_bounds(shapes)
    assert np.allclose(first["bounds"], [west, south, east, north], atol=1e-5)
    assert 0 < len(first["geometry"]["geometries"]) <= 20


@pytest.mark.parametrize("layer_id", TELLING)
def test_data_that_are_right_are_left_alone(city: House, layer_id: str) -> None:
    found = told(city, shapes_of(city, layer_id), "EPSG:4490")
    assert (found["verdict"], found["chosen"], found["choices"][0]["shift_m"]) == ("fits", "EPSG:4490", 0.0)


READINGS = {
    "EPSG:4490": lambda points: points,
    "EPSG:4490@swapped": lambda points: points[:, ::-1],
    "GCJ-02@swapped": lambda points: shifted("GCJ-02")(points)[:, ::-1],
    "GCJ-02": shifted("GCJ-02"), "BD-09": shifted("BD-09"),
    "EPSG:4547": projected(4547), "EPSG:4526": projected(4526), "EPSG:4546": projected(4546),
    "EPSG:4547@swapped": projected(4547, swapped=True), "EPSG:4526@swapped": projected(4526, swapped=True),
    "EPSG:4497": projected(4497), "EPSG:3857": projected(3857), "EPSG:3857@GCJ-02": projected(3857, datum="GCJ-02"),
    "EPSG:4547@GCJ-02": projected(4547, datum="GCJ-02"),
}


@pytest.mark.parametrize("frame", READINGS)
def test_a_missing_system_is_found(city: House, frame: str) -> None:
    found = told(city, shapely.transform(shapes_of(city, "rooftop_signs"), READINGS[frame]))
    assert (found["verdict"], found["chosen"]) == ("missing", frame)


@pytest.mark.parametrize(("declared", "real"), [("EPSG:4546", "EPSG:4547"), ("EPSG:4490", "EPSG:4490@swapped"),
                                                ("EPSG:4526", "EPSG:3857")])
def test_a_wrong_prj_is_found_out(city: House, declared: str, real: str) -> None:
    """The file says one thing, its numbers another: the data fall off the city."""
    found = told(city, shapely.transform(shapes_of(city, "rooftop_signs"), READINGS[real]), declared)
    assert (found["verdict"], found["chosen"]) == ("outside", real)
    assert declared in {choice["frame"] for choice in found["choices"]}


def test_data_from_elsewhere_are_not_forced_into_the_city(city: House) -> None:
    points = shapely.points([[87.3 + n / 1000, 44.01] for n in range(30)])
    assert [told(city, points, crs)["chosen"] for crs in ("EPSG:4326", None)] == [None, None]


def test_a_few_points_prove_nothing(city: House) -> None:
    found = told(city, shapely.transform(shapes_of(city, "vendor_points", 3), shifted("GCJ-02")), "EPSG:4326")
    assert (found["verdict"], found["chosen"]) == ("unknown", "EPSG:4326")
    assert {"GCJ-02", "BD-09"} <= {choice["frame"] for choice in found["choices"]}


def test_collections_of_several_kinds_are_looked_at_too(city: House) -> None:
    mixed = shapely.from_wkt(["GEOMETRYCOLLECTION (POINT (113.38 31.69), LINESTRING (113.38 31.69, 113.39 31.69))",
                              "GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (LINESTRING (113.38 31.69, 113.39 31.69)), "
                              "POLYGON ((113.38 31.69, 113.39 31.69, 113.39 31.7, 113.38 31.69)))",
                              "GEOMETRYCOLLECTION EMPTY", "MULTILINESTRING (EMPTY, (113.38 31.69, 113.39 31.69))"])
    assert told(city, mixed, "EPSG:4326")["chosen"] == "EPSG:4326"


@pytest.mark.parametrize("shape", ["POINT (1e300 1e300)", "POINT (nan nan)", "POINT (-500 900)", "POINT (0 0)"])
def test_nonsense_is_no_crash(city: House, shape: str) -> None:
    source = {"crs": None, "shapes": [shapely.to_wkb(shapely.from_wkt(shape)).hex()] * 3, "labels": {}}
    examine(city, [source])
    assert source["datum"] is None or source["datum"]["chosen"] is None
    json.dumps(source, allow_nan=False)


@pytest.fixture(scope="module")
def shanghai(city: House, shared: Path) -> House:
    """The real districts of Shanghai beside the demo city."""
    path = shared / "data/shanghai/districts_gbk_shp/区县界_area.shp"
    _, _, shapes, (names, codes) = pyogrio.raw.read(path, encoding="GBK", columns=["NAME", "ADMINCODE"])
    with city.db.begin("system") as connection:
        for name, code, wkb in zip(names, codes, shapes, strict=True):
            connection.execute(text("INSERT INTO layers.districts (code, name, geom) VALUES (:code, :name, "
                                    "ST_Multi(ST_MakeValid(ST_GeomFromWKB(:wkb, 4326))))"),
                               {"code": str(code), "name": name, "wkb": wkb})
    return city


@pytest.mark.parametrize("name", ["中学", "小学", "幼儿园"])
@pytest.mark.parametrize("datum", ["", "GCJ-02", "BD-09"])
def test_real_schools_are_told_by_the_district_that_they_name(shanghai, shared, name, datum) -> None:
    """No road or building is known there; but each school says in which district it lies."""
    with (shared / f"data/shanghai/{name}.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))[:1000]
    points = shapely.points([(float(row["lon"]), float(row["lat"])) for row in rows])
    points = shapely.transform(points, shifted(datum)) if datum else points
    found = told(shanghai, points, None, adname=[row["adname"] for row in rows], pname=["上海市"] * len(rows))
    assert found["chosen"] == (datum or "EPSG:4490")
    assert found["choices"][0]["named"] > 0.85


@pytest.mark.parametrize(("crs", "move", "chosen"), [
    (None, None, "EPSG:4490"), ("EPSG:4326", None, "EPSG:4326"), (None, projected(4547), None)])
def test_an_office_without_areas_is_not_told_that_data_lie_in_it(
        house: House, monkeypatch: pytest.MonkeyPatch, crs: str | None, move: Any, chosen: str | None) -> None:
    monkeypatch.setattr("gisapp.doctor.patient.sql_doctor.is_empty", lambda *_: True)
    points = shapely.points([[113.37 + n / 1000, 31.69] for n in range(9)])
    found = told(house, shapely.transform(points, move) if move else points, crs)
    assert (found["city"], found["chosen"]) == (False, chosen)
    assert "没有区划" in found["zh"] and "辖区" not in found["zh"]
    assert "no districts here" in found["en"] and "the city" not in found["en"]
