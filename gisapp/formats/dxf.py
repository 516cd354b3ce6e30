"""DXF (R12) for drawing programs: points, lines, and areas as closed polylines, with a label and extended data.

Texts are GBK (code page ANSI_936), other characters as \\U+XXXX, the way DXF writes them. The attributes are extended
data (application GISAPP): texts `name=value`, going on as `name+=value` where one is longer than a group holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.drawing import LABEL, LINE, POINT, RING, Objects, label_height, layer_names, objects
from gisapp.formats.dxf_proof import prove_drawing
from gisapp.formats.dxf_texts import APPLICATION, CODE_PAGE, END, line_of
from gisapp.formats.feature_texts import joined_bytes
from gisapp.formats.job import Job, Written
from gisapp.formats.noting import Noting
from gisapp.formats.pieces import Ints
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool
from gisapp.formats.vertices import Points, run_index

_GREEN, _RED, _WHITE = 3, 1, 7


def write(job: Job, spool: Spool) -> Written:
    """One .dxf, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.dxf"
    with path.open("wb") as file:
        _write_head(file, job)
        for some in objects(sheet, Noting(job.book, path.name)):
            for texts in _texts(job, some):
                file.write(encoded_bytes(texts))
        file.write(_lines((0, "ENDSEC"), (0, "EOF")).encode())
    prove_drawing(path, layer_names(job), lambda: objects(sheet, Noting(None, path.name)))
    return Written((path,), spool.rows, (sheet.described(),))


def encoded_bytes(texts: pa.Array) -> bytes:
    """The texts end to end, in GBK, which has all their characters."""
    return joined_bytes(texts).tobytes().decode().encode("gbk")


def _lines(*pairs: tuple[int, object]) -> str:
    return "".join(f"{code:>3}{END}{value}{END}" for code, value in pairs)


def _write_head(file: IO[bytes], job: Job) -> None:
    note = f"{job.layer.title.zh} {job.datum or job.crs.name} {job.made_at:%Y-%m-%dT%H:%M:%SZ} {job.author}"
    file.write(_lines(
        (999, line_of(note)), (0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, "AC1009"),
        (9, "$DWGCODEPAGE"), (3, CODE_PAGE), (0, "ENDSEC"), (0, "SECTION"), (2, "TABLES")).encode("gbk"))
    names = layer_names(job)
    colours = {"_HOLES": _RED, "_TEXT": _WHITE}
    rows = [[(0, "LAYER"), (2, name), (70, 0), (62, colours.get(name[name.rfind("_"):], _GREEN)), (6, "CONTINUOUS")]
            for name in names]
    _write_table(file, "LTYPE", [[(0, "LTYPE"), (2, "CONTINUOUS"), (70, 0), (3, "Solid line"), (72, 65), (73, 0),
                                  (40, 0.0)]])
    _write_table(file, "LAYER", rows)
    # The big font holds the Chinese characters.
    _write_table(file, "STYLE", [[(0, "STYLE"), (2, "STANDARD"), (70, 0), (40, 0.0), (41, 1.0), (50, 0.0), (71, 0),
                                  (42, 2.5), (3, "txt"), (4, "gbcbig")]])
    _write_table(file, "APPID", [[(0, "APPID"), (2, APPLICATION), (70, 0)]])
    file.write(_lines((0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES")).encode())


def _write_table(file: IO[bytes], name: str, rows: list[list[tuple[int, object]]]) -> None:
    file.write(_lines((0, "TABLE"), (2, name), (70, len(rows)), *(pair for row in rows for pair in row),
                      (0, "ENDTAB")).encode("gbk"))


def _texts(job: Job, some: Objects) -> Iterator[pa.Array]:
    """The objects as they stand in the file, each kind by itself, and where each comes in the order of all."""
    texts, places = [], []
    for kinds, make in (((POINT,), _points), ((LABEL,), _labels), ((LINE, RING), _polylines)):
        chosen = np.flatnonzero(np.isin(some.kinds, kinds))
        if len(chosen):
            texts.append(make(job, some, chosen))
            places.append(chosen)
    if texts:
        yield pa.concat_arrays(texts).take(pa.array(np.argsort(np.concatenate(places))))


def _layers(job: Job, numbers: Ints) -> pa.Array:
    return pa.array(layer_names(job), pa.string()).take(pa.array(numbers))


def _extended(some: Objects, chosen: Ints) -> pa.Array:
    return pc.binary_join_element_wise(_lines((1001, APPLICATION)), some.data.take(pa.array(chosen)), "")


def _places(points: Points) -> list[pa.Array | str]:
    x, y = (pa.array(np.ascontiguousarray(axis)).cast(pa.string()) for axis in (points.real, points.imag))
    return [f" 10{END}", x, f"{END} 20{END}", y, END]


def _points(job: Job, some: Objects, chosen: Ints) -> pa.Array:
    starts = (np.cumsum(some.sizes) - some.sizes)[chosen]
    return pc.binary_join_element_wise(f"  0{END}POINT{END}  8{END}", _layers(job, some.layers[chosen]), END,
                                       *_places(some.points[starts]), _extended(some, chosen), "")


def _labels(job: Job, some: Objects, chosen: Ints) -> pa.Array:
    starts = (np.cumsum(some.sizes) - some.sizes)[chosen]
    known = some.texts.take(pa.array(chosen)).dictionary_encode()
    lines = pa.array([line_of(text) for text in known.dictionary.to_pylist()], pa.string()).take(known.indices)
    return pc.binary_join_element_wise(
        f"  0{END}TEXT{END}  8{END}", _layers(job, some.layers[chosen]), END, *_places(some.points[starts]),
        f" 40{END}{label_height(job)}{END}  1{END}", lines, f"{END}  7{END}STANDARD{END}", _extended(some, chosen), "")


def _polylines(job: Job, some: Objects, chosen: Ints) -> pa.Array:
    """Lines, and rings without the point that closes them."""
    closed = some.kinds[chosen] == RING
    starts, sizes = (np.cumsum(some.sizes) - some.sizes)[chosen], some.sizes[chosen] - closed
    layers = _layers(job, some.layers[chosen])
    each = layers.take(pa.array(np.repeat(np.arange(len(chosen)), sizes)))
    corners = pc.binary_join_element_wise(f"  0{END}VERTEX{END}  8{END}", each, END,
                                          *_places(some.points[run_index(starts, sizes)]), "")
    bounds = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    return pc.binary_join_element_wise(
        f"  0{END}POLYLINE{END}  8{END}", layers, f"{END} 66{END}1{END} 70{END}",
        pc.if_else(pa.array(closed), f"1{END}", f"0{END}"), _extended(some, chosen),
        pc.binary_join(pa.ListArray.from_arrays(bounds, corners), ""), f"  0{END}SEQEND{END}  8{END}", layers, END, "")
