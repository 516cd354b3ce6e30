"""Habits of ledgers: cells that say “none”, days that lost their format, sheets and rows that are hidden, formulas that
nobody reckoned; and JSON that is nearly GeoJSON."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import xlsxwriter

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.cells import Column
from gisapp.formats.kinds import Dataset
from gisapp.formats.mapping import Converter
from gisapp.layers import Catalogue
from tests.formats.hostile import book
from tests.formats.test_reading import opened, rows_of

HEAD = ("设施编号", "设施类型", "广告面积", "经度", "纬度")


@pytest.mark.parametrize(("field", "cell", "wanted"), [
    ("area_m2", "-", None), ("area_m2", "／", None), ("area_m2", "——", None), ("area_m2", "无", None),
    ("area_m2", "N/A", None), ("area_m2", "约12", "fault"), ("area_m2", "12.5", "12.50"),
    ("building_floors", "/", None),
    ("building_floors", "三", "fault"), ("effective_from", "46053", "2026-01-31"), ("effective_from", "-", None),
    ("effective_from", "46053.0", "2026-01-31"), ("effective_from", "46053.5", "fault"),
    ("effective_from", "12345", "fault"), ("effective_from", "20260131", "2026-01-31"),
    ("effective_from", "20609", "1956-06-03"), ("sign_text", "-", "-"), ("sign_text", "无", "无")])
def test_what_says_none_is_none_where_a_number_or_a_day_should_stand(
        catalogue: Catalogue, field: str, cell: str, wanted: str | None) -> None:
    layer = catalogue.layers["rooftop_signs"]
    converter = Converter(layer, catalogue, ZoneInfo("Asia/Shanghai"))
    read = Column(layer.field(field), None, converter, Counter()).read(pa.array([cell]))
    assert (read.values.to_pylist(), bool(read.faults)) == ([None if wanted == "fault" else wanted], wanted == "fault")


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def texts(number: int, *values: str) -> str:
    return row(number, *(f'<c r="{"ABCDE"[n]}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
                         for n, value in enumerate(values)))


def test_errors_and_open_formulas_of_a_workbook_are_told_by_their_cells(tmp_path: Path) -> None:
    rows = [texts(1, *HEAD)]
    for n, area in ((2, '<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>'), (3, '<c r="C3"><f>A1*2</f><v></v></c>'),
                    (4, '<c r="C4"><f>A1*2</f></c>'), (5, '<c r="C5" t="str"><f>A1&amp;""</f><v></v></c>'),
                    (6, '<c r="C6"><f>A1*2</f><v>12.5</v></c>'), (7, '<c r="C7" s="1"/>')):
        rows.append(row(n, area, f'<c r="D{n}"><v>113.38</v></c>', f'<c r="E{n}"><v>31.69</v></c>'))
    content = book("".join(rows).replace('<row r="6"', '<row r="6" hidden="1"'))
    [source] = opened(tmp_path, ("a.xlsx", content))
    told = {note["code"]: note["en"] for note in source.notes}
    assert set(told) == {"cells_wrong", "formulas_open", "rows_hidden"}
    assert "(C2)" in told["cells_wrong"] and "(C3, C4)" in told["formulas_open"]
    assert told["rows_hidden"].startswith("1 ")
    assert [found["广告面积"] for found in rows_of(source)] == [None, None, None, None, "12.5", None]


def workbook(path: Path, fill: Any) -> Path:
    with xlsxwriter.Workbook(path) as made:
        fill(made)
    return path


def ledger(sheet: Any, above: int = 0, count: int = 2) -> None:
    for n in range(above):
        sheet.write(n, 0, f"填表说明第{n + 1}条")
    for n, values in enumerate([HEAD, *((f"A{k}", "01", 12.5, 113.38, 31.69) for k in range(count))]):
        sheet.write_row(above + n, 0, values)


def test_a_hidden_sheet_is_left_out_unless_it_is_chosen(tmp_path: Path, catalogue: Catalogue) -> None:
    def fill(made: Any) -> None:
        ledger(made.add_worksheet("台账"))
        hidden = made.add_worksheet("旧账")
        ledger(hidden)
        hidden.hide()

    shown, hidden = opened(tmp_path, workbook(tmp_path / "a.xlsx", fill))
    layer = catalogue.layers["rooftop_signs"]
    assert (files.role(layer, shown), files.role(layer, hidden)) == ("rows", "skip")
    assert not shown.notes and hidden.notes[0]["code"] == "sheet_hidden" and hidden.count == 2


def test_a_heading_is_found_below_a_long_instruction(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", lambda made: ledger(made.add_worksheet(), above=17))
    [source] = opened(tmp_path, path)
    assert (source.fields, source.count) == (list(HEAD), 2)


# ------------------------------------------------------------------------------------------- nearly GeoJSON

FEATURES = json.dumps([{"type": "Feature", "properties": {"no": f"第{n}"}, "geometry": {
    "type": "Point", "coordinates": [113.38, 31.69]}} for n in range(3)], ensure_ascii=False)


@pytest.mark.parametrize("text", [FEATURES, f"\ufeff {FEATURES}", FEATURES.replace('"type": "Feature", ', "", 0)])
def test_a_bare_list_of_features_is_a_collection(tmp_path: Path, text: str) -> None:
    [source] = opened(tmp_path, ("a.json", text.encode()))
    assert [found["no"] for found in rows_of(source)] == ["第0", "第1", "第2"]



@pytest.mark.parametrize(("name", "text"), [("a.json", "[1, 2]"), ("a.geojson", "[[], []]"), ("a.json", '[{"a": 1}]')])
def test_other_lists_are_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, (name, text.encode()))


@pytest.mark.parametrize(("version", "encoding"), [(b"AC1024", "UTF-8"), (b"AC1015", "GBK")])
def test_a_binary_drawing_tells_its_encoding_by_its_version(tmp_path: Path, version: bytes, encoding: str) -> None:
    from gisapp.formats.reading.ogr import _drawing_encoding

    path = tmp_path / "a.dxf"
    path.write_bytes(b"AutoCAD Binary DXF\r\n\x1a\x00\x00\x00SECTION\x00\x02\x00HEADER\x00\x09\x00$ACADVER\x00"
                     b"\x01\x00" + version + b"\x00")
    assert _drawing_encoding(path) == (encoding, "format")


# ------------------------------------------------------------------------------------------- too long

def test_far_cells_are_found_by_small_letters_too(tmp_path: Path) -> None:
    content = book(texts(1, *HEAD) + '<row r="2"><c r="xfd1048576"><v>1</v></c></row>')
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, ("a.xlsx", content))


@pytest.mark.parametrize(("name", "content"), [
    ("a.csv", b"name,lon,lat\n"), ("a.ndjson", b'{"type":"Feature","properties":{},"geometry":null}\n{"a":"')])
def test_a_line_beyond_all_measure_is_refused_with_its_reason(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> None:
    monkeypatch.setattr("gisapp.formats.reading.csv_text._MAX_LINE", 2**20)
    monkeypatch.setattr("gisapp.formats.reading.records._MOST", 2**20)
    with pytest.raises(Problem) as told:
        opened(tmp_path, (name, content + b"x" * 2**21))
    assert told.value.code == "file_unreadable" and "1 MB" in told.value.params["reason"]


def test_what_gdal_says_of_its_own_text_is_left_out(tmp_path: Path) -> None:
    dataset = Dataset("甲", "gdb", tmp_path / "d0.gdb")
    for words, told in (("Error occurred in /opt/x/filegdbtable.cpp at line 12", "甲: it is damaged; export it again"),
                        (f"Error occurred in /opt/x.cpp at line 1: {tmp_path}/d0.gdb is cut",
                         "甲: 甲 is cut; export it again")):
        assert files.unreadable(dataset, RuntimeError(words)).params["reason"].partition(" / ")[2] == told
