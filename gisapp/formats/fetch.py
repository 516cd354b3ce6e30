"""The rows of a layer, from the database into Arrow batches for the spool."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from gisapp import features
from gisapp.crs import CGCS2000, STORED_SRID
from gisapp.formats.columns import ID
from gisapp.formats.copied import cells, column
from gisapp.formats.job import Job
from gisapp.house import House
from gisapp.params import Query
from gisapp.permissions import Actor


def batches(house: House, actor: Actor, query: Query, job: Job, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """All rows that answer the query, in the job's system of coordinates, as batches of the spool's schema."""
    # CGCS2000 is taken as equal to what is stored; the same numbers go out, to the last bit.
    srid = STORED_SRID if job.crs.srid == CGCS2000 else job.crs.database_srid
    names = [field.id for field in job.fields if field is not ID]
    for block in features.copy_out(house, actor, job.layer.id, query, srid, names):
        found = cells(block, len(schema))
        arrays = [column(one, field.type, uuid=field.name == ID.id) for one, field in zip(found, schema, strict=True)]
        yield pa.record_batch(arrays, schema=schema)
