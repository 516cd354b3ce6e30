"""KML 2.2: a folder of placemarks with typed data, coloured by state; longitude and latitude only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.feature_texts import joined_bytes, joined_texts
from gisapp.formats.full_columns import FullColumn
from gisapp.formats.job import Job, NotFaithful, Written
from gisapp.formats.marked import MarkedRows, apart, cells_of, compare_cells
from gisapp.formats.noting import Noting
from gisapp.formats.pieces import Ints
from gisapp.formats.proof import prove
from gisapp.formats.shape_texts import as_kml, as_wkt
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import EXACT_SIGNS, Spool
from gisapp.formats.xml_writing import escaped, escaped_texts, fit_for_xml
from gisapp.style import colours

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
#: Larger ones GDAL would hold in memory many times over; the other proof reads them all the same.
MOST_FOR_GDAL = 20 * 2**20
#: Begins the id of a placemark, where XML wants a letter: a UUID may begin with a digit.
_MARK = "f-"
_TAIL = "</Folder></Document></kml>\n"
#: What a placemark has of its own; a field of that name gets a line below after it.
_OWN = frozenset({"id", "name", "description", "timestamp", "begin", "end", "altitudemode", "tessellate", "extrude",
                  "visibility", "draworder", "icon", "snippet", "camera", "heading", "tilt", "roll"})


def write(job: Job, spool: Spool) -> Written:
    """One .kml, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.kml"
    with path.open("wb") as file:
        file.write((_HEAD + _about(job, sheet)).encode())
        for batch in _rows(sheet, Noting(job.book, path.name)):
            file.write(joined_bytes(_placemarks(job, sheet, batch)).data)
        file.write(_TAIL.encode())
    _prove(path, sheet)
    told = sheet.described()
    columns = [{**column, "name": name} for column, name in zip(told.columns, _names(sheet), strict=False)]
    return Written((path,), spool.rows, (replace(told, columns=columns),))


def _prove(path: Path, sheet: Sheet) -> None:
    _prove_marks(path, sheet)
    if sheet.spool.rows and path.stat().st_size <= MOST_FOR_GDAL:
        prove(path, sheet.spool.name, _rows(sheet, Noting(None, path.name)), sheet.spool.rows)


def _prove_marks(path: Path, sheet: Sheet) -> None:
    """Every value and vertex of each placemark, told by the elements that they stand in."""
    numbers = {name: number for number, name in enumerate(_names(sheet))}
    place, passed = len(numbers), len(numbers) + 1

    def mark(tag: str, has: dict[str, str]) -> int | None:
        if tag == "SimpleData":
            return numbers.get(has["name"], passed)
        return place if tag == "coordinates" else passed if tag in ("name", "styleUrl") else None

    with path.open("rb") as file:
        found = MarkedRows(file, "Placemark", mark)
        for batch in _rows(sheet, Noting(None, "")):
            marks, texts = apart(found.take(batch.num_rows))
            told = np.array(marks, np.int64)
            _compare(path.name, batch, told[told != passed], texts.filter(pa.array(told != passed)), place)
        if found.more():
            raise NotFaithful(f"{path.name}: number of objects")


def _compare(file: str, batch: pa.RecordBatch, numbers: Ints, texts: pa.Array, place: int) -> None:
    columns, shapes = batch.columns[:place], _shapes(batch)
    points, sizes, counts = _drawn(shapes)
    rows, expected = cells_of(columns)
    order = np.argsort(np.concatenate([rows, np.repeat(np.arange(len(counts)), counts)]), kind="stable")
    if not np.array_equal(numbers, np.concatenate([expected, np.full(len(sizes), place)])[order]):
        raise NotFaithful(f"{file}: {batch[0][0]}")
    compare_cells(file, columns, expected, texts.filter(pa.array(numbers != place)))
    chains = pc.split_pattern(texts.filter(pa.array(numbers == place)), " ")
    there = pc.split_pattern(chains.flatten(), ",").flatten().cast(pa.float64()).to_numpy().reshape(-1, 2)
    if not (np.array_equal(there, points) and np.array_equal(pc.list_value_length(chains).to_numpy(), sizes)):
        raise NotFaithful(f"{file}: {batch[0][0]}")


def _drawn(shapes: NDArray[np.object_]) -> tuple[NDArray[np.float64], Ints, Ints]:
    """The vertices, how many each point, line or ring has, and how many of these each shape has."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    plain = shapely.get_dimensions(parts) < 2
    owner = np.concatenate([owners[plain], owners[of_part]])
    order = np.argsort(owner, kind="stable")
    sizes = shapely.get_num_coordinates(np.concatenate([parts[plain], rings])[order]).astype(np.int64)
    return shapely.get_coordinates(shapes), sizes, np.bincount(owner, minlength=len(shapes)).astype(np.int64)


def _names(sheet: Sheet) -> list[str]:
    """The data of a placemark by name."""
    names = [column.name for column in sheet.columns] + ([sheet.table.second] if sheet.table.second else [])
    return [f"{name}_" if name.lower() in _OWN else name for name in names]


def _rows(sheet: Sheet, noting: Noting) -> Iterator[pa.RecordBatch]:
    """The rows as the file holds them: numbers as doubles, the rest as texts, a second geometry as WKT."""
    names, first = _names(sheet), 1
    for batch in sheet.table.batches():
        values = [_plain(values, _told_as(sheet, column))
                  for values, column in zip(sheet.values(batch), sheet.columns, strict=True)]
        values += [as_wkt(batch[SECOND])] if sheet.table.second else []
        fitted = fit_for_xml(batch, values, names, Noting(noting.book, noting.file, first))
        yield pa.record_batch([*fitted, batch[GEOMETRY]], names=[*names, GEOMETRY])
        first += batch.num_rows


def _plain(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values if values.type == kind or pa.types.is_string(values.type) else values.cast(kind)


def _told_as(sheet: Sheet, column: FullColumn) -> pa.DataType:
    """Numbers are doubles, but texts where doubles have not all their digits; the rest is text."""
    kind = column.type
    exact = pa.types.is_integer(kind) and sheet.spool.signs.get(column.field.id, 1) <= EXACT_SIGNS
    return pa.float64() if exact or pa.types.is_floating(kind) else pa.string()


def _about(job: Job, sheet: Sheet) -> str:
    """Name, question, colours and the fields with their titles."""
    layer, language = job.layer, job.language
    note = f"{job.question.get(language)} · {job.made_at.astimezone(job.zone):%Y-%m-%d %H:%M} · {job.author}"
    if job.datum:
        note = f"{job.datum} (shifted / 偏移坐标) · {note}"
    styles = "".join(_style(f"c{code}", colour) for code, colour in _colours(job).items())
    columns = [(column.heading(language), _told_as(sheet, column)) for column in sheet.columns]
    if layer.second_geometry is not None:
        columns.append((layer.second_geometry.title.get(language), pa.string()))
    fields = "".join(
        f'<SimpleField name="{name}" type="{_type(kind)}"><displayName>{escaped(title)}</displayName></SimpleField>\n'
        for name, (title, kind) in zip(_names(sheet), columns, strict=True))
    return (f"<name>{escaped(layer.title.get(language))}</name><description>{escaped(note)}</description>\n{styles}"
            f'<Schema name="{layer.id}" id="{layer.id}">\n{fields}</Schema>\n'
            f"<Folder><name>{sheet.spool.name}</name>\n")


def _type(kind: pa.DataType) -> str:
    return "double" if pa.types.is_floating(kind) else "string"


def _colours(job: Job) -> dict[str, str]:
    """Colour by code, "" for the layer's own."""
    return {"": job.layer.style.colour, **colours(job.layer, job.catalogue.codelists)}


def _style(name: str, colour: str) -> str:
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return (f'<Style id="{escaped(name)}"><IconStyle><color>ff{blue}{green}{red}</color></IconStyle>'
            f"<LineStyle><color>ff{blue}{green}{red}</color><width>2</width></LineStyle>"
            f"<PolyStyle><color>99{blue}{green}{red}</color></PolyStyle></Style>\n")


def _placemarks(job: Job, sheet: Sheet, batch: pa.RecordBatch) -> pa.Array:
    """Each row as a placemark. Its line ends within a tag, where no reader takes it for text."""
    columns = dict(zip((column.field.id for column in sheet.columns if column.titles is None),
                       (batch[n] for n, column in enumerate(sheet.columns) if column.titles is None), strict=True))
    title = columns.get(job.layer.name_field or "")
    pieces: list[pa.Array | str] = [f'<Placemark\nid="{_MARK}', batch[0], '"><name>',
                                    "" if title is None else escaped_texts(title.cast(pa.string())),
                                    "</name><styleUrl>#c", _style_of(job, columns), "</styleUrl><ExtendedData>"
                                    f'<SchemaData schemaUrl="#{job.layer.id}">']
    for name, values in zip(batch.schema.names[:-1], batch.columns[:-1], strict=True):
        if values.null_count < len(values):
            told = values if not pa.types.is_string(values.type) else escaped_texts(values)
            pieces.append(pc.binary_join_element_wise(f'<SimpleData name="{name}">', told.cast(pa.string()),
                                                      "</SimpleData>", ""))
    return joined_texts([*pieces, "</SchemaData></ExtendedData>", as_kml(batch[GEOMETRY]), "</Placemark>"], "")


def _style_of(job: Job, columns: dict[str, pa.Array]) -> pa.Array | str:
    """The code by which each row is coloured, nothing for the layer's own colour."""
    codes, known = columns.get(job.layer.style.colour_by or ""), _colours(job)
    if codes is None:
        return ""
    found = codes.cast(pa.string()).dictionary_encode()
    told = [escaped(code) if code in known else "" for code in found.dictionary.to_pylist()]
    return pa.array(told, pa.string()).take(found.indices)


def _shapes(batch: pa.RecordBatch) -> NDArray[np.object_]:
    """The shapes of a batch, outer rings counter-clockwise as KML wants them."""
    shapes: NDArray[np.object_] = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
    return shapely.orient_polygons(shapes) if bool((shapely.get_dimensions(shapes) == 2).any()) else shapes
