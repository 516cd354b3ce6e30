"""Reads a drawing back, a small one with GDAL too, and compares it, object for object, with what was meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyogrio.raw import open_arrow

from gisapp.formats.drawing import RING, Objects
from gisapp.formats.dxf_reading import DrawingReader
from gisapp.formats.dxf_texts import END, line_of, values_of
from gisapp.formats.job import NotFaithful
from gisapp.formats.pieces import Ints
from gisapp.formats.proof import Rows

_GROUP = "1000 "
_BATCH = 8192
#: Larger ones it would hold in memory many times over.
MOST_FOR_GDAL = 20 * 2**20


def prove_drawing(path: Path, layers: Sequence[str], expected: Callable[[], Iterator[Objects]]) -> None:
    """Raise NotFaithful unless the file holds exactly these objects: layer, vertices, extended data and labels."""
    try:
        _prove_lines(path, layers, expected())
    except (ValueError, OverflowError) as error:  # Arrow's are such too
        raise NotFaithful(f"{path.name}: {error}") from error
    if path.stat().st_size <= MOST_FOR_GDAL:
        _prove_by_gdal(path, layers, expected())


def _prove_lines(path: Path, layers: Sequence[str], expected: Iterator[Objects]) -> None:
    with path.open("rb") as file:
        reader = DrawingReader(file)
        for some in expected:
            found = reader.take(len(some.sizes)) if len(some.sizes) else None
            if len(some.sizes) and (found is None or not _same(layers, some, found.combine_chunks())):
                raise NotFaithful(f"{path.name}: {some.data[0].as_py()[:80]}")
        if reader.take(1) is not None:
            raise NotFaithful(f"{path.name}: number of objects")


def _same(layers: Sequence[str], some: Objects, found: pa.Table) -> bool:
    closed = some.kinds == RING
    points = np.delete(some.points, np.cumsum(some.sizes)[closed] - 1)
    x, y = (found[name].combine_chunks().flatten().to_numpy() for name in ("x", "y"))
    known = some.texts.dictionary_encode()
    lines = pa.array([line_of(text) for text in known.dictionary.to_pylist()], pa.string()).take(known.indices)
    return (len(found) == len(some.sizes) and np.array_equal(found["kind"].to_numpy(), some.kinds)
            and np.array_equal(pc.list_value_length(found["x"]).to_numpy(), some.sizes - closed)
            and pc.list_value_length(found["x"]).equals(pc.list_value_length(found["y"]))
            and np.array_equal(x, points.real) and np.array_equal(y, points.imag)
            and _names(layers, some.layers).equals(found["layer"].combine_chunks())
            and some.data.equals(found["data"].combine_chunks())
            and lines.equals(found["line"].combine_chunks()))


def _names(layers: Sequence[str], numbers: Ints) -> pa.Array:
    return pa.array(layers, pa.string()).take(pa.array(numbers))


def _prove_by_gdal(path: Path, layers: Sequence[str], expected: Iterator[Objects]) -> None:
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
    names = _names(layers, some.layers[part])
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
