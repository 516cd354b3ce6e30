"""FlatGeobuf: one table with full names and a spatial index; a second geometry as WKT in a column of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pyarrow as pa
import shapely

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.fgb_features import Boxes, records
from gisapp.formats.fgb_values import values_of
from gisapp.formats.fgb_writer import FgbWriter
from gisapp.formats.gdal import write_layer
from gisapp.formats.job import Job, Written
from gisapp.formats.one_table import OneTable
from gisapp.formats.pieces import side_by_side
from gisapp.formats.shape_texts import as_wkt
from gisapp.formats.spool import Beginning, Spool
from gisapp.formats.unordered import prove_unordered


def begin(job: Job, spool: Spool) -> Beginning:
    """Makes the features while the rows come."""
    return partial(_made, job, OneTable(job, spool))


def write(job: Job, spool: Spool) -> Written:
    """One .fgb, proven by reading it back. Raises NotFaithful when it differs."""
    table = OneTable(job, spool)
    path = job.folder / f"{spool.name}.fgb"
    schema = _schema(table)
    _write_header(job, table, schema, path)
    if spool.rows:
        made: FgbWriter = spool.begun or _made(job, table, spool.batches())
        made.finish(path)
        prove_unordered(path, path.stem, schema, _expected(table, schema), spool.rows)
    return Written((path,), spool.rows, (table.described(),))


def _made(job: Job, table: OneTable, batches: Iterator[pa.RecordBatch]) -> FgbWriter:
    """The features of all rows."""
    writer = FgbWriter(job.folder.parent)
    with ThreadPoolExecutor(2) as both:
        for features in side_by_side(both, partial(_features, table), batches):
            writer.write(*features)
    return writer


def _features(table: OneTable, batch: pa.RecordBatch) -> tuple[pa.Array, Boxes]:
    second = as_wkt(batch[SECOND]) if table.second else None
    return records(table.place(batch), values_of(table.columns, batch, second))


def _write_header(job: Job, table: OneTable, schema: pa.Schema, path: Path) -> None:
    """A file with a feature of no values, or none at all, as GDAL writes it: its header tells columns and system."""
    shape = {"Point": "POINT(0 0)", "MultiPoint": "MULTIPOINT((0 0))", "LineString": "LINESTRING(0 0,1 1)",
             "MultiLineString": "MULTILINESTRING((0 0,1 1))", "Polygon": "POLYGON((0 0,1 0,1 1,0 0))",
             "MultiPolygon": "MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"}.get(table.kind, "POINT(0 0)")
    row = [*(pa.nulls(1, field.type) for field in schema), pa.array([shapely.to_wkb(shapely.from_wkt(shape))])]
    del row[-2]  # the geometry's own nothing
    rows = [pa.record_batch(row, schema=schema)] if table.spool.rows else []
    write_layer(path, "FlatGeobuf", table.part, schema, iter(rows), job.system)


def _expected(table: OneTable, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows as they are read again."""
    for batch in table.batches():
        arrays = [as_wkt(batch[SECOND]) if field.name == table.second else batch[field.name] for field in schema]
        yield pa.record_batch(arrays, schema=schema)


def _schema(table: OneTable) -> pa.Schema:
    """The second geometry is a text under its own id."""
    fields = [field for field in table.schema if field.name not in (GEOMETRY, SECOND)]
    second = [pa.field(table.second, pa.string())] if table.second else []
    return pa.schema(fields + second + [pa.field(GEOMETRY, pa.binary())])
