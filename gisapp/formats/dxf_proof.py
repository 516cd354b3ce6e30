"""Reads a drawing back with GDAL and compares it, object for object, with what was meant to be in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyogrio.raw import open_arrow

from gisapp.formats.drawing import Objects
from gisapp.formats.dxf_texts import END, values_of
from gisapp.formats.job import NotFaithful
from gisapp.formats.proof import Rows

_GROUP = "1000 "
_BATCH = 8192


def prove_drawing(path: Path, layers: Sequence[str], expected: Iterator[Objects]) -> None:
    """Raise NotFaithful unless the file holds exactly these objects: layer, vertices and extended data."""
    options = {"INCLUDE_RAW_CODE_VALUES": "YES"}
    with open_arrow(path, layer="entities", batch_size=_BATCH, use_pyarrow=True, **options) as (meta, reader):
        place, found = meta["geometry_name"] or "wkb_geometry", Rows(reader)
        for some in expected:
            for first in range(0, len(some.sizes), _BATCH):
                stop = min(first + _BATCH, len(some.sizes))
                there = found.take(stop - first)
                if there.num_rows != stop - first:
                    raise NotFaithful(f"{path.name}: number of objects")
                _compare(path.name, layers, some, slice(first, stop), there, place)
        if found.more():
            raise NotFaithful(f"{path.name}: number of objects")


def _compare(file: str, layers: Sequence[str], some: Objects, part: slice, found: pa.Table, place: str) -> None:
    shapes = shapely.from_wkb(found[place].combine_chunks().to_numpy(zero_copy_only=False))
    begins = np.concatenate([[0], np.cumsum(some.sizes)])
    points = some.points[begins[part.start]:begins[part.stop]]
    there = np.ascontiguousarray(shapely.get_coordinates(shapes)).view(np.complex128).ravel()
    names = pa.array(layers, pa.string()).take(pa.array(some.layers[part]))
    if not (np.array_equal(there, points) and np.array_equal(shapely.get_num_coordinates(shapes), some.sizes[part])
            and names.equals(found["Layer"].combine_chunks().cast(pa.string()))):
        raise NotFaithful(f"{file}: {some.data[part.start].as_py()[:80]}")
    _compare_data(file, some.data[part], found["RawCodeValues"].combine_chunks())


def _compare_data(file: str, wanted: pa.Array, raw: pa.Array) -> None:
    """The groups as the file has them; where GDAL tells a character in another way, what they stand for."""
    groups = raw.flatten()
    ours = pc.starts_with(groups, _GROUP)
    owners = np.repeat(np.arange(len(raw)), pc.fill_null(pc.list_value_length(raw), 0).to_numpy())
    counts = np.bincount(owners[ours.to_numpy(zero_copy_only=False)], minlength=len(raw))
    bounds = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    lines = pc.binary_join_element_wise(
        f"1000{END}", pc.utf8_slice_codeunits(groups.filter(ours), len(_GROUP)), END, "")
    found = pc.binary_join(pa.ListArray.from_arrays(bounds, lines), "")
    if found.equals(wanted):
        return
    for index in np.flatnonzero(pc.not_equal(found, wanted).to_numpy(zero_copy_only=False)).tolist():
        if _values(found[index].as_py()) != _values(wanted[index].as_py()):
            raise NotFaithful(f"{file}: {wanted[index].as_py()[:80]}")


def _values(text: str) -> dict[str, str]:
    return values_of(text.split(END)[1::2])
