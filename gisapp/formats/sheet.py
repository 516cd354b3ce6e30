"""A layer as rows and columns for spreadsheets: local times, the place as WKT or as two columns, formulas defused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.full_columns import FullColumn
from gisapp.formats.job import Job, Table
from gisapp.formats.local_times import local_texts
from gisapp.formats.losses import defused
from gisapp.formats.noting import Noting
from gisapp.formats.one_table import OneTable
from gisapp.formats.shape_texts import as_wkt
from gisapp.formats.spool import Spool
from gisapp.formats.texts import parts

FORMULA = "^'*[=+\\-@＝＋－＠\t\r\n]"
#: First bytes of what the pattern finds: wide signs begin with EF in UTF-8.
_FIRST = np.isin(np.arange(256), list(b"'=+-@\t\r\n\xef"))


@dataclass(frozen=True)
class Sheet:
    """The columns of `table`, then where each feature is. `booleans` is the format's own way of telling yes and no."""

    job: Job
    spool: Spool
    booleans: str

    @cached_property
    def table(self) -> OneTable:
        return OneTable(self.job, self.spool, self.booleans)

    @property
    def columns(self) -> list[FullColumn]:
        return self.table.columns

    @property
    def by_numbers(self) -> bool:
        """Whether places are two columns of numbers rather than WKT."""
        own = "lonlat" if self.job.layer.geometry == "Point" else "wkt"
        return (self.job.choices.geometry or own) == "lonlat"

    @property
    def places(self) -> list[str]:
        """The names of the columns that say where a feature is."""
        taken = {column.name for column in self.columns}
        return [next(free for free in (name + "_" * n for n in count()) if free not in taken)
                for name in self.place_kinds]

    @property
    def place_kinds(self) -> list[str]:
        """What these columns hold: their names where no field is called so."""
        numbers = ["east", "north"] if self.job.crs.projected else ["lon", "lat"]
        second = [f"{self.table.second}_wkt"] if self.table.second else []
        return [*(numbers if self.by_numbers else ["wkt"]), *second]

    @property
    def names(self) -> list[str]:
        """All columns, full names."""
        return [column.name for column in self.columns] + self.places

    def described(self) -> Table:
        """What the field table of the pack tells of it."""
        return self.table.described()

    def batches(self, noting: Noting) -> Iterator[pa.RecordBatch]:
        """The rows with typed values; times are local texts to the second."""
        first = 1
        for batch in self.table.batches():
            here = Noting(noting.book, noting.file, first)
            yield pa.record_batch(self.values(batch) + self._places(batch, here), names=self.names)
            first += batch.num_rows

    def values(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """The columns of a batch of the table, times as local texts to the second."""
        return [self._value(batch[column.name]) for column in self.columns]

    def texts(self, noting: Noting) -> Iterator[pa.RecordBatch]:
        """The rows as texts; those that a spreadsheet would run are defused and noted, no value is an empty text."""
        first = 1
        for batch in self.batches(noting):
            here = Noting(noting.book, noting.file, first)
            columns = [self._text(batch, name, here) for name in batch.schema.names]
            yield pa.record_batch(columns, names=self.names)
            first += batch.num_rows

    def _text(self, batch: pa.RecordBatch, name: str, noting: Noting) -> pa.Array:
        values = batch[name]
        if values.null_count == len(values):
            return pa.repeat(pa.scalar(""), len(values))
        if not pa.types.is_string(values.type):
            return values.cast(pa.string()).fill_null("")
        if may_run(values) and pc.any(pc.match_substring_regex(values, FORMULA)).as_py():
            values = noting.changed(batch[ID.id], name, values, "defused", defused)
        return values.fill_null("")

    def _value(self, values: pa.Array) -> pa.Array:
        return local_texts(values, self.job.zone) if pa.types.is_timestamp(values.type) else values

    def _places(self, batch: pa.RecordBatch, noting: Noting) -> list[pa.Array]:
        second = [as_wkt(batch[SECOND])] if self.table.second else []
        if not self.by_numbers:
            return [as_wkt(batch[GEOMETRY]), *second]
        shapes = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
        self._note_points(shapes, batch[ID.id], noting)
        points = shapely.from_wkb(surface_points(batch[GEOMETRY]).to_numpy(zero_copy_only=False))
        return [*(pa.array(axis(points), pa.float64(), from_pandas=True) for axis in (shapely.get_x, shapely.get_y)),
                *second]

    def _note_points(self, shapes: NDArray[np.object_], ids: pa.Array, noting: Noting) -> None:
        for index in (shapely.get_dimensions(shapes) > 0).nonzero()[0]:
            noting.add(ids, int(index), self.places[0], "point_only")


def may_run(values: pa.Array) -> bool:
    """Whether any text begins as one that a spreadsheet runs may begin: most columns have none."""
    bounds, data = parts(values)
    begins = bounds[:-1][np.diff(bounds) > 0]
    return bool(_FIRST[data[begins]].any())


def surface_points(values: pa.Array) -> pa.Array:
    """A point on each shape (WKB), the point itself where it is one."""
    shapes = shapely.from_wkb(values.to_numpy(zero_copy_only=False))
    return pa.array(shapely.to_wkb(shapely.point_on_surface(shapes)), pa.binary())
