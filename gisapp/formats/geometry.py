"""Geometries of a file, one by one: checked, brought to EPSG:4326 longitude first, made what the layer stores."""

from __future__ import annotations

import json

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from gisapp.crs import CGCS2000, STORED_SRID, Crs
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.shapes import MAX_VERTICES, check_shape, wanted

_MULTI = {"Point": ("MultiPoint", shapely.multipoints), "LineString": ("MultiLineString", shapely.multilinestrings),
          "Polygon": ("MultiPolygon", shapely.multipolygons)}


class GeometryFault(Exception):
    """Why a row's geometry is refused."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en

    def row(self) -> dict[str, str]:
        """The fault as the report lists it."""
        return {"field": "geometry", "code": self.code, "zh": self.zh, "en": self.en}


class Shaper:
    """Geometries of one source in `crs`, easting first. `notes` counts what was left out, by name."""

    def __init__(self, layer: Layer, crs: Crs, notes: dict[str, int]) -> None:
        self._layer = layer
        self._notes = notes
        self._transformer = None if crs.database_srid in (STORED_SRID, CGCS2000) else Transformer.from_crs(
            crs.database_srid, STORED_SRID, always_xy=True)

    def columns(self, wkb: bytes | None, attached: str | None, second: bytes | None) -> dict[str, bytes | None]:
        """EWKB by column name. `attached` is a second geometry as GeoJSON text, `second` one read before.

        A geometry of the stand-in's kind goes into its column. Raises GeometryFault.
        """
        layer, found = self._layer, dict[str, bytes | None](geom=None)
        if layer.second_geometry is not None:
            found[layer.second_geometry.id] = second or self._attached(attached, layer.second_geometry.geometry)
        shape = self._open(wkb)
        if shape is None:
            if not (layer.stand_in and found[layer.stand_in.id]):
                raise _fault(Problem("geometry_missing", wanted=wanted(layer)))
        elif layer.stand_in is not None and shape.geom_type == layer.stand_in.geometry:
            found[layer.stand_in.id] = self._stored(shape, layer.stand_in.geometry)
        else:
            found["geom"] = self._stored(shape, layer.geometry)
        return found

    def second(self, wkb: bytes | None) -> bytes:
        """EWKB of a second geometry that came in a table of its own. Raises GeometryFault."""
        shape, second = self._open(wkb), self._layer.second_geometry
        if shape is None or second is None:
            raise _fault(Problem("geometry_missing", wanted=second.geometry if second else "-"))
        return self._stored(shape, second.geometry)

    def _attached(self, text: str | None, kind: str) -> bytes | None:
        if not text:
            return None
        try:
            shape = shapely.from_geojson(text if isinstance(text, str) else json.dumps(text))
        except (shapely.GEOSException, TypeError, ValueError) as error:
            raise GeometryFault("geometry_invalid", "附加几何无法读取", "the second geometry cannot be read") from error
        return self._stored(shape, kind)

    def _open(self, wkb: bytes | None) -> BaseGeometry | None:
        if wkb is None:
            return None
        shape = shapely.from_wkb(wkb, on_invalid="ignore")
        if shape is None:
            raise GeometryFault("geometry_type", "几何类型不受支持（曲线或已损坏）",
                                "this kind of geometry is not supported (a curve, or damaged)")
        return None if shape.is_empty else shape

    def _stored(self, shape: BaseGeometry, kind: str) -> bytes:
        if shape.has_z or shapely.has_m(shape):
            self._notes["heights_dropped"] = self._notes.get("heights_dropped", 0) + 1
            shape = shapely.force_2d(shape)
        shape = self._of_kind(shape, kind)
        count = int(shapely.get_num_coordinates(shape))
        if count > MAX_VERTICES:
            raise _fault(Problem("geometry_too_large", count=count, limit=MAX_VERTICES))
        try:
            shape = self._transformed(shape)
            check_shape(shape)
        except Problem as problem:
            raise _fault(problem) from problem
        return bytes(shapely.to_wkb(shapely.set_srid(shape, STORED_SRID), include_srid=True))

    def _of_kind(self, shape: BaseGeometry, kind: str) -> BaseGeometry:
        if shape.geom_type == kind:
            return shape
        multi, build = _MULTI.get(shape.geom_type, ("", None))
        if build is None or multi != kind:
            raise _fault(Problem("geometry_type", given=shape.geom_type, wanted=wanted(self._layer)))
        return build([shape])

    def _transformed(self, shape: BaseGeometry) -> BaseGeometry:
        points = shapely.get_coordinates(shape)
        if not np.isfinite(points).all() or np.abs(points).max() > 1e9:
            raise Problem("coordinates_outside", place=str(points[0].tolist())[:80])
        if self._transformer is None:
            return shape
        east, north = self._transformer.transform(points[:, 0], points[:, 1])
        if not (np.isfinite(east).all() and np.isfinite(north).all()):
            raise Problem("coordinates_outside", place=str(points[0].tolist())[:80])
        return shapely.set_coordinates(shape, np.column_stack([east, north]))


def _fault(problem: Problem) -> GeometryFault:
    return GeometryFault(problem.code, problem.sentence("zh"), problem.sentence("en"))
