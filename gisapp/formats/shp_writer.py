"""Shapes into a .shp and its .shx, a batch at a time in a few array operations.

The layout: ESRI Shapefile Technical Description, July 1998. GDAL writes the same, feature by feature, in five times
the time.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.vertices import (
    Ints,
    Vertices,
    boxes,
    kind_of,
    points_of,
    put,
    put_points,
    run_index,
    turned,
    vertices,
)

#: Shape types by the layer's kind of geometry.
_TYPES = {"Point": 1, "LineString": 3, "MultiLineString": 3, "Polygon": 5, "MultiPolygon": 5, "MultiPoint": 8}
_HEAD_BYTES, _CODE, _VERSION = 100, 9994, 1000

Words = NDArray[np.uint32]


class ShpWriter:
    """Writes `path` (.shp) and the .shx beside it; the headers are complete once it is closed."""

    def __init__(self, path: Path, geometry: str) -> None:
        self._type = _TYPES[geometry]
        self._kind = kind_of(geometry)
        self._shp = path.open("wb")
        self._shx = path.with_suffix(".shx").open("wb")
        self._rows = 0
        self._bytes = _HEAD_BYTES
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])
        for file in (self._shp, self._shx):
            file.write(bytes(_HEAD_BYTES))

    def __enter__(self) -> ShpWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._write_heads()
        self._shp.close()
        self._shx.close()

    def write(self, shapes: pa.Array) -> None:
        """Append WKB (2D, easting first) of the layer's kind; a missing one becomes a null shape."""
        found = vertices(shapes, self._kind)
        if self._kind == "Polygon":
            found = turned(found)
        words, lengths = self._records(found)
        starts = np.cumsum(lengths) - lengths + self._bytes // 4
        index = np.column_stack([starts * 2, lengths * 2 - 4]).astype(">i4")
        self._shp.write(words.data)
        self._shx.write(index.tobytes())
        self._rows += len(lengths)
        self._bytes += words.nbytes

    def _records(self, found: Vertices) -> tuple[Words, Ints]:
        """The records of a batch as 32-bit words, and how many words each has."""
        points = points_of(found)
        there = points > 0
        before = {1: 3, 8: 12}.get(self._type, 13)  # words of a record up to its parts
        parts = found.runs if self._type in (3, 5) else np.zeros_like(found.runs)
        lengths = np.where(there, before + parts + 4 * points, 3)
        starts = np.cumsum(lengths) - lengths
        words = np.zeros(int(lengths.sum()), np.uint32)
        put(words, starts, _big(np.arange(len(lengths)) + self._rows + 1))
        put(words, starts + 1, _big((lengths - 2) * 2))
        put(words, starts + 2, np.where(there, self._type, 0).astype(np.uint32))
        box = boxes(found)[there]
        self._grow(box)
        if self._type != 1:
            put(words, starts[there] + 3, box)
            counts = np.column_stack([parts, points] if self._type != 8 else [points]).astype(np.uint32)
            put(words, starts[there] + 11, counts[there])
        if self._type in (3, 5):
            first = np.cumsum(found.sizes) - found.sizes
            words[run_index(starts + 13, found.runs)] = first - np.repeat(np.cumsum(points) - points, found.runs)
        put_points(words, starts + before + parts, points, found.points)
        return words, lengths

    def _grow(self, boxes: NDArray[np.float64]) -> None:
        if len(boxes):
            np.minimum(self._box[:2], boxes[:, :2].min(axis=0), out=self._box[:2])
            np.maximum(self._box[2:], boxes[:, 2:].max(axis=0), out=self._box[2:])

    def _write_heads(self) -> None:
        box = self._box if np.isfinite(self._box[0]) else np.zeros(4)
        for file, size in ((self._shp, self._bytes), (self._shx, _HEAD_BYTES + 8 * self._rows)):
            file.seek(0)
            file.write(np.array([_CODE, 0, 0, 0, 0, 0, size // 2], ">i4").tobytes())
            file.write(np.array([_VERSION, self._type], "<i4").tobytes())
            file.write(np.append(box, np.zeros(4)).astype("<f8").tobytes())


def _big(values: Ints) -> Words:
    """Words that hold big-endian numbers."""
    found: Words = values.astype(np.uint32).byteswap()
    return found
