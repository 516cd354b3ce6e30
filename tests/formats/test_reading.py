"""Every format that people send, made by other writers, read back as it was: names, texts, numbers, shapes, systems."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
import xlsxwriter

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.archive import Upload
from gisapp.formats.kinds import datasets
from gisapp.layers import Catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ["中山路１号", "鲁迅路", "“样本”,;a\"b", "𠮷野家", "=1+1", "路"]
NUMBERS = [1.5, -2.0, 0.0, 1e6, 3.25, 7.0]
POINTS = shapely.points([[113.38 + n / 1000, 31.69 + n / 700] for n in range(6)])
AREAS = shapely.buffer(POINTS, 0.0005, quad_segs=2)


def written(path: Path, driver: str, shapes: Any = POINTS, kind: str = "Point", crs: str | None = "EPSG:4326",
            names: list[str] = NAMES, fields: tuple[str, ...] = ("名称", "num"), **more: Any) -> Path:
    """A file by GDAL."""
    pyogrio.raw.write(path, np.array(shapely.to_wkb(shapes), dtype=object),
                      [np.array(names, dtype=object), np.array(NUMBERS)], list(fields), driver=driver,
                      geometry_type=kind, crs=crs, **more)
    return path


def opened(folder: Path, *paths: Path | tuple[str, bytes], encoding: str | None = None,
           columns: Any = None) -> list[files.Source]:
    """What a look finds in these files, given one by one."""
    inner = folder / "work"
    inner.mkdir()
    uploads = []
    for number, path in enumerate(paths):
        name, content = path if isinstance(path, tuple) else (path.name, path.read_bytes())
        (inner / f"u{number}").write_bytes(content)
        uploads.append(Upload(name, inner / f"u{number}"))
    return files.sources(datasets(uploads, inner, 200)[0], encoding, columns)


def rows_of(source: files.Source) -> list[dict[str, Any]]:
    """All rows by field, with `shape`."""
    found = []
    for batch in files.batches(source):
        for n in np.flatnonzero(source.mine(batch.shapes)):
            row = dict(zip(source.fields, (column[n] for column in batch.columns), strict=True))
            found.append(row | {"shape": shapely.from_wkb(batch.shapes[n]) if batch.shapes[n] else batch.shapes[n]})
    return found


def zipped(path: Path, members: dict[str, Path | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else content.read_bytes())
    return path


def shapefile(folder: Path, **more: Any) -> dict[str, Path]:
    inner = folder / "shp"
    inner.mkdir()
    written(inner / "a.shp", "ESRI Shapefile", **more)
    return {f"违建.{path.suffix[1:]}": path for path in inner.iterdir()}


GBK_NAMES = [name if name != "𠮷野家" else "吉野家" for name in NAMES]


def make(kind: str, folder: Path) -> Iterator[Path | tuple[str, bytes]]:
    """Files of a kind, as different programs write them."""
    plain = {"gpkg": "GPKG", "fgb": "FlatGeobuf", "geojson": "GeoJSON", "geojsonl": "GeoJSONSeq", "kml": "LIBKML"}
    if kind in plain:
        yield written(folder / f"a.{kind}", plain[kind])
    elif kind == "kmz":
        yield zipped(folder / "a.kmz", {"doc.kml": written(folder / "b.kml", "LIBKML"), "files/x.png": b"\x89PNG"})
    elif kind == "gdb":
        written(folder / "a.gdb", "OpenFileGDB")
        yield zipped(folder / "a.zip", {f"数据/a.gdb/{path.name}": path for path in (folder / "a.gdb").iterdir()})
    elif kind == "gpx":
        yield written(folder / "a.gpx", "GPX", fields=("name", "num"), dataset_options={"GPX_USE_EXTENSIONS": "YES"})
    elif kind == "shp GBK zip":
        yield zipped(folder / "a.zip", shapefile(folder, names=GBK_NAMES, encoding="GBK"))
    elif kind == "shp UTF-8 loose":
        yield from ((name, path.read_bytes()) for name, path in shapefile(folder, encoding="UTF-8").items())
    elif kind == "parquet":
        geo = {"version": "1.0.0", "primary_column": "geometry",
               "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}}}
        table = pa.table({"名称": NAMES, "num": NUMBERS, "geometry": pa.array(list(shapely.to_wkb(POINTS)))})
        pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), folder / "a.parquet")
        yield folder / "a.parquet"


@pytest.mark.parametrize("kind", ["gpkg", "fgb", "geojson", "geojsonl", "kml", "kmz", "gdb", "gpx", "shp GBK zip",
                                  "shp UTF-8 loose", "parquet"])
def test_every_format_is_read_as_it_was_written(tmp_path: Path, kind: str) -> None:
    [source] = opened(tmp_path, *make(kind, tmp_path))
    names = GBK_NAMES if kind == "shp GBK zip" else NAMES
    assert (source.geometry.removeprefix("Multi"), source.count, source.crs) == ("Point", 6, "EPSG:4326")
    found = {row[source.fields[source.fields.index("num")]]: row for row in rows_of(source)}
    assert len(found) == 6
    title = "name" if kind == "gpx" else "名称"
    for name, number, point in zip(names, NUMBERS, POINTS, strict=True):
        row = found[number if number in found else str(number)]
        assert row[title] == name
        assert shapely.distance(shapely.get_parts(row["shape"])[0], point) < 1e-7


@pytest.mark.parametrize(("encoding", "separator", "bom"), [
    ("utf-8", ",", False), ("utf-8-sig", ";", True), ("gb18030", ",", False), ("gb18030", "\t", False),
    ("utf-16", "\t", True), ("big5hkscs", ",", False), ("utf-8", "|", False),
])
def test_csv_in_any_encoding_and_with_any_separator(tmp_path, encoding, separator, bom) -> None:
    names = ["道路橋梁", "東區學校", "臺灣大道"] if encoding.startswith("big5") else ["中山路", "鲁迅路", "路"]
    lines = [separator.join(("地名", "经度", "纬度") if names[0] == "中山路" else ("地名", "lon", "lat"))] + [
        separator.join((name, repr(p.x), repr(p.y))) for name, p in zip(names, POINTS[:3], strict=True)]
    [source] = opened(tmp_path, ("台账.csv", "\r\n".join(lines).encode(encoding)))
    assert list(source.columns.values()) == source.fields[1:] and source.count == 3 and source.crs is None
    assert (source.encoding_from == "bom") is bom
    assert source.crs_candidates[:1] == ["EPSG:4490"]
    found = rows_of(source)
    assert [row["地名"] for row in found] == names
    assert [row["shape"].coords[0] for row in found] == [p.coords[0] for p in POINTS[:3]]


TABLES = {
    "lon lat": ("a,lon,lat\nx,113.38,31.69\n", {"x": "lon", "y": "lat"}),
    "latitude first": ("a,Latitude,Longitude\nx,31.69,113.38\n", {"x": "Longitude", "y": "Latitude"}),
    "by values": ("a,p,q\nx,31.69,113.38\ny,31.70,113.39\n", {"x": "q", "y": "p"}),
    "surveyor": ("点号,X,Y\nP1,3507645.4,441217.4\n", {"x": "Y", "y": "X"}),
    "zone before": ("a,X坐标,Y坐标\nx,38441217.4,3507645.4\n", {"x": "X坐标", "y": "Y坐标"}),
    "no heading": ("P1,3507645.4,441217.4,3.2\nP2,3507646.4,441218.4,3.3\n", {"x": "column_3", "y": "column_2"}),
    "wkt": ('a,几何\nx,"POINT (113.38 31.69)"\n', {"wkt": "几何"}),
    "wkt elsewhere": ('a,b\nx,"SRID=4490;POLYGON ((113 31, 114 31, 114 32, 113 31))"\n', {"wkt": "b"}),
    "degrees": ("a,经度,纬度\nx,113°22′48.0″E,31°41'24\"N\n", {"x": "经度", "y": "纬度"}),
    "nothing": ("a,b\nx,y\n", None),
    "only numbers": ("a,b\n1,2\n3,4\n", None),
}


@pytest.mark.parametrize("kind", TABLES)
def test_where_a_table_keeps_its_places(tmp_path: Path, kind: str) -> None:
    text, columns = TABLES[kind]
    [source] = opened(tmp_path, ("a.csv", text.encode()))
    assert source.columns == columns
    shapes = [row["shape"] for row in rows_of(source)]
    assert all((shape is None) == (columns is None) for shape in shapes)
    if kind == "degrees":
        assert shapes[0].coords[0] == pytest.approx((113.38, 31.69))


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    [source] = opened(tmp_path, ("a.csv", b"a,b,c\n1,113.38,31.69\n"), columns={"a": {"x": "b", "y": "c"}})
    assert rows_of(source)[0]["shape"].coords[0] == (113.38, 31.69)


def test_impossible_cells_are_told_from_empty_ones(tmp_path: Path) -> None:
    text = "a,lon,lat\n1,113,31\n2,,\n3,east,31\n4,nan,31\n5,1e308,31\n"
    [source] = opened(tmp_path, ("a.csv", text.encode()))
    shapes = [row["shape"] for row in rows_of(source)]
    assert [shape if not isinstance(shape, shapely.Point) else shape.x for shape in shapes] == [
        113, None, b"", b"", 1e308]


def test_formulas_come_as_texts_and_defused_ones_as_they_were(tmp_path: Path) -> None:
    text = "a,lon,lat\n=1+1,113,31\n'=1+1,113,31\n''@x,113,31\n'plain,113,31\n'＝1,113,31\n"
    [source] = opened(tmp_path, ("a.csv", text.encode()))
    assert [row["a"] for row in rows_of(source)] == ["=1+1", "=1+1", "'@x", "'plain", "＝1"]


def test_a_workbook_is_read_by_sheets(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet("点位")
    sheet.write(0, 0, "某区点位台账")
    sheet.write_row(1, 0, ["编号", "名称", "经度", "纬度", "日期", "面积"])
    for n, (name, point) in enumerate(zip(NAMES, POINTS, strict=True)):
        sheet.write_string(n + 2, 0, f"{n:03}")
        sheet.write_string(n + 2, 1, name)
        sheet.write_row(n + 2, 2, [point.x, point.y])
        sheet.write_datetime(n + 2, 4, date(2024, 11, 13), book.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.write_formula(n + 2, 5, "=1+1", None, 2)
    book.add_worksheet("代码").write_row(0, 0, ["代码", "名称"])
    book.close()
    [source] = opened(tmp_path, tmp_path / "a.xlsx")
    assert (source.name, source.count, source.columns) == ("点位", 6, {"x": "经度", "y": "纬度"})
    found = rows_of(source)
    assert [row["名称"] for row in found] == NAMES
    assert {(row["编号"], row["日期"], row["面积"]) for row in found[:1]} == {("000", "2024-11-13", "2")}
    assert shapely.distance(found[5]["shape"], POINTS[5]) < 1e-9


@pytest.mark.parametrize(("text", "encoding"), [("图层", "gb18030"), ("圖層道路", "big5"), ("图层", "utf-8")])
def test_a_drawing_gives_lines_and_points_apart_and_its_layers_in_chinese(tmp_path, text, encoding) -> None:
    shapes = np.concatenate([POINTS[:2], shapely.get_exterior_ring(AREAS[:3])])
    pyogrio.raw.write(tmp_path / "a.dxf", np.array(shapely.to_wkb(shapes), dtype=object),
                      [np.array(["LAYERNAME"] * 5, dtype=object)], ["Layer"], driver="DXF",
                      geometry_type="Unknown", crs="EPSG:4326")
    content = (tmp_path / "a.dxf").read_bytes().replace(b"LAYERNAME", text.encode(encoding))
    found = {source.geometry: source for source in opened(tmp_path, ("图.dxf", content))}
    assert {kind: source.count for kind, source in found.items()} == {"Point": 2, "LineString": 3}
    assert {row["Layer"] for row in rows_of(found["LineString"])} == {text}
    assert found["Point"].crs is None
    # GDAL keeps the setting for the whole process, and the next drawing may be in another encoding.
    assert pyogrio.get_gdal_config_option("DXF_ENCODING") is None


def test_mixed_shapes_are_parted_and_no_row_is_lost(tmp_path: Path, catalogue: Catalogue) -> None:
    shapes = [POINTS[0], AREAS[0], None, AREAS[1], shapely.LineString([(113, 31), (114, 32)])]
    features = [{"type": "Feature", "properties": {"n": n}, "geometry": json.loads(shapely.to_geojson(shape)) if shape
                 else None} for n, shape in enumerate(shapes, 1)]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    found = opened(tmp_path, ("混合.geojson", content))
    assert {source.name: [row["n"] for row in rows_of(source)] for source in found} == {
        "混合 · Polygon": [2, 3, 4], "混合 · Point": [1], "混合 · LineString": [5]}
    assert {files.role(catalogue.layers["buildings"], source) for source in found} == {"rows"}


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_json_and_kml_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    content = written(tmp_path / "a.geojson", "GeoJSON").read_text("utf-8")
    kml = written(tmp_path / "a.kml", "LIBKML").read_text("utf-8").replace(
        'encoding="UTF-8"', f'encoding="{"GBK" if encoding == "gb18030" else "UTF-8"}"')
    given = [("a.kml", kml.encode(encoding))] + ([("a.geojson", content.encode(encoding))]
                                                 if encoding != "utf-16" else [])
    found = opened(tmp_path, *given)
    assert len(found) == len(given)
    for source in found:
        assert [row["名称"] for row in rows_of(source)] == NAMES


@pytest.fixture
def rebuilding() -> Iterator[None]:
    """GDAL as the child sets it."""
    pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": True})
    yield
    pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": None})


@pytest.mark.usefixtures("rebuilding")
def test_a_missing_index_is_rebuilt_and_told(tmp_path: Path) -> None:
    members = {name: path for name, path in shapefile(tmp_path, encoding="UTF-8").items()
               if not name.endswith((".shx", ".prj"))}
    [source] = opened(tmp_path, zipped(tmp_path / "a.zip", members))
    assert (source.name, source.count, source.crs, source.dataset.missing) == ("违建", 6, None, ["shx", "prj"])
    assert [note["code"] for note in source.notes] == ["shx_rebuilt"]
    assert [row["名称"] for row in rows_of(source)] == NAMES


def test_names_cut_within_a_character_do_no_harm(tmp_path: Path) -> None:
    """GDAL cuts UTF-8 names at ten bytes, in the middle of the fourth character; no peer can open such a file."""
    members = shapefile(tmp_path, fields=("FIELDNAMEX", "num"), encoding="UTF-8")
    dbf = members["违建.dbf"]
    dbf.write_bytes(dbf.read_bytes().replace(b"FIELDNAMEX", "建筑面积平".encode()[:10], 1))
    [source] = opened(tmp_path, zipped(tmp_path / "a.zip", members))
    assert source.fields == ["建筑面", "num"]
    assert [row["建筑面"] for row in rows_of(source)] == NAMES


def test_tables_beside_shapes_are_passed_over(tmp_path: Path) -> None:
    members = shapefile(tmp_path, encoding="UTF-8") | {"README.txt": b"a,b\n1,2\n", "codes.csv": b"lon,lat\n113,31\n"}
    inner = tmp_path / "work"
    inner.mkdir()
    (inner / "u0").write_bytes(zipped(tmp_path / "a.zip", members).read_bytes())
    found, passed = datasets([Upload("a.zip", inner / "u0")], inner, 200)
    assert [item.format for item in found] == ["shp"] and {"README.txt", "codes.csv"} <= set(passed)


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.dwg", b"AC1027" + bytes(99), "DXF"), ("a.xls", b"\xd0\xcf\x11\xe0" + bytes(99), "xlsx"),
    ("图片.zip", b"Rar!\x1a\x07\x01" + bytes(99), "rar"), ("a.shp", b"7z\xbc\xaf\x27\x1c" + bytes(99), "7z"),
    ("a.tab", b"!table\n!version 300\n", "MapInfo"), ("a.tar", b"a" * 257 + b"ustar" + bytes(250), "tar"),
    ("a.docx", b"%PDF-1.7" + bytes(99), "PDF"),
])
def test_what_cannot_be_read_says_what_to_do(tmp_path, name, content, words) -> None:
    with pytest.raises(Problem) as problem:
        opened(tmp_path, (name, content))
    assert problem.value.code == "file_unsupported" and words in problem.value.sentence("zh")


def test_real_data(tmp_path: Path, shared: Path) -> None:
    folder = shared / "data/shanghai"
    [districts] = opened(tmp_path, *(folder / "districts_gbk_shp").iterdir())
    assert (districts.count, districts.encoding, districts.encoding_from, districts.crs) == (
        17, "GBK", "language", "EPSG:4326")
    assert {"浦东新区", "崇明县"} <= {row["NAME"] for row in rows_of(districts)}


@pytest.mark.parametrize(("name", "count"), [("中学", 983), ("小学", 931), ("幼儿园", 2284)])
def test_real_tables(tmp_path: Path, shared: Path, name: str, count: int) -> None:
    [source] = opened(tmp_path, shared / f"data/shanghai/{name}.csv")
    assert (source.count, source.columns, source.geometry) == (count, {"x": "lon", "y": "lat"}, "Point")
    assert sum("学" in row["name"] or "园" in row["name"] for row in rows_of(source)) > count / 2


@pytest.mark.parametrize(("name", "count"), [("suizhou", 3), ("taizhou", 6)])
def test_real_boundaries(tmp_path: Path, shared: Path, name: str, count: int) -> None:
    found = opened(tmp_path, shared / f"data/boundaries/{name}.geojson")
    assert sum(source.count for source in found) == count
    assert all(row["name"].endswith(("区", "县", "市")) for source in found for row in rows_of(source))
