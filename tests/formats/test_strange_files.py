"""Files as other departments' programs leave them: what lies beside the data, odd headings, records that are none."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import xlsxwriter

from gisapp.catalogue import load_catalogue
from gisapp.errors import Problem
from gisapp.formats.frames import named_crs
from gisapp.formats.names import suggest
from gisapp.formats.reading.degrees import coordinate
from gisapp.formats.source import BrokenText
from gisapp.rules import RULES
from tests.formats.test_reading import ROOT, opened, rows_of, shapefile, zipped

_STYLE = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.34\"></qgis>"
_RESOURCE = b"\x00\x05\x16\x07" + bytes(80)


def test_styles_of_qgis_beside_a_shapefile_do_no_harm(tmp_path: Path) -> None:
    members: dict[str, Path | bytes] = {**shapefile(tmp_path), "a.qmd": _STYLE, "a.qml": _STYLE}
    [source] = opened(tmp_path, zipped(tmp_path / "x.zip", members))
    assert source.count == 6


def test_a_kml_with_a_document_type_is_refused_still(tmp_path: Path) -> None:
    kml = b"<!DOCTYPE kml SYSTEM 'http://127.0.0.1:1/k.dtd'><kml/>"
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, ("a.kml", kml))


def test_what_macos_lays_beside_files_is_no_shapefile(tmp_path: Path) -> None:
    files = shapefile(tmp_path)
    beside: dict[str, Path | bytes] = {f"._{name}": _RESOURCE for name in files}
    [source] = opened(tmp_path, zipped(tmp_path / "x.zip", {**files, **beside}))
    assert source.count == 6


@pytest.mark.parametrize(("member", "kind"), [("META-INF/manifest.xml", "OpenDocument"), ("word/document.xml", "docx"),
                                              ("xl/workbook.bin", "xlsb")])
def test_other_documents_are_refused_with_what_to_send(tmp_path: Path, member: str, kind: str) -> None:
    with pytest.raises(Problem) as told:
        opened(tmp_path, zipped(tmp_path / "x.zip", {member: b"x", "content.xml": b"<a/>"}))
    assert told.value.code == "file_unsupported" and kind in told.value.params["reason"]
    assert ".xlsx" in told.value.params["reason"]


# ---------------------------------------------------------------------------------------------- GeoJSON

def feature(number: int) -> str:
    return json.dumps({"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
                       "properties": {"no": f"第{number}"}}, ensure_ascii=False)


LINES = "\n".join(map(feature, range(3)))
WHOLE = f'{{"type": "FeatureCollection", "features": [{LINES.replace(chr(10), ",")}]}}'


@pytest.mark.parametrize(("name", "content"), [
    ("a.json", b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode()), ("a.ndjson", b"\xef\xbb\xbf" + LINES.encode()),
    ("a.ndjson", f"\n{LINES}\n\n".encode()), ("a.geojsons", ("\x1e" + LINES.replace("\n", "\n\x1e")).encode()),
    ("a.ndjson", LINES.encode("gbk")), ("a.geojson", WHOLE.encode("utf-16")), ("a.txt", WHOLE.encode())])
def test_no_record_is_lost_to_marks_and_encodings(tmp_path: Path, name: str, content: bytes) -> None:
    [source] = opened(tmp_path, (name, content))
    assert [row["no"] for row in rows_of(source)] == ["第0", "第1", "第2"] and source.count == 3


@pytest.mark.parametrize("mark", ["", "\x1e"])
@pytest.mark.parametrize("wrong", ['{"type": "Feature", "geom', '{"type": "FeatureCollection"}', "[1]", "x"])
def test_a_record_that_is_no_feature_is_a_row_of_its_own(tmp_path: Path, mark: str, wrong: str) -> None:
    text = "\n".join(mark + one for one in (feature(0), wrong, feature(2)))
    [source] = opened(tmp_path, ("a.geojsonl", text.encode()))
    rows = rows_of(source)
    assert [row["no"] for row in rows] == ["第0", None, "第2"] and rows[1]["shape"] is None
    assert source.count == 3 and "2" in source.notes[0]["en"] and source.notes[0]["code"] == "records_broken"


# ---------------------------------------------------------------------------------------------- workbooks, tables

def workbook(path: Path, fill: Any) -> Path:
    with xlsxwriter.Workbook(path) as book:
        fill(book.add_worksheet("台账"))
    return path


def test_a_heading_of_two_rows_gives_each_column_its_name(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.merge_range("A1:F1", "2024年台账")
        sheet.merge_range("A2:A3", "编号")
        sheet.merge_range("B2:C2", "坐标")
        sheet.merge_range("D2:E2", "设置期限")
        sheet.merge_range("F2:F3", "备注")
        sheet.write_row("B3", ["经度", "纬度", "起", "止"])
        for row in range(3):
            sheet.write_row(3 + row, 0, [f"G-{row}", 113.38, 31.69, "2024-01-01", "2024-02-01", "x"])

    [source] = opened(tmp_path, workbook(tmp_path / "a.xlsx", fill))
    assert source.fields == ["编号", "经度", "纬度", "设置期限起", "设置期限止", "备注"]
    assert source.columns == {"x": "经度", "y": "纬度"} and source.count == 3


def test_a_merged_value_stands_for_each_of_its_rows(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row("A1", ["编号", "街道", "经度", "纬度"])
        for row in range(4):
            sheet.write_row(1 + row, 0, [f"G-{row}", None, 113.38, 31.69])
        sheet.merge_range("B2:B4", "人民街道")
        sheet.write("B5", "解放街道")

    [source] = opened(tmp_path, workbook(tmp_path / "a.xlsx", fill))
    assert [row["街道"] for row in rows_of(source)] == ["人民街道"] * 3 + ["解放街道"]
    assert source.notes[0]["code"] == "cells_merged"


@pytest.mark.parametrize("text", ["°", "12 m²"])
def test_signs_of_units_in_utf8_are_no_chinese(tmp_path: Path, text: str) -> None:
    [source] = opened(tmp_path, ("a.csv", f"no,unit,lon,lat\n1,{text},113.38,31.69\n".encode()))
    assert source.encoding == "UTF-8" and rows_of(source)[0]["unit"] == text


@pytest.mark.parametrize(("cell", "degrees"), [
    ("113°22’48”", 113.38), ("113º22'48\"", 113.38), ("113 22 48 E", 113.38), ("E113°22′48″", 113.38),
    ("东经113°22.8'", 113.38), ("113.38E", 113.38), ("１１３．３８", 113.38), ("31°41′24″S", -31.69),
    ("113,38", 113.38), ("3,507,645.5", 3507645.5), ("-5.5", -5.5)])
def test_coordinates_are_read_as_people_write_them(cell: str, degrees: float) -> None:
    assert coordinate(cell) == pytest.approx(degrees, abs=1e-9)


@pytest.mark.parametrize("cell", ["113°75'10\"", "113°22'99\"", "E113.38W", "113-22-48", "113 380 500", "x", ""])
def test_what_is_no_coordinate_is_none(cell: str) -> None:
    assert coordinate(cell) != coordinate(cell)


# ---------------------------------------------------------------------------------------------- systems, names

_BASE = ('GEOGCS["{base}",DATUM["{datum}",SPHEROID["{spheroid}",6378137,{flat}]],PRIMEM["Greenwich",0],'
         'UNIT["Degree",0.0174532925199433]]')
_ZONE = ('PROJCS["local",{base},PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",{east}],'
         'PARAMETER["False_Northing",0],PARAMETER["Central_Meridian",{meridian}],PARAMETER["Scale_Factor",1],'
         'PARAMETER["Latitude_Of_Origin",0],UNIT["Meter",1]]')
CGCS = _BASE.format(base="x", datum="China_2000", spheroid="CGCS2000", flat=298.257222101004)
WGS = _BASE.format(base="WGS 84", datum="WGS_1984", spheroid="WGS 84", flat=298.257223563)
XIAN = _BASE.format(base="x", datum="D_Xian_1980", spheroid="Xian_1980", flat=298.257)


@pytest.mark.parametrize(("words", "name"), [
    (CGCS, "EPSG:4490"), (WGS, "EPSG:4326"), (XIAN, None),
    (_ZONE.format(base=CGCS, east=500000, meridian=114), "EPSG:4547"),
    (_ZONE.format(base=CGCS, east=38500000, meridian=114), "EPSG:4526"),
    (_ZONE.format(base=CGCS, east=20500000, meridian=117), "EPSG:4498"),
    (_ZONE.format(base=WGS, east=500000, meridian=120), "EPSG:4549"),
    (_ZONE.format(base=CGCS, east=500000, meridian=113.5), "TM:113.5"),
    (_ZONE.format(base=CGCS, east=37500000, meridian=114), "TM:114,37500000,0,1"),
    (_ZONE.format(base=XIAN, east=500000, meridian=114), None)])
def test_systems_are_known_by_what_they_are(words: str, name: str | None) -> None:
    assert named_crs(words)[0] == name


def test_a_kml_without_a_name_is_called_by_its_file(tmp_path: Path) -> None:
    kml = ("<kml xmlns='http://www.opengis.net/kml/2.2'><Document><Placemark><name>x</name><Point><coordinates>"
           "113.38,31.69</coordinates></Point></Placemark></Document></kml>")
    assert [source.name for source in opened(tmp_path, ("台账.kml", kml.encode()))] == ["台账"]


def test_chinese_names_with_the_same_initials_are_not_the_same() -> None:
    layer = load_catalogue(ROOT / "layers", RULES).layers["rooftop_signs"]
    assert suggest(layer, ["街道"])["街道"] != "accuracy_m"


@pytest.mark.parametrize(("encoding", "shape", "column"), [
    ("linestring", "LINESTRING (113 31, 114 32)", [{"x": 113.0, "y": 31.0}, {"x": 114.0, "y": 32.0}]),
    ("linestring", "LINESTRING (113 31, 114 32)", pa.scalar(
        [[113.0, 31.0, 5.0], [114.0, 32.0, 5.0]], pa.list_(pa.list_(pa.float64(), 3)))),
    ("multipolygon", "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))",
     [[[{"x": x, "y": y} for x, y in ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 0.0))]]])])
def test_native_shapes_of_geoparquet_are_read(tmp_path: Path, encoding: str, shape: str, column: Any) -> None:
    value = column.as_py() if isinstance(column, pa.Scalar) else column
    kind = column.type if isinstance(column, pa.Scalar) else None
    table = pa.table({"no": ["a", "b", "c"], "geometry": pa.array([value, None, value], kind)})
    geo = {"version": "1.1.0", "primary_column": "geometry",
           "columns": {"geometry": {"encoding": encoding, "geometry_types": []}}}
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), sink)
    [source] = opened(tmp_path, ("a.parquet", sink.getvalue()))
    found = [row["shape"] for row in rows_of(source)]
    assert found[1] is None and found[0].equals(shapely.from_wkt(shape)) and found[2].equals(found[0])


def test_a_collection_called_a_sequence_gives_its_features(tmp_path: Path) -> None:
    [source] = opened(tmp_path, ("a.ndjson", WHOLE.encode()))
    assert [row["no"] for row in rows_of(source)] == ["第0", "第1", "第2"] and not source.notes


def test_bytes_that_are_no_text_are_wrong_where_they_stand(tmp_path: Path) -> None:
    """One of them must not make a whole file unreadable."""
    text = WHOLE.encode().replace("第1".encode(), "第".encode() + b"\xff1")
    [source] = opened(tmp_path, ("a.geojson", text))
    found = [row["no"] for row in rows_of(source)]
    assert found[0] == "第0" and found[2] == "第2" and isinstance(found[1], BrokenText)


def test_a_flipped_bit_in_a_workbook_or_flatgeobuf_is_told(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", lambda sheet: sheet.write_row("A1", ["no", "lon", "lat"])).read_bytes()
    sheet = book.index(b"xl/worksheets/sheet1.xml") + 60
    broken = book[:sheet] + b"\xff" * 8 + book[sheet + 8:]
    with pytest.raises(Problem, match=r"file_unreadable|archive_refused"):
        opened(tmp_path, ("a.xlsx", broken))


@pytest.mark.parametrize("error", [OSError("Unexpected I/O failure: reading feature"), ValueError("x")])
def test_a_reader_that_gives_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr("gisapp.formats.reading.ogr._layers", fail)
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, ("a.geojson", WHOLE.encode()))
