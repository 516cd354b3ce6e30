"""GeoPackage: full column names, the Chinese titles as aliases, both geometries as layers, tables that explain.

Nothing is cut here: texts are UTF-8 of any length.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import pyarrow as pa

from gisapp.formats.columns import GEOMETRY
from gisapp.formats.full_columns import FullColumn, full_columns, table_of
from gisapp.formats.gdal import write_layer, write_table
from gisapp.formats.gpkg_layer import fill_layer
from gisapp.formats.job import Job, Written
from gisapp.formats.pack import code_table, field_table
from gisapp.formats.proof import prove
from gisapp.formats.readme import Chapter, readme
from gisapp.formats.spool import Beginning, Part, Spool

_ALIAS = b"GDAL:OGR:alternative_name"


def begin(job: Job, spool: Spool) -> Beginning:
    """Writes the layer of the main geometry while the rows come."""
    main = replace(spool.parts()[0], rows=sys.maxsize)  # nobody knows yet how many
    columns = full_columns(job, main.schema.names)

    def written(batches: Iterator[pa.RecordBatch]) -> bool:
        _write_layer(job, main, columns, batches)
        return True

    return written


def write(job: Job, spool: Spool) -> Written:
    """One .gpkg with a layer a part, proven by reading it back; several jobs in one folder share the file.

    Raises NotFaithful when it differs.
    """
    path, tables = _path(job), []
    for number, part in enumerate(spool.parts()):
        columns = full_columns(job, part.schema.names)
        if number or not spool.begun:
            _write_layer(job, part, columns, part.spool.batches())
        prove(path, part.name, _expected(part, columns), part.rows)
        tables.append(table_of(part, columns))
    write_table(path, "field_table", _table(field_table(tables)))
    write_table(path, "code_lists", _table(code_table([job])))
    text = readme([Chapter(job, tables, spool.rows, spool.synthetic)], "gpkg", {}, (), ())
    write_table(path, "readme", pa.table({"text": text.splitlines()}))
    return Written((path,), spool.rows, tuple(tables))


def _path(job: Job) -> Path:
    return job.folder / f"file{f'_{job.datum}'.replace('-', '') if job.datum else ''}.gpkg"


def _write_layer(job: Job, part: Part, columns: Sequence[FullColumn], batches: Iterator[pa.RecordBatch]) -> None:
    """The rows of the spool that are the part's as a layer of its name."""
    path = _path(job)
    # Named, so that a field called "fid" or "geom" cannot collide.
    names = {column.name.lower() for column in columns}
    number = next(name for name in ("ogr_fid" + "_" * n for n in count()) if name not in names)
    write_layer(path, "GPKG", part, layer_schema(columns), iter(()), job.system, append=path.exists(),
                options={"FID": number, "GEOMETRY_NAME": "geom"})
    fill_layer(path, part, columns, part.of(batches))


def _expected(part: Part, columns: Sequence[FullColumn]) -> Iterator[pa.RecordBatch]:
    schema = layer_schema(columns)
    for batch in part.batches():
        yield pa.record_batch([*(column.values(batch) for column in columns), batch[GEOMETRY]], schema=schema)


def layer_schema(columns: Sequence[FullColumn]) -> pa.Schema:
    """The columns with their titles as aliases; one that has another's title (GDAL would leave the layer unregistered)
    is told apart by its name."""
    fields, taken = [], set()
    for field in (column.arrow for column in columns):
        alias = field.metadata[_ALIAS].decode()
        alias = f"{alias} ({field.name})" if alias in taken else alias
        taken.add(alias)
        fields.append(field.with_metadata(field.metadata | {_ALIAS: alias.encode()}))
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])


def _table(rows: Sequence[Sequence[object]]) -> pa.Table:
    heading, *body = rows
    names = [str(name).replace(" ", "_") for name in heading]
    return pa.table({name: [str(row[i]) for row in body] for i, name in enumerate(names)},
                    schema=pa.schema([pa.field(name, pa.string()) for name in names]))
