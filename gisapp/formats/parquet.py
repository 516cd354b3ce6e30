"""GeoParquet 1.1: full names, the system of coordinates as PROJJSON, both geometries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.job import Job, Written
from gisapp.formats.one_table import OneTable
from gisapp.formats.proof import compare
from gisapp.formats.spool import Spool

VERSION = "1.1.0"
_NAME = "geometry"
#: Rows and bytes of a group of rows.
_GROUP, _GROUP_BYTES = 1 << 14, 16 * 2**20
_TYPES = {0: "Point", 1: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}


def write(job: Job, spool: Spool) -> Written:
    """One .parquet, proven by reading it back with Arrow. Raises NotFaithful when it differs."""
    table = OneTable(job, spool)
    names = {GEOMETRY: _NAME} | ({SECOND: table.second} if table.second else {})
    path = job.folder / f"{spool.name}.parquet"
    schema = pa.schema([field.with_name(names.get(field.name, field.name)) for field in table.schema])
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=True) as writer:
        found = {name: _Found() for name in names.values()}
        for group in _groups(_watched(table.batches(), found, names)):
            writer.write_table(group.rename_columns(schema.names))
        writer.add_key_value_metadata({"geo": json.dumps(_geo(job, found), ensure_ascii=False)})
    _prove(path, table, names)
    return Written((path,), spool.rows, (table.described(),))


def _watched(batches: Iterator[pa.RecordBatch], found: dict[str, _Found], names: dict[str, str]
             ) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for name in names:
            found[names[name]].add(batch[name])
        yield batch


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together: what a file tells of each group stays in memory until its end."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= _GROUP or sum(one.nbytes for one in waiting) >= _GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


class _Found:
    """Kinds and bounds of the shapes of one column."""

    def __init__(self) -> None:
        self.kinds: set[int] = set()
        self.bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def add(self, values: pa.Array) -> None:
        shapes = shapely.from_wkb(values.drop_null().to_numpy(zero_copy_only=False))
        if len(shapes):
            self.kinds |= set(np.unique(shapely.get_type_id(shapes)).tolist())
            low, high = np.split(shapely.total_bounds(shapes), 2)
            self.bounds = np.concatenate([np.fmin(self.bounds[:2], low), np.fmax(self.bounds[2:], high)])


def _geo(job: Job, found: dict[str, _Found]) -> dict[str, Any]:
    """The file's metadata as GeoParquet defines them."""
    crs = pyproj.CRS.from_user_input(job.system if job.datum or job.crs.srid else "OGC:CRS84").to_json_dict()
    columns = {}
    for name, each in found.items():
        columns[name] = {"encoding": "WKB", "geometry_types": sorted(_TYPES[kind] for kind in each.kinds), "crs": crs}
        if np.isfinite(each.bounds).all():
            columns[name]["bbox"] = each.bounds.tolist()
    return {"version": VERSION, "primary_column": _NAME, "columns": columns}


def _prove(path: Path, table: OneTable, names: dict[str, str]) -> None:
    with pq.ParquetFile(path) as file:
        compare(table.batches(), _batches(file), names, path.name, table.spool.rows)


def _batches(file: pq.ParquetFile) -> pa.RecordBatchReader:
    def each() -> Iterator[pa.RecordBatch]:
        for group in range(file.num_row_groups):  # of several at once the reader keeps what it has given
            yield from file.iter_batches(batch_size=8192, row_groups=[group])

    return pa.RecordBatchReader.from_batches(file.schema_arrow, each())
