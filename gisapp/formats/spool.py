"""Rows on their way into a file, kept on disk so that memory stays flat and the proof can read them again.

A layer with a second geometry gives several parts: a shapefile or GeoPackage layer holds one kind of geometry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.children import report
from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.texts import parts
from gisapp.layers import Layer

#: Takes the rows as they come; what it answers is kept for the format (`Spool.begun`).
Beginning = Callable[[Iterator[pa.RecordBatch]], Any]
#: A thread that makes bytes of rows gives way to others, and gets its turn, within so many seconds: the one that reads
#: is in Python's hands all the time.
_TURN_S = 0.001


@dataclass(frozen=True)
class Part:
    """One table of the file: `name` in ASCII, its geometry type, its rows and columns.

    `column` is where its geometry lies in the spool. `whole` is false for a table that only adds a second
    geometry to features told of elsewhere by id. `first` is the row it begins with where it is one of several
    numbered pieces.
    """

    name: str
    geometry: str
    rows: int
    schema: pa.Schema
    column: str
    whole: bool
    spool: Spool
    first: int = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in the order in which the database gave them; the geometry column is `@geometry`."""
        return self.of(self.spool.batches())

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same of batches of the spool."""
        skip, left = self.first, self.rows
        for batch in batches:
            chosen = self._chosen(batch)
            if not chosen.true_count:
                continue
            rows = batch if chosen.true_count == len(chosen) else batch.filter(chosen)
            taken = rows.slice(min(skip, rows.num_rows), left)
            skip, left = skip - min(skip, rows.num_rows), left - taken.num_rows
            if taken.num_rows:
                columns = [taken[self.column if name == GEOMETRY else name] for name in self.schema.names]
                yield pa.record_batch(columns, schema=self.schema)
            if not left:
                return

    def pieces(self, ranges: Sequence[tuple[int, int]]) -> list[Part]:
        """The part itself, or numbered pieces of it: one for each (first row, number of rows)."""
        if len(ranges) == 1:
            return [self]
        return [replace(self, name=f"{self.name}_{number}", first=self.first + first, rows=rows)
                for number, (first, rows) in enumerate(ranges, 1)]

    def _chosen(self, batch: pa.RecordBatch) -> pa.Array:
        main = pc.is_valid(batch[GEOMETRY])
        if self.column == GEOMETRY:
            return main
        return pc.and_(pc.is_valid(batch[SECOND]), pc.invert(main) if self.whole else main)


#: Whole numbers of so many signs are doubles without loss.
EXACT_SIGNS = 15


class Spool:
    """The rows of one layer in an Arrow file under `folder`, written once, read as often as wanted.

    `mark` ends the names of its parts: the datum of shifted coordinates, a number where a layer is asked for twice.
    """

    def __init__(self, layer: Layer, schema: pa.Schema, folder: Path, mark: str = "") -> None:
        self.layer = layer
        self.schema = schema
        self.mark = mark
        self.name = f"{layer.id}{mark}"
        self.path = folder / f"{self.name}.arrow"
        self.rows = self.main = self.standing_in = self.both = self.synthetic = self._passes = 0
        #: What a format began while the rows came.
        self.begun: Any = None
        #: Bytes of all shapes by column.
        self.shape_bytes = dict.fromkeys((name for name in (GEOMETRY, SECOND) if name in schema.names), 0)
        #: Bytes that the longest text of each column takes, in whatever encoding.
        self.longest = dict.fromkeys((f.name for f in schema if pa.types.is_string(f.type)), 1)
        #: Signs that the longest number of each column of whole numbers takes, its minus among them.
        self.signs = dict.fromkeys((f.name for f in schema if pa.types.is_int64(f.type)), 1)

    def fill(self, batches: Iterable[pa.RecordBatch], begin: Beginning | None = None) -> None:
        """Write all batches; counts rows by the geometries they have, and the synthetic ones.

        A format may begin its file with the rows as they come, while the database tells the next ones.
        """
        with pa.OSFile(str(self.path), "wb") as sink, pa.ipc.new_file(sink, self.schema) as writer:
            kept = self._kept(batches, writer)
            if begin is not None:
                sys.setswitchinterval(_TURN_S)
                self.begun, self._passes = begin(kept), 1
            for _ in kept:
                pass
        pa.default_memory_pool().release_unused()  # what reading took is free for the writing

    def _kept(self, batches: Iterable[pa.RecordBatch], writer: pa.ipc.RecordBatchFileWriter
              ) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:  # writers may rely on it
                writer.write_batch(batch)
                self._count(batch)
                yield batch

    def _count(self, batch: pa.RecordBatch) -> None:
        main = batch.num_rows - batch[GEOMETRY].null_count
        self.rows += batch.num_rows
        self.main += main
        for name in self.shape_bytes:
            self.shape_bytes[name] += pc.sum(pc.binary_length(batch[name])).as_py() or 0
        for name in self.longest:
            if batch[name].null_count < batch.num_rows:
                self.longest[name] = max(self.longest[name], _longest(batch[name]))
        for name in self.signs:
            if batch[name].null_count < batch.num_rows:
                ends = pc.min_max(batch[name]).as_py()
                self.signs[name] = max(self.signs[name], *(len(str(end)) for end in ends.values()))
        if "synthetic" in self.schema.names:
            self.synthetic += batch["synthetic"].true_count
        if SECOND in self.schema.names:
            has_both = pc.and_(pc.is_valid(batch[GEOMETRY]), pc.is_valid(batch[SECOND]))
            both = pc.sum(has_both).as_py() or 0
            self.both += both
            self.standing_in += batch.num_rows - batch[SECOND].null_count - both

    def batches(self, *, told: bool = True, names: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
        """The rows, with or without a geometry, or only the columns `names` of them; the parent is told how far the
        writing, and after it the proof, is."""
        self._passes += told
        options = pa.ipc.IpcReadOptions(included_fields=[self.schema.get_field_index(name) for name in names])
        step, done = "write" if self._passes == 1 else "prove", 0
        with pa.OSFile(str(self.path), "rb") as source, pa.ipc.open_file(source, options=options) as reader:
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                done += batch.num_rows
                if told:
                    report(done, self.rows, step)
                yield batch

    def parts(self) -> list[Part]:
        """The tables of a file: the layer itself, then what its second geometry asks for.

        Where the second geometry stands in, the features without a main geometry are a full table of their
        own, present even when empty; other second geometries are a table of ids.
        """
        layer, second = self.layer, self.layer.second_geometry
        whole = pa.schema([f for f in self.schema if f.name != SECOND])
        found = [Part(self.name, layer.geometry, self.main, whole, GEOMETRY, True, self)]
        if second is None:
            return found
        ids = pa.schema([self.schema.field(ID.id), self.schema.field("version"), pa.field(GEOMETRY, pa.binary())])
        name = f"{layer.id}_{second.id}{self.mark}"
        if second.stands_in:
            found.append(Part(name, second.geometry, self.standing_in, whole, SECOND, True, self))
            name = f"{layer.id}_{second.id}_also{self.mark}"
        if self.both or not second.stands_in:
            found.append(Part(name, second.geometry, self.both, ids, SECOND, False, self))
        return found


def _longest(texts: pa.Array) -> int:
    """No character takes more than two bytes in GBK, or more in UTF-8 than it has there."""
    return int(np.diff(parts(texts)[0]).max())
