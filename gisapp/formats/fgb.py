"""FlatGeobuf: one table with full names and a spatial index; a second geometry as WKT in a column of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.gdal import write_layer
from gisapp.formats.job import Job, Written
from gisapp.formats.one_table import OneTable
from gisapp.formats.shape_texts import as_wkt
from gisapp.formats.spool import Spool
from gisapp.formats.unordered import prove_unordered


def write(job: Job, spool: Spool) -> Written:
    """One .fgb, proven by reading it back. Raises NotFaithful when it differs."""
    table = OneTable(job, spool)
    path = job.folder / f"{spool.name}.fgb"
    schema = _schema(table)

    def prepared() -> Iterator[pa.RecordBatch]:
        for batch in table.batches():
            arrays = [as_wkt(batch[SECOND]) if field.name == table.second else batch[field.name] for field in schema]
            yield pa.record_batch(arrays, schema=schema)

    write_layer(path, "FlatGeobuf", table.part, schema, prepared(), job.system)
    if spool.rows:
        prove_unordered(path, path.stem, schema, prepared(), spool.rows)
    return Written((path,), spool.rows, (table.described(),))


def _schema(table: OneTable) -> pa.Schema:
    """The second geometry is a text under its own id."""
    fields = [field for field in table.schema if field.name not in (GEOMETRY, SECOND)]
    second = [pa.field(table.second, pa.string())] if table.second else []
    return pa.schema(fields + second + [pa.field(GEOMETRY, pa.binary())])

