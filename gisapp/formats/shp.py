"""Shapefile, zipped, as other departments open it without a telephone call.

GBK (default) or UTF-8, with a language byte and a `.cpg` that agree; short ASCII field names from the layer
file; dates as D, times as text in the house's zone, yes/no in words; beside each code a column `…_M` with its
title. Texts are cut on a character's border and what was cut is listed.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisapp.formats import texts
from gisapp.formats.columns import GEOMETRY, ID, YES_NO, joined, titled
from gisapp.formats.dbf_columns import DbfColumn, dbf_columns
from gisapp.formats.dbf_writer import DbfWriter
from gisapp.formats.gdal import write_layer
from gisapp.formats.job import Job, Table, TooLarge, Written
from gisapp.formats.local_times import local_texts
from gisapp.formats.losses import LossBook
from gisapp.formats.proof import prove_some
from gisapp.formats.shp_writer import ShpWriter
from gisapp.formats.spool import Part, Spool

#: What one .shp or .dbf may hold; rows beyond go into numbered parts.
FILE_BYTES = 2**31 - 1
FILE_POINTS = 70_000_000
#: Room for a file's header, and what a .shp needs for a record besides what its WKB has.
_HEADER_BYTES, _RECORD_BYTES = 2**14, 64
#: Above this the widths follow the texts that are there; below it they follow the layer file.
ROOMY_BYTES = 2**30
#: So many rows are read back with their texts decoded by GDAL.
_DECODED_ROWS = 4096
#: Byte 29 of a DBF: the code page. GDAL writes 0 and trusts the .cpg, which is often lost on the way.
LANGUAGE_BYTE = {"GBK": b"\x4d", "UTF-8": b"\x00"}


def write(job: Job, spool: Spool) -> Written:
    """One shapefile a part, in numbered pieces where it would grow too large, each proven by reading it back.

    Raises NotFaithful when what is read back differs, TooLarge when one row does not fit.
    """
    files: list[Path] = []
    tables = []
    for part in spool.parts():
        columns = _fitted_widths(dbf_columns(job, part), part)
        for piece in part.pieces(_ranges(part, columns)):
            path = job.folder / f"{piece.name}.shp"
            _write_part(job, piece, columns, path)
            files += sorted(job.folder.glob(f"{glob.escape(path.stem)}.*"))
            tables.append(Table(piece.name, piece.rows, piece.whole, [column.description for column in columns]))
    return Written(tuple(files), spool.rows, tuple(tables))


def _schema(columns: Sequence[DbfColumn]) -> pa.Schema:
    return pa.schema([column.arrow for column in columns] + [pa.field(GEOMETRY, pa.binary())])


def _prepared(job: Job, part: Part, columns: Sequence[DbfColumn], path: Path,
              book: LossBook | None) -> Iterator[pa.RecordBatch]:
    """The rows as the file can hold them; what had to be done to them is noted in the book."""
    schema, first = _schema(columns), 1
    for batch in part.batches():
        yield _prepare(job, batch, columns, schema, _Noting(book, path.name, first))
        first += batch.num_rows


def _write_part(job: Job, part: Part, columns: Sequence[DbfColumn], path: Path) -> None:
    # GDAL writes an empty one for its .prj and .cpg; the others are written over.
    write_layer(path, "ESRI Shapefile", part, _schema(columns), iter(()), job.system, encoding=job.encoding)
    language = LANGUAGE_BYTE[job.encoding]
    with (ShpWriter(path, part.geometry) as shapes,
          DbfWriter(path.with_suffix(".dbf"), columns, job.encoding, language, job.made_at.date()) as values,
          ThreadPoolExecutor(1) as aside):
        drawn: Future[None] | None = None
        for batch in _prepared(job, part, columns, path, job.book):
            if drawn is not None:
                drawn.result()
            drawn = aside.submit(shapes.write, batch[GEOMETRY])
            values.write(batch)
        if drawn is not None:
            drawn.result()
    _prove(job, part, columns, path)


def _prove(job: Job, part: Part, columns: Sequence[DbfColumn], path: Path) -> None:
    """Read the file back, in two halves at once: texts as the bytes that they are, the first ones as GDAL reads them
    by language byte and .cpg; GDAL's way from GBK to Unicode takes twice as long as all the rest."""
    sample = replace(part, rows=min(part.rows, _DECODED_ROWS))
    prove_some(path, path.stem, _prepared(job, sample, columns, path, None), sample.rows,
               more=sample.rows < part.rows, options={})
    middle = part.rows // 2 if part.rows > 2 * _DECODED_ROWS else part.rows
    halves = [(0, middle), (middle, part.rows - middle)]

    def half(first: int, rows: int) -> None:
        piece = replace(part, first=part.first + first, rows=rows)
        expected = (_encoded(batch, job.encoding) for batch in _prepared(job, piece, columns, path, None))
        prove_some(path, path.stem, expected, rows, first=first, more=first + rows < part.rows,
                   options={"ENCODING": ""})

    with ThreadPoolExecutor(len(halves)) as both:
        for done in [both.submit(half, *one) for one in halves if one[1]]:
            done.result()


def _encoded(batch: pa.RecordBatch, encoding: str) -> pa.RecordBatch:
    columns = [texts.encoded(one, encoding) if pa.types.is_string(one.type) else one for one in batch.columns]
    return pa.record_batch(columns, batch.schema.names)


def _ranges(part: Part, columns: Sequence[DbfColumn]) -> list[tuple[int, int]]:
    """First row and number of rows of each piece that keeps within what one file may hold."""
    most_rows = (FILE_BYTES - _HEADER_BYTES) // (1 + sum(column.width for column in columns))
    most_bytes = part.spool.shape_bytes[part.column] + part.rows * _RECORD_BYTES
    if (part.rows <= most_rows and most_bytes + _HEADER_BYTES <= FILE_BYTES and most_bytes // 16 <= FILE_POINTS):
        return [(0, part.rows)]
    lengths = [pc.fill_null(pc.binary_length(batch[GEOMETRY]), 0).to_numpy() for batch in part.batches()]
    # A record of a .shp is never larger than its WKB and this much; a point is 16 bytes of both.
    wkb = np.concatenate([*lengths, np.zeros(0, np.int64)]).astype(np.int64)
    bytes_, points = wkb + _RECORD_BYTES, wkb // 16
    if part.rows <= most_rows and bytes_.sum() + _HEADER_BYTES <= FILE_BYTES and points.sum() <= FILE_POINTS:
        return [(0, part.rows)]
    if most_rows < 1 or int(bytes_.max()) + _HEADER_BYTES > FILE_BYTES:
        raise TooLarge(part.name)
    return _filled(most_rows, np.cumsum(bytes_), np.cumsum(points))


def _filled(most_rows: int, bytes_: NDArray[np.int64], points: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Pieces as full as they may be, from the running sums of bytes and points."""
    ranges, first, spent, drawn = [], 0, 0, 0
    while first < len(bytes_):
        stop = min(first + most_rows, int(np.searchsorted(bytes_, spent + FILE_BYTES - _HEADER_BYTES, "right")),
                   max(first + 1, int(np.searchsorted(points, drawn + FILE_POINTS, "right"))))
        ranges.append((first, stop - first))
        first, spent, drawn = stop, int(bytes_[stop - 1]), int(points[stop - 1])
    return ranges


def _fitted_widths(columns: list[DbfColumn], part: Part) -> list[DbfColumn]:
    """The same columns, narrowed to the texts that are there when the DBF would be very large."""
    if part.rows * sum(c.width for c in columns) > ROOMY_BYTES:
        longest = part.spool.longest
        columns = [replace(c, width=max(1, min(c.width, longest.get(c.field.id, c.width)))) if c.titles is None
                   else c for c in columns]
    return columns


@dataclass(frozen=True)
class _Noting:
    """Where the losses of one batch are noted; the proof prepares the rows again and notes nothing."""

    book: LossBook | None
    file: str
    first: int

    def add(self, batch: pa.RecordBatch, index: int, column: str, kind: str, original: str, written: str) -> None:
        if self.book is not None:
            feature = batch[ID.id][index].as_py()
            self.book.add(self.file, self.first + index, feature, column, kind, original, written)


def _prepare(job: Job, batch: pa.RecordBatch, columns: Sequence[DbfColumn], schema: pa.Schema,
             noting: _Noting) -> pa.RecordBatch:
    arrays = []
    for column in columns:
        values = _values(job, batch[column.field.id], column)
        arrays.append(_fitted(job, batch, column, values, noting) if column.is_text else values)
    arrays.append(batch[GEOMETRY])
    return pa.record_batch(arrays, schema=schema)


def _values(job: Job, values: pa.Array, column: DbfColumn) -> pa.Array:
    if values.null_count == len(values):
        return pa.nulls(len(values), column.arrow.type)
    if column.titles is not None:
        return titled(values, column.titles)
    if column.field.type == "boolean" and column.is_text:
        yes, no = YES_NO[job.language]
        return pc.if_else(values, yes, no)
    if column.field.type == "codes":
        return joined(values)
    if column.field.type == "datetime":
        return local_texts(values, job.zone)
    return values.cast(column.arrow.type)


def _fitted(job: Job, batch: pa.RecordBatch, column: DbfColumn, values: pa.Array, noting: _Noting) -> pa.Array:
    """The texts as the column can hold them; what had to be done is noted for each row."""
    if not texts.needs_fitting(values, column.width, job.encoding):
        return values
    known = values.dictionary_encode()
    fits = [texts.fit(value, column.width, job.encoding) for value in known.dictionary.to_pylist()]
    faulty = [bool(faults) for _, faults in fits]
    for index in np.flatnonzero(pa.array(faulty, pa.bool_()).take(known.indices).fill_null(False)):
        kept, faults = fits[known.indices[index].as_py()]
        for kind in faults:
            noting.add(batch, int(index), column.name, kind, values[index].as_py(), kept)
    return pa.array([kept or None for kept, _ in fits], pa.string()).take(known.indices)
