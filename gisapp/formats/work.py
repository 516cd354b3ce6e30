"""The child process that makes a file: `python -m gisapp.children gisapp.formats.work`.

Reads the rows from the database into a spool, then hands them to the format. Nothing of a web worker is here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from gisapp import features, params
from gisapp.config import Settings
from gisapp.crs import CGCS2000, STORED_SRID, parse_crs
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS
from gisapp.formats.columns import GEOMETRY, ID, SECOND, exported_fields, spool_schema, to_batch
from gisapp.formats.job import Job, NotFaithful, TooLarge, Written
from gisapp.formats.question import in_words
from gisapp.formats.spool import Spool
from gisapp.house import House, make_house
from gisapp.layers import Field, Layer
from gisapp.params import Query
from gisapp.permissions import Actor, may


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Write the file that the order asks for; answers with its path, rows, losses and the question in words."""
    settings = Settings(layers=Path(order["layers"]), time_zone=order["time_zone"], threads=1,
                        statement_timeout_s=order["statement_timeout_s"],
                        filter_length=order["filter_length"], filter_depth=order["filter_depth"])
    house = make_house(settings, order["database_url"])
    actor = Actor(**order["actor"])
    layer = house.layer(order["layer"])
    query = params.parse(order["args"], layer, house.catalogue).without_page()
    job = _job(house, actor, layer, query, order)
    written = _write(order["format"], job, _spool(house, actor, query, job))
    words = in_words(layer, house.catalogue, query)
    return {"path": str(written.path), "rows": written.rows, "losses": written.losses,
            "question": {"zh": words.zh, "en": words.en}}


def _job(house: House, actor: Actor, layer: Layer, query: Query, order: dict[str, Any]) -> Job:
    fields = exported_fields(layer, may(actor, "read_personal"))
    if query.properties is not None:
        fields = (ID, *(f for f in fields if f.id in (*query.properties, "version", "synthetic")))
    return Job(layer=layer, catalogue=house.catalogue, fields=fields, crs=parse_crs(order["crs"]),
               encoding=order["encoding"], language=order["language"], zone=ZoneInfo(order["time_zone"]),
               author=actor.username, question=in_words(layer, house.catalogue, query).get(order["language"]),
               made_at=datetime.fromisoformat(order["made_at"]), folder=Path(order["folder"]))


def _spool(house: House, actor: Actor, query: Query, job: Job) -> Spool:
    """All rows on disk; the database is done with when this returns."""
    schema = spool_schema(job.fields, job.layer.second_geometry is not None)
    spool = Spool(job.layer, schema, job.folder)
    spool.fill(_batches(house, actor, query, job, schema))
    house.db.close()
    return spool


def _batches(house: House, actor: Actor, query: Query, job: Job, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    names = [field.id for field in _without_id(job.fields)]
    headings = [ID.id, *names, GEOMETRY, SECOND]
    # CGCS2000 is taken as equal to what is stored; the same numbers go out, to the last bit.
    srid = STORED_SRID if job.crs.srid == CGCS2000 else job.crs.database_srid
    for rows in features.stream(house, actor, job.layer.id, query, srid, names):
        columns = dict(zip(headings, zip(*rows, strict=True), strict=False))
        yield to_batch(schema, columns)


def _without_id(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field is not ID)


def _write(format_name: str, job: Job, spool: Spool) -> Written:
    module = importlib.import_module(FILE_FORMATS[format_name].module)
    try:
        written: Written = module.write(job, spool)
    except NotFaithful as error:
        raise Problem("export_not_faithful", place=str(error)) from error
    except TooLarge as error:
        raise Problem("export_too_large", part=str(error)) from error
    return written
