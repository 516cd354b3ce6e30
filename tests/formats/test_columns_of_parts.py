"""Tables whose columns are parted by blanks, and coordinates whose degrees, minutes and seconds stand apart."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import shapely
import xlsxwriter

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.reading.degree_columns import find, together
from tests.formats.test_reading import opened, rows_of

HEAD = ["编号", "名称", "经度", "纬度"]
PLACE = shapely.Point(113 + 22 / 60 + 48.5 / 3600, 31 + 41 / 60 + 24.1 / 3600)


def spaced(folder: Path, text: str, encoding: str = "utf-8") -> files.Source:
    [source] = opened(folder, ("a.txt", text.encode(encoding)))
    return source


@pytest.mark.parametrize("gap", [" ", "   ", "　"])
def test_columns_parted_by_blanks_are_read_and_told(tmp_path: Path, gap: str) -> None:
    lines = [HEAD, ["a", "甲", "113.38", "31.69"], ["b", "乙", "113.39", "31.70"]]
    source = spaced(tmp_path, "\n".join(gap.join(line) for line in lines) + " \n", "gbk" if gap == " " else "utf-8")
    assert source.fields == HEAD and [row["名称"] for row in rows_of(source)] == ["甲", "乙"]
    assert rows_of(source)[1]["shape"].equals(shapely.Point(113.39, 31.7))
    assert [note["code"] for note in source.notes] == ["parted_by_spaces"]


def test_aligned_columns_keep_single_blanks_within_a_value(tmp_path: Path) -> None:
    source = spaced(tmp_path, "2024年台账\n编号    名称          经度         纬度\n"
                              "a       中山路 12号   113.380000   31.690000\n"
                              'bb      "x   y"       113.381      31.692\n')
    assert source.fields == HEAD and [row["名称"] for row in rows_of(source)] == ["中山路 12号", "x   y"]


def test_marks_of_seconds_open_no_quotation(tmp_path: Path) -> None:
    source = spaced(tmp_path, 'id text lon lat\n1 "a b" 113°22\'48.5" 31°41\'24.1"\n2 c 113°22\'48.5" 31°41\'24.1"\n')
    assert [row["text"] for row in rows_of(source)] == ["a b", "c"]
    assert all(shapely.distance(row["shape"], PLACE) < 1e-9 for row in rows_of(source))


def test_a_row_with_more_or_fewer_values_is_refused(tmp_path: Path) -> None:
    rows = ["a 甲 113.38 31.69"] * 12
    rows[3], rows[5] = "a 甲 乙 113.38 31.69", "a 113.38 31.69"
    source = spaced(tmp_path, "\n".join([" ".join(HEAD), *rows]))
    [batch] = files.arrow(source)
    assert {row: fault["code"] for row, fault in batch.faults.items()} == {3: "cells_beyond", 5: "cells_missing"}


@pytest.mark.parametrize(("text", "said"), [
    ('"编号" "经度" "纬度"\n"1" "a" 113.38 31.69\n"2" "b" 113.39 31.69\n', "3 names"),
    ("这是说明 请看\n数据在别处 没有 坐标\n谢谢\n", "no table"), ("说明\n", "no table")])
def test_what_blanks_do_not_surely_part_is_no_table(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Problem) as problem:
        spaced(tmp_path, text)
    assert problem.value.code == "file_unsupported" and said in str(problem.value.document("en"))


PARTS = ["113", "22", "48.5", "31", "41", "24.1"]


@pytest.mark.parametrize("names", [
    ["经度度", "经度分", "经度秒", "纬度度", "纬度分", "纬度秒"],
    ["lon_d", "lon_m", "lon_s", "lat_d", "lat_m", "lat_s"],
    ["经度(度)", "经度(分)", "经度(秒)", "纬度(度)", "纬度(分)", "纬度(秒)"], ["经度", "分", "秒", "纬度", "分", "秒"],
    ["度", "分", "秒", "度", "分", "秒"], ["E deg", "E min", "E sec", "N deg", "N min", "N sec"]])
def test_parts_of_degrees_in_columns_of_their_own_are_one_place(tmp_path: Path, names: list[str]) -> None:
    for order in ([0, 1, 2, 3, 4, 5], [3, 4, 5, 0, 1, 2]):
        (folder := tmp_path / str(order[0])).mkdir()
        lines = [["编号", *(names[n] for n in order)], ["a", *(PARTS[n] for n in order)], ["b", *[""] * 6]]
        [source] = opened(folder, ("a.csv", "\n".join(map(",".join, lines)).encode()))
        shapes = [row["shape"] for row in rows_of(source)]
        assert source.geometry == "Point" and shapely.distance(shapes[0], PLACE) < 1e-9 and shapes[1] is None


def test_columns_of_one_axis_may_stand_apart_and_seconds_lack() -> None:
    head = ["lon_d", "lat_d", "lon_m", "lat_m"]
    assert find(head, [["113°", "31°", "22.5′", "41.25"]]) == {"x": "lon_d", "x_m": "lon_m", "y": "lat_d",
                                                             "y_m": "lat_m"}


@pytest.mark.parametrize("row", [
    ["113.38", "22", "48.5", "31", "41", "24"], ["113", "22.5", "48.5", "31", "41", "24"],
    ["113", "61", "48.5", "31", "41", "24"], ["13", "22", "48.5", "31", "41", "24"], ["", "", "", "31", "41", "24"],
    ["113", "22", "48.5", "114", "41", "24"]])
def test_numbers_that_are_no_parts_of_degrees_are_left_alone(row: list[str]) -> None:
    assert find(["x_d", "x_m", "x_s", "y_d", "y_m", "y_s"], [row] * 3) is None


def test_parts_are_added_and_none_is_guessed() -> None:
    for cells in (["113", "", "1"], ["113", "61", "1"], ["113", "1", "-1"], ["x", "1", "1"], [None, "1", "1"]):
        assert together(cells) != together(cells)
    sizes = [together(["113", "22", str(second)]) for second in (0, 30, 59.9, 60)]
    assert all(a < b for a, b in pairwise(sizes)) and together(["-0.5", "0"]) == -0.5


def test_a_heading_of_two_rows_that_nobody_merged_names_all_columns(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "b.xlsx") as book:
        sheet = book.add_worksheet()
        for number, line in enumerate((["台账"], ["编号", "类型", "经度", "", "", "纬度"],
                                       ["", "", "度", "分", "秒", "度", "分", "秒"], ["a", "01", *map(float, PARTS)])):
            sheet.write_row(number, 0, line)
    [source] = opened(tmp_path, ("a.xlsx", (tmp_path / "b.xlsx").read_bytes()))
    assert source.fields[:3] == ["编号", "类型", "度"]
    assert shapely.distance(rows_of(source)[0]["shape"], PLACE) < 1e-9
