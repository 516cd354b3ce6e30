"""Moments, days and long numbers as other programs write them: read right, or refused, never something else."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
import xlsxwriter

from gisapp.formats.cells import Column
from gisapp.formats.mapping import Converter
from gisapp.layers import Catalogue, Field
from gisapp.words import Words
from tests.formats.test_reading import opened, rows_of

ZONE = ZoneInfo("Asia/Shanghai")


def taken(catalogue: Catalogue, field: str, cell: str, *, of_sheet: bool = True) -> str:
    """What the column of a layer takes of a cell; "fault" where it is refused."""
    layer = catalogue.layers["rooftop_signs"]
    converter = Converter(layer, catalogue, ZONE, of_sheet=of_sheet)
    read = Column(layer.field(field), None, converter, Counter()).read(pa.array([cell]))
    return "fault" if read.faults else str(read.values[0])


@pytest.mark.parametrize(("cell", "utc"), [
    ("2024-11-13 08:30:00", "2024-11-13T00:30:00"), ("2024-11-13 08:30:00+08", "2024-11-13T00:30:00"),
    # As ogr2ogr and COPY write them; the offset has no minutes.
    ("2024/11/13 00:30:00+00", "2024-11-13T00:30:00"), ("2024-11-13 00:30:00.5+00", "2024-11-13T00:30:00.500000"),
    # .NET has seven decimals, Java nine.
    ("2024-11-13T00:30:00.0000000Z", "2024-11-13T00:30:00"),
    ("2024-11-13T00:30:00.123456789+00:00", "2024-11-13T00:30:00.123456"),
    ("2024-11-13 00:30 UTC", "2024-11-13T00:30:00"), ("2024-11-13 08:30 GMT+8", "2024-11-13T00:30:00"),
    ("2024-11-13 00:30:00 +0000", "2024-11-13T00:30:00"), ("2024-11-12 19:00:00-0530", "2024-11-13T00:30:00"),
    ("2024/11/13 3:05:00 PM", "2024-11-13T07:05:00"), ("2024/11/13 12:05 am", "2024-11-12T16:05:00"),
    ("2024/11/13 下午 3:05", "2024-11-13T07:05:00"), ("2024/11/13 下午3时05分", "2024-11-13T07:05:00"),
    ("2024-11-13 下午 15:05", "2024-11-13T07:05:00"), ("2024年11月13日15时05分20秒", "2024-11-13T07:05:20"),
    ("2024-11-13 12:00 PM", "2024-11-13T04:00:00"), ("１９８８－０７－０１　０８：００", "1988-06-30T23:00:00")])
def test_an_instant_is_the_one_that_was_meant(catalogue: Catalogue, cell: str, utc: str) -> None:
    assert datetime.fromisoformat(taken(catalogue, "found_at", cell)) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("cell", ["2024-11-13 08:30 CST", "2024-11-13 08:30 to 09:30", "2024-11-13 08:30:00+99",
                                  "2024-11-13 24:00", "2024-11-13 08:61", "2024-02-30 08:00", "2024-11-13 8:30:00 X"])
def test_what_is_not_understood_of_an_instant_is_refused(catalogue: Catalogue, cell: str) -> None:
    assert taken(catalogue, "found_at", cell) == "fault"


@pytest.mark.parametrize(("cell", "day"), [
    ("2024-11-12T16:00:00.000Z", "2024-11-13"), ("2024-11-12 16:00:00+00", "2024-11-13"),
    ("2024-11-13T00:00:00Z", "2024-11-13"), ("2024-11-12T23:30:00-05:00", "2024-11-13"),
    ("2024-11-13 23:59:59", "2024-11-13"), ("9999-12-31T23:59:59Z", "9999-12-31")])
def test_a_day_is_that_of_the_house(catalogue: Catalogue, cell: str, day: str) -> None:
    assert taken(catalogue, "effective_from", cell) == day


@pytest.mark.parametrize(("decimals", "cell", "wanted"), [
    (None, "9007199254740993", "9007199254740993"), (None, "-9,223,372,036,854,775,807", "-9223372036854775807"),
    (None, "9223372036854775808", "fault"), (None, "12.0", "12"), (2, "99999999999999.99", "99999999999999.99"),
    (2, "17.58", "17.58"), (2, "17.580000000000002", "17.58"), (2, "17.585", "fault")])
def test_no_digit_of_a_long_number_is_lost(
        catalogue: Catalogue, decimals: int | None, cell: str, wanted: str) -> None:
    kind = "integer" if decimals is None else "number"
    own = Field("area_m2", Words("数", "number"), kind, "S", decimals=decimals)
    converter = Converter(catalogue.layers["rooftop_signs"], catalogue, ZONE)
    # The converter goes by the layer's own number, which is taken in the same way.
    read = Column(own, None, converter, Counter()).read(pa.array([cell]))
    assert ("fault" if read.faults else read.values[0].as_py()) == wanted


@pytest.mark.parametrize(("cell", "wanted"), [
    ("4.21301E+17", "fault"), ("4.213011990010112e+17", "fault"), ("1E+11", "fault"), ("421301199001011234",) * 2,
    ("3E+5 栋", "3E+5 栋"), ("E+17", "E+17"), ("4.2E-07", "4.2E-07")])
def test_a_long_number_that_a_spreadsheet_shortened_is_no_text(catalogue: Catalogue, cell: str, wanted: str) -> None:
    assert taken(catalogue, "sign_text", cell) == wanted
    assert taken(catalogue, "sign_text", cell, of_sheet=False) == cell  # no other format has such a habit


def test_nor_is_one_that_a_workbook_holds_as_a_number(catalogue: Catalogue, tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["编号", "经度", "纬度"])
    sheet.write_row(1, 0, [421301199001011234, 113.38, 31.69])
    book.close()
    [source] = opened(tmp_path, tmp_path / "a.xlsx")
    [row] = rows_of(source)
    assert taken(catalogue, "sign_text", row["编号"]) == "fault"
