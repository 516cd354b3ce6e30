"""Units behind numbers, marks at headings."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from gisapp.formats.cells import Column
from gisapp.formats.mapping import Converter
from gisapp.formats.names import suggest
from gisapp.formats.units import without_unit
from gisapp.layers import Catalogue


@pytest.mark.parametrize(("cell", "value"), [
    ("35㎡", "35.00"), ("３５．５ 平方米", "35.50"), ("35.50 m²", "35.50"), ("35M2", "35.00"), ("1,235平米", "1235.00"),
    ("35m", None), ("35亩", None), ("约35㎡", None), ("㎡", None), ("35㎡左右", None), ("3㎡5㎡", None)])
def test_only_the_fields_own_unit_may_follow_a_number(catalogue: Catalogue, cell: str, value: str | None) -> None:
    layer = catalogue.layers["rooftop_signs"]
    read = Column(layer.field("area_m2"), None, Converter(layer, catalogue, ZoneInfo("Asia/Shanghai")), Counter()).read(
        pa.array([cell]))
    assert (read.values.to_pylist(), bool(read.faults)) == ([value], value is None)


@pytest.mark.parametrize(("text", "unit", "left"), [
    ("3米", "m", "3"), ("3m2", "m", "3m2"), ("12 t", "t", "12"), ("40公里/小时", "km/h", "40"), ("12.", None, "12."),
    ("5方", "m³", "5方"), ("3km", "m", "3km")])
def test_a_unit_is_taken_off_whole(text: str, unit: str | None, left: str) -> None:
    assert without_unit(text, unit) == left


def test_marks_of_what_must_be_filled_in_hide_no_heading(catalogue: Catalogue) -> None:
    heads = ["设施编号 *", "设施类型\n（必填）", "*地址", "许可有效期（起）"]
    found = suggest(catalogue.layers["rooftop_signs"], heads)
    assert [found[name] for name in heads[:3]] == ["sign_no", "sign_kind", "address"]
