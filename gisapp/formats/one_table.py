"""A layer as one table with full column names, for the formats that hold one.

Where a second geometry may stand in for the main one, it does so here; it keeps a place of its own as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.full_columns import FullColumn, full_columns
from gisapp.formats.job import Job, Table
from gisapp.formats.spool import Part, Spool


@dataclass(frozen=True)
class OneTable:
    """Rows of a spool as a format takes them; `booleans` is the format's own way of telling yes and no."""

    job: Job
    spool: Spool
    booleans: str = "logical"

    @cached_property
    def columns(self) -> list[FullColumn]:
        return full_columns(self.job, self.spool.schema.names, self.booleans)

    @property
    def second(self) -> str | None:
        """The id of the second geometry, where the layer has one."""
        return self.job.layer.second_geometry.id if self.job.layer.second_geometry else None

    @property
    def kind(self) -> str:
        """The geometry type of the table: Unknown where another kind may stand in."""
        return "Unknown" if self.job.layer.stand_in else self.job.layer.geometry

    @property
    def part(self) -> Part:
        """The table as a part that `write_layer` takes."""
        return Part(self.spool.name, self.kind, self.spool.rows, self.spool.schema, GEOMETRY, True, self.spool)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns, the geometry, and the second geometry where there is one."""
        geometries = [pa.field(GEOMETRY, pa.binary())] + ([pa.field(SECOND, pa.binary())] if self.second else [])
        return pa.schema([column.arrow for column in self.columns] + geometries)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in the order of the spool."""
        for batch in self.spool.batches():
            arrays = [column.values(batch) for column in self.columns] + [self.place(batch)]
            yield pa.record_batch(arrays + ([batch[SECOND]] if self.second else []), schema=self.schema)

    def place(self, batch: pa.RecordBatch) -> pa.Array:
        """The geometry of each row, the second where it stands in."""
        return pc.coalesce(batch[GEOMETRY], batch[SECOND]) if self.job.layer.stand_in else batch[GEOMETRY]

    def described(self) -> Table:
        """What the field table of the pack tells of it."""
        return Table(self.spool.name, self.spool.rows, True, [column.description for column in self.columns])
