"""Rows shifted to GCJ-02 or BD-09 on their way into the spool; what lies where the shift does not apply stays out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gisapp.datums import FROM_WGS84, on_mainland
from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.losses import LossBook


def shifted(batches: Iterable[pa.RecordBatch], datum: str, layer: str, book: LossBook) -> Iterator[pa.RecordBatch]:
    """The batches with their geometries (WKB, WGS 84 degrees) in `datum`.

    A feature with any vertex off the mainland is left out and noted.
    """
    for batch in batches:
        names = [name for name in (GEOMETRY, SECOND) if name in batch.schema.names]
        shapes = {name: shapely.from_wkb(batch[name].to_numpy(zero_copy_only=False)) for name in names}
        applies = np.logical_and.reduce([_applies(found) for found in shapes.values()])
        for index in np.flatnonzero(~applies):
            book.add(layer, 0, batch[ID.id][int(index)].as_py(), "geometry", "left_out", "", datum)
        moved = {name: pa.array(shapely.to_wkb(_moved(found[applies], datum)), pa.binary())
                 for name, found in shapes.items()}
        kept = batch.filter(pa.array(applies))
        yield pa.record_batch([moved.get(name, kept[name]) for name in batch.schema.names], schema=batch.schema)


def _applies(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    off = np.bincount(owner[~on_mainland(points[:, 0], points[:, 1])], minlength=len(shapes))
    return np.asarray(off == 0)


def _moved(shapes: NDArray[np.object_], datum: str) -> NDArray[np.object_]:
    points = shapely.get_coordinates(shapes)
    moved: NDArray[np.object_] = shapely.set_coordinates(
        shapes.copy(), np.column_stack(FROM_WGS84[datum](points[:, 0], points[:, 1])))
    return moved
