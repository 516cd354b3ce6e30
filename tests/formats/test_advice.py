"""What nobody can read is called by its name, with what to send instead; texts under the name of a workbook."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gisapp.errors import Problem
from gisapp.formats.kinds import Dataset
from gisapp.formats.reading.ogr import said
from tests.formats.test_reading import POINTS, opened, rows_of, written

TEXT = "编号,经度,纬度\na,113.38,31.69\n"


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.udb", b"\1" * 99, "SuperMap"), ("a.wp", b"WMAP`D23", "MapGIS"), ("b.dat", b"WMAP`D21", "MapGIS"),
    ("a.mxd", b"\xd0\xcf\x11\xe0", "holds no data"), ("a.xls", b"\xd0\xcf\x11\xe0", "save it as .xlsx"),
    ("a.lyrx", b'{"type":"CIM"}', "holds no data"), ("a.xls", b"<html><table></table></html>", "web page"),
    ("a.xls", b'\xef\xbb\xbf<?xml version="1.0"?><Workbook/>', "web page"), ("a.jpg", b"\xff\xd8\xff\xe0", "an image"),
    ("a.tif", b"MM\x00*", "an image"), ("a.dgn", b"\x08\x09", "DXF"), ("a.dwg", b"AC1032", "DXF"),
    ("a.bin", b"\0" * 99, "export it as one of these")])
def test_each_is_called_by_its_name_with_what_to_send(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(Problem) as problem:
        opened(tmp_path, (name, content))
    assert problem.value.code == "file_unsupported" and words in problem.value.sentence("en")
    assert "请" in problem.value.sentence("zh")


def test_an_sqlite_file_that_is_no_geopackage_is_told_so(tmp_path: Path) -> None:
    words = "At least one of the required GeoPackage tables, gpkg_spatial_ref_sys or gpkg_contents, is missing"
    told = said(Dataset("a", "gpkg", tmp_path / "d0.gpkg"), RuntimeError(words))
    assert "an SQLite database and no GeoPackage; export it" in told.sentence("en")
    with sqlite3.connect(tmp_path / "a.udbx") as link:
        link.execute("CREATE TABLE SmRegister (a)")
    with pytest.raises(Problem, match="SuperMap"):
        opened(tmp_path, tmp_path / "a.udbx")


@pytest.mark.parametrize("name", ["台账.xls", "台账.xlsx", "台账.et"])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_text_under_the_name_of_a_workbook_is_a_table(tmp_path: Path, name: str, encoding: str) -> None:
    for number, text in enumerate((TEXT, TEXT.replace(",", "\t"))):
        (folder := tmp_path / str(number)).mkdir()
        [source] = opened(folder, (name, text.encode(encoding)))
        assert (source.fields, rows_of(source)[0]["编号"]) == (["编号", "经度", "纬度"], "a")


def test_styles_and_pictures_beside_data_keep_nothing_out(tmp_path: Path) -> None:
    found = opened(tmp_path, written(tmp_path / "a.gpkg", "GPKG"), ("a.qml", b"<!DOCTYPE qgis><qgis/>"),
                   ("a.lyrx", b"{}"), ("a.png", b"\x89PNG"), ("a.lyr", b"\xd0\xcf\x11\xe0"))
    assert [source.count for source in found] == [len(POINTS)]
