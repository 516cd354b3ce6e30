"""GeoJSON as a file: full field names, codes as they are stored, one feature a line.

Coordinates are easting (longitude) first in every CRS; other systems than CRS84 are named in the old `crs`
member, which GDAL, QGIS and ArcGIS read. The second geometry stands among the properties under its own id,
and as the feature's geometry where it stands in for a missing one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import shapely

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.full_columns import FullColumn
from gisapp.formats.job import Job, Table, Written
from gisapp.formats.proof import prove
from gisapp.formats.spool import Spool


def write(job: Job, spool: Spool) -> Written:
    """One .geojson, proven by reading it back with GDAL. Raises NotFaithful when it differs."""
    path = job.folder / f"{spool.name}.geojson"
    with path.open("w", encoding="utf-8") as file:
        _write_head(file, job, spool.rows)
        separator = ""
        for feature in features(job, spool):
            file.write(separator + feature)
            separator = ",\n"
        file.write("\n]}\n")
    prove_features(job, spool, path, job.layer.id)
    return Written((path,), spool.rows, (described(job, spool),))


def described(job: Job, spool: Spool) -> Table:
    """What the field table of the pack tells of features as GeoJSON."""
    return Table(spool.name, spool.rows, True, [FullColumn(field.id, field).description for field in job.fields])


def _write_head(file: TextIO, job: Job, rows: int) -> None:
    head: dict[str, Any] = {"type": "FeatureCollection", "name": job.layer.id}
    if job.datum:
        head["datum"] = job.datum
    elif job.crs.srid:
        head["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{job.crs.srid}"}}
    head["title"] = {"zh": job.layer.title.zh, "en": job.layer.title.en}
    head["question"] = job.question.get(job.language)
    head["timeStamp"] = job.made_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    head["numberReturned"] = rows
    text = json.dumps(head, ensure_ascii=False)
    file.write(text[:-1] + ', "features": [\n')


def features(job: Job, spool: Spool) -> Iterator[str]:
    """Each feature as one line of GeoJSON."""
    for batch in spool.batches():
        shapes = _json_geometries(batch, GEOMETRY)
        seconds = _json_geometries(batch, SECOND) if SECOND in batch.schema.names else [None] * len(shapes)
        rows = batch.select([f.id for f in job.fields]).to_pylist()
        for row, shape, second in zip(rows, shapes, seconds, strict=True):
            yield _feature(job, row, shape, second)


def _json_geometries(batch: pa.RecordBatch, column: str) -> list[str | None]:
    shapes = shapely.from_wkb(batch[column].to_numpy(zero_copy_only=False))
    if bool((shapely.get_dimensions(shapes) == 2).any()):
        # RFC 7946 wants outer rings counter-clockwise.
        shapes = shapely.orient_polygons(shapes)
    return list(shapely.to_geojson(shapes))


def _feature(job: Job, row: dict[str, Any], shape: str | None, second: str | None) -> str:
    properties = {name: _plain(value) for name, value in row.items() if name != "id"}
    text = json.dumps(properties, ensure_ascii=False, allow_nan=False)
    if job.layer.second_geometry is not None:
        text = f'{text[:-1]}, "{job.layer.second_geometry.id}": {second or "null"}}}'
    if shape is None and job.layer.stand_in is not None:
        shape = second
    return (f'{{"type": "Feature", "id": {json.dumps(row["id"])}, "geometry": {shape or "null"}, '
            f'"properties": {text}}}')


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | list):
        return value
    if hasattr(value, "utcoffset"):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.isoformat() if hasattr(value, "isoformat") else float(value)


def prove_features(job: Job, spool: Spool, path: Path, layer: str, driver: str = "GeoJSON") -> None:
    """GDAL must find every feature with its id, geometry and plain values; lists and second geometries it
    would only hand back as JSON text."""
    if not spool.rows:
        return
    names = [f.id for f in job.fields if f.type not in ("codes", "datetime")]
    schema = pa.schema([pa.field(n, _proven_type(spool.schema.field(n).type)) for n in names]
                       + [pa.field(GEOMETRY, pa.binary())])

    def expected() -> Iterator[pa.RecordBatch]:
        for batch in spool.batches():
            shapes = batch[GEOMETRY]
            if job.layer.stand_in is not None:
                shapes = pc.coalesce(shapes, batch[SECOND])
            yield pa.record_batch([batch[n].cast(schema.field(n).type) for n in names] + [shapes], schema=schema)

    options = {"DATE_AS_STRING": "YES"} if driver == "GeoJSON" else {}
    prove(path, layer, expected(), spool.rows, **options)


def _proven_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.float64()
    return pa.string() if pa.types.is_date(kind) else kind
