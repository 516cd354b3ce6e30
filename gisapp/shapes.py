"""Geometry as clients send it: GeoJSON in, checked EWKB in EPSG:4326 out. Nothing here asks the database."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy
import shapely
from shapely.geometry.base import BaseGeometry

from gisapp.crs import MAX_LATITUDE, STORED_SRID as SRID, Crs
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.repairs import Repair, area_m2, fault, point_json, repair

MAX_VERTICES = 200_000
#: A refusal tells what a repair would make of a shape of at most so many vertices.
_MOST_TO_TRY = 20_000
#: And with at most so many, what it would look like.
_MOST_TO_SHOW = 2_000
_DEPTH = {"Point": 1, "MultiPoint": 2, "LineString": 2, "MultiLineString": 3, "Polygon": 3, "MultiPolygon": 4}
_MULTI = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}
_OPEN = "环未闭合 / Ring is not closed"
_OF_MANY = {"MultiPoint": shapely.multipoints, "MultiLineString": shapely.multilinestrings,
            "MultiPolygon": shapely.multipolygons}


#: Where repairs are noted; None when an invalid shape is to be refused.
Mended = list[Repair] | None


@dataclass(frozen=True)
class Shapes:
    """What is stored of a feature's geometries: column name → EWKB, or None for no value."""

    columns: dict[str, bytes | None]


def from_geojson(layer: Layer, geometry: Any, second: Any, crs: Crs, mended: Mended = None) -> Shapes:
    """The columns of a whole feature. A point given as the geometry of a layer with a stand-in is the stand-in.

    An invalid shape is repaired when `mended` is a list, which then tells what was done; else it is refused.

    Problems: `geometry_missing`, `geometry_type`, `geometry_invalid`, `geometry_too_large`,
    `coordinates_outside`, `feature_invalid`.
    """
    columns: dict[str, bytes | None] = {"geom": None}
    if layer.second_geometry:
        kind = layer.second_geometry.geometry
        columns[layer.second_geometry.id] = None if second is None else _checked(second, (kind,), crs, mended)
    if geometry is None:
        if not (layer.stand_in and columns[layer.stand_in.id]):
            raise Problem("geometry_missing", wanted=wanted(layer))
    elif layer.stand_in and _type_of(geometry) == layer.stand_in.geometry:
        columns[layer.stand_in.id] = _checked(geometry, (layer.stand_in.geometry,), crs, mended)
    else:
        columns["geom"] = _checked(geometry, (layer.geometry,), crs, mended, wanted(layer))
    return Shapes(columns)


def second_only(layer: Layer, second: Any, crs: Crs, mended: Mended = None) -> Shapes:
    """The column of the second geometry alone; None takes it away."""
    assert layer.second_geometry is not None  # noqa: S101
    kind = layer.second_geometry
    return Shapes({kind.id: None if second is None else _checked(second, (kind.geometry,), crs, mended)})


def wanted(layer: Layer) -> str:
    """The geometry types that a layer takes, in words."""
    return f"{layer.geometry} / {layer.stand_in.geometry}" if layer.stand_in else layer.geometry


def _type_of(geometry: Any) -> str:
    return str(geometry.get("type")) if isinstance(geometry, dict) else ""


def _checked(geometry: Any, kinds: tuple[str, ...], crs: Crs, mended: Mended, words: str = "") -> bytes:
    given = _type_of(geometry)
    if given not in _DEPTH:
        raise Problem("geometry_type", given=given[:40] or type(geometry).__name__, wanted=words or kinds[0])
    if given not in kinds and _MULTI.get(given) not in kinds:
        raise Problem("geometry_type", given=given, wanted=words or kinds[0])
    shape = _build(given, geometry.get("coordinates"), crs)
    if given not in kinds:
        shape = _OF_MANY[_MULTI[given]]([shape])
    start = _open_ring(geometry["coordinates"], crs) if given.endswith("Polygon") else None
    if mended is not None:
        mended += [_closed(shape, start)] if start else []
        shape = _mend(shape, mended)
    check_shape(shape)
    if start and mended is None:
        raise _refusal(_OPEN, start, _closed(shape, start))
    return stored(shape)


def _open_ring(coordinates: Any, crs: Crs) -> tuple[float, float] | None:
    """Where the first ring begins that does not end there; shapely would close it without a word."""
    if isinstance(coordinates[0][0][0], (list, tuple)):
        return next((found for part in coordinates if (found := _open_ring(part, crs))), None)
    begins = next((ring[0] for ring in coordinates if list(ring[0][:2]) != list(ring[-1][:2])), None)
    if begins is None:
        return None
    point = to_stored(shapely.Point(begins[:2]), crs)
    return point.x, point.y


def _closed(shape: BaseGeometry, start: tuple[float, float]) -> Repair:
    """What closing it makes of an area."""
    area = area_m2(shape) if _is_inside(shape) else 0.0
    return Repair(shape, _OPEN, start, area, area)


def read_line(geometry: Any, crs: Crs) -> BaseGeometry:
    """A GeoJSON LineString in EPSG:4326. Problems `geometry_type`, `coordinates_outside`, `geometry_invalid`."""
    if _type_of(geometry) != "LineString":
        raise Problem("geometry_type", given=_type_of(geometry)[:40] or "—", wanted="LineString")
    line = _build("LineString", geometry.get("coordinates"), crs)
    check_shape(line)
    return line


def stored(shape: BaseGeometry) -> bytes:
    """The shape as EWKB in EPSG:4326."""
    return bytes(shapely.to_wkb(shapely.set_srid(shape, SRID), include_srid=True))


def _mend(shape: BaseGeometry, mended: list[Repair]) -> BaseGeometry:
    done = None if shape.is_valid or not _is_inside(shape) else repair(shape)
    if done is None:
        return shape
    mended.append(done)
    return done.shape


def _build(kind: str, coordinates: Any, crs: Crs) -> BaseGeometry:
    vertices = _count(coordinates, _DEPTH[kind])
    if vertices > MAX_VERTICES:
        raise Problem("geometry_too_large", count=vertices, limit=MAX_VERTICES)
    try:
        shape = shapely.geometry.shape({"type": kind, "coordinates": coordinates})
    except (ValueError, TypeError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise Problem("geometry_invalid", reason=str(error)[:200], place="?") from error
    return to_stored(shapely.force_2d(shape), crs)


def _count(coordinates: Any, depth: int) -> int:
    """Number of positions; refuses what is not nested lists of finite numbers of just this depth."""
    if not isinstance(coordinates, (list, tuple)) or (depth > 1 and not coordinates):
        raise Problem("feature_invalid", reason="coordinates / 坐标")
    if depth > 1:
        return sum(_count(part, depth - 1) for part in coordinates)
    numbers = len(coordinates) in (2, 3, 4) and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in coordinates)
    if not numbers:
        raise Problem("feature_invalid", reason="coordinates / 坐标")
    if not all(-1e300 < v < 1e300 for v in coordinates):
        raise Problem("coordinates_outside", place=str(coordinates)[:80])
    return 1


def to_stored(shape: BaseGeometry, crs: Crs) -> BaseGeometry:
    """The shape in EPSG:4326, longitude first, from coordinates in the axis order of the system's authority."""
    if crs.axis_swapped:
        shape = shapely.transform(shape, lambda xy: xy[:, ::-1])
    if crs.database_srid == SRID:
        return shape
    return shapely.transform(shape, _transformer(crs))


def _transformer(crs: Crs) -> Any:
    from pyproj import Transformer  # late: the common road needs no projection

    convert = Transformer.from_crs(crs.database_srid, SRID, always_xy=True)
    return lambda xy: numpy.column_stack(convert.transform(xy[:, 0], xy[:, 1]))


def check_shape(shape: BaseGeometry) -> None:
    """Problems `coordinates_outside`, `geometry_invalid` with the place of the fault, for a shape in EPSG:4326."""
    if shape.is_empty:
        raise Problem("geometry_invalid", reason="empty / 空几何", place="-")
    if not _is_inside(shape):
        west, south, east, north = shape.bounds
        raise Problem("coordinates_outside", place=f"{west}, {south} … {east}, {north}")
    if not shape.is_valid:
        raise _invalid(shape)


def _is_inside(shape: BaseGeometry) -> bool:
    west, south, east, north = shape.bounds
    inside = -180 <= west <= east <= 180 and -MAX_LATITUDE <= south <= north <= MAX_LATITUDE
    return inside and all(map(math.isfinite, shape.bounds))


def _invalid(shape: BaseGeometry) -> Problem:
    """The refusal: the place of the fault, and what a repair would make of the shape."""
    reason, point = fault(shape)
    return _refusal(reason, point, repair(shape) if shapely.get_num_coordinates(shape) <= _MOST_TO_TRY else None)


def _refusal(reason: str, point: tuple[float, float] | None, possible: Repair | None) -> Problem:
    place = "-" if point is None else f"{point[0]} {point[1]}"
    told = possible.document() if possible else None
    if possible and told and shapely.get_num_coordinates(possible.shape) <= _MOST_TO_SHOW:
        told["geometry"] = json.loads(shapely.to_geojson(possible.shape))
    more = {"point": point_json(point), "repair": told}
    return Problem("geometry_invalid", reason=reason, place=place, more={k: v for k, v in more.items() if v})
