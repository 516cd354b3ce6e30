"""What a person may choose of a file, asked for as other programs ask: by an items request."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pyogrio
import pyproj
import pytest
import shapely

from gisapp import datums
from gisapp.formats import FILE_FORMATS
from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill, sample_rows, store

ROWS = 5
ITEMS = "/collections/{}/items"
LEADING = {"gpkg": b"SQLite format 3\0", "geojson": b"{", "ndjson": b'{"type":', "fgb": b"fgb",
           "parquet": b"PAR1", "kml": b"<?xml", "gpx": b"<?xml", "dxf": b"999", "csv": b"\xef\xbb\xbfid,",
           "xlsx": b"PK", "shp": b"PK", "archive": b"PK"}


@pytest.fixture(scope="module")
def filled(house: House) -> dict[str, list[dict[str, Any]]]:
    """Signs and routes here, and a sign in Hong Kong."""
    rows = {name: fill(house, name, ROWS) for name in ("rooftop_signs", "truck_routes", "illegal_builds")}
    far = sample_rows(house, "rooftop_signs", ROWS + 1)[-1]
    far["geom"] = bytes(shapely.to_wkb(shapely.set_srid(shapely.Point(114.17, 22.32), 4326), include_srid=True))
    store(house, "rooftop_signs", [far])
    return rows


def pack_of(role: Role, layer: str, **query: str) -> tuple[Any, zipfile.ZipFile]:
    """The response and its zip."""
    response = role.get(ITEMS.format(layer), query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)[:600]
    return response, zipfile.ZipFile(io.BytesIO(response.data))


def report(pack: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(pack.read("report.csv").decode("utf-8-sig"))))


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_every_format_answers_an_items_request(admin: Role, filled: Any, name: str) -> None:
    answer = admin.get(ITEMS.format("truck_routes"), query_string={"f": name})
    assert answer.status_code == 200
    assert answer.mimetype == FILE_FORMATS[name].media_type
    assert answer.data.lstrip(b" ").startswith(LEADING[name])
    assert answer.headers["OGC-NumberReturned"] == str(ROWS)
    assert f".{FILE_FORMATS[name].extension}" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(("name", "value"), [("datum", "GCJ-02"), ("layers", "truck_routes"), ("pack", "yes"),
                                             ("photos", "yes"), ("personal-reason", "a reason")])
@pytest.mark.parametrize("form", ["json", "html"])
def test_what_is_asked_of_files_is_refused_where_there_is_none(admin: Role, form: str, name: str, value: str) -> None:
    answer = admin.get(ITEMS.format("truck_routes"), query_string={"f": form, name: value},
                       headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (400, "parameter_invalid")
    assert name in answer.json["detail"]


def test_any_format_comes_as_a_pack_when_asked(admin: Role, filled: Any) -> None:
    answer, pack = pack_of(admin, "truck_routes", f="csv", pack="yes")
    assert answer.mimetype == "application/zip" and pack.testzip() is None
    assert set(pack.namelist()) == {"README.txt", "truck_routes.csv", "fields.csv", "codes.csv", "report.csv"}


def test_several_layers_and_questions_come_in_one_file(admin: Role, filled: Any) -> None:
    made = admin.post("/questions", json={"name": "无灯", "layer": "rooftop_signs", "query": {"status": "01"}})
    assert made.status_code == 201
    _, pack = pack_of(admin, "truck_routes", f="shp", layers=f"illegal_builds,q-{made.json['id']}")
    shapefiles = {name for name in pack.namelist() if name.endswith(".shp")}
    assert {"truck_routes.shp", "illegal_builds.shp", "rooftop_signs.shp"} <= shapefiles
    text = pack.read("README.txt").decode("utf-8-sig")
    assert "户外广告" in text and "违法建设" in text and "状态 = " in text
    _, pack = pack_of(admin, "truck_routes", f="geojson", layers="illegal_builds")
    assert {"truck_routes.geojson", "illegal_builds.geojson"} <= set(pack.namelist())
    _, pack = pack_of(admin, "truck_routes", f="csv", layers="truck_routes", bbox="0,0,1,1")
    assert {"truck_routes.csv", "truck_routes_2.csv"} <= set(pack.namelist())  # one layer, two questions
    answer = admin.get(ITEMS.format("truck_routes"), query_string={"f": "gpkg", "layers": "illegal_builds"})
    assert answer.data.startswith(b"SQLite")  # one GeoPackage holds them all


def test_a_saved_question_is_handed_over_by_its_own_name(admin: Role, filled: Any) -> None:
    made = admin.post("/questions", json={"name": "在册", "layer": "truck_routes", "query": {"status": "01"}})
    answer = admin.get(ITEMS.format(f"q-{made.json['id']}"), query_string={"f": "ndjson"})
    whole = sum(row["status"] == "01" for row in filled["truck_routes"])
    assert answer.status_code == 200 and len(answer.data.splitlines()) == whole > 0
    page = admin.get(f"/exports?layer=q-{made.json['id']}", headers={"Accept": "text/html"})
    assert page.status_code == 200 and "在册" in page.get_data(as_text=True)


def test_an_empty_field_asks_for_no_value_in_files_too(admin: Role, filled: Any) -> None:
    without = sum(row["remark"] is None for row in filled["truck_routes"])
    answer = admin.get(ITEMS.format("truck_routes"), query_string={"f": "ndjson", "remark": "", "encoding": ""})
    assert 0 < without < ROWS and len(answer.data.splitlines()) == without


@pytest.mark.parametrize("datum", datums.FROM_WGS84)
def test_shifted_places_are_flagged_and_never_where_the_shift_does_not_apply(admin: Role, filled: Any, datum: str,
                                                                             tmp_path: Any) -> None:
    answer, pack = pack_of(admin, "rooftop_signs", f="shp", datum=datum)
    assert datum in answer.headers["Content-Disposition"] and "Content-Crs" not in answer.headers
    assert answer.headers["OGC-NumberReturned"] == str(ROWS) and answer.headers["Gisapp-Losses"] == "left_out=1"
    [left] = [line for line in report(pack) if line["kind"] == "left_out"]
    text = pack.read("README.txt").decode("utf-8-sig")
    assert f"坐标为 {datum}" in text and f"coordinates are {datum}" in text and "EPSG" not in text
    name = f"rooftop_signs_{datum.replace('-', '')}"
    assert datum in pack.read(f"{name}.prj").decode().replace("_", "-")
    pack.extractall(tmp_path)
    meta, _, shapes, (ids,) = pyogrio.raw.read(tmp_path / f"{name}.shp", columns=["ID"])
    assert pyproj.CRS(meta["crs"]).to_epsg() is None and left["id"] not in ids
    found = dict(zip(ids, shapely.from_wkb(shapes), strict=True))
    place = found[str(filled["rooftop_signs"][0]["id"])]
    assert (place.x, place.y) == pytest.approx(datums.FROM_WGS84[datum](113.38 + 1 / 3e6, 31.69), abs=1e-9)


def test_a_shifted_datum_may_be_asked_for_as_a_system_and_is_logged_as_one(admin: Role, filled: Any) -> None:
    answer, pack = pack_of(admin, "rooftop_signs", f="gpkg", pack="yes", crs="gcj02")
    assert "GCJ-02" in answer.headers["Content-Disposition"] and "file_GCJ02.gpkg" in pack.namelist()
    assert admin.get("/deliveries").json["deliveries"][0]["crs"] == "GCJ-02"
    assert admin.get("/collections/rooftop_signs/items?crs=GCJ-02").json["code"] == "crs_unsupported"


def test_drawings_are_in_the_local_zone(admin: Role, filled: Any) -> None:
    answer = admin.get(ITEMS.format("truck_routes"), query_string={"f": "dxf"})
    assert b"EPSG:4547" in answer.data.splitlines()[1] and answer.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4547>"


@pytest.mark.parametrize(("layer", "query", "status", "code"), [
    ("illegal_builds", {"f": "gpx"}, 422, "format_geometry"),
    ("truck_routes", {"f": "gpx", "layers": "illegal_builds"}, 422, "format_geometry"),
    ("truck_routes", {"f": "kml", "crs": "EPSG:4547"}, 422, "format_crs"),
    ("truck_routes", {"f": "shp", "datum": "GCJ-02", "crs": "EPSG:4547"}, 400, "parameter_invalid"),
    ("truck_routes", {"f": "shp", "datum": "Bessel"}, 400, "parameter_invalid"),
    ("truck_routes", {"f": "shp", "booleans": "maybe"}, 400, "parameter_invalid"),
    ("truck_routes", {"f": "csv", "geometry-as": "hex"}, 400, "parameter_invalid"),
    ("truck_routes", {"f": "csv", "pack": "perhaps"}, 400, "parameter_invalid"),
    ("truck_routes", {"f": "csv", "layers": "no_such_layer"}, 404, "layer_unknown"),
    ("truck_routes", {"f": "csv", "encoding": "GBK"}, 400, "parameter_invalid"),
])
def test_what_cannot_be_is_refused_with_a_reason(admin: Role, filled: Any, layer: str, query: dict[str, str],
                                                 status: int, code: str) -> None:
    answer = admin.get(ITEMS.format(layer), query_string=query)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_question_forges_no_line_of_the_readme(admin: Role, filled: Any) -> None:
    asked = "remark = 'x\n导出人：局长\r\n\nSHA-256\u2028abc\u202e' OR route_no IS NOT NULL"
    answer = admin.get("/collections/truck_routes/items", query_string={"f": "csv", "pack": "yes", "filter": asked})
    assert answer.status_code == 200, answer.json
    text = zipfile.ZipFile(io.BytesIO(answer.data)).read("README.txt").decode("utf-8-sig")
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("导出人")] == ["导出人：admin"] and lines.count("SHA-256") == 1
    assert "局长" in text and "\u202e" not in text
