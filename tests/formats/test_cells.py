"""Columns read at once say what each value would have been told alone, by `Converter` and `schema`."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.formats.cells import Column, _text
from gisapp.formats.mapping import Converter
from gisapp.rules import RULES
from gisapp.schema import ValueFault, check_value

CATALOGUE = load_catalogue(ROOT / "layers", RULES)
LAYER = CATALOGUE.layers["vendor_points"]
BUILDS = CATALOGUE.layers["illegal_builds"]
CONVERTERS = {layer.id: Converter(layer, CATALOGUE, ZoneInfo("Asia/Shanghai")) for layer in (LAYER, BUILDS)}
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from([
    "", " ", "01", "1", "私搭乱建", "2024-02-29", "2023/2/30", "2024年1月2日", "1e5", "1,234.5", "是",
    "no", "\x00a", "x" * 300, "01;02", "周一、周二", "12:30", "2024-01-01 08:00"]))
NUMBERS = st.one_of(st.floats(allow_nan=True), st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), st.sampled_from([
    0.1 + 0.2, 12.345, 1e15, -0.0, 2.675, 1e-12, math.inf]))


def alone(layer: Any, field: Any, value: Any) -> tuple[str | None, str | None]:
    try:
        codes = CATALOGUE.codelists[field.codelist] if field.codelist else None
        return _text(check_value(field, codes, CONVERTERS[layer.id].convert(field.id, value))), None
    except ValueFault as fault:
        return None, fault.code


def same(field: Any, ours: str | None, theirs: str | None) -> bool:
    if field.type == "number" and ours is not None and theirs is not None:
        return float(ours) == float(theirs)
    return ours == theirs


FIELDS = [(layer, field) for layer in (LAYER, BUILDS) for field in layer.writable_fields]
KINDS = {"text": (TEXTS, pa.string()), "float": (NUMBERS, pa.float64()),
         "integer": (st.integers(-2**63, 2**63 - 1), pa.int64()), "boolean": (st.booleans(), pa.bool_()),
         "date": (st.dates(), pa.date32())}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_column_says_what_each_value_would_be_told(kind: str, data: st.DataObject) -> None:
    values, arrow = KINDS[kind]
    column = data.draw(st.lists(st.none() | values, max_size=8))
    array = pa.array(column, arrow)
    for layer, field in FIELDS:
        codes = CATALOGUE.codelists[field.codelist] if field.codelist else None
        read = Column(field, codes, CONVERTERS[layer.id], Counter()).read(array)
        for row, value in enumerate(array.to_pylist()):
            text, code = alone(layer, field, value)
            found = read.faults.get(row)
            assert (found["code"] if found else None) == code, (field.id, value)
            assert same(field, None if found else read.values[row].as_py(), text), (field.id, value)


def test_values_of_several_kinds_stand_in_one_column() -> None:
    field = BUILDS.field("built_at")
    read = Column(field, None, CONVERTERS[BUILDS.id], Counter()).read(
        ["2024-01-02", dt.date(2024, 1, 3), None, 5, dt.datetime(2024, 1, 4, 12, tzinfo=dt.UTC)])
    assert read.values.to_pylist() == ["2024-01-02", "2024-01-03", None, None, "2024-01-04"]
    assert read.faults.keys() == {3}


def test_unknown_codes_are_counted_by_value() -> None:
    unknown: Counter[tuple[str, str]] = Counter()
    field = BUILDS.field("build_type")
    Column(field, CATALOGUE.codelists["build_type"], CONVERTERS[BUILDS.id], unknown).read(
        pa.array(["01", "甲", "乙", "甲", None]))
    assert unknown == {("build_type", "甲"): 2, ("build_type", "乙"): 1}
