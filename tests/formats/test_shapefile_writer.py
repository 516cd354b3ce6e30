"""What the writer of shapefiles writes is what GDAL reads: shapes of every arrangement, values of every type."""

from __future__ import annotations

import datetime as dt
import struct
import tempfile
import warnings
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from gisapp.formats.dbf_columns import DbfColumn
from gisapp.formats.dbf_writer import DbfWriter
from gisapp.formats.job import NotFaithful
from gisapp.formats.local_times import local_texts
from gisapp.formats.shp_writer import ShpWriter
from gisapp.layers import Field
from gisapp.words import Words

PLACES = st.tuples(st.floats(-180, 180, width=32), st.floats(-85, 85, width=32))
SIZES = st.floats(0.5, 3)


def _area(place: tuple[float, float], size: float, holes: int, turn: bool) -> Any:
    shape = shapely.box(*place, place[0] + size * 4, place[1] + size * 4)
    for hole in range(holes):
        low = (place[0] + size * (hole + 0.25), place[1] + size * (hole + 0.25))
        shape = shape.difference(shapely.box(*low, low[0] + size / 2, low[1] + size / 2))
    return shapely.reverse(shape) if turn else shape


AREAS = st.builds(_area, PLACES, SIZES, st.integers(0, 3), st.booleans())
PARTED = st.lists(AREAS, min_size=1, max_size=3).map(
    lambda parts: shapely.MultiPolygon([shapely.affinity.translate(p, 400 * n) for n, p in enumerate(parts)]))
LINES = st.lists(st.lists(PLACES, min_size=2, max_size=6, unique=True), min_size=1, max_size=3).map(
    shapely.MultiLineString)
NONE = st.none() | st.sampled_from([shapely.MultiPolygon(), shapely.Polygon()])
KINDS = {
    "MultiPolygon": st.one_of(PARTED, PARTED, AREAS, NONE),
    "MultiLineString": st.one_of(LINES, st.none()),
    "Point": st.one_of(PLACES.map(shapely.Point), st.none()),
    "MultiPoint": st.one_of(st.lists(PLACES, min_size=1, max_size=5).map(shapely.MultiPoint), st.none()),
}


def _wkb(shapes: Sequence[Any], byte_order: int = 1) -> pa.Array:
    return pa.array([None if s is None else shapely.to_wkb(s, byte_order=byte_order) for s in shapes], pa.binary())


def _read(path: Path) -> list[Any]:
    return list(shapely.from_wkb(pyogrio.raw.read(path)[2]))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), order=st.sampled_from([0, 1]))
@settings(max_examples=60, deadline=None)
def test_shapes_are_read_as_they_were(kind: str, data: st.DataObject, order: int) -> None:
    batches = data.draw(st.lists(st.lists(KINDS[kind], max_size=6), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.shp"
        with ShpWriter(path, kind) as writer:
            for batch in batches:
                writer.write(_wkb(batch, order))
        meant = [shape for batch in batches for shape in batch]
        head = path.read_bytes()
        assert struct.unpack(">I", head[24:28])[0] * 2 == len(head)
        assert path.with_suffix(".shx").stat().st_size == 100 + 8 * len(meant)
        found = _read(path)
        box = struct.unpack("<4d", head[36:68])
    there = [shape for shape in meant if shape is not None and not shape.is_empty]
    assert box == pytest.approx(shapely.total_bounds(there) if there else (0, 0, 0, 0), abs=0)
    for one, other in zip(meant, found, strict=True):
        if one is None or one.is_empty:
            assert other is None
        else:
            assert shapely.normalize(shapely.multipolygons([other]) if other.geom_type == "Polygon" else other).equals(
                shapely.normalize(shapely.multipolygons([one]) if one.geom_type == "Polygon" else one))
            assert shapely.get_num_coordinates(one) == shapely.get_num_coordinates(other)


@given(st.lists(PARTED, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_outer_rings_run_clockwise_and_holes_do_not(shapes: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.shp"
        with ShpWriter(path, "MultiPolygon") as writer:
            writer.write(_wkb(shapes))
        raw = path.read_bytes()
    at = 100
    for shape in shapes:
        parts, points = struct.unpack_from("<II", raw, at + 44)
        starts = [*struct.unpack_from(f"<{parts}I", raw, at + 52), points]
        numbers = np.frombuffer(raw, "<f8", 2 * points, at + 52 + 4 * parts).reshape(-1, 2)
        rings = [shapely.LinearRing(numbers[a:b]) for a, b in pairwise(starts)]
        outer = [ring for part in shape.geoms for ring in (True, *[False] * len(part.interiors))]
        assert [shapely.is_ccw(ring) for ring in rings] == [not one for one in outer]
        at += 52 + 4 * parts + 16 * points


def test_what_is_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Polygon"), ShpWriter(tmp_path / "x.shp", "MultiPolygon") as writer:
        writer.write(_wkb([shapely.Point(1, 2)]))


def _column(name: str, kind: str, width: int, decimals: int = 0) -> DbfColumn:
    field = Field(name.lower(), Words("名", "name"), kind, name, decimals=decimals or None)
    return DbfColumn(name, field, width, decimals, booleans="logical")


GBK = st.text(st.sampled_from("ab 1违法建设·—“”㎡α，"), max_size=9).map(str.strip).filter(bool)
COLUMNS: dict[str, tuple[DbfColumn, pa.DataType, st.SearchStrategy[Any]]] = {
    "C": (_column("C", "text", 20), pa.string(), st.none() | GBK),
    "N": (_column("N", "integer", 18), pa.int64(), st.none() | st.integers(-10**17 + 1, 10**18 - 1)),
    "M": (_column("M", "number", 14, 2), pa.decimal128(18, 2), st.none() | st.decimals(
        -10**10 + 1, 10**11 - 1, places=2, allow_nan=False)),
    "F": (_column("F", "number", 24, 15), pa.float64(), st.none() | st.floats(
        allow_nan=False, allow_infinity=False)),
    "D": (_column("D", "date", 8), pa.date32(), st.none() | st.dates(dt.date(1, 1, 1))),
    "L": (_column("L", "boolean", 1), pa.bool_(), st.none() | st.booleans()),
}


def _table(path: Path, columns: Sequence[DbfColumn], batches: Sequence[pa.RecordBatch], encoding: str = "GBK") -> None:
    with DbfWriter(path, columns, encoding, b"\x4d", dt.date(2026, 11, 22)) as writer:
        for batch in batches:
            writer.write(batch)


def _values(path: Path) -> dict[str, list[Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        _, table = pyogrio.raw.read_arrow(path, encoding="GBK")
    return {name: table[name].to_pylist() for name in COLUMNS}


@given(st.lists(st.lists(st.tuples(*(kind[2] for kind in COLUMNS.values())), max_size=8), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_values_are_read_as_they_were(batches: list[list[tuple[Any, ...]]]) -> None:
    meant = [row for batch in batches for row in batch]
    schema = pa.schema([(name, kind) for name, (_, kind, _) in COLUMNS.items()])
    made = [pa.record_batch([pa.array([row[n] for row in batch], field.type) for n, field in enumerate(schema)],
                            schema=schema) for batch in batches]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dbf"
        _table(path, [kind[0] for kind in COLUMNS.values()], made)
        assert path.stat().st_size == 32 + 32 * len(COLUMNS) + 1 + len(meant) * 86 + 1
        if not meant:
            return
        found = _values(path)
    for number, name in enumerate(COLUMNS):
        for row, value in zip(meant, found[name], strict=True):
            if isinstance(row[number], float | Decimal):
                assert value == pytest.approx(float(row[number]), rel=1e-12, abs=0)
            else:
                assert value == row[number]


@pytest.mark.parametrize(("column", "values"), [
    (_column("N", "integer", 3), pa.array([1000])), (_column("N", "integer", 3), pa.array([-100])),
    (_column("M", "number", 5, 2), pa.array([Decimal("100.00")], pa.decimal128(18, 2))),
    (_column("M", "number", 5, 2), pa.array([Decimal("-10.00")], pa.decimal128(18, 2))),
])
def test_a_number_too_long_for_its_column_is_refused(tmp_path: Path, column: DbfColumn, values: pa.Array) -> None:
    with pytest.raises(NotFaithful):
        _table(tmp_path / "x.dbf", [column], [pa.record_batch([values], [column.name])])


def test_a_text_is_never_cut_silently(tmp_path: Path) -> None:
    column = _column("C", "text", 3)
    with pytest.raises(ValueError, match="wider"):
        _table(tmp_path / "x.dbf", [column], [pa.record_batch([pa.array(["违法"])], ["C"])])


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_texts_stand_byte_for_byte(tmp_path: Path, count: int, encoding: str) -> None:
    texts = ["违a", "b", None, "ü法", "13 违"] * count
    column = _column("C", "text", 9)
    _table(tmp_path / "x.dbf", [column], [pa.record_batch([pa.array(["", *texts]).slice(1)], ["C"])], encoding)
    raw = (tmp_path / "x.dbf").read_bytes()[65:-1]
    found = [raw[at + 1:at + 10] for at in range(0, len(raw), 10)]
    assert found == [(text or "").encode(encoding).ljust(9) for text in texts]


@given(st.lists(st.none() | st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9999, 1, 1), timezones=st.just(dt.UTC))),
       st.sampled_from(["Asia/Shanghai", "Europe/London", "America/St_Johns", "Asia/Kathmandu"]))
@settings(max_examples=100, deadline=None)
def test_moments_are_told_in_the_zone(moments: list[dt.datetime | None], name: str) -> None:
    zone = ZoneInfo(name)
    found = local_texts(pa.array(moments, pa.timestamp("us", "UTC")), zone)
    found.validate(full=True)
    assert found.to_pylist() == [m and m.astimezone(zone).isoformat(" ", "seconds")[:19] for m in moments]


def test_moments_about_a_change_of_the_clock() -> None:
    zone = ZoneInfo("Europe/London")
    change = dt.datetime(2026, 3, 29, 1, tzinfo=dt.UTC)
    moments = [change + dt.timedelta(seconds=s) for s in (-1, 0, 1, -3600, 3600)]
    odd = dt.datetime(1900, 12, 31, 15, 54, 17, tzinfo=dt.UTC)  # Shanghai leaves local mean time within an hour
    told = local_texts(pa.array(moments, pa.timestamp("us", "UTC")), zone).to_pylist()
    assert told == [m.astimezone(zone).isoformat(" ")[:19] for m in moments]
    shanghai = ZoneInfo("Asia/Shanghai")
    around = [odd + dt.timedelta(seconds=s) for s in range(-3, 4)]
    told = local_texts(pa.array(around, pa.timestamp("us", "UTC")), shanghai).to_pylist()
    assert told == [m.astimezone(shanghai).isoformat(" ")[:19] for m in around]
