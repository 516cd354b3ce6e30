"""Whole places in one cell, rows longer than their heading, and texts in encodings that nobody named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.batches import batches
from gisapp.formats.reading.written import is_place
from tests.formats.test_reading import opened, rows_of

X, Y = 113.3812, 31.6934
POINT = shapely.Point(X, Y)
AREA = shapely.box(X, Y, X + 0.001, Y + 0.001)


def table(folder: Path, cells: list[str], name: str = "位置") -> files.Source:
    """The look at a CSV with a number and one place a row."""
    text = f"编号,{name}\n" + "".join(f'{n},"{cell.replace(chr(34), chr(34) * 2)}"\n' for n, cell in enumerate(cells))
    [source] = opened(folder, ("a.csv", text.encode()))
    return source


@pytest.mark.parametrize("cell", [
    f"{X},{Y}", f"{X}, {Y}", f"{X} {Y}", f"{X}，{Y}", f"({X},{Y})", f"[{X}, {Y}]", f"（{X}；{Y}）", f"{X}/{Y}",
    f"{X},{Y},12.5", f"经度：{X}，纬度：{Y}", f"lon={X} lat={Y}", f"E{X} N{Y}", "113°22′52.32″E 31°41′36.24″N",
    "东经113°22′52.32″，北纬31°41′36.24″", "东经113°22′52.32″北纬31°41′36.24″", "113,3812;31,6934",
    shapely.to_wkb(POINT, hex=True), "\\x" + shapely.to_wkb(POINT, hex=True).lower(),
    shapely.to_wkb(shapely.set_srid(POINT, 4326), hex=True, include_srid=True), f"POINTZ({X} {Y} 5)",
    f"SRID=4326;POINT({X} {Y})", f'{{"type": "Point", "coordinates": [{X}, {Y}]}}'])
def test_a_place_in_one_cell_is_read_however_it_is_written(tmp_path: Path, cell: str) -> None:
    source = table(tmp_path, [cell, cell, ""])
    assert source.columns == {"wkt": "位置"} and source.geometry == "Point"
    shapes = [row["shape"] for row in rows_of(source)]
    assert shapes[2] is None and shapely.distance(shapes[0], POINT) < 1e-9 and not source.notes


@pytest.mark.parametrize("cell", [f"{Y},{X}", f"{Y} {X}", f"纬度：{Y} 经度：{X}", f"N{Y},E{X}", f"lat: {Y}, lon: {X}"])
def test_latitude_first_is_seen_and_told(tmp_path: Path, cell: str) -> None:
    source = table(tmp_path, [cell, cell, f"{X},{Y}"])
    assert all(shapely.distance(row["shape"], POINT) < 1e-9 for row in rows_of(source))
    [note] = source.notes
    assert note["code"] == "north_first" and "2" in note["en"] and "1 other" in note["en"]


def test_northings_of_surveyors_in_one_cell_are_turned(tmp_path: Path) -> None:
    source = table(tmp_path, ["3507650.33, 441490.22", "3507660.33, 441491.22"])
    assert rows_of(source)[0]["shape"].equals(shapely.Point(441490.22, 3507650.33))
    assert source.notes[0]["code"] == "north_first"


def test_a_row_of_pairs_is_a_line(tmp_path: Path) -> None:
    ring = ";".join(f"{x:.6f},{y:.6f}" for x, y in AREA.exterior.coords)
    source = table(tmp_path, [ring])
    assert rows_of(source)[0]["shape"].equals_exact(shapely.LineString(AREA.exterior.coords), 1e-9)
    assert source.geometry == "LineString"


def test_long_rows_of_pairs_are_read_in_time_and_endless_ones_are_none(tmp_path: Path) -> None:
    long, endless = (";".join([f"{X},{Y}", f"{X},31.7"] * count) for count in (5_000, 260_000))
    rows = rows_of(table(tmp_path, [long, endless]))
    assert shapely.get_num_coordinates(rows[0]["shape"]) == 10_000 and rows[1]["shape"] == b""


@pytest.mark.parametrize("cell", ["113,38", "2026-01-31", "139 1234 5678", "12,5", "113.38", "1,234,567", "120,35",
                                  "中山路 12 号", "113.38,31.69,113.39,31.70", "0101"])
def test_other_numbers_are_no_places(cell: str) -> None:
    assert not is_place(cell)


@pytest.mark.parametrize("cell", [
    "113.3812,x", "(113.3812)", "POINT(1", "0101000000zz",
    '{"type": "Point", "coordinates": ["x"]}', '{"type":"Polygon","coordinates":' + "[" * 60_000 + "]" * 60_000 + "}",
    '{"coordinates":1,' + '"geometries":[{' * 9000],
    ids=["word", "one number", "cut WKT", "no hex", "no numbers", "deep", "deep collections"])
def test_a_cell_that_holds_none_is_told_from_an_empty_one(tmp_path: Path, cell: str) -> None:
    rows = rows_of(table(tmp_path, [f"{X},{Y}", f"{X},{Y}", f"{X},{Y}", f"{X},{Y}", f"{X},{Y}", cell]))
    assert rows[5]["shape"] == b"" and rows[0]["shape"] is not None


def test_what_ewkb_names_is_believed_and_another_system_refused(tmp_path: Path) -> None:
    one, other = (shapely.to_wkb(shapely.set_srid(POINT, n), hex=True, include_srid=True) for n in (4490, 3857))
    source = table(tmp_path, [one] * 250 + [other], "geom")
    assert source.crs == "EPSG:4490" and rows_of(source)[250]["shape"] == b""


# ------------------------------------------------------------------------------------------- rows and headings

def faults(source: files.Source) -> dict[int, Any]:
    return {int(batch.rows[row]): fault for batch in batches(source) for row, fault in batch.faults.items()}


def test_a_row_with_more_cells_than_the_heading_is_refused(tmp_path: Path) -> None:
    text = f"编号,地址,经度,纬度\n1,中山路,{X},{Y}\n2,中山路,12号,{X},{Y}\n3,中山路,{X},{Y},,\n"
    [source] = opened(tmp_path, ("a.csv", text.encode()))
    found = faults(source)
    assert list(found) == [2] and found[2]["code"] == "cells_beyond" and str(Y) in found[2]["zh"]
    assert len(source.fields) == 4 and source.count == 3


def test_a_heading_that_is_too_short_gets_names(tmp_path: Path) -> None:
    text = "编号,类型,名称,数量,经度\n" + "".join(f"{n},01,某处,5,{X},{Y}\n" for n in range(5))
    [source] = opened(tmp_path, ("a.csv", text.encode()))
    assert source.fields == ["编号", "类型", "名称", "数量", "经度", "column_6"] and faults(source) == {}
    assert source.columns == {"x": "经度", "y": "column_6"} and rows_of(source)[0]["column_6"] == str(Y)


# ------------------------------------------------------------------------------------------- encodings

@pytest.mark.parametrize(("codec", "found"), [
    ("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE"), ("utf-16", "UTF-16")])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.dat"])
def test_wide_texts_are_read_without_their_mark(tmp_path: Path, codec: str, found: str, name: str) -> None:
    text = "编号\t名称\t经度\t纬度\n" + "".join(f"{n}\t鲁迅路\t{X}\t{Y}\n" for n in range(3))
    [source] = opened(tmp_path, (name, text.encode(codec)))
    assert source.encoding == found and rows_of(source)[0]["名称"] == "鲁迅路"


def test_western_texts_are_found_and_can_be_chosen(tmp_path: Path) -> None:
    text = f"name,lon,lat\nCafé “Zürich”,{X},{Y}\nnaïve,{X},{Y}\n".encode("cp1252")
    [source] = opened(tmp_path, ("a.csv", text))
    assert source.encoding == "CP1252" and rows_of(source)[0]["name"] == "Café “Zürich”"
    (tmp_path / "again").mkdir()
    [chosen] = opened(tmp_path / "again", ("a.csv", text), encoding="CP1252")
    assert chosen.encoding_from == "chosen" and rows_of(chosen)[1]["name"] == "naïve"


def test_noise_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="file_unsupported"):
        opened(tmp_path, ("a.dat", bytes(range(256)) * 50))
