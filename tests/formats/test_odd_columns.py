"""Layers of an office's own: fields called as something of a file, numbers with more digits than doubles have."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from gisapp.formats.columns import exported_fields
from gisapp.formats.dbf_columns import dbf_columns
from gisapp.formats.job import Job
from gisapp.formats.losses import armed
from gisapp.layers import Field, SecondGeometry
from gisapp.words import Words
from tests import dbase
from tests.formats import test_reading as reading
from tests.formats.test_round_trip import job, rows_of, spool, written

OWN = tuple(Field(name, Words(name, name), kind, name.upper(), max_length=20 if kind == "text" else None)
            for name, kind in (("ogr_fid", "number"), ("fid", "integer"), ("lon", "text"), ("big", "integer")))
BIG = [9_007_199_254_740_993, -9_223_372_036_854_775_807, 0, None, 10**18, -1, 7]


def odd_job(folder: Path, layer_id: str = "school_gates") -> tuple[Job, list[dict[str, Any]]]:
    """An export of a layer with further fields, and its rows."""
    order = job(layer_id, folder)
    layer = replace(order.layer, fields=(*order.layer.fields, *OWN))
    rows = [row | {"ogr_fid": number / 2, "fid": number, "lon": f"东{number}", "big": big}
            for number, (row, big) in enumerate(zip(rows_of(layer_id), BIG, strict=True))]
    return replace(order, layer=layer, fields=exported_fields(layer, personal=True)), rows


@pytest.mark.parametrize("name", ["shp", "gpkg", "fgb", "kml", "parquet", "ndjson"])
def test_no_name_is_taken_twice_and_no_digit_lost(name: str, tmp_path: Path) -> None:
    order, rows = odd_job(tmp_path)
    with order.book:
        path = next(path for path in written(order, rows, name) if path.suffix in (".shp", f".{name}"))
    found = (pq.read_table(path) if name == "parquet" else pyogrio.read_arrow(path, layer=0)[1]).to_pylist()
    told = {(row.get("id_") or row.get("id") or row.get("ID")): {key.lower(): value for key, value in row.items()}
            for row in found}
    for row in rows:
        got = told[str(row["id"])]
        big = None if got["big"] is None else int(got["big"])
        assert (big, float(got["ogr_fid"]), int(got["fid"]), got["lon"]) == (
            row["big"], row["ogr_fid"], row["fid"], row["lon"])


def test_a_sheet_calls_its_places_as_no_field_is_called(tmp_path: Path) -> None:
    order, rows = odd_job(tmp_path)
    with order.book:
        with written(order, rows, "csv")[0].open(encoding="utf-8-sig", newline="") as file:
            found = {line["id"]: line for line in csv.DictReader(file)}
        written(order, rows, "xlsx")
    for row in rows:
        got = found[str(row["id"])]
        assert (got["lon"], armed(got["big"])) == (row["lon"], "" if row["big"] is None else str(row["big"]))
        assert float(got["lon_"]) > 100 > float(got["lat"])


def test_wide_numbers_are_texts_in_a_dbf_only_where_there_are_some(tmp_path: Path) -> None:
    order, rows = odd_job(tmp_path)
    with order.book:
        columns = dbf_columns(order, spool(order, rows).parts()[0])
    kinds = {column.name: (column.kind, column.width) for column in columns}
    assert (kinds["BIG"], kinds["FID"]) == (("text", 20), ("integer", 18))


def test_a_point_that_stands_in_for_lines_is_a_waypoint(tmp_path: Path) -> None:
    order = job("truck_routes", tmp_path)
    second = SecondGeometry("place", "Point", Words("处", "place"), True)
    order = replace(order, layer=replace(order.layer, second_geometry=second))
    point = shapely.to_wkb(shapely.Point(113.4, 31.7))
    rows = [row | ({"geom": None, "place": point} if number == 2 else {"place": None})
            for number, row in enumerate(rows_of("truck_routes"))]
    with order.book:
        text = written(order, rows, "gpx")[0].read_text("utf-8")
    assert (text.count("<wpt "), text.count("<trk>")) == (1, len(rows) - 1)


def test_whole_numbers_of_a_wide_column_keep_their_digits(tmp_path: Path) -> None:
    """GDAL makes doubles of them: a parcel's number would come in as another parcel's."""
    fields = [("DKBH", "N", 20, 0), ("NARROW", "N", 18, 0), ("SHORT", "N", 20, 0)]
    rows = [("9007199254740993", "123456789012345678", "12"), ("-12345678901234567", "-7", "13"), ("", "", "")]
    [source] = reading.opened(tmp_path, *dbase.shapefile(fields, rows).items())
    found = reading.rows_of(source)
    assert [row["DKBH"] for row in found] == ["9007199254740993", "-12345678901234567", None]
    assert [row["NARROW"] for row in found] == [123456789012345678, -7, None]
    assert [row["SHORT"] for row in found][:2] == [12, 13]
