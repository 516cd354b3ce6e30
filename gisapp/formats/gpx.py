"""GPX 1.1: points as waypoints, lines as tracks; every field as an extension; longitude and latitude only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.job import Job, Written
from gisapp.formats.noting import Noting
from gisapp.formats.proof import prove
from gisapp.formats.shape_texts import as_wkt
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.vertices import types_of
from gisapp.formats.xml_proof import prove_fields
from gisapp.formats.xml_writing import escaped, fit_for_xml, told

#: GDAL refuses a file with more than a hundred fields, its own two dozen among them.
MOST_FIELDS = 70
_OBJECTS = frozenset({"wpt", "trk"})
_HEAD = ('<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" creator="gisapp"'
         ' xmlns="http://www.topografix.com/GPX/1/1" xmlns:ogr="http://osgeo.org/gdal">\n')


def write(job: Job, spool: Spool) -> Written:
    """One .gpx, proven by reading it back. Raises NotFaithful when it differs.

    Several points of one feature are several waypoints with its id, which is noted.
    """
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.gpx"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD + _about(job))
        for batch in _rows(sheet, Noting(job.book, path.name)):
            file.writelines(_objects(job, sheet, batch))
        file.write("</gpx>\n")
    if spool.rows:
        _prove(path, sheet)
    return Written((path,), spool.rows, (sheet.described(),))


def _kept(sheet: Sheet) -> list[int]:
    """The columns that go along, by number: no titles of codes, and no more than readers take."""
    plain = [number for number, column in enumerate(sheet.columns) if column.titles is None]
    return plain[:MOST_FIELDS]


def _prove(path: Path, sheet: Sheet) -> None:
    quiet = Noting(None, path.name)
    texts = ({name: value for name, value in row.items() if value is not None}
             for batch in _rows(sheet, quiet) for row in batch.drop_columns([GEOMETRY]).to_pylist())
    prove_fields(path, texts, _OBJECTS, lambda tag, _: tag[4:] if tag.startswith("ogr:") else None)
    for kind, lines in (("tracks", True), ("waypoints", False)):
        rows = sum(batch.num_rows for batch in _of_kind(sheet, lines=lines))
        if rows:
            prove(path, kind, _of_kind(sheet, lines=lines), rows)


def _of_kind(sheet: Sheet, *, lines: bool) -> Iterator[pa.RecordBatch]:
    """The places of the tracks or of the waypoints: a line may be stood in for by a point."""
    for batch in _rows(sheet, Noting(None, "")):
        is_line = np.isin(types_of(batch[GEOMETRY]), (2, 5))
        yield batch.select([GEOMETRY]).filter(pa.array(is_line == lines))


def _rows(sheet: Sheet, noting: Noting) -> Iterator[pa.RecordBatch]:
    """One row an object: all values as texts, the geometry as it goes into the file."""
    kept, first = _kept(sheet), 1
    second = [sheet.table.second] if sheet.table.second else []
    names = [*(sheet.columns[number].name for number in kept), *second]
    for batch in sheet.table.batches():
        here = Noting(noting.book, noting.file, first)
        columns = sheet.values(batch)
        _note_left_out(sheet, batch, kept, here)
        values = [columns[number].cast(pa.string()) for number in kept]
        values += [as_wkt(batch[SECOND])] if second else []
        whole = pa.record_batch([*fit_for_xml(batch, values, names, here), batch[GEOMETRY]], names=[*names, GEOMETRY])
        yield _split(whole, here) if sheet.job.layer.geometry == "MultiPoint" else _placed(whole, here)
        first += batch.num_rows


def _note_left_out(sheet: Sheet, batch: pa.RecordBatch, kept: list[int], noting: Noting) -> None:
    for number, column in enumerate(sheet.columns):
        if number not in kept and column.titles is None:
            for index, there in enumerate(batch[column.name].is_valid().to_pylist()):
                if there:
                    noting.add(batch[ID.id], index, column.name, "no_room")


def _placed(batch: pa.RecordBatch, noting: Noting) -> pa.RecordBatch:
    """The rows that have a place."""
    there = batch[GEOMETRY].is_valid()
    for index, placed in enumerate(there.to_pylist()):
        if not placed:
            noting.add(batch[ID.id], index, "geometry", "unplaced")
    return batch.filter(there)


def _split(batch: pa.RecordBatch, noting: Noting) -> pa.RecordBatch:
    """A row for each point of a feature."""
    shapes = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
    for index, number in enumerate(shapely.get_num_geometries(shapes)):
        if number > 1:
            noting.add(batch[ID.id], index, "geometry", "split", "", str(number))
    points, owner = shapely.get_parts(shapes, return_index=True)
    taken = batch.take(pa.array(owner))
    return taken.set_column(taken.num_columns - 1, GEOMETRY, pa.array(shapely.to_wkb(points), pa.binary()))


def _about(job: Job) -> str:
    title, question = job.layer.title.get(job.language), job.question.get(job.language)
    note = f"{job.datum} (shifted / 偏移坐标) · {question}" if job.datum else question
    return (f"<metadata><name>{escaped(title)}</name><desc>{escaped(note)}</desc>"
            f"<author><name>{escaped(job.author)}</name></author>"
            f"<time>{job.made_at:%Y-%m-%dT%H:%M:%SZ}</time></metadata>\n")


def _objects(job: Job, sheet: Sheet, batch: pa.RecordBatch) -> Iterator[str]:
    names = batch.schema.names[:-1]
    title = names.index(job.layer.name_field) if job.layer.name_field in names else None
    shapes = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
    rows = zip(*(batch[name].to_pylist() for name in names), strict=True)
    for row, shape in zip(rows, shapes, strict=True):
        head = (f"<name>{escaped(row[title] or '') if title is not None else ''}</name>"
                f"<extensions>{_data(names, row)}</extensions>")
        if shape.geom_type == "Point":
            yield f"<wpt {_place(*shape.coords[0])}>{head}</wpt>\n"
        else:
            yield f"<trk>{head}{''.join(_segment(line) for line in shape.geoms)}</trk>\n"


def _data(names: Sequence[str], row: Sequence[Any]) -> str:
    return "".join(f"<ogr:{name}>{escaped(told(value))}</ogr:{name}>"
                   for name, value in zip(names, row, strict=True) if value is not None)


def _segment(line: Any) -> str:
    return f"<trkseg>{''.join(f'<trkpt {_place(x, y)}/>' for x, y in line.coords)}</trkseg>"


def _place(lon: float, lat: float) -> str:
    return f'lat="{lat!r}" lon="{lon!r}"'
