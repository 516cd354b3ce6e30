"""Shapefile, zipped, as other departments open it without a telephone call.

GBK (default) or UTF-8, with a language byte and a `.cpg` that agree; short ASCII field names from the layer
file; dates as D, times as text in the house's zone, yes/no in words; beside each code a column `…_M` with its
title. Texts are cut on a character's border and what was cut is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats import texts
from gisapp.formats.columns import GEOMETRY, ID, code_titles, joined, titled
from gisapp.formats.gdal import write_layer
from gisapp.formats.job import Job, LossBook, TooLarge, Written
from gisapp.formats.pack import Pack
from gisapp.formats.proof import prove
from gisapp.formats.spool import Part, Spool
from gisapp.layers import Field

NAME_BYTES = 10
TEXT_BYTES = 254
FILE_BYTES = 2**31 - 1
#: Above this the widths follow the texts that are there; below it they follow the layer file.
ROOMY_BYTES = 2**30
#: Byte 29 of a DBF: the code page. GDAL writes 0 and trusts the .cpg, which is often lost on the way.
LANGUAGE_BYTE = {"GBK": b"\x4d", "UTF-8": b"\x00"}
_YES_NO = {"zh": ("是", "否"), "en": ("yes", "no")}


@dataclass(frozen=True)
class DbfColumn:
    """One column of the DBF; `titles` is set for the column that holds a code's title."""

    name: str
    field: Field
    width: int
    decimals: int = 0
    titles: Mapping[str, str] | None = None

    @property
    def is_text(self) -> bool:
        return self.field.type not in ("integer", "number", "date")

    @property
    def arrow(self) -> pa.Field:
        """Name, type and width as GDAL takes them from Arrow."""
        if self.field.type == "number" and self.field.decimals is not None:
            return pa.field(self.name, pa.decimal128(self.width - 2, self.decimals))
        kinds = {"integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
        width = {} if self.field.type in ("number", "date") else {"GDAL:OGR:width": str(self.width)}
        return pa.field(self.name, kinds.get(self.field.type, pa.string()), metadata=width or None)


def write(job: Job, spool: Spool) -> Written:
    """The zip with one shapefile a part, proven by reading it back.

    Raises NotFaithful when what is read back differs, TooLarge over 2 GB a file.
    """
    pack = Pack(job, "shp")
    with LossBook(pack.folder / "report.csv") as losses:
        for part in spool.parts():
            columns = _fitted_widths(dbf_columns(job, part), part)
            _write_part(job, part, columns, pack.folder / f"{part.name}.shp", losses)
            pack.describe(part, [_description(column) for column in columns])
    return Written(pack.close(losses.counts), spool.rows, dict(losses.counts))


def _write_part(job: Job, part: Part, columns: Sequence[DbfColumn], path: Path, losses: LossBook) -> None:
    schema = pa.schema([column.arrow for column in columns] + [pa.field(GEOMETRY, pa.binary())])

    def prepared(book: LossBook | None) -> Iterator[pa.RecordBatch]:
        first = 1
        for batch in part.batches():
            yield _prepare(job, batch, columns, schema, _Noting(book, path.name, first))
            first += batch.num_rows

    write_layer(path, "ESRI Shapefile", part, schema, prepared(losses), job.crs,
                encoding=job.encoding, options={"2GB_LIMIT": "YES"})
    mark_language(path.with_suffix(".dbf"), job.encoding)
    prove(path, path.stem, prepared(None), part.rows)


def mark_language(dbf: Path, encoding: str) -> None:
    """Set the code page byte of a DBF so that it reads rightly even without its .cpg."""
    with dbf.open("r+b") as file:
        file.seek(29)
        file.write(LANGUAGE_BYTE[encoding])


def dbf_columns(job: Job, part: Part) -> list[DbfColumn]:
    """The columns of a part: short names from the layer file, a title column after each code column."""
    fields = [field for field in job.fields if field.id in part.schema.names]
    taken = {field.export for field in fields}
    columns = []
    for field in fields:
        columns.append(_column(job, field))
        if field.codelist:
            columns.append(_title_column(job, field, _title_name(field.export, taken)))
    return columns


def _title_name(short: str, taken: set[str]) -> str:
    """A free name of at most ten bytes for the titles of a code column: JGLX gives JGLX_M."""
    endings = ("_M", *(f"_M{n}" for n in range(2, 100)))
    name = next(n for n in (short[:NAME_BYTES - len(e)] + e for e in endings) if n not in taken)
    taken.add(name)
    return name


def _column(job: Job, field: Field) -> DbfColumn:
    if field.type == "number":
        return _number(field)
    if field.type == "integer":
        return DbfColumn(field.export, field, _integer_width(field))
    widths = {"date": 8, "datetime": 19, "boolean": 3, "codes": TEXT_BYTES}
    return DbfColumn(field.export, field, widths.get(field.type) or _text_width(job, field))


def _number(field: Field) -> DbfColumn:
    if field.decimals is None:
        return DbfColumn(field.export, field, 24, 15)
    whole = 18 - field.decimals
    if field.min is not None and field.max is not None:
        whole = min(whole, len(str(int(max(abs(field.min), abs(field.max))))))
    return DbfColumn(field.export, field, whole + field.decimals + 2, field.decimals)


def _integer_width(field: Field) -> int:
    if field.min is None or field.max is None:
        return 18
    return max(len(str(int(field.min))), len(str(int(field.max))))


def _text_width(job: Job, field: Field) -> int:
    if field.type == "code":
        codes = job.catalogue.codelists[field.codelist or ""].codes
        return _width_of([code.id for code in codes], job.encoding)
    if field is ID:
        return ID.max_length or TEXT_BYTES
    return min(TEXT_BYTES, texts.byte_width(field.max_length or TEXT_BYTES, job.encoding))


def _title_column(job: Job, field: Field, name: str) -> DbfColumn:
    titles = code_titles(job.catalogue, field, job.language)
    width = TEXT_BYTES if field.type == "codes" else _width_of(titles.values(), job.encoding)
    return DbfColumn(name, field, width, titles=titles)


def _width_of(values: Any, encoding: str) -> int:
    return min(TEXT_BYTES, max((len(v.encode(encoding, "gisapp.visible")) for v in values), default=1) or 1)


def _fitted_widths(columns: list[DbfColumn], part: Part) -> list[DbfColumn]:
    """The same columns, narrowed to the texts that are there when the DBF would be very large."""
    if part.rows * sum(c.width for c in columns) > ROOMY_BYTES:
        longest = _longest(part)
        columns = [replace(c, width=max(1, min(c.width, longest.get(c.field.id, c.width)))) if c.titles is None
                   else c for c in columns]
    if part.rows * (1 + sum(c.width for c in columns)) > FILE_BYTES:
        raise TooLarge(part.name)
    return columns


def _longest(part: Part) -> dict[str, int]:
    """Bytes of the longest text of each plain text column; UTF-8 is never shorter than GBK."""
    names = [f.name for f in part.schema if pa.types.is_string(f.type)]
    longest = dict.fromkeys(names, 1)
    for batch in part.batches():
        for name in names:
            longest[name] = max(longest[name], pc.max(pc.binary_length(batch[name])).as_py() or 0)
    return longest


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
    if column.titles is not None:
        return titled(values, column.titles)
    if column.field.type == "boolean":
        yes, no = _YES_NO[job.language]
        return pc.if_else(values, yes, no)
    if column.field.type == "codes":
        return joined(values.to_pylist())
    if column.field.type == "datetime":
        return pa.array([_local(job, v) for v in values.to_pylist()], pa.string())
    return values.cast(column.arrow.type)


def _local(job: Job, moment: Any) -> str | None:
    return None if moment is None else moment.astimezone(job.zone).isoformat(" ", "seconds")[:19]


def _fitted(job: Job, batch: pa.RecordBatch, column: DbfColumn, values: pa.Array, noting: _Noting) -> pa.Array:
    if not texts.needs_fitting(values, column.width, job.encoding):
        return values
    fitted: list[str | None] = []
    for index, value in enumerate(values.to_pylist()):
        kept, faults = (None, []) if value is None else texts.fit(value, column.width, job.encoding)
        for kind in faults:
            noting.add(batch, index, column.name, kind, value, kept or "")
        fitted.append(kept or None)
    return pa.array(fitted, pa.string())


def _description(column: DbfColumn) -> dict[str, Any]:
    kind = {"number": "N", "integer": "N", "date": "D"}.get(column.field.type, "C")
    return {"name": column.name, "field": column.field, "type": kind, "width": column.width,
            "decimals": column.decimals, "is_title": column.titles is not None}
