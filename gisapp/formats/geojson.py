"""GeoJSON as a file: full field names, codes as they are stored, one feature a line.

Coordinates are easting (longitude) first in every CRS; other systems than CRS84 are named in the old `crs`
member, which GDAL, QGIS and ArcGIS read. The second geometry stands among the properties under its own id,
and as the feature's geometry where it stands in for a missing one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.feature_texts import feature_texts, joined_bytes
from gisapp.formats.full_columns import FullColumn
from gisapp.formats.job import Job, Table, Written
from gisapp.formats.proof import prove
from gisapp.formats.spool import EXACT_SIGNS, Spool

_BETWEEN = ",\n"


def write(job: Job, spool: Spool) -> Written:
    """One .geojson, proven by reading it back with GDAL. Raises NotFaithful when it differs."""
    path = job.folder / f"{spool.name}.geojson"
    with path.open("wb") as file:
        file.write(_head(job, spool.rows).encode())
        first = len(_BETWEEN)
        for texts in feature_texts(job, spool):
            file.write(joined_bytes(_BETWEEN, texts)[first:].data)
            first = 0
        file.write(b"\n]}\n")
    prove_features(job, spool, path, job.layer.id)
    return Written((path,), spool.rows, (described(job, spool),))


def described(job: Job, spool: Spool) -> Table:
    """What the field table of the pack tells of features as GeoJSON."""
    return Table(spool.name, spool.rows, True, [FullColumn(field.id, field).description for field in job.fields])


def _head(job: Job, rows: int) -> str:
    head: dict[str, Any] = {"type": "FeatureCollection", "name": job.layer.id}
    if job.datum:
        head["datum"] = job.datum
    elif job.crs.srid:
        head["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{job.crs.srid}"}}
    head["title"] = {"zh": job.layer.title.zh, "en": job.layer.title.en}
    head["question"] = job.question.get(job.language)
    head["timeStamp"] = job.made_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    head["numberReturned"] = rows
    return json.dumps(head, ensure_ascii=False)[:-1] + ', "features": [\n'


def prove_features(job: Job, spool: Spool, path: Path, layer: str, driver: str = "GeoJSON") -> None:
    """GDAL must find every feature with its id, geometry and plain values; lists and second geometries it
    would only hand back as JSON text."""
    if not spool.rows:
        return
    names = [f.id for f in job.fields if f.type not in ("codes", "datetime")]
    schema = pa.schema([pa.field(n, _proven_type(spool, n)) for n in names]
                       + [pa.field(GEOMETRY, pa.binary())])

    def expected() -> Iterator[pa.RecordBatch]:
        for batch in spool.batches():
            shapes = batch[GEOMETRY]
            if job.layer.stand_in is not None:
                shapes = pc.coalesce(shapes, batch[SECOND])
            yield pa.record_batch([batch[n].cast(schema.field(n).type, safe=False) for n in names] + [shapes],
                                  schema=schema)

    options = {"DATE_AS_STRING": "YES"} if driver == "GeoJSON" else {}
    prove(path, layer, expected(), spool.rows, **options)


def _proven_type(spool: Spool, name: str) -> pa.DataType:
    """What GDAL takes a column for: whole numbers of many digits for doubles."""
    kind = spool.schema.field(name).type
    if pa.types.is_decimal(kind) or spool.signs.get(name, 1) > EXACT_SIGNS:
        return pa.float64()
    return pa.string() if pa.types.is_date(kind) else kind
