"""Geometry as clients send it: GeoJSON in, checked EWKB in EPSG:4326 out. Nothing here asks the database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy
import shapely
from shapely.geometry.base import BaseGeometry

from gisapp.crs import Crs
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.tables import MAX_LATITUDE, SRID

MAX_VERTICES = 200_000
_DEPTH = {"Point": 1, "MultiPoint": 2, "LineString": 2, "MultiLineString": 3, "Polygon": 3, "MultiPolygon": 4}
_MULTI = {"Point": "MultiPoint", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}
_OF_MANY = {"MultiPoint": shapely.multipoints, "MultiLineString": shapely.multilinestrings,
            "MultiPolygon": shapely.multipolygons}


@dataclass(frozen=True)
class Shapes:
    """What is stored of a feature's geometries: column name → EWKB, or None for no value."""

    columns: dict[str, bytes | None]


def from_geojson(layer: Layer, geometry: Any, second: Any, crs: Crs) -> Shapes:
    """The columns of a whole feature. A point given as the geometry of a layer with a stand-in is the stand-in.

    Problems: `geometry_missing`, `geometry_type`, `geometry_invalid`, `geometry_too_large`,
    `coordinates_outside`, `feature_invalid`.
    """
    columns: dict[str, bytes | None] = {"geom": None}
    if layer.second_geometry:
        kind = layer.second_geometry.geometry
        columns[layer.second_geometry.id] = None if second is None else _checked(second, (kind,), crs)
    if geometry is None:
        if not (layer.stand_in and columns[layer.stand_in.id]):
            raise Problem("geometry_missing", wanted=wanted(layer))
    elif layer.stand_in and _type_of(geometry) == layer.stand_in.geometry:
        columns[layer.stand_in.id] = _checked(geometry, (layer.stand_in.geometry,), crs)
    else:
        columns["geom"] = _checked(geometry, (layer.geometry,), crs, wanted(layer))
    return Shapes(columns)


def second_only(layer: Layer, second: Any, crs: Crs) -> Shapes:
    """The column of the second geometry alone; None takes it away."""
    assert layer.second_geometry is not None  # noqa: S101
    kind = layer.second_geometry
    return Shapes({kind.id: None if second is None else _checked(second, (kind.geometry,), crs)})


def wanted(layer: Layer) -> str:
    """The geometry types that a layer takes, in words."""
    return f"{layer.geometry} / {layer.stand_in.geometry}" if layer.stand_in else layer.geometry


def _type_of(geometry: Any) -> str:
    return str(geometry.get("type")) if isinstance(geometry, dict) else ""


def _checked(geometry: Any, kinds: tuple[str, ...], crs: Crs, words: str = "") -> bytes:
    given = _type_of(geometry)
    if given not in _DEPTH:
        raise Problem("geometry_type", given=given[:40] or type(geometry).__name__, wanted=words or kinds[0])
    if given not in kinds and _MULTI.get(given) not in kinds:
        raise Problem("geometry_type", given=given, wanted=words or kinds[0])
    shape = _build(given, geometry.get("coordinates"), crs)
    if given not in kinds:
        shape = _OF_MANY[_MULTI[given]]([shape])
    check_shape(shape)
    return bytes(shapely.to_wkb(shapely.set_srid(shape, SRID), include_srid=True))


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
    west, south, east, north = shape.bounds
    inside = -180 <= west <= east <= 180 and -MAX_LATITUDE <= south <= north <= MAX_LATITUDE
    if not inside or not all(map(math.isfinite, shape.bounds)):
        raise Problem("coordinates_outside", place=f"{west}, {south} … {east}, {north}")
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        words, _, place = reason.partition("[")
        raise Problem("geometry_invalid", reason=words.strip(), place=place.rstrip("]") or "-")
