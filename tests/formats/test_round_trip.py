"""Every layer through every format that keeps what a layer has: written, read as a receiver reads, compared.

Nothing here knows how a format is written: values and shapes are compared with the rows that went in.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely
from python_calamine import CalamineWorkbook

from gisapp.catalogue import load_catalogue
from gisapp.crs import MENU
from gisapp.formats import FILE_FORMATS
from gisapp.formats.choices import Choices
from gisapp.formats.columns import GEOMETRY, ID, SECOND, exported_fields, spool_schema, to_batch
from gisapp.formats.job import Job
from gisapp.formats.losses import LossBook, armed
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.times import note_rounded
from gisapp.formats.xlsx import headings
from gisapp.layers import Field
from gisapp.rules import RULES
from gisapp.words import Words
from tests.samples import sample_rows

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUE = load_catalogue(ROOT / "layers", RULES)
ZONE = ZoneInfo("Asia/Shanghai")
STAMPS = {"version": 3, "created_at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "created_by": "甲",
          "updated_at": dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC), "updated_by": "乙"}
Rows = dict[str, dict[str, Any]]


class _House:
    """As much of a house as rows are made from."""

    catalogue = CATALOGUE

    def layer(self, layer_id: str) -> Any:
        return CATALOGUE.layers[layer_id]


def rows_of(layer_id: str) -> list[dict[str, Any]]:
    return [STAMPS | row for row in sample_rows(_House(), layer_id, 7)]  # type: ignore[arg-type]


def job(layer_id: str, folder: Path, crs: int = 4490, encoding: str = "UTF-8", **more: Any) -> Job:
    """An export of a layer into the folder."""
    layer = CATALOGUE.layers[layer_id]
    return Job(layer, CATALOGUE, exported_fields(layer, personal=True), MENU[crs], encoding, "zh", ZONE, "tester",
               Words("全部", "everything"), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), folder,
               LossBook(folder / "report.csv"), **more)


def spool(order: Job, rows: list[dict[str, Any]]) -> Spool:
    """The rows as the database would have given them."""
    second = order.layer.second_geometry
    schema = spool_schema(order.fields, second is not None)
    columns = {field.id: [row.get(field.id) for row in rows] for field in order.fields}
    columns[GEOMETRY] = [_wkb(row["geom"], order) for row in rows]
    if second is not None:
        columns[SECOND] = [_wkb(row[second.id], order) for row in rows]
    made = Spool(order.layer, schema, order.folder)
    made.fill([to_batch(schema, columns)])
    return made


def shape_of(ewkb: Any, order: Job) -> Any:
    """The shape in the system of the file."""
    if ewkb is None:
        return None
    shape = shapely.set_srid(shapely.from_wkb(ewkb.desc if hasattr(ewkb, "desc") else ewkb), 0)
    if not order.crs.projected:
        return shape
    move = pyproj.Transformer.from_crs(4490, order.crs.srid, always_xy=True).transform
    return shapely.transform(shape, move, interleaved=False)


def _wkb(ewkb: Any, order: Job) -> bytes | None:
    shape = shape_of(ewkb, order)
    return None if shape is None else bytes(shapely.to_wkb(shape))


def written(order: Job, rows: list[dict[str, Any]], name: str) -> list[Path]:
    """The data files of the format."""
    with order.book:
        return list(import_module(FILE_FORMATS[name].module).write(order, spool(order, rows)).files)


# ---------------------------------------------------------------- how a receiver reads

def by_gdal(path: Path, name: Callable[[Field], str] = lambda field: field.id, **options: Any) -> Rows:
    """Rows by id with full field names; `@geometry` is the shape."""
    found: Rows = {}
    for layer in [one[0] for one in pyogrio.list_layers(path) if one[1] is not None]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer, datetime_as_string=True, **options)
        names = list(meta["fields"])
        for shape, *values in zip(shapely.from_wkb(shapes), *columns, strict=True):
            row = dict(zip(names, values, strict=True)) | {GEOMETRY: shape}
            if len(names) > 2:
                found[row[name(ID)]] = row
    return found


def shapefiles(files: list[Path], order: Job) -> Rows:
    """All parts by the short names of the fields."""
    found: Rows = {}
    for path in files:
        if path.suffix == ".shp":
            found |= by_gdal(path, lambda field: field.export)
    return {key: row | {field.id: row.get(field.export) for field in order.fields} for key, row in found.items()}


def placemarks(files: list[Path], order: Job) -> Rows:
    """A field that is called as something of a placemark's own has a line below after its name. The placemark's own id
    is one that XML allows: it never begins with a digit."""
    rows = by_gdal(files[0], lambda field: f"{field.id}_" if field is ID else field.id)
    assert {row["id"] for row in rows.values()} == {f"f-{key}" for key in rows}
    return {key: row | {field.id: row[f"{field.id}_"] for field in order.fields if f"{field.id}_" in row}
            for key, row in rows.items()}


def geojson(files: list[Path], order: Job) -> Rows:
    text = files[0].read_text("utf-8")
    features = (json.loads(text)["features"] if files[0].suffix == ".geojson"
                else [json.loads(line) for line in text.split("\n") if line])
    return {one["id"]: one["properties"] | {"id": one["id"],
                                            GEOMETRY: shapely.from_geojson(json.dumps(one["geometry"]))}
            for one in features}


def parquet(files: list[Path], order: Job) -> Rows:
    return {row["id"]: row | {GEOMETRY: shapely.from_wkb(row["geometry"])}
            for row in pq.read_table(files[0]).to_pylist()}


def table(files: list[Path], order: Job) -> Rows:
    with files[0].open(encoding="utf-8-sig", newline="") as file:
        rows = [{name: armed(text) for name, text in row.items()} for row in csv.DictReader(file)]
    return {row["id"]: row | {GEOMETRY: _place(row)} for row in rows}


def workbook(files: list[Path], order: Job) -> Rows:
    data = CalamineWorkbook.from_path(str(files[0])).get_sheet_by_index(0).to_python()
    sheet = Sheet(order, Spool(order.layer, spool_schema(order.fields, order.layer.second_geometry is not None),
                               order.folder), "logical")
    assert data[0] == headings(order, sheet)
    rows = [dict(zip(sheet.names, line, strict=True)) for line in data[1:]]
    return {row["id"]: row | {GEOMETRY: _place(row)} for row in rows}


def _place(row: dict[str, Any]) -> Any:
    if "wkt" in row:
        return shapely.from_wkt(row["wkt"]) if row["wkt"] else None
    east, north = (row.get(name) for name in (("lon", "lat") if "lon" in row else ("east", "north")))
    return shapely.Point(float(east), float(north)) if east != "" else None


READERS: dict[str, Callable[[list[Path], Job], Rows]] = {
    "shp": shapefiles, "gpkg": lambda files, _: by_gdal(files[0]), "geojson": geojson, "ndjson": geojson,
    "fgb": lambda files, _: by_gdal(files[0]), "parquet": parquet, "kml": placemarks,
    "csv": table, "xlsx": workbook}


# ---------------------------------------------------------------- what must be the same

def same(field: Field, sent: Any, got: Any) -> bool:
    """Whether a value came back, in whatever way the format tells it."""
    if isinstance(got, np.datetime64):
        got = None if np.isnat(got) else str(got)
    if sent is None or sent == "" or sent == []:
        return got is None or (isinstance(got, str | list) and not got) or (isinstance(got, float) and math.isnan(got))
    if field.type == "codes":
        return (got if isinstance(got, list) else got.split(";")) == list(sent)
    if field.type == "boolean":
        return str(got) in ({"是", "True", "1", "1.0"} if sent else {"否", "False", "0", "0.0"})
    if field.type in ("number", "integer"):
        return math.isclose(float(got), float(sent), rel_tol=1e-9)
    if field.type == "date":
        return str(got).replace("/", "-")[:10] == sent.isoformat()
    if field.type == "datetime":
        return moment(got) == sent.astimezone(dt.UTC)
    return str(got) == str(sent)


def moment(got: Any) -> dt.datetime:
    """A time as a file tells it: with its zone, or local."""
    found = got if isinstance(got, dt.datetime) else dt.datetime.fromisoformat(str(got).replace("/", "-"))
    return (found if found.tzinfo else found.replace(tzinfo=ZONE)).astimezone(dt.UTC)


def near(sent: Any, got: Any, within: float) -> bool:
    """Whether two shapes are the same to within so much."""
    if sent is None or got is None:
        return sent is got
    if "Multi" in sent.geom_type and "Multi" not in got.geom_type:
        got = getattr(shapely, f"{sent.geom_type[:5]}{got.geom_type}")([got])
    sent, got = shapely.normalize(sent), shapely.normalize(got)
    return bool(shapely.equals_exact(sent, got, within))


def compare(order: Job, rows: list[dict[str, Any]], found: Rows) -> None:
    layer, within = order.layer, 0.001 if order.crs.projected else 1e-7
    sent = {str(row["id"]): row for row in rows}
    assert found.keys() == sent.keys()
    for key, row in sent.items():
        for field in order.fields:
            if field is not ID:
                assert same(field, row.get(field.id), found[key].get(field.id)), (field.id, row.get(field.id),
                                                                                  found[key].get(field.id))
        place = shape_of(row["geom"], order)
        if place is None and layer.stand_in is not None:
            place = shape_of(row[layer.stand_in.id], order)
        assert near(place, found[key][GEOMETRY], within), key


@pytest.mark.parametrize("name", READERS)
def test_every_layer_comes_back(name: str, tmp_path: Path) -> None:
    for layer_id in CATALOGUE.layers:
        folder = tmp_path / layer_id
        folder.mkdir()
        order, rows = job(layer_id, folder), rows_of(layer_id)
        files = written(order, rows, name)
        compare(order, rows, READERS[name](files, order))
        assert set(order.book.counts) <= {"defused"}, layer_id


@pytest.mark.parametrize("name", ["shp", "gpkg", "geojson", "fgb", "parquet", "csv", "xlsx"])
@pytest.mark.parametrize("crs", [4547, 4526])
def test_projected_places_come_back_within_a_millimetre(name: str, crs: int, tmp_path: Path) -> None:
    for layer_id in ("illegal_builds", "rooftop_signs", "truck_routes"):
        folder = tmp_path / layer_id
        folder.mkdir()
        order, rows = job(layer_id, folder, crs), rows_of(layer_id)
        compare(order, rows, READERS[name](written(order, rows, name), order))


@pytest.mark.parametrize("layer_id", ["vendor_points", "waste_sites"])
@pytest.mark.parametrize("name", ["geojson", "ndjson", "fgb", "parquet", "kml", "csv", "xlsx"])
def test_a_second_geometry_comes_back(name: str, layer_id: str, tmp_path: Path) -> None:
    order, rows = job(layer_id, tmp_path), rows_of(layer_id)
    second = order.layer.second_geometry
    assert second is not None
    found = READERS[name](written(order, rows, name), order)
    for row in rows:
        got = found[str(row["id"])].get(f"{second.id}_wkt") or found[str(row["id"])].get(second.id)
        shape = (shapely.from_wkb(got) if isinstance(got, bytes) else shapely.from_geojson(json.dumps(got))
                 if isinstance(got, dict) else shapely.from_wkt(got) if got else None)
        assert near(shape_of(row[second.id], order), shape, 1e-7)


@pytest.mark.parametrize("name", ["shp", "csv", "xlsx", "kml", "gpx", "dxf", "gpkg"])
def test_the_end_of_time_hinders_no_file(name: str, tmp_path: Path) -> None:
    order, rows = job("rooftop_signs", tmp_path), rows_of("rooftop_signs")
    rows[0]["found_at"] = dt.datetime(9999, 12, 31, 23, 59, 59, 500_000, tzinfo=dt.UTC)  # the year 10000 in China
    rows[1]["found_at"] = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    made = spool(order, rows)
    with order.book:
        note_rounded(order, made, FILE_FORMATS[name].time_us)
        path = import_module(FILE_FORMATS[name].module).write(order, made).files[0]
    assert order.book.counts == ({} if name == "gpkg" else {"rounded": 2})
    if name in ("csv", "kml", "gpx", "dxf"):
        text = path.read_bytes()
        assert b"9999-12-31 23:59:59" in text and b"0001-01-01 08:0" in text


def test_times_finer_than_a_format_tells_are_listed(tmp_path: Path) -> None:
    order, rows = job("rooftop_signs", tmp_path), rows_of("rooftop_signs")
    fine = dt.datetime(2024, 1, 2, 3, 4, 5, 678_000, tzinfo=dt.UTC)
    rows[1]["found_at"] = fine
    made = spool(order, rows)
    with order.book:
        for grain in (1, 1000, 1_000_000):
            note_rounded(order, made, grain)
    assert [(line["id"], line["field"], line["row"]) for line in order.book.shown] == [
        (str(rows[1]["id"]), "found_at", "2")]
    zone = order.zone
    assert [(line["original"], line["written"]) for line in order.book.shown] == [
        (fine.astimezone(zone).isoformat(" "), fine.replace(microsecond=0).astimezone(zone).isoformat(" "))]


@pytest.mark.parametrize("told", ["words", "numbers", "logical"])
@pytest.mark.parametrize("name", ["shp", "gpkg", "fgb", "parquet", "csv", "xlsx"])
def test_yes_and_no_are_told_as_chosen(name: str, told: str, tmp_path: Path) -> None:
    order, rows = job("waste_sites", tmp_path, choices=Choices(booleans=told)), rows_of("waste_sites")
    assert any(row["synthetic"] for row in rows) and not all(row["synthetic"] for row in rows)
    found = READERS[name](written(order, rows, name), order)
    kinds = {"words": {"是", "否"}, "numbers": {"0", "1", "0.0", "1.0"}, "logical": {"True", "False", "true", "false",
                                                                                    "0", "1"}}
    assert {str(row["synthetic"]) for row in found.values()} <= kinds[told]
    compare_booleans = [bool(row["synthetic"]) for row in rows]
    yes = {"是", "1", "1.0", "True", "true"}
    assert [str(found[str(row["id"])]["synthetic"]) in yes for row in rows] == compare_booleans


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_places_as_two_columns_lie_on_their_shapes_and_say_so(name: str, tmp_path: Path) -> None:
    order, rows = job("control_lines", tmp_path, choices=Choices(geometry="lonlat")), rows_of("control_lines")
    found = READERS[name](written(order, rows, name), order)
    assert all(shape_of(row["geom"], order).covers(found[str(row["id"])][GEOMETRY]) for row in rows)
    assert order.book.counts == {"point_only": len(rows)}
