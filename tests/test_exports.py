"""Files handed over, read back by GDAL as a receiver would."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pyogrio
import pyproj
import pytest
import shapely

from gisapp.formats import FILE_FORMATS
from gisapp.hand_over.exports import SLOTS
from gisapp.house import House
from tests.conftest import Role
from tests.samples import TEXT, fill

ROWS = 7
#: Personal fields leave the house only with this.
REASON = {"personal-reason": "核对当事人"}
MISSION = ("illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes")


@pytest.fixture(scope="module")
def filled(house: House) -> dict[str, list[dict[str, Any]]]:
    """Every layer with a few rows."""
    return {layer_id: fill(house, layer_id, ROWS) for layer_id in house.catalogue.layers}


def taken(role: Role, folder: Path, layer_id: str, **query: str) -> Path:
    """The file of an export, unpacked when it is a zip: the folder, or the file itself."""
    response = role.get(f"/collections/{layer_id}/items", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)[:2000]
    if query["f"] != "shp":
        path = folder / f"file.{query['f']}"
        path.write_bytes(response.data)
        return path
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert all(re.fullmatch(r"[A-Za-z0-9_]+\.[A-Za-z]{3}", name) for name in archive.namelist())
        archive.extractall(folder)
    return folder


def read(path: Path, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    """Meta, rows by field name, shapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        meta, _, shapes, columns = pyogrio.raw.read(path, **options)
    names = list(meta["fields"])
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    return meta, rows, shapely.from_wkb(shapes)


@pytest.mark.parametrize("layer_id", MISSION)
@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_a_shapefile_holds_every_record_and_text(admin, house, filled, tmp_path, layer_id, encoding) -> None:
    folder = taken(admin, tmp_path, layer_id, f="shp", encoding=encoding, **REASON)
    layer, sent = house.layer(layer_id), {str(row["id"]): row for row in filled[layer_id]}
    parts = [layer_id] + ([f"{layer_id}_{layer.stand_in.id}"] if layer.stand_in else [])
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        meta, rows, _ = read(folder / f"{part}.shp")
        assert pyproj.CRS(meta["crs"]).to_epsg() == 4490
        found |= {row["ID"]: row for row in rows}
    assert found.keys() == sent.keys()
    for key, row in found.items():
        for field in layer.fields:
            if field.type in ("text", "code"):
                assert row[field.export] == sent[key][field.id], field.id
            if field.type == "codes":
                assert (row[field.export] or "").split(";") == (sent[key][field.id] or [""])
            if field.type in ("number", "integer") and sent[key][field.id] is not None:
                assert row[field.export] == pytest.approx(float(sent[key][field.id]))


@pytest.mark.parametrize(("encoding", "page", "byte"), [("GBK", "GBK", 0x4D), ("UTF-8", "UTF-8", 0)])
def test_language_byte_and_cpg_agree(admin, filled, tmp_path, encoding, page, byte) -> None:
    folder = taken(admin, tmp_path, "rooftop_signs", f="shp", encoding=encoding)
    assert (folder / "rooftop_signs.cpg").read_text() == page
    assert (folder / "rooftop_signs.dbf").read_bytes()[29] == byte


def test_gbk_reads_rightly_when_the_cpg_is_lost(admin, filled, tmp_path) -> None:
    folder = taken(admin, tmp_path, "rooftop_signs", f="shp")
    (folder / "rooftop_signs.cpg").unlink()
    assert any(TEXT in (row["DZ"] or "") for row in read(folder / "rooftop_signs.shp")[1])


@pytest.mark.parametrize("crs", [4547, 4526, 4490, 4326, 3857])
@pytest.mark.parametrize("kind", ["shp", "gpkg", "geojson"])
def test_files_are_easting_first_in_any_system(admin, filled, tmp_path, crs, kind) -> None:
    path = taken(admin, tmp_path, "rooftop_signs", f=kind, crs=f"EPSG:{crs}")
    meta, _, shapes = read(path / "rooftop_signs.shp" if kind == "shp" else path, layer="rooftop_signs")
    assert pyproj.CRS(meta["crs"]).to_epsg() == crs
    east, north = pyproj.Transformer.from_crs(4490, crs, always_xy=True).transform(113.38 + 1 / 3e6, 31.69)
    nearest = min(shape.distance(shapely.Point(east, north)) for shape in shapes)
    assert nearest < (1e-7 if crs in (4490, 4326) else 0.001)


def test_prj_is_esri_wkt(admin, filled, tmp_path) -> None:
    folder = taken(admin, tmp_path, "truck_routes", f="shp", crs="EPSG:4526")
    assert (folder / "truck_routes.prj").read_text().startswith('PROJCS["CGCS2000_3_Degree_GK_Zone_38"')


def test_a_stand_in_gets_its_own_shapefile(admin, filled, tmp_path) -> None:
    folder = taken(admin, tmp_path, "illegal_builds", f="shp")
    without_outline = {str(r["id"]) for r in filled["illegal_builds"] if r["geom"] is None}
    meta, rows, _ = read(folder / "illegal_builds_mark_point.shp")
    assert {row["ID"] for row in rows} == without_outline and meta["geometry_type"] == "Point"
    assert read(folder / "illegal_builds.shp")[0]["geometry_type"] == "Polygon"


def test_another_second_geometry_comes_with_the_id(admin, filled, tmp_path) -> None:
    folder = taken(admin, tmp_path, "waste_sites", f="shp")
    _, rows, shapes = read(folder / "waste_sites_gates.shp")
    assert {row["ID"] for row in rows} == {str(r["id"]) for r in filled["waste_sites"] if r["gates"]}
    assert {shape.geom_type for shape in shapes} == {"MultiPoint"}


def test_outer_rings_run_clockwise(admin, filled, tmp_path) -> None:
    _, _, shapes = read(taken(admin, tmp_path, "illegal_builds", f="shp") / "illegal_builds.shp")
    outer = [part.exterior for shape in shapes for part in getattr(shape, "geoms", [shape])]
    raw = (tmp_path / "illegal_builds.shp").read_bytes()
    assert len(outer) == 2 * len(shapes) and raw[:4] == b"\x00\x00\x27\x0a"
    assert not any(shapely.is_ccw(ring) for ring in outer)


@pytest.mark.parametrize("kind", ["gpkg", "geojson"])
def test_full_names_and_values_survive(admin, house, filled, tmp_path, kind) -> None:
    path = taken(admin, tmp_path, "illegal_builds", f=kind)
    rows: dict[str, Any] = {}
    for part in ("illegal_builds", "illegal_builds_mark_point") if kind == "gpkg" else (None,):
        rows |= {row["id"]: row for row in read(path, layer=part)[1]}
    for row in filled["illegal_builds"]:
        found = rows[str(row["id"])]
        assert (found["case_no"], found["status"]) == (row["case_no"], row["status"])
        assert found["remark"] == row["remark"]


def test_geojson_is_plain_json_with_both_geometries(admin, filled, tmp_path) -> None:
    document = json.loads(taken(admin, tmp_path, "waste_sites", f="geojson").read_text())
    assert document["numberReturned"] == ROWS == len(document["features"])
    gates = [feature["properties"]["gates"] for feature in document["features"]]
    assert {g["type"] for g in gates if g} == {"MultiPoint"}
    assert isinstance(document["features"][0]["properties"]["waste_kinds"], list)


def test_the_pack_explains_itself(admin, filled, tmp_path) -> None:
    folder = taken(admin, tmp_path, "illegal_builds", f="shp", status="01")
    text = (folder / "README.txt").read_text("utf-8-sig")
    for words in ("违法建设", "Illegal builds", "EPSG:4490", "GBK", "admin", "状态 = 疑似", "synthetic", "模拟数据"):
        assert words in text
    for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", text, re.M):
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    with (folder / "fields.csv").open(encoding="utf-8-sig") as file:
        fields = {row["name"]: row for row in csv.DictReader(file) if row["file"] == "illegal_builds"}
    assert fields["WJMJ"]["名称"] == "违建面积" and fields["WJMJ"]["unit"] == "m²"
    assert set(read(folder / "illegal_builds.shp")[0]["fields"]) == set(fields)
    assert "02," in (folder / "codes.csv").read_text("utf-8-sig")


def test_titles_stand_beside_codes(admin, house, filled, tmp_path) -> None:
    _, rows, _ = read(taken(admin, tmp_path, "rooftop_signs", f="shp") / "rooftop_signs.shp")
    titles = {state.id: state.title.zh for state in house.layer("rooftop_signs").states}
    assert all(row["ZT_M"] == titles[row["ZT"]] for row in rows)


def test_an_empty_answer_is_a_valid_file_with_all_columns(admin, filled, tmp_path) -> None:
    for kind in ("shp", "gpkg", "geojson"):
        folder = tmp_path / kind
        folder.mkdir()
        path = taken(admin, folder, "rooftop_signs", f=kind, sign_no="none such")
        meta, rows, _ = read(path / "rooftop_signs.shp" if kind == "shp" else path, layer="rooftop_signs")
        assert rows == []
        if kind != "geojson":
            assert len(meta["fields"]) > 20


def test_personal_fields_stay_home_unless_the_role_may_and_says_why(roles, filled, owner, tmp_path) -> None:
    for role, why, there in (("exporter", {}, False), ("reviewer", {}, False), ("reviewer", REASON, True)):
        for kind in ("shp", "gpkg", "geojson"):
            folder = tmp_path / f"{role}_{kind}_{there}"
            folder.mkdir()
            path = taken(roles[role], folder, "illegal_builds", f=kind, **why)
            file = path / "illegal_builds.shp" if kind == "shp" else path
            names = set(read(file, layer="illegal_builds")[0]["fields"])
            assert bool(names & {"DSR", "party_name"}) is there
            assert bool(names & {"CJR", "created_by"}) is there


def test_a_reason_is_for_those_who_may_and_is_logged(roles, filled, owner) -> None:
    refused = roles["exporter"].get("/collections/illegal_builds/items?f=shp&personal-reason=please")
    assert (refused.status_code, refused.json["code"]) == (403, "act_not_allowed")
    named = roles["reviewer"].get("/collections/illegal_builds/items?f=shp&properties=party_phone")
    assert (named.status_code, named.json["code"]) == (422, "reason_missing")
    short = roles["reviewer"].get("/collections/illegal_builds/items?f=shp&personal-reason=x")
    assert (short.status_code, short.json["code"]) == (400, "parameter_invalid")
    assert roles["reviewer"].get("/collections/illegal_builds/items", query_string={"f": "shp", **REASON}).data
    with owner.db.raw() as link:
        line = link.execute("SELECT username, detail FROM gisapp.access_log WHERE act = 'export'"
                            " ORDER BY id DESC LIMIT 1").fetchone()
    assert line[0] == "reviewer" and line[1]["reason"] == REASON["personal-reason"]


def test_a_personal_field_may_not_be_asked_for(roles, filled) -> None:
    answer = roles["exporter"].get("/collections/illegal_builds/items?f=shp&properties=party_phone")
    assert (answer.status_code, answer.json["code"]) == (403, "field_masked")


@pytest.mark.parametrize("role", ["viewer", "inspector"])
def test_only_those_who_may_export_do(roles, filled, role) -> None:
    answer = roles[role].get("/collections/rooftop_signs/items?f=shp")
    assert (answer.status_code, answer.json["code"]) == (403, "act_not_allowed")


@pytest.mark.parametrize(("accepted", "kind"), [
    ("text/csv", "text/csv"), ("application/json;q=0.9, application/x-ndjson", "application/x-ndjson"),
    ("Application/Geopackage+SQLite3; version=1.3, */*", "application/geopackage+sqlite3"),
    ("text/csv, application/json", "application/geo+json"), ("text/csv;q=0.4, application/*", "application/geo+json"),
    ("text/csv;q=0", "application/geo+json"), ("application/zip", "application/geo+json"),
    ("*/*", "application/geo+json"), ("image/png", "application/geo+json"),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html")])
def test_accept_chooses_a_file_where_f_does_not(admin, filled, accepted, kind) -> None:
    path, headers = "/collections/rooftop_signs/items", {"Accept": accepted}
    answer = admin.get(path, headers=headers, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, kind)
    assert "Accept" in answer.vary
    assert admin.get(f"{path}?f=json", headers=headers).mimetype == "application/geo+json"
    with zipfile.ZipFile(io.BytesIO(admin.get(f"{path}?f=shp", headers=headers, buffered=True).data)) as pack:
        assert "rooftop_signs.shp" in pack.namelist()


@pytest.mark.parametrize(("query", "code"), [
    ("f=dwg", "format_unknown"), ("f=shp&encoding=BIG5", "parameter_invalid"),
    ("f=shp&crs=EPSG:2383", "crs_unsupported"),
])
def test_wrong_wishes_are_refused(admin, filled, query, code) -> None:
    answer = admin.get(f"/collections/rooftop_signs/items?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_the_answer_names_the_file_and_the_log_who_took_it(admin, house, settings, owner, filled) -> None:
    answer = admin.get("/collections/rooftop_signs/items?f=gpkg&crs=EPSG:4547")
    assert re.fullmatch(r"attachment; filename=\"rooftop_signs_\d{8}_\d{6}\.gpkg\"; filename\*=UTF-8''[%\w.-]+",
                        answer.headers["Content-Disposition"])
    assert len(answer.data) == answer.content_length
    assert answer.headers["OGC-NumberReturned"] == str(ROWS)
    assert answer.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4547>"
    with owner.db.raw() as link:
        line = link.execute("SELECT username, detail FROM gisapp.access_log WHERE act = 'export'"
                            " ORDER BY id DESC LIMIT 1").fetchone()
    assert line[0] == "admin" and line[1]["rows"] == ROWS and line[1]["crs"] == "EPSG:4547"
    assert not list((settings.instance / "exports").iterdir())


def test_beyond_the_slots_the_service_asks_for_patience(admin, filled) -> None:
    with SLOTS.one(), SLOTS.one():
        answer = admin.get("/collections/rooftop_signs/items?f=shp")
    assert (answer.status_code, answer.json["code"]) == (503, "busy") and int(answer.headers["Retry-After"]) > 0


def test_the_page_offers_the_local_zone_first(roles, filled) -> None:
    page = roles["exporter"].get("/exports?layer=rooftop_signs&status=01&lang=en", headers={"Accept": "text/html"})
    text = page.get_data(as_text=True)
    assert text.count('name="f"') == len(FILE_FORMATS) == 12 and "personal-reason" not in text
    offered = roles["reviewer"].get("/exports", headers={"Accept": "text/html"})
    assert "personal-reason" in offered.get_data(as_text=True)
    assert page.status_code == 200 and "Status = " in text
    assert text.index("EPSG:4490") < text.index("EPSG:4547") < text.index("EPSG:4326")
    assert roles["viewer"].get("/exports").status_code == 403


def test_a_file_may_hold_a_layer_as_it_was(admin, filled, owner, tmp_path) -> None:
    with owner.db.raw() as link:
        moment = link.execute("SELECT now() AT TIME ZONE 'UTC'").fetchone()[0]
    key = str(filled["rooftop_signs"][0]["id"])
    found = admin.get(f"/collections/rooftop_signs/items/{key}")
    gone = admin.delete(f"/collections/rooftop_signs/items/{key}", headers={"If-Match": found.headers["ETag"]})
    assert gone.status_code == 204
    now = json.loads(taken(admin, tmp_path, "rooftop_signs", f="geojson").read_text())
    then = taken(admin, tmp_path, "rooftop_signs", f="shp", as_of=f"{moment.isoformat()}Z")
    assert len(now["features"]) == ROWS - 1
    assert key in {row["ID"] for row in read(then / "rooftop_signs.shp")[1]}
    assert "截至" in (then / "README.txt").read_text("utf-8-sig")
