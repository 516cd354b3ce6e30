"""The child process that reads the areas of a file, and nothing else of it: `python -m gisapp.children
gisapp.formats.area`. What its rows say is not looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

from gisapp.crs import STORED_SRID, parse_crs
from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.archive import Upload
from gisapp.formats.kinds import datasets
from gisapp.formats.reading.ogr import allow_drivers
from gisapp.formats.source import Source
from gisapp.formats.wkb import without_curves

#: More corners than this are no area to ask with, but a map.
MOST_CORNERS = 200_000
#: Systems in degrees that a file without a name of one may be in: they are taken as equal.
_DEGREES = ("EPSG:4490", "EPSG:4326", "OGC:CRS84")


def work(order: dict[str, Any]) -> dict[str, Any]:
    """All areas of the upload as one, degrees of EPSG:4326, lon first: `wkb` (hex), `corners`, `title`."""
    allow_drivers()
    folder = Path(order["folder"])
    uploads = [Upload(name, folder / f"u{number}") for number, name in enumerate(order["names"])]
    opened, _ = datasets(uploads, folder, order["limit_mb"])
    found = [one for one in files.sources(opened, None, {}) if one.geometry.removesuffix(" Z").endswith("Polygon")]
    if not found:
        raise _unreadable("文件里没有面", "there is no area in the file")
    whole = _polygons(shapely.union_all([_area(one) for one in found]))
    corners = int(shapely.get_num_coordinates(whole))
    if whole.is_empty:
        raise _unreadable("文件里没有面", "there is no area in the file")
    if corners > MOST_CORNERS:
        raise _unreadable(f"顶点 {corners} 个，最多 {MOST_CORNERS} 个，请先简化",
                          f"{corners} corners, at most {MOST_CORNERS}: simplify it first")
    return {"wkb": shapely.to_wkb(whole, hex=True), "corners": corners, "title": found[0].name}


def _unreadable(zh: str, en: str) -> Problem:
    return Problem("file_unreadable", reason=f"{zh} / {en}")


def _area(source: Source) -> Any:
    """The union of a source's areas in degrees."""
    parts = [shapely.from_wkb([wkb and without_curves(wkb) for wkb in batch.shapes.to_pylist()], on_invalid="ignore")
             for batch in files.arrow(source)]
    shapes = np.concatenate(parts) if parts else np.array([], dtype=object)
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    moved = _in_degrees(shapely.make_valid(shapely.force_2d(shapes)), _system(source))
    west, south, east, north = shapely.total_bounds(moved) if len(moved) else (0, 0, 0, 0)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise _unreadable("坐标不在地球上，请检查坐标系", "its coordinates are not on the earth; look at its CRS")
    return _polygons(shapely.union_all(shapely.make_valid(moved)))


def _system(source: Source) -> int:
    """EPSG number of the source's system, by its own words; degrees where it has none and they can be."""
    if source.crs is not None:
        return parse_crs(source.crs).database_srid
    if any(one in _DEGREES for one in source.crs_candidates):
        return STORED_SRID
    raise _unreadable("不知道坐标系，请附 .prj，或改用 GeoJSON", "its CRS is unknown: add the .prj, or send GeoJSON")


def _in_degrees(shapes: Any, srid: int) -> Any:
    if srid in (STORED_SRID, 4490):
        return shapes
    move = pyproj.Transformer.from_crs(srid, STORED_SRID, always_xy=True)
    return shapely.transform(shapes, lambda given: np.column_stack(move.transform(given[:, 0], given[:, 1])))


def _polygons(shape: Any) -> Any:
    """The areas of a shape; what repairs left of lines and points goes."""
    return shapely.multipolygons([one for one in _flat(shape) if one.geom_type == "Polygon"])


def _flat(shape: Any) -> list[Any]:
    return [part for one in getattr(shape, "geoms", ()) for part in _flat(one)] or ([] if hasattr(shape, "geoms")
                                                                                     else [shape])
