"""Reads a written file back with GDAL and compares it, batch for batch, with what was meant to be in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyogrio.raw import open_arrow

from gisapp.formats.columns import GEOMETRY, SECOND
from gisapp.formats.job import NotFaithful
from gisapp.formats.vertices import kind_of_all, turned, vertices

_LEAST, _CHUNK, _CHUNK_BYTES = 64, 4096, 2**21
#: Bytes of what GDAL reads that are compared between two times that memory goes back to the system, which takes time;
#: Arrow's own readers leave more behind.
_FREED_EVERY = 2**24


def prove(path: Path, layer: str, expected: Iterator[pa.RecordBatch], rows: int, **options: str) -> None:
    """Raise NotFaithful unless the file holds exactly these rows: count, geometry and every value.

    Rings may have been turned round; vertices may not have moved or gone. `options` are GDAL's for opening.
    """
    prove_some(path, layer, expected, rows, options=options)


def prove_some(path: Path, layer: str, expected: Iterator[pa.RecordBatch], rows: int, *, first: int = 0,
               more: bool = False, options: Mapping[str, str]) -> None:
    """The same of the rows that begin with row `first` of the file; further ones may follow where `more` is said."""
    with open_arrow(path, layer=layer, batch_size=rows_at_once(path, rows), use_pyarrow=True, skip_features=first,
                    **options) as (meta, reader):
        names = {GEOMETRY: meta["geometry_name"] or "wkb_geometry"}
        compare(expected, reader, names, path.name, rows, more=more, freed_every=_FREED_EVERY)


def rows_at_once(path: Path, rows: int) -> int:
    """How many rows of a file are read at a time: few of large ones."""
    return max(_LEAST, min(_CHUNK, _CHUNK_BYTES * rows // max(path.stat().st_size, 1)))


def compare(expected: Iterable[pa.RecordBatch], reader: pa.RecordBatchReader, names: Mapping[str, str], file: str,
            rows: int, *, more: bool = False, freed_every: int = 0) -> None:
    """Raise NotFaithful unless the reader gives the expected rows in their order; `names` are those of the columns
    that are called otherwise in the file, the geometries (WKB) among them. Further rows are right where `more`. Memory
    goes back to the system after so many bytes."""
    found, unfreed = Rows(reader), 0
    for batch in expected:
        unfreed += batch.nbytes
        if unfreed > freed_every:  # blocks that are freed in pieces would all stay with the process
            pa.default_memory_pool().release_unused()
            unfreed = 0
        _compare(batch, found.take(batch.num_rows), names, file)
        rows -= batch.num_rows
    if rows or (not more and found.more()):
        raise NotFaithful(f"{file}: number of rows")


class Rows:
    """Hands out rows of a stream in pieces of any size."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self._reader = reader
        self._rest: pa.RecordBatch | None = None

    def take(self, count: int) -> pa.Table:
        pieces, missing = [], count
        while missing and (rest := self._next()) is not None:
            piece = rest.slice(0, missing)
            self._rest = rest.slice(piece.num_rows)
            pieces.append(piece)
            missing -= piece.num_rows
        return pa.Table.from_batches(pieces, schema=self._reader.schema)

    def more(self) -> bool:
        return self._next() is not None

    def _next(self) -> pa.RecordBatch | None:
        while self._rest is None or not self._rest.num_rows:
            try:
                self._rest = self._reader.read_next_batch()
            except StopIteration:
                return None
        return self._rest


def _compare(wanted: pa.RecordBatch, found: pa.Table, names: Mapping[str, str], file: str) -> None:
    if found.num_rows != wanted.num_rows:
        raise NotFaithful(f"{file}: number of rows")
    for name in wanted.schema.names:
        there = found[names.get(name, name)]
        if name in (GEOMETRY, SECOND):
            same = same_geometries(wanted[name], there)
        else:
            same = _same_values(wanted[name], there.combine_chunks())
        if not same:
            raise NotFaithful(f"{file}: {name}")


def _same_values(wanted: pa.Array, found: pa.Array) -> bool:
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    if pa.types.is_decimal(wanted.type) or pa.types.is_floating(wanted.type):
        return _same_numbers(wanted, found)
    if pa.types.is_binary(wanted.type):  # texts as the file has them, in its encoding
        return bool(wanted.equals(found.view(wanted.type)))
    return bool(wanted.equals(found.cast(wanted.type)))


def _same_numbers(wanted: pa.Array, found: pa.Array) -> bool:
    """Equal as double precision holds them: a DBF and GDAL carry numbers so."""
    if not pc.is_null(wanted).equals(pc.is_null(found)):
        return False
    scale = wanted.type.scale if pa.types.is_decimal(wanted.type) else None
    a, b = (x.cast(pa.float64(), safe=False).drop_null().to_numpy(zero_copy_only=False) for x in (wanted, found))
    slack = 1e-9 * np.abs(a) if scale is None else 0.5 * 10.0 ** -scale
    return bool(np.all(np.abs(a - b) <= slack))


def same_geometries(wanted: pa.Array, found: pa.ChunkedArray) -> bool:
    """Whether two columns of WKB hold the same vertices and the same areas, feature by feature."""
    if _identical(wanted, found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found):
        return True
    a, b = (shapely.from_wkb(column.to_numpy(zero_copy_only=False)) for column in (wanted, found))
    if not np.array_equal(shapely.is_missing(a), shapely.is_missing(b)):
        return False
    if not np.array_equal(shapely.get_num_coordinates(a), shapely.get_num_coordinates(b)):
        return False
    return (np.array_equal(shapely.bounds(a), shapely.bounds(b), equal_nan=True)
            and np.allclose(_vertex_sums(a), _vertex_sums(b), rtol=1e-12, atol=1e-9, equal_nan=True)
            and np.allclose(shapely.area(a), shapely.area(b), rtol=1e-9, atol=1e-9, equal_nan=True))


def _identical(wanted: pa.Array, found: pa.Array) -> bool:
    """Whether both are the same vertices in the same order, rings turned alike: seen at once, and nearly always so."""
    kind = kind_of_all(wanted)
    if kind is None or kind != kind_of_all(found):
        return False
    a, b = (turned(vertices(column, kind)) if kind == "Polygon" else vertices(column, kind)
            for column in (wanted, found))
    return all(np.array_equal(*pair) for pair in ((a.points, b.points), (a.sizes, b.sizes), (a.runs, b.runs),
                                                  (a.outer, b.outer), (wanted.is_valid(), found.is_valid())))


def _vertex_sums(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Sum of x and of y for each geometry, whatever the order of its rings."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    return np.column_stack([np.bincount(owner, points[:, axis], len(shapes)) for axis in (0, 1)])
