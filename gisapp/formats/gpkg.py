"""GeoPackage: full column names, the Chinese titles as aliases, both geometries as layers, tables that explain.

Nothing is cut here: texts are UTF-8 of any length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gisapp.formats.columns import GEOMETRY, code_titles, joined, titled
from gisapp.formats.gdal import write_layer, write_table
from gisapp.formats.job import Job, Written
from gisapp.formats.pack import code_table, field_table, readme
from gisapp.formats.proof import prove
from gisapp.formats.spool import Part, Spool
from gisapp.layers import Field


@dataclass(frozen=True)
class GpkgColumn:
    """One column; `titles` is set for the column that holds a code's title."""

    name: str
    field: Field
    titles: Mapping[str, str] | None = None

    @property
    def arrow(self) -> pa.Field:
        kinds = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
                 "datetime": pa.timestamp("ms", "UTC")}
        kind = pa.string() if self.titles is not None else kinds.get(self.field.type, pa.string())
        ending = "（名称）" if self.titles is not None else ""
        return pa.field(self.name, kind, metadata={"GDAL:OGR:alternative_name": self.field.title.zh + ending,
                                                   "GDAL:OGR:comment": self.field.title.en})


def write(job: Job, spool: Spool) -> Written:
    """One .gpkg with a layer a part, proven by reading it back. Raises NotFaithful when it differs."""
    path = job.folder / "file.gpkg"
    described: list[tuple[str, dict[str, object]]] = []
    parts = spool.parts()
    for number, part in enumerate(parts):
        columns = gpkg_columns(job, part)
        _write_part(job, part, columns, path, append=number > 0)
        described += [(part.name, _description(column)) for column in columns]
    write_table(path, "field_table", _table(field_table(described)))
    write_table(path, "code_lists", _table(code_table(job)))
    write_table(path, "readme", pa.table({"text": readme(job, "gpkg", parts, {}, ()).splitlines()}))
    return Written(path, spool.rows)


def gpkg_columns(job: Job, part: Part) -> list[GpkgColumn]:
    """A column for each field under its full name, a title column after each code column."""
    fields = [field for field in job.fields if field.id in part.schema.names]
    taken = {field.id for field in fields}
    columns = []
    for field in fields:
        columns.append(GpkgColumn(field.id, field))
        if field.codelist and f"{field.id}_title" not in taken:
            titles = code_titles(job.catalogue, field, job.language)
            columns.append(GpkgColumn(f"{field.id}_title", field, titles))
    return columns


def _write_part(job: Job, part: Part, columns: Sequence[GpkgColumn], path: Path, *, append: bool) -> None:
    schema = pa.schema([column.arrow for column in columns] + [pa.field(GEOMETRY, pa.binary())])

    def prepared() -> Iterator[pa.RecordBatch]:
        for batch in part.batches():
            arrays = [_values(batch[column.field.id], column) for column in columns] + [batch[GEOMETRY]]
            yield pa.record_batch(arrays, schema=schema)

    # Named, so that a field called "fid" or "geom" cannot collide.
    write_layer(path, "GPKG", part, schema, prepared(), job.crs, append=append,
                options={"FID": "ogr_fid", "GEOMETRY_NAME": "geom"})
    prove(path, part.name, prepared(), part.rows)


def _values(values: pa.Array, column: GpkgColumn) -> pa.Array:
    if column.titles is not None:
        return titled(values, column.titles)
    if column.field.type == "codes":
        return joined(values.to_pylist())
    return values.cast(column.arrow.type, safe=False)


def _description(column: GpkgColumn) -> dict[str, object]:
    return {"name": column.name, "field": column.field, "type": str(column.arrow.type), "width": "",
            "decimals": column.field.decimals or "", "is_title": column.titles is not None}


def _table(rows: Sequence[Sequence[object]]) -> pa.Table:
    heading, *body = rows
    names = [str(name).replace(" ", "_") for name in heading]
    return pa.table({name: [str(row[i]) for row in body] for i, name in enumerate(names)},
                    schema=pa.schema([pa.field(name, pa.string()) for name in names]))
