"""The child process that makes a file: `python -m gisapp.children gisapp.formats.work`.

Reads the rows from the database into a spool, then hands them to the format. Nothing of a web worker is here.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa

from gisapp import params
from gisapp.children import report
from gisapp.config import Settings
from gisapp.crs import parse_crs
from gisapp.db import is_away
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS, fetch, ledger, photos
from gisapp.formats.choices import Choices
from gisapp.formats.columns import ID, exported_fields, spool_schema
from gisapp.formats.difference import Difference
from gisapp.formats.job import Job, NotFaithful, TooLarge, Written
from gisapp.formats.losses import LossBook
from gisapp.formats.pack import REPORT, bind, file_digest
from gisapp.formats.photo_links import PhotoLinks
from gisapp.formats.question import in_words
from gisapp.formats.readme import Chapter
from gisapp.formats.shifting import shifted
from gisapp.formats.spool import Spool
from gisapp.formats.times import note_rounded
from gisapp.house import House, make_house
from gisapp.layers import Field
from gisapp.params import Query
from gisapp.permissions import Actor, may
from gisapp.photos import attachments
from gisapp.sql import deliveries as sql_deliveries

#: A disk that ends in the midst of a page is told as a failed write.
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE})


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Write the file that the order asks for; answers with its path, rows, losses and the question in words.

    Problems: those of the format, `database_unavailable` when the database ends meanwhile, `storage_full`.
    """
    try:
        return _work(order)
    except Exception as error:
        if is_away(error):
            raise Problem("database_unavailable") from error
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode in _NO_ROOM:
            raise Problem("storage_full") from error
        raise


def _work(order: dict[str, Any]) -> dict[str, Any]:
    settings = Settings(layers=Path(order["layers"]), time_zone=order["time_zone"], threads=1,
                        statement_timeout_s=order["statement_timeout_s"],
                        filter_length=order["filter_length"], filter_depth=order["filter_depth"])
    house, actor = make_house(settings, order["database_url"]), Actor(**order["actor"])
    data = Path(order["folder"]) / "data"
    data.mkdir()
    with LossBook(data / REPORT) as book, _difference(house, order) as new:
        asked = [_asked(house, actor, one, order, data, book)
                 for one in ({"layer": order["layer"], "args": order["args"]}, *order.get("further", ()))]
        spools: list[Spool] = []
        for job, query in asked:
            before = sum(one.layer is job.layer for one in spools)
            batches = _batches(house, actor, query, job)
            spools.append(_spool(job, batches, new, f"_{before + 1}" if before else "", order["format"]))
        jobs = [job for job, _ in asked]
        pictures = _photos(house, actor, order, asked, spools)
        house.db.close()
        changes = _tell(order, data, spools, new)
        written = [_write(order["format"], job, spool) for job, spool in zip(jobs, spools, strict=True)]
    chapters = [Chapter(job, one.tables, one.rows, spool.synthetic)
                for job, one, spool in zip(jobs, written, spools, strict=True)]
    files = list(dict.fromkeys(path for one in written for path in one.files))
    return _bound(order, data, chapters, files, book, pictures) | {"changes": changes}


def _tell(order: dict[str, Any], data: Path, spools: list[Spool], new: Difference | None) -> dict[str, int] | None:
    """Which features the file holds, for the log; of a difference the list of changes too, and their counts."""
    if order.get("ledger", True):
        ledger.write(data.parent, spools, new)
    if new is None:
        return None
    new.write(data)
    return new.counts


def _photos(house: House, actor: Actor, order: dict[str, Any], asked: list[tuple[Job, Query]],
            spools: list[Spool]) -> list[photos.Member]:
    if not order.get("photos"):
        return []
    moments = {job.layer.id: query.as_of for job, query in asked}
    return photos.gather(house, actor, [job for job, _ in asked], spools, order | {"moments": moments})


def _bound(order: dict[str, Any], data: Path, chapters: list[Chapter], files: list[Path],
           book: LossBook, pictures: list[photos.Member]) -> dict[str, Any]:
    """The answer: the pack, or the one data file where no pack was asked for."""
    withheld = list({field.id: field for chapter in chapters for field in _withheld(chapter.job)}.values())
    with ThreadPoolExecutor(2) as both:
        digests = dict(zip([path.name for path in files], both.map(file_digest, files), strict=True))
    told = [{"name": path.name, "bytes": path.stat().st_size, "sha256": digests[path.name]} for path in files]
    path = files[0]
    packed = order["pack"] or len(files) > 1
    if packed:
        path = bind(data, chapters, order["format"], book.counts, withheld, digests, pictures)
        _proven(path, pictures)
    words = [chapter.job.question for chapter in chapters]
    return {"path": str(path), "rows": sum(chapter.rows for chapter in chapters), "losses": dict(book.counts),
            "question": {"zh": " / ".join(one.zh for one in words), "en": " / ".join(one.en for one in words)},
            "shown": book.shown, "files": told, "packed": packed,
            "withheld": [{"id": field.id, "zh": field.title.zh, "en": field.title.en} for field in withheld]}


def _proven(pack: Path, pictures: list[photos.Member]) -> None:
    try:
        photos.prove(pack, pictures)
    except NotFaithful as error:
        raise Problem("export_not_faithful", place=str(error)) from error


def _withheld(job: Job) -> list[Field]:
    there = {field.id for field in job.fields}
    return [field for field in job.layer.all_fields if field.personal and field.id not in there]


def _asked(house: House, actor: Actor, one: dict[str, Any], order: dict[str, Any], data: Path,
           book: LossBook) -> tuple[Job, Query]:
    layer = house.layer(one["layer"])
    query = params.parse(one["args"], layer, house.catalogue).without_page()
    fields = exported_fields(layer, bool(order.get("personal")) and may(actor, "read_personal"))
    if query.properties is not None:
        fields = (ID, *(f for f in fields if f.id in (*query.properties, "version", "synthetic")))
    return Job(layer=layer, catalogue=house.catalogue, fields=fields, crs=parse_crs(order["crs"]),
               encoding=order["encoding"], language=order["language"], zone=ZoneInfo(order["time_zone"]),
               author=actor.username, question=in_words(layer, house.catalogue, query),
               made_at=datetime.fromisoformat(order["made_at"]), folder=data, book=book, datum=order.get("datum", ""),
               choices=Choices(order.get("booleans", ""), order.get("geometry", "")),
               photo_links=_links(house, actor, order, layer.id, query)), query


def _links(house: House, actor: Actor, order: dict[str, Any], layer_id: str, query: Query) -> PhotoLinks | None:
    """For a workbook; none where nothing has photos, or nobody knows the server's address."""
    if order["format"] != "xlsx" or not order.get("base"):
        return None
    found = attachments.counts(house, actor, layer_id, None, query.as_of)
    return PhotoLinks.of(order["base"], layer_id, found) if found else None


@contextmanager
def _difference(house: House, order: dict[str, Any]) -> Iterator[Difference | None]:
    """What the receiver has already, where only what is new since then is asked for."""
    if not order.get("difference"):
        yield None
        return
    with house.db.snapshot() as connection:
        new = Difference(Path(order["folder"]),
                         sql_deliveries.standing(connection, UUID(order["difference"]), order["layer"]))
    with new:
        yield new


def _spool(job: Job, batches: Iterator[pa.RecordBatch], new: Difference | None, mark: str, format_name: str) -> Spool:
    """The rows of a layer that go into the file, on disk; a format that can begins its file with them as they come.

    What is left out of the file is new to nobody, so that the shift comes before the comparison.
    """
    schema = spool_schema(job.fields, job.layer.second_geometry is not None)
    spool = Spool(job.layer, schema, job.folder.parent, (f"_{job.datum.replace('-', '')}" if job.datum else "") + mark)
    module = importlib.import_module(FILE_FORMATS[format_name].module)
    begin = module.begin(job, spool) if hasattr(module, "begin") else None
    if job.datum:
        batches = shifted(batches, job.datum, spool.name, job.book)
    spool.fill(new.of(batches) if new is not None else batches, begin)
    return spool


def _batches(house: House, actor: Actor, query: Query, job: Job) -> Iterator[pa.RecordBatch]:
    """All rows of a layer that are asked for."""
    done, schema = 0, spool_schema(job.fields, job.layer.second_geometry is not None)
    for batch in fetch.batches(house, actor, query, job, schema):
        done += batch.num_rows
        report(done, step="read")
        yield batch


def _write(format_name: str, job: Job, spool: Spool) -> Written:
    note_rounded(job, spool, FILE_FORMATS[format_name].time_us)
    module = importlib.import_module(FILE_FORMATS[format_name].module)
    try:
        written: Written = module.write(job, spool)
    except NotFaithful as error:
        raise Problem("export_not_faithful", place=str(error)) from error
    except TooLarge as error:
        raise Problem("export_too_large", part=str(error)) from error
    return written
