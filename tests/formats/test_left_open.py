"""Files that were copied while a program had them open, tracks with a lone point, Parquet that says too little."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gisapp.errors import Problem
from gisapp.formats.frames import parse_frame
from gisapp.formats.geometry import Shaper
from gisapp.formats.wkb import without_stubs
from gisapp.layers import Catalogue
from tests.formats.test_reading import POINTS, opened, rows_of, written


def open_in_another_program(folder: Path) -> tuple[bytes, bytes]:
    """A GeoPackage and its log, while a name was changed and not yet written into the file."""
    path = written(folder / "a.gpkg", "GPKG")
    link = sqlite3.connect(path)
    link.execute("PRAGMA journal_mode=WAL")
    link.execute("PRAGMA wal_autocheckpoint=0")
    for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        link.execute(f'DROP TRIGGER "{name}"')  # they want functions of GDAL's
    link.execute("UPDATE a SET 名称 = '新' WHERE fid = 1")
    link.commit()
    found = path.read_bytes(), path.with_name("a.gpkg-wal").read_bytes()
    link.close()
    return found


def test_the_log_beside_a_geopackage_is_read_with_it(tmp_path: Path) -> None:
    whole, log = open_in_another_program(tmp_path)
    for number, files in enumerate(([("a.gpkg", whole), ("a.gpkg-wal", log)], [("A.gpkg-WAL", log), ("A.gpkg", whole)],
                                    [("a.gpkg", whole)])):
        (folder := tmp_path / str(number)).mkdir()
        [source] = opened(folder, *files)
        assert (rows_of(source)[0]["名称"] == "新") is (len(files) == 2)
        assert [note["code"] for note in source.notes] == ([] if len(files) == 2 else ["log_missing"])


LINE = shapely.LineString([(113.38, 31.69), (113.39, 31.69)])


def track(*parts: int) -> bytes:
    """A line of parts with so many points each."""
    points = b"".join(struct.pack("<dd", 113.38 + n / 100, 31.69) for n in range(9))
    made = [struct.pack("<BII", 1, 2, count) + points[:16 * count] for count in parts]
    return struct.pack("<BII", 1, 5, len(parts)) + b"".join(made)


@pytest.mark.parametrize(("wkb", "dropped"), [
    (track(2, 1), 1), (track(1, 3, 1), 2), (track(2, 0, 1), 1), (track(1), None), (track(2, 3), None),
    (track(2, 1)[:-3], None), (b"", None), (shapely.to_wkb(LINE), None)])
def test_only_parts_of_a_single_point_are_left_out(wkb: bytes, dropped: int | None) -> None:
    found = without_stubs(wkb)
    assert (found and found[1]) == dropped
    assert not found or shapely.from_wkb(found[0]).is_valid


def test_a_track_with_a_lone_point_is_told_of_and_mended_on_the_users_word(catalogue: Catalogue) -> None:
    given = np.array([track(2, 1), track(1)], dtype=object)
    for mend in (False, True):
        one, lone = Shaper(catalogue.layers["truck_routes"], parse_frame("EPSG:4326"), Counter(), mend).batch(given)
        assert lone.fault is not None and lone.fault.code == "geometry_unreadable"
        assert (one.fault is None, [note["code"] for note in one.repairs]) == (mend, ["stubs_dropped"] if mend else [])
        assert mend or (one.fault and one.fault.code == "line_stubs")


@pytest.mark.parametrize(("geo", "said"), [
    ({"primary_column": "geom", "columns": {}}, "(geo) is wrong"), ([1], "(geo) is wrong"),
    (None, "no column of shapes")])
def test_a_parquet_that_does_not_say_where_its_shapes_are_is_refused_in_words(tmp_path: Path, geo: object,
                                                                              said: str) -> None:
    table = pa.table({"lon": [113.38] * 6, "shapes": pa.array(list(shapely.to_wkb(POINTS)))})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)} if geo else {}), tmp_path / "a.parquet")
    with pytest.raises(Problem) as problem:
        opened(tmp_path, tmp_path / "a.parquet")
    assert problem.value.code == "file_unreadable" and said in problem.value.sentence("en")
