"""What a file holds is what was meant: texts of every kind, and a proof that notices what is not."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import HealthCheck, given, settings, strategies as st
from python_calamine import CalamineWorkbook

from gisapp.crs import MENU
from gisapp.formats import csv as csv_format, dxf, fgb, geojson, gpkg, gpx, kml, ndjson, parquet, shp, texts, xlsx
from gisapp.formats.columns import GEOMETRY, exported_fields, spool_schema, to_batch
from gisapp.formats.dbf_columns import dbf_columns
from gisapp.formats.dxf_texts import GROUP_BYTES, groups_of, values_of
from gisapp.formats.job import Job, NotFaithful, TooLarge
from gisapp.formats.losses import LossBook, armed, defused
from gisapp.formats.proof import prove, same_geometries
from gisapp.formats.shp import LANGUAGE_BYTE
from gisapp.formats.spool import Spool
from gisapp.layers import Catalogue
from gisapp.words import Words

ROOT = Path(__file__).resolve().parent.parent.parent
LAYER = "rooftop_signs"
# Any text that PostgreSQL stores: everything but NUL and lone surrogates; and what is likely to go wrong.
ANY = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200)
AWKWARD = st.sampled_from([
    "买买提·艾力", "𠮷野家", "㙍", "鄂S·12345", "€", "“引号”", "'", '"', "a,b;c", "line\r\nbreak", "\t", " lead",
    "trail ", "=1+1", "+1", "-1", "@x", "😀", "—～…", "违" * 130, "a" * 254, "a" * 255, "违" * 127, "a" + "违" * 127,
    "〓", "null", "NaN", "*", "\x1a", "\ufeffx", "e\u0301", "\u200b", "　全角　"])
TEXTS = st.lists(AWKWARD | ANY, min_size=1, max_size=12)


@contextmanager
def job(catalogue: Catalogue, encoding: str = "GBK") -> Iterator[Job]:
    """An export of signs into a folder of its own."""
    layer = catalogue.layers[LAYER]
    with tempfile.TemporaryDirectory() as folder, LossBook(Path(folder) / "report.csv") as book:
        yield Job(layer, catalogue, exported_fields(layer, personal=True), MENU[4490], encoding, "zh",
                  ZoneInfo("Asia/Shanghai"), "tester", Words("全部", "everything"),
                  dt.datetime(2026, 1, 1, tzinfo=dt.UTC), Path(folder), book)


def spool_of(job: Job, values: list[str]) -> Spool:
    """Rows whose remark and address are the texts, everything else empty."""
    schema = spool_schema(job.fields, second=False)
    columns: dict[str, list[Any]] = {name: [None] * len(values) for name in schema.names}
    columns |= {"id": [uuid4() for _ in values], "version": [1] * len(values), "remark": values,
                GEOMETRY: [shapely.to_wkb(shapely.Point(113 + n / 7, 31 + n / 11)) for n in range(len(values))]}
    spool = Spool(job.layer, schema, job.folder)
    spool.fill([to_batch(schema, columns)])
    return spool


def read_remarks(path: Path, column: str, **options: Any) -> list[str | None]:
    _, _, _, columns = pyogrio.raw.read(path, columns=[column], read_geometry=False, **options)
    return list(columns[0])


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
@given(values=TEXTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_is_in_the_shapefile_or_in_the_report(catalogue, encoding, values) -> None:
    with job(catalogue, encoding) as order:
        shp.write(order, spool_of(order, values))
        found = read_remarks(order.folder / f"{LAYER}.shp", "BZ")
        order.book.__exit__(None, None, None)
        with (order.folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            reported = {int(line["row"]) for line in csv.DictReader(file) if line["field"] == "BZ"}
    for number, (meant, got) in enumerate(zip(values, found, strict=True), 1):
        same = (got or "") == meant
        assert same or number in reported
        assert len((got or "").encode(encoding)) <= 254
        if number not in reported:
            assert same


@given(values=TEXTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("module", [gpkg, geojson, ndjson, parquet, fgb])
def test_other_formats_hold_every_text_as_it_is(catalogue, module, values) -> None:
    with job(catalogue, "UTF-8") as order:
        path = module.write(order, spool_of(order, values)).files[0]
        assert not order.book.counts
        if module is parquet:
            assert pq.read_table(path)["remark"].to_pylist() == values
        else:
            options = {"DATE_AS_STRING": "YES"} if module is geojson else {}
            found = read_remarks(path, "remark", layer=LAYER, **options)
            assert (sorted(found) == sorted(values)) if module is fgb else (found == values)


@given(values=TEXTS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_holds_every_text_behind_its_apostrophe(catalogue, values) -> None:
    with job(catalogue, "UTF-8") as order:
        path = csv_format.write(order, spool_of(order, values)).files[0]
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = [line["remark"] for line in csv.DictReader(file)]
        assert [armed(text) for text in found] == values
        assert order.book.counts["defused"] == sum(defused(text) != text for text in values)


@given(values=TEXTS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_workbook_holds_every_text_as_a_text(catalogue, values) -> None:
    with job(catalogue, "UTF-8") as order:
        path = xlsx.write(order, spool_of(order, values)).files[0]
        assert not order.book.counts
        data, codes, _ = (CalamineWorkbook.from_path(str(path)).get_sheet_by_index(n).to_python() for n in range(3))
        place = data[0].index("备注")
        assert [line[place] for line in data[1:]] == values
        assert codes[0][0] == "code list"
        with zipfile.ZipFile(path) as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@given(values=TEXTS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_drawing_holds_every_text_as_extended_data(catalogue, values) -> None:
    with job(catalogue, "GBK") as order:
        path = dxf.write(order, spool_of(order, values)).files[0]
        assert not order.book.counts
        _, _, _, (layers, raw) = pyogrio.raw.read(path, columns=["Layer", "RawCodeValues"], read_geometry=False,
                                                  INCLUDE_RAW_CODE_VALUES="YES")
    found = [values_of(line[5:] for line in lines if line.startswith("1000 "))
             for layer, lines in zip(layers, raw, strict=True) if layer == "ROOFTOP_SIGNS"]
    assert [fields["remark"] for fields in found] == values


@given(st.lists(AWKWARD | ANY | st.sampled_from(["^J", "^", "\\U+4E00", "\\U+", "=", "a=b", "^ "])))
def test_texts_of_a_drawing_are_short_lines_that_can_be_given_back(texts) -> None:
    for text in texts:
        lines = groups_of("remark", text)
        assert values_of(lines) == {"remark": text}
        assert all(len(line.encode("gbk")) <= GROUP_BYTES and not set(line) & {"\r", "\n"} for line in lines)


@pytest.mark.parametrize("module", [kml, gpx])
@given(values=TEXTS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_xml_holds_every_text_or_says_what_became_of_it(catalogue, module, values) -> None:
    with job(catalogue, "UTF-8") as order:
        path = module.write(order, spool_of(order, values)).files[0]
        order.book.__exit__(None, None, None)
        with (order.folder / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            reported = {int(line["row"]): line["written"] for line in csv.DictReader(file) if line["field"] == "remark"}
        tree = ElementTree.parse(path)  # noqa: S314  (of our own making)
    found = [node.text or "" for node in tree.iter()
             if node.tag.endswith("}remark") or (node.tag.endswith("}SimpleData") and node.get("name") == "remark")]
    for number, (meant, got) in enumerate(zip(values, found, strict=True), 1):
        assert got == meant or armed(reported[number]) == got


def test_every_character_of_gbk_survives(catalogue) -> None:
    """GDAL's GBK and Python's agree on each of the 21 886 two-byte characters that Python knows."""
    characters = []
    for high in range(0x81, 0xFF):
        for low in range(0x40, 0xFF):
            try:
                characters.append(bytes([high, low]).decode("gbk"))
            except UnicodeDecodeError:
                continue
    rows = ["".join(characters[n:n + 120]) for n in range(0, len(characters), 120)]
    with job(catalogue) as order:
        shp.write(order, spool_of(order, rows))
        assert not order.book.counts
        assert read_remarks(order.folder / f"{LAYER}.shp", "BZ") == rows


@pytest.mark.parametrize(("text", "width", "encoding", "kept", "done"), [
    ("违法建设", 4, "GBK", "违法", ["cut"]), ("违法建设", 5, "GBK", "违法", ["cut"]),
    ("违法", 5, "UTF-8", "违", ["cut"]), ("𠮷", 9, "GBK", "〓", ["replaced"]),
    ("𠮷", 4, "UTF-8", "𠮷", []), (" a ", 9, "GBK", "a", ["trimmed"]),
    ("a bc", 2, "GBK", "a", ["cut"]), ("", 9, "GBK", "", []),
])
def test_texts_are_cut_on_a_border(text, width, encoding, kept, done) -> None:
    assert texts.fit(text, width, encoding) == (kept, done)


def test_short_names_are_ascii_unique_and_at_most_ten_bytes(catalogue) -> None:
    with job(catalogue) as order:
        for layer in catalogue.layers.values():
            fields = exported_fields(layer, personal=True)
            there = Job(**vars(order) | {"layer": layer, "fields": fields})
            spool = Spool(layer, spool_schema(fields, layer.second_geometry is not None), order.folder)
            names = [column.name for column in dbf_columns(there, spool.parts()[0])]
            assert len(names) == len(set(names)) <= 255
            assert all(name.isascii() and len(name) <= 10 for name in names)


# ---------------------------------------------------------------- the proof notices

def _written(folder: Path, **columns: Any) -> Path:
    path = folder / "x.gpkg"
    table = pa.table(columns | {"geometry": [shapely.to_wkb(shapely.box(0, 0, 1, n + 1)) for n in range(2)]})
    pyogrio.raw.write_arrow(table, path, driver="GPKG", layer="x", geometry_type="Polygon", geometry_name="geometry",
                            crs="EPSG:4326")
    return path


def _meant(texts: list[str | None], numbers: list[float], shapes: list[Any]) -> pa.RecordBatch:
    return pa.record_batch({"a": pa.array(texts, pa.string()), "n": pa.array(numbers),
                            GEOMETRY: [shapely.to_wkb(shape) for shape in shapes]})


BOXES = [shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 2)]


@pytest.mark.parametrize(("texts", "numbers", "shapes"), [
    (["x", "Y"], [1.0, 2.0], BOXES), (["x", None], [1.0, 2.0], BOXES), (["x", "y"], [1.0, 2.5], BOXES),
    (["x", "y"], [1.0, 2.0], [BOXES[0], shapely.box(0, 0, 1, 2.0000001)]),
    (["x", "y"], [1.0, 2.0], [BOXES[0], None]), (["x", "y"], [1.0, 2.0], BOXES[::-1]),
])
def test_whatever_differs_is_noticed(tmp_path, texts, numbers, shapes) -> None:
    path = _written(tmp_path, a=["x", "y"], n=[1.0, 2.0])
    prove(path, "x", iter([_meant(["x", "y"], [1.0, 2.0], BOXES)]), 2)
    with pytest.raises(NotFaithful):
        prove(path, "x", iter([_meant(texts, numbers, shapes)]), 2)


def test_missing_and_surplus_rows_are_noticed(tmp_path) -> None:
    path = _written(tmp_path, a=["x", "y"], n=[1.0, 2.0])
    with pytest.raises(NotFaithful):
        prove(path, "x", iter([_meant(["x"], [1.0], BOXES[:1])]), 1)
    with pytest.raises(NotFaithful):
        prove(path, "x", iter([_meant(["x", "y", "z"], [1.0, 2.0, 3.0], [*BOXES, BOXES[0]])]), 3)


def test_turned_rings_are_the_same_geometry() -> None:
    there, back = ([shapely.to_wkb(shape)] for shape in (BOXES[0], shapely.reverse(BOXES[0])))
    assert same_geometries(pa.array(there), pa.chunked_array([back]))


def _pieces(folder: Path) -> list[list[str | None]]:
    return [read_remarks(path, "BZ") for path in sorted(folder.glob("*.shp"))]


def test_a_row_that_no_dbf_holds_is_refused(catalogue, monkeypatch) -> None:
    monkeypatch.setattr(shp, "FILE_BYTES", 1000)
    with job(catalogue) as order, pytest.raises(TooLarge):
        shp.write(order, spool_of(order, ["x"] * 10))


@pytest.mark.parametrize(("points", "rows", "sizes"), [(3, 100, [3, 3, 3, 1]), (100, 4, [4, 4, 2])])
def test_what_is_too_large_for_one_shapefile_goes_into_numbered_ones(catalogue, monkeypatch, points, rows,
                                                                     sizes) -> None:
    with job(catalogue) as order:
        width = 1 + sum(column.width for column in dbf_columns(order, spool_of(order, ["x"]).parts()[0]))
        monkeypatch.setattr(shp, "FILE_POINTS", points)
        monkeypatch.setattr(shp, "FILE_BYTES", shp._HEADER_BYTES + rows * width)
        written = shp.write(order, spool_of(order, [str(n) for n in range(10)]))
        assert [table.rows for table in written.tables] == sizes
        assert [path.name for path in written.files if path.suffix == ".shp"] == [
            f"{LAYER}_{n}.shp" for n in range(1, len(sizes) + 1)]
        assert [text for piece in _pieces(order.folder) for text in piece] == [str(n) for n in range(10)]


def test_a_very_large_dbf_is_as_wide_as_its_texts(catalogue, monkeypatch) -> None:
    monkeypatch.setattr(shp, "ROOMY_BYTES", 1000)
    with job(catalogue) as order:
        shp.write(order, spool_of(order, ["违法建设", "x"]))
        assert (order.folder / f"{LAYER}.dbf").stat().st_size < 4000
        assert read_remarks(order.folder / f"{LAYER}.shp", "BZ") == ["违法建设", "x"]


def test_formulas_are_defused_in_tables() -> None:
    assert [defused(text) for text in ("=1+1", "-1", "a", None)] == ["'=1+1", "'-1", "a", ""]


@given(st.lists(AWKWARD | ANY | st.sampled_from(["'=1", "''-1", "'", "'x", "＝1"]), min_size=1))
def test_a_defused_text_can_be_given_back(texts) -> None:
    assert [armed(defused(text)) for text in texts] == texts
    assert not any(defused(text)[:1] in "=+-@\t\r\n＝＋－＠" for text in texts if text)


def test_language_bytes_are_those_of_the_dbf_standard() -> None:
    assert LANGUAGE_BYTE == {"GBK": b"\x4d", "UTF-8": b"\x00"}
