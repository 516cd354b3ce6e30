"""What is written and proven a batch at a time: sorted runs, workbooks of several sheets, proofs that see a change."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings, strategies as st
from python_calamine import CalamineWorkbook

from gisapp.formats import kml, runs, shape_texts, xlsx
from gisapp.formats.job import NotFaithful
from gisapp.formats.runs import Runs
from gisapp.formats.sheet import Sheet
from gisapp.formats.xlsx_cells import cells_of_sheet, letters
from gisapp.formats.xlsx_proof import prove_sheets
from tests.formats.shape_strategies import KINDS, wkb
from tests.formats.test_faithful import job, spool_of

ROW = np.dtype([("number", "<u8"), ("further", "<f4", 2)])


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=40), max_size=12))
@settings(max_examples=60, deadline=None)
def test_rows_come_in_the_order_of_their_keys(batches: list[list[int]]) -> None:
    keys = sorted({key for batch in batches for key in batch})
    with (tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch,
          Runs(Path(folder), ROW) as found):
        for name, small in (("_RUN", 16), ("_STEP", 3), ("_STEPS", 2)):
            patch.setattr(runs, name, small)
        seen: set[int] = set()
        for batch in batches:
            new = [key for key in dict.fromkeys(batch) if key not in seen]
            seen |= set(new)
            rows = np.zeros(len(new), ROW)
            rows["number"], rows["further"][:, 0] = np.array(new, np.uint64), np.arange(len(new))
            found.add(np.array(new, np.uint64), rows)
        blocks = list(found.blocks())
    assert [key for block in blocks for key in block["number"].tolist()] == keys
    assert all(len(block) <= 2 * 3 + 3 * (len(keys) // 16 + 2) for block in blocks)


def test_a_workbook_goes_on_in_further_sheets(catalogue, monkeypatch) -> None:
    monkeypatch.setattr(xlsx, "SHEET_ROWS", 10)
    texts = [f"第{n}行" for n in range(31)]
    with job(catalogue, "UTF-8") as order:
        path = xlsx.write(order, spool_of(order, texts)).files[0]
        book = CalamineWorkbook.from_path(str(path))
        assert len(book.sheet_names) == 4 + 2
        sheets = [book.get_sheet_by_index(n).to_python() for n in (0, 3, 4, 5)]
    place = sheets[0][0].index("备注")
    assert [len(sheet) for sheet in sheets] == [10, 10, 10, 5]
    assert [line[place] for sheet in sheets for line in sheet[1:]] == texts


@pytest.mark.parametrize("change", [
    lambda xml: xml.replace("第3行".encode(), "第4行".encode()),
    lambda xml: xml.replace(b't="inlineStr"', b't="str"'),
    lambda xml: xml.replace(b'<row r="4">', b'<row r="4"></row><row r="4">'),
    lambda xml: xml[:xml.rindex(b"<row ")] + xml[xml.rindex(b"</row>") + 6:],
    lambda xml: xml.replace(b"<v>1</v>", b"<v>1.0000001</v>", 1)])
def test_the_proof_of_a_workbook_sees_a_change(catalogue, change: Callable[[bytes], bytes]) -> None:
    with job(catalogue, "UTF-8") as order:
        spool = spool_of(order, [f"第{n}行" for n in range(9)])
        path = xlsx.write(order, spool).files[0]
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        sheet = members["xl/worksheets/sheet1.xml"]
        members["xl/worksheets/sheet1.xml"] = change(sheet)
        assert members["xl/worksheets/sheet1.xml"] != sheet
        with zipfile.ZipFile(path, "w") as archive:
            for name, raw in members.items():
                archive.writestr(name, raw)
        cells = cells_of_sheet(Sheet(order, spool, "logical"), xlsx.Noting(None, ""))
        with pytest.raises(NotFaithful):
            prove_sheets(path, cells, 9, xlsx.SHEET_ROWS - 1)


@pytest.mark.parametrize("change", [
    lambda text: text.replace("第3行", "第4行"), lambda text: text.replace("<coordinates>1", "<coordinates>2", 1),
    lambda text: text.replace('Data name="remark"', 'Data name="case_no"', 1),
    lambda text: text[:text.rindex("<Placemark")] + text[text.rindex("</Placemark>") + 12:],
    lambda text: text.replace("</Folder>", "<Placemark><name>x</name></Placemark></Folder>")])
def test_the_proof_of_a_kml_sees_a_change(catalogue, change: Callable[[str], str]) -> None:
    with job(catalogue, "UTF-8") as order:
        spool = spool_of(order, [f"第{n}行" for n in range(9)])
        path = kml.write(order, spool).files[0]
        text = path.read_text("utf-8")
        assert change(text) != text
        path.write_text(change(text), "utf-8")
        with pytest.raises(NotFaithful):
            kml._prove_marks(path, Sheet(order, spool, "words"))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_shapes_as_kml_have_every_vertex(kind: str, data: st.DataObject) -> None:
    shapes = data.draw(st.lists(KINDS[kind].filter(lambda one: one is None or not one.is_empty), max_size=8))
    for shape, text in zip(shapes, shape_texts.as_kml(wkb(shapes)).to_pylist(), strict=True):
        assert (shape is None) == (text is None)
        if shape is not None and text is not None:
            assert _read(text) == _meant(shape)


def _read(text: str) -> list[list[tuple[float, ...]]]:
    return [[tuple(map(float, pair.split(","))) for pair in part.partition("<")[0].split()]
            for part in text.split("<coordinates>")[1:]]


def _meant(shape: Any) -> list[list[tuple[float, ...]]]:
    found = []
    for part in shapely.get_parts(shapely.orient_polygons(shape)):
        rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
        found += [[tuple(point) for point in ring.coords] for ring in rings]
    return found


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_of_a_sheet_have_letters(number: int, name: str) -> None:
    assert letters(number) == name


def test_numbers_and_texts_of_one_column_are_told_apart() -> None:
    cells = xlsx.Cells(pa.array([1.5, None, None]), pa.array([None, "inf", None]))
    assert cells.told.to_pylist() == ["1.5", "inf", None]


@pytest.mark.parametrize("module", ["gisapp.formats.work", "gisapp.formats.intake"])
def test_the_makers_of_files_bring_no_web_framework(module: str) -> None:
    """It would be a tenth of the time that a large file takes."""
    code = f"import {module}, sys; print(sorted({{'flask', 'flask_security'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"[]\n"
