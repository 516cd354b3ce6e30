"""What is written into a GeoPackage's pages is what SQLite and GDAL read, find by the tree, and can change later."""

from __future__ import annotations

import datetime as dt
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given, settings, strategies as st

from gisapp.formats import runs, sqlite_rtree
from gisapp.formats.columns import GEOMETRY
from gisapp.formats.gdal import write_layer
from gisapp.formats.gpkg import layer_schema
from gisapp.formats.gpkg_layer import fill_layer
from gisapp.formats.sqlite_pages import Pages, TableFiller, following
from gisapp.formats.sqlite_records import rows, value, varints
from gisapp.formats.sqlite_rtree import rounded
from tests.formats.shape_strategies import KINDS, alike, wkb
from tests.formats.spooled import COLUMNS, SPOOLED, TITLES, cells

Row = tuple[Any, ...]
SHAPED = SPOOLED.append(pa.field(GEOMETRY, pa.binary()))
NOTHING: Row = (0,) + (None,) * 6
ROWS = st.tuples(st.none() | st.integers(-2**63, 2**63 - 1) | st.integers(-200, 200), *cells(90))


@dataclass
class _Part:
    """As much of a part of a spool as is written."""

    name: str
    geometry: str
    shapes: list[Any]
    values: list[Row]
    batch: int = 7

    @property
    def rows(self) -> int:
        return len(self.shapes)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for first in range(0, len(self.shapes), self.batch):
            part = self.values[first:first + self.batch]
            columns = [pa.array([row[n] for row in part], field.type) for n, field in enumerate(SPOOLED)]
            yield pa.record_batch([*columns, wkb(self.shapes[first:first + self.batch])], schema=SHAPED)


def _written(path: Path, kind: str, shapes: list[Any], values: list[Row] | None = None, batch: int = 7,
             name: str = "层") -> None:
    part = _Part(name, kind, shapes, values or [(n, *NOTHING[1:]) for n in range(len(shapes))], batch)
    write_layer(path, "GPKG", part, layer_schema(COLUMNS), iter(()), "EPSG:4490",  # type: ignore[arg-type]
                append=path.exists(), options={"FID": "ogr_fid", "GEOMETRY_NAME": "geom"})
    fill_layer(path, part, COLUMNS, part.batches())  # type: ignore[arg-type]


def _sound(path: Path) -> None:
    """SQLite finds nothing wrong with the file or any of its trees."""
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE sql LIKE '%USING rtree%'").fetchall():
            assert file.execute("SELECT rtreecheck(?)", [name]).fetchall() == [("ok",)]


def _read(path: Path, **options: Any) -> list[dict[str, Any]]:
    meta, _, shapes, columns = pyogrio.raw.read(path, datetime_as_string=True, **options)
    return [dict(zip(meta["fields"], values, strict=True)) | {"@": shape}
            for shape, *values in zip(shapely.from_wkb(shapes), *columns, strict=True)]


def _same(sent: Any, got: Any) -> bool:
    if sent is None:
        return got is None or (isinstance(got, float) and bool(np.isnan(got)))
    if isinstance(sent, dt.datetime):
        return abs(dt.datetime.fromisoformat(got) - sent) <= dt.timedelta(milliseconds=1)
    if isinstance(sent, dt.date):
        return bool(str(got)[:10].replace("/", "-") == sent.isoformat())
    return bool(got == sent)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Unknown"])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_features_are_read_as_they_were(kind: str, data: st.DataObject) -> None:
    shapes = data.draw(st.lists(KINDS[kind], max_size=20))
    values = [data.draw(ROWS) for _ in shapes]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.gpkg"
        _written(path, kind, shapes, values)
        _sound(path)
        found = _read(path)
        info = pyogrio.read_info(path)
        with closing(sqlite3.connect(path)) as file:
            numbers = [one for (one,) in file.execute('SELECT number FROM "层" ORDER BY ogr_fid')]
    assert info["features"] == len(shapes) == len(found)
    assert numbers == [row[0] for row in values]  # pyogrio makes doubles of numbers where some are missing
    there = [shape for shape in shapes if shape is not None]
    if there:
        assert tuple(info["total_bounds"]) == pytest.approx(shapely.total_bounds(there), abs=0)
    for shape, row, got in zip(shapes, values, found, strict=True):
        title = None if row[2] is None else TITLES.get(row[2], row[2])
        assert alike(shape, got["@"])
        for name, sent in zip(["t", "c", "f", "b", "d", "m", "c_title"], [*row[1:], title], strict=True):
            assert _same(sent, got[name]), (name, sent, got[name])


def _boxes(count: int) -> list[Any]:
    random = np.random.default_rng(count)
    low = random.uniform(-170, 160, (count, 2)) * [1, 0.4]
    return [shapely.multipolygons([shapely.box(x, y, x + w, y + h)])
            for (x, y), (w, h) in zip(low, random.exponential(3, (count, 2)), strict=True)]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 51, 52, 257, 2601, 2602, 6000])
def test_the_tree_finds_what_looking_at_every_shape_finds(tmp_path: Path, count: int) -> None:
    shapes = _boxes(count)
    path = tmp_path / "x.gpkg"
    _written(path, "MultiPolygon", shapes, batch=1000)
    _sound(path)
    assert [row["number"] for row in _read(path)] == list(range(count))
    every = shapely.STRtree(shapes)
    for west, south, size in ((-180, -90, 400), (0, 0, 5), (-100, -30, 40), (150, 50, 30), (170, 80, 1)):
        window = (west, south, west + size, south + size)
        wanted = set(every.query(shapely.box(*window), "intersects").tolist())
        assert {row["number"] for row in _read(path, bbox=window)} == wanted


def _with_functions(path: Path) -> sqlite3.Connection:
    """SQLite as a program that knows GeoPackage has it."""
    def box(place: int) -> Any:
        return lambda blob: struct.unpack_from("<4d", blob, 8)[place] if blob[3] & 2 else \
            struct.unpack_from("<2d", blob, 13)[place // 2]

    file = sqlite3.connect(path)
    file.create_function("ST_IsEmpty", 1, lambda blob: None if blob is None else bool(blob[3] & 0x10))
    for place, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        file.create_function(name, 1, box(place))
    return file


@pytest.mark.parametrize("kind", ["Point", "MultiPolygon"])
def test_the_file_can_be_changed_afterwards(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.gpkg"
    shapes = [shapely.Point(n % 60, n // 60) for n in range(3000)] if kind == "Point" else _boxes(3000)
    _written(path, kind, shapes, batch=1000)
    with closing(_with_functions(path)) as file, file:
        file.execute('DELETE FROM "层" WHERE ogr_fid % 3 = 0')
        file.execute('UPDATE "层" SET geom = (SELECT geom FROM "层" WHERE ogr_fid = 1), t = ? WHERE ogr_fid % 3 = 1',
                     ["改" * 900])
        file.executemany('INSERT INTO "层" (geom, number) SELECT geom, ? FROM "层" WHERE ogr_fid = ?',
                         [(3000 + n, 2 + 3 * n) for n in range(500)])
        assert file.execute('SELECT min(ogr_fid) FROM "层" WHERE number >= 3000').fetchone() == (3001,)
    _sound(path)
    assert pyogrio.read_info(path)["features"] == 2500
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT feature_count FROM gpkg_ogr_contents").fetchall() == [(2500,)]
        assert file.execute('SELECT count(*) FROM "rtree_层_geom"').fetchone() == (2500,)
    window = shapely.box(*shapes[0].bounds).buffer(1).bounds
    meant = [n for n in range(3000) if n % 3 != 2]
    places = {n: shapes[0] if n % 3 == 0 else shapes[n] for n in meant}
    places |= {3000 + n: shapes[0] if (1 + 3 * n) % 3 == 0 else shapes[1 + 3 * n] for n in range(500)}
    wanted = {n for n, shape in places.items() if shape.intersects(shapely.box(*window))}
    assert {row["number"] for row in _read(path, bbox=window)} == wanted


def test_gdal_adds_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    _written(path, "MultiPolygon", _boxes(500), batch=100)
    _written(path, "Point", [shapely.Point(1, 2)], name="two")
    further = pa.table({"number": pa.array([900]), "geom": wkb([_boxes(1)[0]])})
    pyogrio.raw.write_arrow(further, path, layer="层", driver="GPKG", append=True, geometry_name="geom",
                            geometry_type="MultiPolygon", crs="EPSG:4490")
    _sound(path)
    assert [row["number"] for row in _read(path, layer="层")] == [*range(500), 900]
    assert len(_read(path, layer="two")) == 1


def test_columns_of_one_title_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    _written(path, "Point", [shapely.Point(1, 2)])
    with closing(sqlite3.connect(path)) as file:
        told = dict(file.execute("SELECT column_name, name FROM gpkg_data_columns"))
    assert (told["number"], told["t"], told["c_title"]) == ("名", "名 (t)", "名（名称）")
    assert [name for name, _ in pyogrio.list_layers(path)] == ["层"]


def test_a_shape_that_is_empty_or_missing_is_not_in_the_tree(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    _written(path, "MultiPolygon", [shapely.MultiPolygon(), None, _boxes(1)[0]])
    _sound(path)
    found = _read(path)
    assert [one["@"] is None or one["@"].is_empty for one in found] == [True, True, False]
    with closing(sqlite3.connect(path)) as file:
        assert file.execute('SELECT id FROM "rtree_层_geom"').fetchall() == [(3,)]
        assert file.execute('SELECT geom IS NULL FROM "层"').fetchall() == [(0,), (1,), (0,)]


def test_the_tree_is_sorted_on_disk_in_several_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, small in ((runs, "_RUN", 500), (runs, "_STEP", 16), (runs, "_STEPS", 4),
                                (sqlite_rtree, "_NODES", 3), (sqlite_rtree, "_READ", 300)):
        monkeypatch.setattr(module, name, small)
    path, shapes = tmp_path / "x.gpkg", [None if n % 7 == 0 else one for n, one in enumerate(_boxes(4000))]
    _written(path, "MultiPolygon", shapes, batch=700)
    _sound(path)
    window = shapely.box(*shapes[1].bounds).buffer(2).bounds
    wanted = {n for n, one in enumerate(shapes) if one is not None and one.intersects(shapely.box(*window))}
    assert {row["number"] for row in _read(path, bbox=window)} == wanted
    assert not [one for one in tmp_path.iterdir() if one != path]


def _table(path: Path, size: int) -> int:
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"PRAGMA page_size = {size}")
        file.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)")
        file.commit()
        return int(file.execute("SELECT rootpage FROM sqlite_master").fetchone()[0])


def _fill(path: Path, root: int, values: list[tuple[int, str | None, int | None]], batch: int = 50) -> None:
    with Pages(path) as pages, TableFiller(pages, root) as table:
        for first in range(0, len(values), batch):
            part = values[first:first + batch]
            ids = np.array([row[0] for row in part])
            told = [value(pa.nulls(len(part), pa.string())), value(pa.array([row[1] for row in part], pa.string())),
                    value(pa.array([row[2] for row in part], pa.int64()))]
            table.write(ids, *rows(ids, told))


@pytest.mark.parametrize("size", [512, 4096, 65536])
def test_rows_of_every_size_stand_in_the_pages(tmp_path: Path, size: int) -> None:
    """Among them those that just fit a page, and those whose ends go on pages of their own."""
    path = tmp_path / "x.db"
    root = _table(path, size)
    lengths = [0, 1, 57, 58, 8185, 8186, *range(size - 60, size + 8), *range(2 * size - 60, 2 * size + 8, 3), 5 * size]
    values = [(3 * n + 1, "x" * length, n * n * n) for n, length in enumerate(lengths)]
    _fill(path, root, values)
    _sound(path)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT id, a, b FROM t ORDER BY id").fetchall() == values


@given(st.lists(st.tuples(st.integers(1, 2**50), st.none() | st.text(st.characters(
    min_codepoint=1, exclude_categories=["Cs"]), max_size=700), st.none() | st.integers(-2**63, 2**63 - 1)),
    max_size=60, unique_by=lambda row: row[0]), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_rows_are_found_by_their_ids(values: list[tuple[int, str | None, int | None]], batch: int) -> None:
    values = sorted(values, key=lambda row: row[0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        _fill(path, _table(path, 512), values, batch)
        _sound(path)
        with closing(sqlite3.connect(path)) as file:
            assert file.execute("SELECT id, a, b FROM t ORDER BY id").fetchall() == values
            for one in values:
                assert file.execute("SELECT * FROM t WHERE id = ?", [one[0]]).fetchall() == [one]


def test_many_rows_make_a_tree_of_several_levels(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    values = [(n, None, n % 7) for n in range(1, 150_001)]
    _fill(path, _table(path, 512), values, batch=10_000)
    _sound(path)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*), sum(b), max(id) FROM t").fetchone() == (
            150_000, sum(row[2] for row in values), 150_000)
        assert file.execute("SELECT b FROM t WHERE id = 77777").fetchone() == (77777 % 7,)


def test_the_page_that_sqlite_locks_stays_unused(tmp_path: Path) -> None:
    """It lies at 1 GiB; all pages before it are on the list of free ones here, so that none is missed."""
    path, size = tmp_path / "x.db", 65536
    root, locked = _table(path, size), (1 << 30) // size + 1
    free = range(root + 2, locked)
    with path.open("r+b") as file:
        file.seek(root * size)
        file.write(struct.pack(f">II{len(free)}I", 0, len(free), *free))
        file.seek(28)
        file.write(struct.pack(">III", locked - 1, root + 1, len(free) + 1))
        file.truncate((locked - 1) * size)
    values = [(n, "违法建设" * 500, n) for n in range(1, 60)]
    values[5] = (6, "x" * 200_000, 6)
    _fill(path, root, values, batch=7)
    _sound(path)
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT id, a, b FROM t ORDER BY id").fetchall() == values
        assert file.execute("PRAGMA page_count").fetchone()[0] > locked
    assert following(locked - 3, 5, size).tolist() == [locked - 2, locked - 1, locked + 1, locked + 2, locked + 3]
    assert following(locked + 3, 2, size).tolist() == [locked + 4, locked + 5]


def test_a_file_that_is_not_plain_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    _table(path, 512)
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="whole plain pages"):
        Pages(path)


@given(st.lists(st.integers(0, 2**55), min_size=1))
def test_varints_are_the_shortest(numbers: list[int]) -> None:
    found, used = varints(np.array(numbers))
    for number, row, mask in zip(numbers, found, used, strict=True):
        raw = row[mask].tolist()
        assert len(raw) == max(1, -(-number.bit_length() // 7))
        assert [byte >= 128 for byte in raw] == [True] * (len(raw) - 1) + [False]
        assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(raw))) == number


@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 4), min_size=1))
def test_boxes_in_single_precision_are_never_smaller(boxes: list[tuple[float, ...]]) -> None:
    exact = np.array(boxes)
    single = rounded(exact).astype(np.float64)
    assert (single[:, :2] <= exact[:, :2]).all()
    assert (single[:, 2:] >= exact[:, 2:]).all()
    assert np.allclose(single, exact, rtol=1e-6, atol=1e-30)
