"""KML 2.2: a folder of placemarks with typed data, coloured by state; longitude and latitude only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.job import Job, Written
from gisapp.formats.noting import Noting
from gisapp.formats.proof import prove
from gisapp.formats.shape_texts import as_wkt
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.xml_proof import prove_fields
from gisapp.formats.xml_writing import escaped, fit_for_xml, pairs, told
from gisapp.style import colours

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
#: Larger ones GDAL would hold in memory many times over; the other proof reads them all the same.
MOST_FOR_GDAL = 20 * 2**20
_TAIL = "</Folder></Document></kml>\n"
#: What a placemark has of its own; a field of that name gets a line below after it.
_OWN = frozenset({"name", "description", "timestamp", "begin", "end", "altitudemode", "tessellate", "extrude",
                  "visibility", "draworder", "icon", "snippet", "camera", "heading", "tilt", "roll"})


def write(job: Job, spool: Spool) -> Written:
    """One .kml, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.kml"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD + _about(job, sheet))
        for batch in _rows(sheet, Noting(job.book, path.name)):
            file.writelines(_placemarks(job, sheet, batch))
        file.write(_TAIL)
    _prove(path, sheet)
    told = sheet.described()
    columns = [{**column, "name": name} for column, name in zip(told.columns, _names(sheet), strict=False)]
    return Written((path,), spool.rows, (replace(told, columns=columns),))


def _prove(path: Path, sheet: Sheet) -> None:
    prove_fields(path, _told(sheet), frozenset({"Placemark"}),
                 lambda tag, has: has["name"] if tag == "SimpleData" else tag if tag == "coordinates" else None)
    if sheet.spool.rows and path.stat().st_size <= MOST_FOR_GDAL:
        prove(path, sheet.spool.name, _rows(sheet, Noting(None, path.name)), sheet.spool.rows)


def _told(sheet: Sheet) -> Iterator[dict[str, str]]:
    """The texts and coordinates of each placemark."""
    for batch in _rows(sheet, Noting(None, "")):
        shapes = _shapes(batch)
        for row, shape in zip(batch.drop_columns([GEOMETRY]).to_pylist(), shapes, strict=True):
            yield ({name: told(value) for name, value in row.items() if value is not None}
                   | ({"coordinates": ";".join(_chains(shape))} if shape is not None else {}))


def _chains(shape: Any) -> Iterator[str]:
    """The coordinates of each point, line and ring."""
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield from (pairs(ring) for ring in (part.exterior, *part.interiors))
        else:
            yield pairs(part)


def _names(sheet: Sheet) -> list[str]:
    """The data of a placemark by name."""
    names = [column.name for column in sheet.columns] + ([sheet.table.second] if sheet.table.second else [])
    return [f"{name}_" if name.lower() in _OWN else name for name in names]


def _rows(sheet: Sheet, noting: Noting) -> Iterator[pa.RecordBatch]:
    """The rows as the file holds them: numbers as doubles, the rest as texts, a second geometry as WKT."""
    names, first = _names(sheet), 1
    for batch in sheet.table.batches():
        values = [_plain(column) for column in sheet.values(batch)]
        values += [as_wkt(batch[SECOND])] if sheet.table.second else []
        fitted = fit_for_xml(batch, values, names, Noting(noting.book, noting.file, first))
        yield pa.record_batch([*fitted, batch[GEOMETRY]], names=[*names, GEOMETRY])
        first += batch.num_rows


def _plain(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type) or pa.types.is_floating(values.type):
        return values
    return values.cast(pa.float64() if pa.types.is_integer(values.type) else pa.string())


def _about(job: Job, sheet: Sheet) -> str:
    """Name, question, colours and the fields with their titles."""
    layer, language = job.layer, job.language
    note = f"{job.question.get(language)} · {job.made_at.astimezone(job.zone):%Y-%m-%d %H:%M} · {job.author}"
    if job.datum:
        note = f"{job.datum} (shifted / 偏移坐标) · {note}"
    styles = "".join(_style(f"c{code}", colour) for code, colour in _colours(job).items())
    columns = [(column.heading(language), column.type) for column in sheet.columns]
    if layer.second_geometry is not None:
        columns.append((layer.second_geometry.title.get(language), pa.string()))
    fields = "".join(
        f'<SimpleField name="{name}" type="{_type(kind)}"><displayName>{escaped(title)}</displayName></SimpleField>\n'
        for name, (title, kind) in zip(_names(sheet), columns, strict=True))
    return (f"<name>{escaped(layer.title.get(language))}</name><description>{escaped(note)}</description>\n{styles}"
            f'<Schema name="{layer.id}" id="{layer.id}">\n{fields}</Schema>\n'
            f"<Folder><name>{sheet.spool.name}</name>\n")


def _type(kind: pa.DataType) -> str:
    return "double" if pa.types.is_floating(kind) or pa.types.is_integer(kind) else "string"


def _colours(job: Job) -> dict[str, str]:
    """Colour by code, "" for the layer's own."""
    return {"": job.layer.style.colour, **colours(job.layer, job.catalogue.codelists)}


def _style(name: str, colour: str) -> str:
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return (f'<Style id="{escaped(name)}"><IconStyle><color>ff{blue}{green}{red}</color></IconStyle>'
            f"<LineStyle><color>ff{blue}{green}{red}</color><width>2</width></LineStyle>"
            f"<PolyStyle><color>99{blue}{green}{red}</color></PolyStyle></Style>\n")


def _placemarks(job: Job, sheet: Sheet, batch: pa.RecordBatch) -> Iterator[str]:
    layer, names = job.layer, batch.schema.names[:-1]
    shapes = _shapes(batch)
    by, known = layer.style.colour_by, _colours(job)
    rows = zip(*(batch[name].to_pylist() for name in names), strict=True)
    places = {column.field.id: number for number, column in enumerate(sheet.columns) if column.titles is None}
    for row, shape in zip(rows, shapes, strict=True):
        code = str(row[places[by]]) if by in places else ""
        title = row[places[layer.name_field]] if layer.name_field in places else None
        yield (f"<Placemark id=\"{row[0]}\"><name>{escaped(str(title or ''))}</name>"
               f"<styleUrl>#c{escaped(code if code in known else '')}</styleUrl>"
               f'<ExtendedData><SchemaData schemaUrl="#{layer.id}">{_data(names, row)}</SchemaData></ExtendedData>'
               f"{_geometry(shape)}</Placemark>\n")


def _shapes(batch: pa.RecordBatch) -> Any:
    """The shapes of a batch, outer rings counter-clockwise as KML wants them."""
    shapes = shapely.from_wkb(batch[GEOMETRY].to_numpy(zero_copy_only=False))
    return shapely.orient_polygons(shapes) if bool((shapely.get_dimensions(shapes) == 2).any()) else shapes


def _data(names: Sequence[str], row: Sequence[Any]) -> str:
    return "".join(f'<SimpleData name="{name}">{escaped(told(value))}</SimpleData>'
                   for name, value in zip(names, row, strict=True) if value is not None)


def _geometry(shape: Any) -> str:
    match shape.geom_type if shape is not None else None:
        case None:
            return ""
        case "Point":
            return f"<Point><coordinates>{pairs(shape)}</coordinates></Point>"
        case "LineString":
            return f"<LineString><coordinates>{pairs(shape)}</coordinates></LineString>"
        case "Polygon":
            holes = "".join(f"<innerBoundaryIs>{_ring(ring)}</innerBoundaryIs>" for ring in shape.interiors)
            return f"<Polygon><outerBoundaryIs>{_ring(shape.exterior)}</outerBoundaryIs>{holes}</Polygon>"
        case _:
            return f"<MultiGeometry>{''.join(_geometry(part) for part in shape.geoms)}</MultiGeometry>"


def _ring(ring: Any) -> str:
    return f"<LinearRing><coordinates>{pairs(ring)}</coordinates></LinearRing>"
