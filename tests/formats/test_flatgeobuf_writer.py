"""What the writer of FlatGeobuf writes is what GDAL reads, and its tree finds what looking at every shape finds."""

from __future__ import annotations

import datetime as dt
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from gisapp.formats.fgb_features import records
from gisapp.formats.fgb_values import values_of
from gisapp.formats.fgb_writer import FgbWriter, levels, read_header
from tests.formats.shape_strategies import KINDS, alike, wkb
from tests.formats.spooled import COLUMNS, SPOOLED, TITLES, cells

ROWS = st.tuples(*cells(9))


def _written(path: Path, kind: str, shapes: list[Any], rows: list[tuple[Any, ...]], batch: int = 7) -> None:
    stand_in = shapely.from_wkt({"Unknown": "POINT(0 0)", "MultiPoint": "MULTIPOINT((0 0))"}.get(kind) or next(
        text for text in ("POINT(0 0)", "LINESTRING(0 0,1 1)", "POLYGON((0 0,1 0,1 1,0 0))",
                          "MULTILINESTRING((0 0,1 1))", "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))")
        if text.startswith(kind.upper() + "(")))
    schema = pa.schema([column.arrow for column in COLUMNS] + [pa.field("@", pa.binary())])
    empty = pa.table([*(pa.nulls(1, column.type) for column in COLUMNS), wkb([stand_in])], schema=schema)
    pyogrio.raw.write_arrow(empty, path, driver="FlatGeobuf", geometry_name="@", geometry_type=kind, crs="EPSG:4490")
    writer = FgbWriter(path.parent)
    for first in range(0, len(shapes), batch):
        part = rows[first:first + batch]
        spooled = pa.record_batch(
            [pa.array(range(first, first + len(part)), pa.int64()),
             *(pa.array([row[n] for row in part], field.type) for n, field in enumerate(list(SPOOLED)[1:]))],
            schema=SPOOLED)
        writer.write(*records(wkb(shapes[first:first + batch]), values_of(COLUMNS, spooled)))
    writer.finish(path)


def _read(path: Path, **options: Any) -> dict[int, dict[str, Any]]:
    # Not by Arrow: there GDAL 3.12 gives whatever lies in memory for a feature without geometry.
    meta, _, shapes, columns = pyogrio.raw.read(path, datetime_as_string=True, **options)
    found = {}
    for shape, *values in zip(shapely.from_wkb(shapes), *columns, strict=True):
        row = dict(zip(meta["fields"], values, strict=True))
        found[int(row["number"])] = row | {"@": shape}
    assert len(found) == len(shapes)
    return found


def _same(sent: Any, got: Any) -> bool:
    if sent is None:
        return got is None or (isinstance(got, float) and bool(np.isnan(got)))
    if isinstance(sent, dt.datetime):
        return abs(dt.datetime.fromisoformat(got) - sent) <= dt.timedelta(milliseconds=1)
    if isinstance(sent, dt.date):  # GDAL has no type for days in this format: they come as moments
        return bool(got[:10].replace("/", "-") == sent.isoformat())
    return bool(got == sent)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_features_are_read_as_they_were(kind: str, data: st.DataObject) -> None:
    shapes = data.draw(st.lists(KINDS[kind], min_size=1, max_size=20))
    rows = [data.draw(ROWS) for _ in shapes]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.fgb"
        _written(path, kind, shapes, rows)
        found = _read(path)
        info = pyogrio.read_info(path, force_total_bounds=True)
    assert info["features"] == len(shapes) == len(found)
    there = [shape for shape in shapes if shape is not None]
    if there:
        assert tuple(info["total_bounds"]) == pytest.approx(shapely.total_bounds(there), abs=0)
    for number, (shape, row) in enumerate(zip(shapes, rows, strict=True)):
        title = (None if row[1] is None else TITLES.get(row[1], row[1]))
        assert alike(shape, found[number]["@"])
        for name, value in zip(["t", "c", "f", "b", "d", "m", "c_title"], [*row, title], strict=True):
            assert _same(value, found[number][name]), (name, value, found[number][name])


def _boxes(count: int) -> list[Any]:
    random = np.random.default_rng(count)
    low = random.uniform(-170, 160, (count, 2)) * [1, 0.4]
    return [shapely.multipolygons([shapely.box(x, y, x + w, y + h)])
            for (x, y), (w, h) in zip(low, random.exponential(3, (count, 2)), strict=True)]


@pytest.mark.parametrize(("count", "most_bytes"), [
    *((count, 1 << 23) for count in (1, 2, 15, 16, 17, 256, 257, 4097, 9000)), (4097, 1), (1500, 1 << 16)])
def test_the_tree_finds_what_looking_at_every_shape_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int,
                                                          most_bytes: int) -> None:
    monkeypatch.setattr("gisapp.formats.fgb_writer._BYTES", most_bytes)
    shapes, nothing = _boxes(count), (None,) * 6
    path = tmp_path / "x.fgb"
    _written(path, "MultiPolygon", shapes, [nothing] * count, batch=1000)
    assert set(_read(path)) == set(range(count))
    every = shapely.STRtree(shapes)
    for west, south, size in ((-180, -90, 400), (0, 0, 5), (-100, -30, 40), (150, 50, 30), (170, 80, 1)):
        window = (west, south, west + size, south + size)
        assert set(_read(path, bbox=window)) == set(every.query(shapely.box(*window), "intersects").tolist())


@pytest.mark.parametrize("count", [1, 16, 17, 257, 4097])
def test_each_box_lies_within_that_of_its_parent(tmp_path: Path, count: int) -> None:
    path = tmp_path / "x.fgb"
    _written(path, "MultiPolygon", _boxes(count), [(None,) * 6] * count, batch=500)
    raw, start = path.read_bytes(), len(read_header(path))
    sizes = levels(count)
    items = np.frombuffer(raw, [("box", "<f8", 4), ("offset", "<u8")], sum(sizes), start)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    for level in range(len(sizes) - 1):
        for parent, item in enumerate(items[begins[level]:begins[level + 1]]):
            assert item["offset"] == begins[level + 1] + 16 * parent
            children = items["box"][item["offset"]:min(item["offset"] + 16, begins[level + 2])]
            assert tuple(item["box"]) == (*children[:, :2].min(axis=0), *children[:, 2:].max(axis=0))
    at = start + items.nbytes
    for leaf in items[begins[-2]:]:  # each feature begins where the one before ends
        assert start + items.nbytes + int(leaf["offset"]) == at
        at += 4 + struct.unpack_from("<I", raw, at)[0]
    assert at == len(raw)


def test_neighbours_on_the_ground_are_neighbours_in_the_file(tmp_path: Path) -> None:
    """What a window needs lies in few places: the boxes of the tree's lowest branches hardly overlap."""
    path = tmp_path / "x.fgb"
    shapes = [shapely.Point(x, y) for x in range(64) for y in range(64)]
    np.random.default_rng(1).shuffle(shapes)
    _written(path, "Point", shapes, [(None,) * 6] * len(shapes), batch=999)
    sizes = levels(len(shapes))
    items = np.frombuffer(path.read_bytes(), [("box", "<f8", 4), ("offset", "<u8")], sum(sizes),
                          len(read_header(path)))
    branches = items["box"][sum(sizes[:-2]):sum(sizes[:-1])]
    assert np.prod(branches[:, 2:] - branches[:, :2], axis=1).sum() < 1.3 * 63 * 63 * 9 / 16


def test_shapes_that_are_empty_have_no_geometry(tmp_path: Path) -> None:
    path = tmp_path / "x.fgb"
    _written(path, "MultiPolygon", [shapely.MultiPolygon(), None, _boxes(1)[0]], [("违法", *(None,) * 5)] * 3)
    found = _read(path)
    assert [found[n]["@"] is None or found[n]["@"].is_empty for n in range(3)] == [True, True, False]
    assert [found[n]["t"] for n in range(3)] == ["违法"] * 3
    assert set(_read(path, bbox=(-180, -90, 180, 90))) == {2}


def test_features_begin_where_eight_divides(tmp_path: Path) -> None:
    """So that programs which read doubles where they lie do not stumble."""
    path = tmp_path / "x.fgb"
    _written(path, "MultiPolygon", _boxes(40), [("a" * n, *(None,) * 5) for n in range(40)])
    sizes = levels(40)
    items = np.frombuffer(path.read_bytes(), [("box", "<f8", 4), ("offset", "<u8")], sum(sizes),
                          len(read_header(path)))
    assert not (items["offset"][-40:] % 8).any()
