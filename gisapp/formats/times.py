"""Times that a format tells less exactly than they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import ID
from gisapp.formats.job import Job
from gisapp.formats.local_times import beyond, local_texts
from gisapp.formats.spool import Spool

#: Formats that tell times to the second tell them as texts of the zone.
_LOCAL = 1_000_000


def note_rounded(job: Job, spool: Spool, grain_us: int) -> None:
    """Note each time of a field that people fill in and that is no multiple of so many microseconds.

    The stamps that the database sets always have microseconds; what a format makes of them its description says.
    """
    names = [field.id for field in job.fields if field.type == "datetime" and not field.derived]
    first = 1
    for batch in spool.batches(told=False, names=[ID.id, *names]) if names and grain_us > 1 else ():
        for name in names:
            for index in beyond(batch[name], job.zone).tolist() if grain_us >= _LOCAL else ():
                [kept] = local_texts(batch[name].slice(index, 1), job.zone).to_pylist()
                job.book.add(spool.name, first + index, batch[ID.id][index].as_py(), name, "rounded",
                             batch[name][index].as_py().isoformat(" "), kept)
            counts = batch[name].cast(pa.int64())
            over = pc.subtract(counts, pc.multiply(pc.divide(counts, grain_us), grain_us))
            for index in pc.indices_nonzero(pc.fill_null(pc.not_equal(over, 0), False)).to_pylist():
                moment = batch[name][index].as_py()
                kept = moment - timedelta(microseconds=over[index].as_py() % grain_us)
                job.book.add(spool.name, first + index, batch[ID.id][index].as_py(), name, "rounded",
                             _told(moment, job.zone), _told(kept, job.zone))
        first += batch.num_rows


def _told(moment: datetime, zone: ZoneInfo) -> str:
    try:
        return moment.astimezone(zone).isoformat(" ")
    except OverflowError:  # the year 10000
        return moment.isoformat(" ")
