"""A large KML, read part by part (`kml_split`): each part becomes an Arrow file at the first reading, and is gone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyogrio.raw import open_arrow

from gisapp.formats.kinds import Dataset
from gisapp.formats.markup import shown_name
from gisapp.formats.reading import ogr
from gisapp.formats.reading.headings import unique
from gisapp.formats.source import Source
from gisapp.formats.wkb import Census

_BATCH = 4096
_SHAPE = "@shape"
#: How values of GDAL's types come; all others as texts.
_ARROW = {"Real": pa.float64(), "Integer": pa.int32(), "Integer64": pa.int64()}


def describe(dataset: Dataset, encoding: str | None) -> list[Source]:
    """A layer for each folder of the file that has placemarks. Problem `file_unreadable`."""
    for path in sorted(dataset.path.glob("*.kml")):
        _convert(dataset, path)
    found: list[Source] = []
    for number, paths in groupby(sorted(dataset.path.glob("*.arrow")), lambda path: path.name.partition("-")[0]):
        found.append(_described(dataset, number, list(paths), {source.name for source in found}))
    return found


def _convert(dataset: Dataset, path: Path) -> None:
    """What GDAL reads of a part, in an Arrow file beside it. It is opened once, which reads it, and gone then."""
    fresh = path.with_suffix(".new")
    try:
        with open_arrow(path, batch_size=_BATCH, use_pyarrow=True, datetime_as_string=True) as (meta, reader):
            _write(fresh, dataset, meta, reader)
    except ogr.FAULTS as error:
        raise ogr.said(dataset, error) from error
    fresh.rename(path.with_suffix(".arrow"))
    path.unlink()


def _write(path: Path, dataset: Dataset, meta: dict[str, Any], reader: pa.RecordBatchReader) -> None:
    given = [str(name) for name in meta["fields"]]
    kept = ogr.own_columns(dataset, given)
    place = reader.schema.names.index(meta["geometry_name"] or "wkb_geometry")
    names = unique([shown_name(given[n]) for n in kept])
    told = {"types": json.dumps([meta["ogr_types"][n].removeprefix("OFT") for n in kept])}
    columns = [[n for n in range(len(reader.schema)) if n != place][n] for n in kept]
    schema = pa.schema([pa.field(name, reader.schema.field(n).type) for name, n in zip(names, columns, strict=True)]
                       + [pa.field(_SHAPE, pa.binary())], told)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in reader:
            shapes = ogr.wkb(batch.column(place)).cast(pa.binary())
            writer.write_batch(pa.record_batch([*(batch.column(n) for n in columns), shapes], schema=schema))


def _described(dataset: Dataset, number: str, paths: list[Path], taken: set[str]) -> Source:
    """What all parts of a folder have: their fields, a text where two parts are not of one mind."""
    fields, census, count = dict[str, str](), Census(), 0
    title = (dataset.path / f"{number}.name").read_text("utf-8") or dataset.title
    for path in paths:
        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            types = json.loads(reader.schema.metadata[b"types"])
            for name, kind in zip(reader.schema.names[:-1], types, strict=True):
                fields[name] = kind if fields.get(name, kind) == kind else "String"
            for place in range(reader.num_record_batches):
                shapes = reader.get_batch(place).columns[-1]
                census.add(shapes.to_numpy(zero_copy_only=False))
                count += len(shapes)
    name = next(one for one in (title, *(f"{title} (#{n})" for n in range(2, 1000))) if one not in taken)
    return Source(name=name, dataset=dataset, part=number, geometry="Unknown", count=count, fields=list(fields),
                  types=list(fields.values()), crs_words="EPSG:4326", kinds=Counter(census.counts()))


def arrow(source: Source, size: int) -> Iterator[tuple[list[pa.Array], pa.Array]]:
    """The columns and WKB of a folder, batch by batch."""
    for path in sorted(source.dataset.path.glob(f"{source.part}-*.arrow")):
        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            for place in range(reader.num_record_batches):
                yield _columns(source, reader.get_batch(place))


def _columns(source: Source, batch: pa.RecordBatch) -> tuple[list[pa.Array], pa.Array]:
    there = dict(zip(batch.schema.names[:-1], batch.columns[:-1], strict=True))
    kinds = [_ARROW.get(kind, pa.string()) for kind in source.types]
    return [there[name].cast(kind) if name in there else pa.nulls(batch.num_rows, kind)
            for name, kind in zip(source.fields, kinds, strict=True)], batch.columns[-1]
