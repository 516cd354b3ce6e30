"""Files taken in: real ones, our own hand-overs, wrong ones and hostile ones."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pyogrio
import pytest
import shapely
from sqlalchemy import delete, select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from gisapp.changes import writing
from gisapp.house import House
from gisapp.permissions import SYSTEM
from tests.conftest import Role
from tests.samples import fill, sample_rows

MISSION = ("illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes")
Files = dict[str, bytes]


def send(role: Role, layer_id: str, files: Files) -> Any:
    """The answer to an upload."""
    given = [FileStorage(io.BytesIO(content), name) for name, content in files.items()]
    boundary, body = encode_multipart(MultiDict([("layer", layer_id), *(("file", file) for file in given)]))
    return role.post("/imports", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def taken_in(role: Role, layer_id: str, files: Files, **choices: Any) -> dict[str, Any]:
    """The result of an upload and its commit."""
    sent = send(role, layer_id, files)
    assert sent.status_code == 201, sent.json
    done = role.post(f"/imports/{sent.json['id']}/commit", json=choices)
    assert done.status_code == 200, done.json
    return dict(done.json)


def zipped(members: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def stored(house: House, layer_id: str) -> dict[str, dict[str, Any]]:
    """All rows of a layer by id, geometries as shapes."""
    table = house.tables.layers[layer_id]
    names = [c.name for c in table.columns if c.name != "geom_3857"]
    with house.db.read() as connection:
        rows = connection.execute(select(*(table.c[name] for name in names))).mappings().all()
    return {str(row["id"]): {k: shapely.from_wkb(v.data) if hasattr(v, "data") and k != "id" else v
                             for k, v in row.items()} for row in rows}


def emptied(house: House, layer_id: str) -> None:
    with writing(house, SYSTEM, house.layer(layer_id)) as connection:
        connection.execute(delete(house.tables.layers[layer_id]))


def geojson(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def sign(number: str = "S-1", geometry: Any = None, **more: Any) -> dict[str, Any]:
    properties = {"sign_no": number, "sign_kind": "01", "area_m2": 12.5} | more
    return {"type": "Feature", "properties": properties,
            "geometry": geometry or {"type": "Point", "coordinates": [113.38, 31.69]}}


@pytest.fixture
def shanghai(shared: Path) -> Files:
    """The 17 districts: GBK, language byte 0x4D, no .cpg, a Chinese file name."""
    return {file.name: file.read_bytes() for file in (shared / "data/shanghai/districts_gbk_shp").iterdir()}


def test_real_gbk_districts_go_in_and_come_out_unharmed(admin: Role, house: House, shanghai: Files) -> None:
    sent = send(admin, "districts", {"上海.zip": zipped(shanghai)})
    assert sent.status_code == 201, sent.json
    found = sent.json["layers"][0]
    assert (found["name"], found["count"], found["crs"], found["encoding"], found["encoding_from"]) == (
        "区县界_area", 17, "EPSG:4326", "GBK", "language")
    assert found["mapping"]["NAME"] == "name"
    mapping = {"NAME": "name", "ADMINCODE": "code"}
    done = admin.post(f"/imports/{sent.json['id']}/commit", json={"mapping": mapping})
    assert done.status_code == 200, done.json
    assert done.json["accepted"] == 17 and done.json["refused"] == []
    rows = stored(house, "districts").values()
    assert {"崇明县", "黄浦区", "浦东新区"} <= {row["name"] for row in rows}


def test_districts_handed_over_have_the_same_names_and_shapes(admin, house, shanghai, tmp_path) -> None:
    emptied(house, "districts")
    taken_in(admin, "districts", shanghai, mapping={"NAME": "name", "ADMINCODE": "code"})
    before = stored(house, "districts")
    packs = {}
    for encoding in ("GBK", "UTF-8"):
        packs[encoding] = admin.get(f"/collections/districts/items?f=shp&encoding={encoding}").data
        with zipfile.ZipFile(io.BytesIO(packs[encoding])) as pack:
            pack.extractall(tmp_path / encoding)
        assert_same_districts(before, tmp_path / encoding / "districts.shp", "ID", "MC", "BM")
    for kind in ("gpkg", "geojson"):
        path = tmp_path / f"districts.{kind}"
        path.write_bytes(admin.get(f"/collections/districts/items?f={kind}&crs=EPSG:4490").data)
        assert_same_districts(before, path, "id", "name", "code")
    emptied(house, "districts")
    assert taken_in(admin, "districts", {"out.zip": packs["GBK"]})["accepted"] == 17
    after = stored(house, "districts")
    assert {key: row["name"] for key, row in after.items()} == {key: row["name"] for key, row in before.items()}


def assert_same_districts(stored_rows: dict[str, dict[str, Any]], path: Path, *columns: str) -> None:
    """GDAL finds the same ids, names, codes, and shapes within 1e-7 degrees."""
    _, _, shapes, values = pyogrio.raw.read(path, layer="districts", columns=list(columns))
    meta = list(pyogrio.read_info(path, layer="districts")["fields"])
    order = sorted(columns, key=meta.index)
    rows = [dict(zip(order, row, strict=True)) for row in zip(*values, strict=True)]
    assert len(rows) == 17 == len(stored_rows)
    for row, shape in zip(rows, shapely.from_wkb(shapes), strict=True):
        meant = stored_rows[row[columns[0]]]
        assert (row[columns[1]], row[columns[2]]) == (meant["name"], meant["code"])
        assert shapely.hausdorff_distance(shape, meant["geom"]) < 1e-7


@pytest.mark.parametrize("layer_id", MISSION)
@pytest.mark.parametrize("query", [
    {"f": "shp", "crs": "EPSG:4526"}, {"f": "gpkg", "crs": "EPSG:4547"}, {"f": "geojson"},
])
def test_every_mission_layer_goes_out_and_in_again(admin, house, layer_id, query) -> None:
    emptied(house, layer_id)
    fill(house, layer_id, 7)
    before = stored(house, layer_id)
    query = query | {"personal-reason": "round trip of a test"}
    exported = admin.get(f"/collections/{layer_id}/items", query_string=query).data
    emptied(house, layer_id)
    ending = "zip" if query["f"] == "shp" else query["f"]
    result = taken_in(admin, layer_id, {f"file.{ending}": exported})
    assert (result["accepted"], result["refused"]) == (7, [])
    after = stored(house, layer_id)
    assert after.keys() == before.keys()
    layer = house.layer(layer_id)
    for key, row in before.items():
        for field in (*layer.writable_fields, layer.field("synthetic")):
            assert after[key][field.id] == row[field.id], field.id
        for name in ("geom", *([layer.second_geometry.id] if layer.second_geometry else [])):
            assert (after[key][name] is None) == (row[name] is None), name
            if row[name] is not None:
                assert after[key][name].geom_type == row[name].geom_type
                assert shapely.hausdorff_distance(after[key][name], row[name]) < 1e-7


def test_each_imported_row_has_its_history(admin, house, owner) -> None:
    emptied(house, "rooftop_signs")
    taken_in(admin, "rooftop_signs", {"a.geojson": geojson(sign("H-1"), sign("H-2"))})
    with owner.db.raw() as link:
        rows = link.execute("SELECT operation, changed_by FROM layers.rooftop_signs_history"
                            " WHERE sign_no IN ('H-1', 'H-2')").fetchall()
        line = link.execute("SELECT detail FROM gisapp.access_log WHERE act = 'import' ORDER BY id DESC").fetchone()
    assert rows == [("insert", "admin")] * 2
    assert line[0]["accepted"] == 2


# ---------------------------------------------------------------- what is refused, row by row

WRONG_ROWS = [
    (sign("R-1", area_m2=-5), "area_m2", "too_small"),
    (sign("R-1", sign_kind="zz"), "sign_kind", "code_unknown"),
    (sign("R-2", area_m2="many"), "area_m2", "wrong_type"),
    (sign(None), "sign_no", "required"),
    (sign("R-1", address="x" * 5000), "address", "too_long"),
    (sign("R-1", {"type": "Point", "coordinates": [500, 31]}), "geometry", "coordinates_outside"),
    (sign("R-1", {"type": "Point", "coordinates": [1e308, 31]}), "geometry", "coordinates_outside"),
    (sign("R-1", {"type": "LineString", "coordinates": [[113, 31], [114, 32]]}), "geometry", "geometry_type"),
    (sign("R-1", {"type": "Point", "coordinates": []}), "geometry", "geometry_missing"),
    (sign("S-1"), "sign_no", "value_repeated"),
]


def test_wrong_rows_are_named_and_nothing_enters(admin, house) -> None:
    emptied(house, "rooftop_signs")
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("S-1"), *(row for row, _, _ in WRONG_ROWS))})
    refused = admin.post(f"/imports/{sent.json['id']}/commit", json={})
    assert (refused.status_code, refused.json["code"]) == (422, "import_refused")
    faults = [(fault["row"], fault["field"], fault["code"]) for fault in refused.json["errors"]]
    assert sorted(faults) == [(number, field, code) for number, (_, field, code) in enumerate(WRONG_ROWS, 2)]
    assert all(fault["zh"] and fault["en"] for fault in refused.json["errors"])
    assert stored(house, "rooftop_signs") == {}
    done = admin.post(f"/imports/{sent.json['id']}/commit", json={"accept": "valid"})
    assert (done.json["accepted"], done.json["refused_count"]) == (1, len(WRONG_ROWS))
    again = admin.post(f"/imports/{sent.json['id']}/commit", json={"accept": "valid"})
    assert (again.status_code, again.json["code"]) == (409, "import_done")


def test_invalid_polygons_are_refused_with_the_place(admin, house) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[113, 31], [114, 32], [114, 31], [113, 32], [113, 31]]]}
    row = {"type": "Feature", "geometry": bow_tie, "properties": {"code": "420303", "name": "x"}}
    sent = send(admin, "districts", {"a.geojson": geojson(row)})
    refused = admin.post(f"/imports/{sent.json['id']}/commit", json={})
    assert refused.json["errors"][0]["code"] == "geometry_invalid" and "113.5 31.5" in refused.json["errors"][0]["en"]


def test_a_number_that_the_layer_has_is_refused(admin, house) -> None:
    emptied(house, "rooftop_signs")
    taken_in(admin, "rooftop_signs", {"a.geojson": geojson(sign("T-1"))})
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("T-1"), sign("T-2"))})
    done = admin.post(f"/imports/{sent.json['id']}/commit", json={"accept": "valid"})
    assert done.json["accepted"] == 1
    assert [(fault["row"], fault["code"]) for fault in done.json["refused"]] == [(1, "value_taken")]


def test_codes_come_by_title_and_without_their_zero(admin, house) -> None:
    emptied(house, "rooftop_signs")
    state = house.layer("rooftop_signs").states[2]
    titles = house.catalogue.codelists[house.layer("rooftop_signs").field("sign_kind").codelist].codes
    rows = [sign("C-1", sign_kind=titles[1].title.zh, status=state.title.zh),
            sign("C-2", sign_kind=titles[1].title.en, status=int(state.id)), sign("C-3", sign_kind=titles[1].id)]
    taken_in(admin, "rooftop_signs", {"a.geojson": geojson(*rows)})
    assert {row["sign_kind"] for row in stored(house, "rooftop_signs").values()} == {titles[1].id}


def test_heights_are_dropped_and_told(admin, house) -> None:
    emptied(house, "rooftop_signs")
    row = sign("Z-1", {"type": "Point", "coordinates": [113.38, 31.69, 55]})
    assert taken_in(admin, "rooftop_signs", {"a.geojson": geojson(row)})["notes"] == {"heights_dropped": 1}


def test_a_point_stands_in_for_an_outline(admin, house) -> None:
    emptied(house, "illegal_builds")
    row = {k: v for k, v in sample_rows(house, "illegal_builds", 1)[0].items() if k in ("case_no",)}
    required = {f.id: sample_rows(house, "illegal_builds", 1)[0][f.id] for f in house.layer("illegal_builds").fields
                if f.required}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
               "properties": json.loads(json.dumps(required | row, default=str))}
    taken_in(admin, "illegal_builds", {"a.geojson": geojson(feature)})
    found = stored(house, "illegal_builds").values()
    assert [(row["geom"], row["mark_point"].geom_type) for row in found] == [(None, "Point")]


# ---------------------------------------------------------------- systems, encodings, loose files

def test_a_missing_prj_is_asked_for_with_candidates(admin, house, shanghai) -> None:
    emptied(house, "districts")
    files = {name: content for name, content in shanghai.items() if not name.endswith((".prj", ".shx"))}
    sent = send(admin, "districts", files)
    found = sent.json["layers"][0]
    assert found["crs"] is None and found["crs_candidates"][0] == "EPSG:4490" and "prj" in found["missing"]
    choices = {"mapping": {"NAME": "name", "ADMINCODE": "code"}}
    asked = admin.post(f"/imports/{sent.json['id']}/commit", json=choices)
    assert (asked.status_code, asked.json["code"]) == (422, "crs_needed") and "EPSG:4490" in asked.json["en"]
    done = admin.post(f"/imports/{sent.json['id']}/commit", json=choices | {"crs": "EPSG:4490"})
    assert done.json["accepted"] == 17


def test_the_encoding_can_be_changed(admin, house, shanghai) -> None:
    emptied(house, "districts")
    files = shanghai | {"区县界_area.cpg": b"UTF-8"}
    sent = send(admin, "districts", files)
    found = sent.json["layers"][0]
    assert (found["encoding"], found["encoding_from"]) == ("GBK", "language")
    shown = admin.get(f"/imports/{sent.json['id']}?encoding=BIG5").json["layers"][0]
    assert shown["encoding"] == "BIG5" and shown["sample"] != found["sample"]
    choices = {"mapping": {"NAME": "name", "ADMINCODE": "code"}, "encoding": "UTF-8"}
    wrong = admin.post(f"/imports/{sent.json['id']}/commit", json=choices)
    assert {fault["code"] for fault in wrong.json["errors"]} == {"text_broken"}


def test_chinese_names_in_an_old_zip_are_made_right(admin, shanghai) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in shanghai.items():
            archive.writestr(name.replace("区县界_area", "x" * len("区县界_area".encode("gbk"))), content)
    raw = packed.getvalue().replace(b"x" * len("区县界_area".encode("gbk")), "区县界_area".encode("gbk"))
    sent = send(admin, "districts", {"a.zip": raw})
    assert sent.json["layers"][0]["name"] == "区县界_area"


# ---------------------------------------------------------------- hostile files

def _linked(target: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo("a.shp")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, target)
    return packed.getvalue()


def _named(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("placeholder".ljust(len(name), "_")[:len(name)], b"x")
    written = packed.getvalue()
    return written.replace("placeholder".ljust(len(name), "_")[:len(name)].encode(), name.encode())


def _bomb() -> bytes:
    return zipped({"a.shp": b"\0" * (300 * 2**20)})


def _shapefile(**files: bytes) -> bytes:
    return zipped({f"a.{ending}": content for ending, content in files.items()})


_SHP = b"\x00\x00\x27\x0a"
HOSTILE = {
    "parent folder": (_named("../../a.shp"), "archive_refused"),
    "absolute": (_named("/tmp/a.shp"), "archive_refused"),
    "drive": (_named("C:/a.shp"), "archive_refused"),
    "backslash": (_named("..\\a.shp"), "archive_refused"),
    "symbolic link": (_linked("/etc/passwd"), "archive_refused"),
    "nested": (zipped({"b.zip": zipped({"a.shp": b"x"})}), "archive_refused"),
    "many members": (zipped({f"{n}.txt": b"" for n in range(1500)}), "archive_refused"),
    "cut short": (zipped({"a.shp": b"x" * 1000})[:-30], "archive_refused"),
    "empty zip": (zipped({}), "file_unsupported"),
    "only a text": (zipped({"a.txt": b"x"}), "file_unsupported"),
    "rar": (b"Rar!\x1a\x07\x00" + b"x" * 100, "file_unsupported"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + b"x" * 100, "file_unsupported"),
    "no dbf": (_shapefile(shp=_SHP + b"\0" * 200), "file_unreadable"),
    "noise": (_shapefile(shp=_SHP + b"\xff" * 5000, dbf=b"\xff" * 5000, shx=_SHP + b"\xff" * 200), "file_unreadable"),
    "other content": (_shapefile(shp=b"<?xml version='1.0'?>", dbf=b""), "file_unreadable"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(admin, settings, kind) -> None:
    content, code = HOSTILE[kind]
    answer = send(admin, "districts", {"a.zip": content})
    assert answer.json["code"] == code and 400 <= answer.status_code < 500
    assert _leftovers(settings) == set()


def _leftovers(settings) -> set[str]:
    """Folders of uploads that no import stands for."""
    folder = settings.instance / "imports"
    kept = ("datasets.json", "report.csv")
    with_rows = {path.name for path in folder.iterdir() if any((path / name).is_file() for name in kept)}
    return {path.name for path in folder.iterdir()} - with_rows


def test_a_bomb_is_refused_before_it_is_unpacked(admin, settings) -> None:
    answer = send(admin, "districts", {"a.zip": _bomb()})
    assert answer.json["code"] == "archive_refused" and _leftovers(settings) == set()


def test_a_zip_that_lies_about_its_size_is_refused(admin) -> None:
    raw = bytearray(zipped({"a.shp": b"\0" * 10**6}))
    central = raw.rfind(b"PK\x01\x02")
    raw[22:26] = raw[central + 24:central + 28] = struct.pack("<I", 10)
    assert send(admin, "districts", {"a.zip": bytes(raw)}).json["code"] in ("archive_refused", "file_unreadable")


@pytest.mark.parametrize(("name", "content"), [
    ("a.gpkg", b"SQLite format 3\x00" + b"\xff" * 4096),
    ("a.gpkg", b"not sqlite"),
    ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
    ("a.geojson", b"[1, 2, 3]"),
    ("a.geojson", b'{"a": ' * 100_000),
    ("a.json", b"{" + b"\xff\xfe" * 1000),
    ("a.kml", b"<kml/>"),
    ("../../../etc/passwd", b"x"),
    ("a.vrt", b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>"),
])
def test_files_that_gdal_chokes_on_are_problems(admin, settings, name, content) -> None:
    answer = send(admin, "districts", {name: content})
    assert 400 <= answer.status_code < 500 and answer.json["code"] in (
        "file_unreadable", "file_unsupported", "work_failed"), answer.json
    assert _leftovers(settings) == set()


def test_a_shape_of_a_million_vertices_is_a_row_of_the_report(admin) -> None:
    ring = [[113 + n * 1e-9, 31 + (n % 2) * 1e-9] for n in range(300_000)]
    line = {"type": "LineString", "coordinates": ring}
    required = {"route_no": "R-1", "name": "x"}
    sent = send(admin, "truck_routes", {
        "a.geojson": geojson({"type": "Feature", "geometry": line, "properties": required})})
    refused = admin.post(f"/imports/{sent.json['id']}/commit", json={})
    assert "geometry_too_large" in {fault["code"] for fault in refused.json["errors"]}


# ---------------------------------------------------------------- who, and manners

@pytest.mark.parametrize("role", ["viewer", "inspector", "exporter"])
def test_only_those_who_may_import_do(roles, role) -> None:
    assert send(roles[role], "rooftop_signs", {"a.geojson": geojson(sign())}).json["code"] == "act_not_allowed"


def test_an_import_is_seen_by_its_maker_and_the_administrator_only(roles, accounts) -> None:
    sent = send(roles["reviewer"], "rooftop_signs", {"a.geojson": geojson(sign("W-1"))}).json
    assert roles["admin"].get(f"/imports/{sent['id']}").status_code == 200
    theirs = send(roles["admin"], "rooftop_signs", {"a.geojson": geojson(sign("W-2"))}).json
    assert roles["reviewer"].get(f"/imports/{theirs['id']}").json["code"] == "import_unknown"


def test_a_discarded_import_is_gone(admin, settings) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("D-1"))}).json
    assert admin.delete(f"/imports/{sent['id']}").status_code == 204
    assert admin.get(f"/imports/{sent['id']}").status_code == 404
    assert not (settings.instance / "imports" / sent["id"].replace("-", "")).exists()


@pytest.mark.parametrize(("body", "code"), [
    ({"mapping": {"sign_no": "nonsense"}}, "mapping_invalid"),
    ({"mapping": {"sign_no": "sign_no", "area_m2": "sign_no"}}, "mapping_invalid"),
    ({"mapping": []}, "mapping_invalid"), ([], "mapping_invalid"), ({"mode": "replace"}, "mapping_invalid"),
    ({"crs": "EPSG:2383"}, "crs_unsupported"), ({"encoding": "EBCDIC"}, "parameter_invalid"),
    ({"surprise": 1}, "mapping_invalid"), ({"layers": {"a": 1}}, "mapping_invalid"),
])
def test_wrong_choices_are_problems(admin, body, code) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("M-1"))}).json
    answer = admin.post(f"/imports/{sent['id']}/commit", json=body)
    assert 400 <= answer.status_code < 500 and answer.json["code"] == code
    assert admin.delete(f"/imports/{sent['id']}").status_code == 204


def test_no_file_and_no_layer_are_problems(admin) -> None:
    assert send(admin, "rooftop_signs", {}).json["code"] == "upload_missing"
    assert send(admin, "nowhere", {"a.geojson": geojson(sign())}).json["code"] == "layer_unknown"
    assert admin.get("/imports/not-a-number").json["code"] == "import_unknown"


def test_the_pages_lead_from_upload_to_report(admin, house) -> None:
    emptied(house, "rooftop_signs")
    page = {"headers": {"Accept": "text/html"}}
    assert "multipart/form-data" in admin.get("/imports", **page).get_data(as_text=True)
    data = {"layer": "rooftop_signs", "file": (io.BytesIO(geojson(sign("<b>P-1"), sign("P-2"))), "<i>x.geojson")}
    sent = admin.post("/imports", data=data, content_type="multipart/form-data", **page)
    assert sent.status_code == 303
    shown = admin.get(sent.headers["Location"], **page).get_data(as_text=True)
    assert "&lt;b&gt;P-1" in shown and "<b>P-1" not in shown and "<i>x" not in shown
    number = sent.headers["Location"].rpartition("/")[2]
    columns = admin.get(f"/imports/{number}").json["layers"][0]["fields"]
    form = {"role_0": "rows", "crs_0": "EPSG:4326"} | {f"map_0_{n}": name for n, name in enumerate(columns)
                                                       if name in ("sign_no", "sign_kind", "area_m2")}
    done = admin.post(f"/imports/{number}/commit", data=form, **page)
    assert done.status_code == 303, done.get_data(as_text=True)
    assert len(stored(house, "rooftop_signs")) == 2


def test_what_nobody_commits_is_forgotten_after_a_day(admin, owner, settings) -> None:
    sent = send(admin, "rooftop_signs", {"a.geojson": geojson(sign("E-1"))}).json
    with owner.db.raw() as link:
        link.execute("UPDATE gisapp.imports SET created_at = now() - interval '25 hours' WHERE id = %s", [sent["id"]])
        link.commit()
    send(admin, "rooftop_signs", {"a.geojson": geojson(sign("E-2"))})
    assert admin.get(f"/imports/{sent['id']}").json["code"] == "import_unknown"
    assert not (settings.instance / "imports" / sent["id"].replace("-", "")).exists()
