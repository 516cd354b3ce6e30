"""A proof for formats that put the rows in an order of their own: sums of digests instead of row against row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyogrio.raw import open_arrow

from gisapp.formats.columns import GEOMETRY
from gisapp.formats.job import NotFaithful
from gisapp.formats.proof import rows_at_once

Digests = NDArray[np.uint64]


def prove_unordered(path: Path, layer: str, schema: pa.Schema, expected: Iterable[pa.RecordBatch], rows: int) -> None:
    """Raise NotFaithful unless the file holds exactly these rows, in any order: values and vertices.

    A change goes unnoticed with a chance of one in 2^64.
    """
    wanted = _sum(expected)
    with open_arrow(path, layer=layer, batch_size=rows_at_once(path, rows), use_pyarrow=True) as (meta, reader):
        found = _sum(_as(schema, batch, meta["geometry_name"] or "wkb_geometry") for batch in reader)
    if found != wanted or wanted[0] != rows:
        raise NotFaithful(f"{path.name}: {'number of rows' if found[0] != rows else 'values'}")


def _as(schema: pa.Schema, batch: pa.RecordBatch, geometry: str) -> pa.RecordBatch:
    columns = [batch[geometry if field.name == GEOMETRY else field.name].cast(field.type) for field in schema]
    return pa.record_batch(columns, schema=schema)


def _sum(batches: Iterable[pa.RecordBatch]) -> tuple[int, int]:
    """Number of rows and the sum of their digests."""
    rows, total = 0, np.uint64(0)
    for batch in batches:
        rows += batch.num_rows
        with np.errstate(over="ignore"):
            total += _mixed(_row_digests(batch)).sum(dtype=np.uint64)
    return rows, int(total)


def _row_digests(batch: pa.RecordBatch) -> Digests:
    digest = np.zeros(batch.num_rows, np.uint64)
    for number, name in enumerate(batch.schema.names):
        values = batch[name]
        column = _of_shapes(values) if name == GEOMETRY else _of_values(values)
        column = np.where(values.is_null().to_numpy(zero_copy_only=False), np.uint64(number + 1), column)
        digest = _mixed(digest + column * _weights(number + 2)[number + 1])
    return digest


def _of_values(values: pa.Array) -> Digests:
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        return _of_bytes(values.cast(pa.large_binary()).fill_null(b""))
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    elif pa.types.is_date(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(_mixed((numbers + 0.0).view(np.uint64)))  # -0.0 is 0.0


def _of_bytes(values: pa.Array) -> Digests:
    """A digest of each value: bytes times weights of their places."""
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset:values.offset + len(values) + 1]
    lengths = np.diff(offsets)
    if not len(lengths) or offsets[-1] == offsets[0]:
        return _mixed(lengths.astype(np.uint64))
    raw = np.frombuffer(values.buffers()[2], np.uint8)[offsets[0]:offsets[-1]].astype(np.uint64) + np.uint64(1)
    places = np.arange(len(raw)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    running = np.concatenate([[np.uint64(0)], np.cumsum(raw * _weights(int(lengths.max()) + 1)[places],
                                                        dtype=np.uint64)])
    starts = offsets - offsets[0]
    return _mixed(running[starts[1:]] - running[starts[:-1]] + lengths.astype(np.uint64))


def _of_shapes(values: pa.Array) -> Digests:
    """A digest of the vertices of each shape, in whatever order its rings run."""
    shapes = shapely.from_wkb(values.to_numpy(zero_copy_only=False))
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    bits = _mixed((points + 0.0).view(np.uint64).reshape(-1, 2))
    each = _mixed(bits[:, 0] * np.uint64(3) + bits[:, 1])
    running = np.concatenate([[np.uint64(0)], np.cumsum(each, dtype=np.uint64)])
    stops = np.searchsorted(owner, np.arange(len(shapes) + 1))
    return np.asarray(running[stops[1:]] - running[stops[:-1]])


def _mixed(values: Digests) -> Digests:
    """Each value stirred so that sums of them tell sets apart (the finaliser of splitmix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _weights(count: int) -> Digests:
    """Odd numbers without a pattern, the same in every call."""
    return _mixed(np.arange(count, dtype=np.uint64)) | np.uint64(1)
