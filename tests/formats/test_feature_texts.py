"""Features and shapes as texts, made column by column, say what they would say one by one."""

from __future__ import annotations

import csv as reader
import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from gisapp.formats.csv import quoted
from gisapp.formats.feature_texts import joined_texts, json_values
from gisapp.formats.shape_texts import as_geojson, as_wkt
from tests.formats.test_shapefile_writer import KINDS, LINES, PLACES, _wkb

TEXT = st.none() | st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ['"', "\\", "\n", "\x1f", "\x7f", "违法“建设”", ",", "a,b", 'x"y', "\r", " "])
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), TEXT),
    "whole": (pa.int64(), st.none() | st.integers(-2**63, 2**63 - 1)),
    "yes": (pa.bool_(), st.none() | st.booleans()),
    "number": (pa.decimal128(18, 2), st.none() | st.decimals(-10**15, 10**15, places=2, allow_nan=False)),
    "fine": (pa.decimal128(18, 9), st.none() | st.decimals(-10**8, 10**8, places=9, allow_nan=False)),
    "double": (pa.float64(), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    "day": (pa.date32(), st.none() | st.dates(dt.date(1, 1, 1))),
    "moment": (pa.timestamp("us", "UTC"), st.none() | st.datetimes(dt.datetime(1, 1, 1), timezones=st.just(dt.UTC))),
    "list": (pa.list_(pa.string()), st.none() | st.lists(TEXT.filter(lambda text: text is not None), max_size=4)),
}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_values_are_json(name: str, data: st.DataObject) -> None:
    kind, draw = VALUES[name]
    values = data.draw(st.lists(draw, min_size=1, max_size=8))
    cut = data.draw(st.integers(0, len(values) - 1))
    texts = json_values(pa.array(values, kind).slice(cut))
    texts.validate(full=True)
    found = [text if text is None else json.loads(text) for text in texts.to_pylist()]
    assert found == [_plain(value) for value in values[cut:]]
    if name == "double":
        assert all(type(value) is float for value in found if value is not None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_values(pa.array([1.0, None, value]))


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_shapes_are_told_to_the_last_digit(kind: str, data: st.DataObject) -> None:
    draw = st.one_of(PLACES.map(shapely.Point), LINES, st.none()) if kind == "mixed" else KINDS[kind]
    shapes = data.draw(st.lists(draw, min_size=1, max_size=6))
    told, known = as_geojson(_wkb(shapes)), as_wkt(_wkb(shapes))
    told.validate(full=True)
    known.validate(full=True)
    for shape, text, wkt in zip(shapes, told.to_pylist(), known.to_pylist(), strict=True):
        if shape is None:
            assert text is None
            assert wkt is None
            continue
        assert json.loads(text)["type"] == shape.geom_type
        found = shapely.from_geojson(text)
        assert shapely.normalize(found).equals(shapely.normalize(shape)) or shape.is_empty
        assert shapely.equals_exact(shapely.from_wkt(wkt), shape, 0) or shape.is_empty
        areas = [part for part in getattr(found, "geoms", [found]) if part.geom_type == "Polygon" and not part.is_empty]
        assert all(shapely.is_ccw(part.exterior) for part in areas)
        assert not any(shapely.is_ccw(ring) for part in areas for ring in part.interiors)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_lines_are_csv(rows: list[tuple[str | None, str | None]]) -> None:
    columns = [pa.array([row[n] or "" for row in rows]) for n in (0, 1)]
    text = "".join(joined_texts([quoted(columns[0]), ",", quoted(columns[1]), "\r\n"], "").to_pylist())
    found = list(reader.reader(io.StringIO(text, newline="")))
    assert found == [[one or "", other or ""] for one, other in rows]


def test_pieces_that_are_missing_are_replaced() -> None:
    found = joined_texts(["a", pa.nulls(2, pa.string()), "b", pa.array(["x", None]), "c"], "null")
    assert found.to_pylist() == ["anullbxc", "anullbnullc"]
