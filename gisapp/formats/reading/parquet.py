"""GeoParquet, read by Arrow in small batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from shapely import GeometryType

from gisapp.errors import Problem
from gisapp.formats.archive import unreadable as told
from gisapp.formats.kinds import Dataset
from gisapp.formats.reading.headings import unique
from gisapp.formats.source import Source, unreadable

_FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError,
           shapely.errors.ShapelyError)
#: What GeoParquet means when it names no CRS.
_DEFAULT_CRS = "OGC:CRS84"
#: The encodings of GeoParquet 1.1 beside WKB.
_NATIVE = {"point": GeometryType.POINT, "linestring": GeometryType.LINESTRING, "polygon": GeometryType.POLYGON,
           "multipoint": GeometryType.MULTIPOINT, "multilinestring": GeometryType.MULTILINESTRING,
           "multipolygon": GeometryType.MULTIPOLYGON}
_WKB_NAMES = ("geometry", "geom", "wkb_geometry", "wkb")


def describe(dataset: Dataset, _: str | None) -> list[Source]:
    """The file's one layer. Problem `file_unreadable`."""
    try:
        with pq.ParquetFile(dataset.path, memory_map=False) as file:
            place, about = _geometry(file)
            names = [name for name in file.schema_arrow.names if name != place]
            fields = unique(names)
            types = [str(file.schema_arrow.field(name).type) for name in names]
            kinds = about.get("geometry_types") or []
            box = about.get("bbox")
            return [Source(
                name=dataset.title, dataset=dataset, part=place,
                geometry=str(kinds[0]).removesuffix(" Z") if len(kinds) == 1 else "Unknown",
                count=file.metadata.num_rows, fields=fields, types=types, crs_words=_crs(about),
                bounds=_bounds(box))]
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise told(dataset.title, "文件中关于几何列的说明（geo）有误，请重新导出",
                   "what it says of its geometry (geo) is wrong; export it again") from error
    except _FAULTS as error:
        raise unreadable(dataset, error) from error


def _geometry(file: Any) -> tuple[str, dict[str, Any]]:
    """The column of shapes and what the file says about it; a plain Parquet with a column of WKB will do."""
    # Of the file itself: the Arrow schema that some writers keep in it knows nothing of what was added at the end.
    raw = (file.metadata.metadata or {}).get(b"geo")
    if raw is not None:
        about = json.loads(raw)
        place = str(about["primary_column"])
        return place, dict(about["columns"][place])
    for name in _WKB_NAMES:
        if name in file.schema_arrow.names:
            return name, {"crs": None}
    raise Problem("file_unreadable", reason=(
        "Parquet 文件没有几何列，请导出为 GeoParquet 或 CSV / "
        "the Parquet file has no column of shapes; export it as GeoParquet or CSV"))


def _crs(about: dict[str, Any]) -> str:
    if "crs" not in about:
        return _DEFAULT_CRS
    crs = about["crs"]
    return "" if crs is None else json.dumps(crs) if isinstance(crs, dict) else str(crs)


def _bounds(box: Any) -> tuple[float, float, float, float] | None:
    if not isinstance(box, list) or len(box) not in (4, 6):
        return None
    half = len(box) // 2
    return float(box[0]), float(box[1]), float(box[half]), float(box[half + 1])


def arrow(source: Source, size: int) -> Iterator[tuple[list[pa.Array], pa.Array]]:
    """The columns and WKB of the file, batch by batch. Problem `file_unreadable`."""
    try:
        with pq.ParquetFile(source.dataset.path, memory_map=False) as file:
            _, about = _geometry(file)
            for batch in file.iter_batches(batch_size=size, use_threads=False):
                shapes = _shapes(batch.column(source.part), str(about.get("encoding", "WKB")))
                kept = [n for n, name in enumerate(batch.schema.names) if name != source.part]
                yield [_plain(batch.column(n)) for n in kept], shapes
    except _FAULTS as error:
        raise unreadable(source.dataset, error) from error


def _plain(column: pa.Array) -> pa.Array:
    """The column as the other readers would give it: no dictionaries, bytes as hexadecimal text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array([None if raw is None else raw.hex() for raw in column.to_pylist()], pa.string())
    return column


def _shapes(column: pa.Array, encoding: str) -> pa.Array:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return column
    kind = _NATIVE.get(encoding.lower())
    if kind is None:
        raise Problem("file_unreadable", reason=f"GeoParquet encoding {encoding[:40]}: WKB / 请用 WKB")
    return _from_native(column, kind)


def _from_native(column: pa.Array, kind: GeometryType) -> pa.Array:
    """WKB of shapes that are lists of points, each a struct or a short list; heights stay behind."""
    there, offsets = column.drop_null(), []
    while pa.types.is_list(there.type) or pa.types.is_large_list(there.type):
        ends = there.offsets.to_numpy()
        offsets.append(ends - ends[0])
        there = there.flatten()
    if pa.types.is_struct(there.type):
        points = np.column_stack([there.field(axis).to_numpy(zero_copy_only=False) for axis in ("x", "y")])
    else:
        points = there.flatten().to_numpy(zero_copy_only=False).reshape(-1, there.type.list_size)[:, :2]
    shapes = shapely.from_ragged_array(kind, np.ascontiguousarray(points, float), tuple(offsets[::-1]) or None)
    made = np.full(len(column), None, object)
    made[np.asarray(column.is_valid())] = shapely.to_wkb(shapes)
    return pa.array(made, pa.binary())
