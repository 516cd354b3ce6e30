"""The rows of a GeoPackage layer: GDAL makes the empty layer and all that belongs to it, the pages are made here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.columns import GEOMETRY
from gisapp.formats.full_columns import FullColumn
from gisapp.formats.gpkg_tables import place_of, tell
from gisapp.formats.pieces import Ints, joined, masked, side_by_side, there
from gisapp.formats.spool import Part
from gisapp.formats.sqlite_pages import Pages, TableFiller
from gisapp.formats.sqlite_records import Value, rows, value, values_of
from gisapp.formats.sqlite_rtree import Tree
from gisapp.formats.vertices import boxes, kind_of, vertices

#: The fields of a geometry's header: "GP", version, flags, system; then west, east, south and north.
_HEAD, _WHOLE = 8, 40
_LITTLE, _BOXED, _EMPTY = 0x01, 0x02, 0x10


@dataclass(frozen=True)
class _Made:
    """Rows as cells, and the boxes of their shapes."""

    rowids: Ints
    cells: pa.Array
    payload: Ints
    boxes: NDArray[np.float64]


def fill_layer(path: Path, part: Part, columns: Sequence[FullColumn], batches: Iterator[pa.RecordBatch]) -> None:
    """Write rows of a part into its layer, which is empty, with the tree of their boxes and their number."""
    place = place_of(path, part.name)
    rows_there = 0
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    with Pages(path) as pages, Tree(path.parent) as tree:
        with TableFiller(pages, place.root) as table, ThreadPoolExecutor(2) as both:
            made = side_by_side(both, lambda some: _rows(part, columns, place.system, *some), _numbered(batches))
            for some in made:
                table.write(some.rowids, some.cells, some.payload)
                rows_there += len(some.rowids)
                tree.add(some.rowids, some.boxes)
                np.minimum(box[:2], some.boxes[:, :2].min(axis=0, initial=np.inf), out=box[:2])
                np.maximum(box[2:], some.boxes[:, 2:].max(axis=0, initial=-np.inf), out=box[2:])
        tree.write(pages, place.tree, place.node_bytes)
    tell(path, part.name, rows_there, box.tolist())


def _numbered(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches with the number of their first row, from 1."""
    first = 1
    for batch in batches:
        yield first, batch
        first += batch.num_rows


def _rows(part: Part, columns: Sequence[FullColumn], system: int, first: int, batch: pa.RecordBatch) -> _Made:
    shapes = batch[GEOMETRY]
    found = boxes(vertices(shapes, kind_of(part.geometry)))
    rowids = first + np.arange(batch.num_rows)
    values = [Value(0), _geometry(shapes, found, system, boxed=part.geometry != "Point")]
    return _Made(rowids, *rows(rowids, [*values, *values_of(columns, batch)]), found)


def _geometry(shapes: pa.Array, found: NDArray[np.float64], system: int, *, boxed: bool) -> Value:
    """Shapes (WKB) behind GeoPackage's header (https://www.geopackage.org/spec/#gpb_format); a point has no box."""
    has = np.isfinite(found[:, 0])
    head = np.zeros(len(shapes), [("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("system", "<i4"),
                                  ("box", "<f8", 4)])
    head["magic"], head["system"] = b"GP", system
    head["flags"] = np.where(has, _LITTLE | (_BOXED if boxed else 0), _LITTLE | _EMPTY)
    head["box"] = found[:, [0, 2, 1, 3]]
    used = np.zeros((len(shapes), _WHOLE), bool)
    used[:, :_HEAD] = there(shapes)[:, None]
    used[:, _HEAD:] = (has & boxed)[:, None]
    begin = masked(head.view(np.uint8).reshape(-1, _WHOLE), used)
    whole = joined([begin, shapes])
    if not shapes.null_count:
        return value(whole)
    return Value(np.where(there(shapes), value(whole).types, 0), whole)
