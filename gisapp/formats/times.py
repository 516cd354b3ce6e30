"""Times that a format tells less exactly than they are."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import ID
from gisapp.formats.job import Job
from gisapp.formats.spool import Spool


def note_rounded(job: Job, spool: Spool, grain_us: int) -> None:
    """Note each time of a field that people fill in and that is no multiple of so many microseconds.

    The stamps that the database sets always have microseconds; what a format makes of them its description says.
    """
    names = [field.id for field in job.fields if field.type == "datetime" and not field.derived]
    first = 1
    for batch in spool.batches(told=False, names=[ID.id, *names]) if names and grain_us > 1 else ():
        for name in names:
            counts = batch[name].cast(pa.int64())
            over = pc.subtract(counts, pc.multiply(pc.divide(counts, grain_us), grain_us))
            for index in pc.indices_nonzero(pc.fill_null(pc.not_equal(over, 0), False)).to_pylist():
                told = batch[name][index].as_py().astimezone(job.zone)
                kept = told - timedelta(microseconds=over[index].as_py() % grain_us)
                job.book.add(spool.name, first + index, batch[ID.id][index].as_py(), name, "rounded",
                             told.isoformat(" "), kept.isoformat(" "))
        first += batch.num_rows
