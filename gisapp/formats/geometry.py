"""Geometries of a file, batch by batch: checked, brought to EPSG:4326 longitude first, made what the layer stores."""

from __future__ import annotations

import json
import struct
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from gisapp.crs import MAX_LATITUDE, STORED_SRID
from gisapp.errors import Problem
from gisapp.formats.frames import Frame
from gisapp.formats.geometry_faults import GeometryFault, Note, fault_of, invalid, repair_told, stubs, told, unreadable
from gisapp.formats.wkb import may_be_curved, straightened, type_code, without_stubs
from gisapp.layers import Layer
from gisapp.repairs import Repair, parts, repair
from gisapp.shapes import MAX_VERTICES, wanted

_MANY = {"Point": shapely.multipoints, "LineString": shapely.multilinestrings, "Polygon": shapely.multipolygons}
_IDS = {"Point": 0, "LineString": 1, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}
#: A shape is tried and repaired up to so many vertices.
_MOST_TO_REPAIR = 20_000
#: A file full of tangles must not hold up its reader: so many seconds go into repairs, then shapes are refused.
_MENDING_S, _TELLING_S = 120.0, 8.0
_FARTHEST = 1e9  # no system has a place beyond, and formulas overflow
Shapes = NDArray[Any]


@dataclass
class Shaped:
    """What became of one row's shape: its column and EWKB, or the fault; what was repaired; as the file had it."""

    column: str = "geom"
    ewkb: bytes | None = None
    fault: GeometryFault | None = None
    repairs: list[Note] = field(default_factory=list)
    original: bytes | None = None


class Row(NamedTuple):
    """A good row's shapes by column, and what was repaired."""

    shapes: dict[str, bytes | None]
    repairs: list[Note]


class Shaper:
    """Shapes of one source in `frame`. `notes` counts what was left out, by name; `mend` says whether invalid and
    mixed shapes are made right or refused."""

    def __init__(self, layer: Layer, frame: Frame, notes: Counter[str], mend: bool = False) -> None:
        self._layer, self._frame, self._notes, self._mend = layer, frame, notes, mend
        #: Seconds that may still go into repairs, or into telling what they would do.
        self._left = _MENDING_S if mend else _TELLING_S
        #: Column by kind of shape: the layer's own, and that of a stand-in.
        self._columns = {layer.geometry: "geom"}
        if layer.stand_in is not None:
            self._columns.setdefault(layer.stand_in.geometry, layer.stand_in.id)

    def batch(self, wkbs: Shapes) -> list[Shaped]:
        """What becomes of each shape; one without column value and fault was missing."""
        return self._batch(wkbs, self._columns)

    def columns(self, wkb: bytes | None, attached: Any, second: bytes | None) -> Row:
        """EWKB by column of one row. `attached` is a second geometry as text, `second` EWKB of one read before.

        A geometry of the stand-in's kind goes into its column. Raises GeometryFault.
        """
        layer, found = self._layer, dict[str, bytes | None](geom=None)
        if layer.second_geometry is not None:
            found[layer.second_geometry.id] = second or self.attached(attached)
        one = self.batch(np.array([wkb], dtype=object))[0]
        if one.fault:
            raise one.fault
        if one.ewkb is None and not (layer.stand_in and found[layer.stand_in.id]):
            raise self.missing()
        return Row(found | ({one.column: one.ewkb} if one.ewkb else {}), one.repairs)

    def second(self, wkb: bytes | None) -> bytes:
        """EWKB of a second geometry that came in a table of its own. Raises GeometryFault."""
        second = self._layer.second_geometry
        assert second is not None  # noqa: S101  (asked by the caller)
        one = self._batch(np.array([wkb], dtype=object), {second.geometry: second.id})[0]
        if one.fault or one.ewkb is None:
            raise one.fault or fault_of(Problem("geometry_missing", wanted=second.geometry))
        return one.ewkb

    def attached(self, text: Any) -> bytes | None:
        """EWKB of a second geometry given as GeoJSON or WKT in a column, None for none. Raises GeometryFault."""
        second = self._layer.second_geometry
        if not text or second is None:
            return None
        words = (text if isinstance(text, str) else json.dumps(text)).strip()
        try:
            shape = {"{": shapely.from_geojson, "0": shapely.from_wkb}.get(words[:1], shapely.from_wkt)(words)
        except (shapely.GEOSException, TypeError, ValueError, NotImplementedError) as error:
            raise GeometryFault("geometry_invalid", "附加几何无法读取", "the second geometry cannot be read") from error
        made = self._batch(np.array([shapely.to_wkb(shape)], dtype=object), {second.geometry: second.id})[0]
        if made.fault:
            raise made.fault
        return made.ewkb

    def missing(self) -> GeometryFault:
        """The fault of a row without a shape."""
        return fault_of(Problem("geometry_missing", wanted=wanted(self._layer)))

    def _batch(self, wkbs: Shapes, columns: dict[str, str]) -> list[Shaped]:
        made = [Shaped() for _ in wkbs]
        shapes = self._opened(wkbs, made)
        self._flatten(shapes)
        for kind, column in columns.items():
            _set_columns(shapes, made, kind, column)
        self._fit(shapes, made, columns)
        self._count(shapes, made)
        self._place(shapes, made)
        self._check(shapes, made, columns)
        for place in np.flatnonzero(~shapely.is_missing(shapes)):
            made[place].original = wkbs[place] if self._frame.keep_original else None
        return made

    def _opened(self, wkbs: Shapes, made: list[Shaped]) -> Shapes:
        """The shapes; None where there is none, or a fault."""
        readable = np.array(wkbs, dtype=object)
        for odd in [n for n, wkb in enumerate(wkbs) if wkb is not None and (not wkb or may_be_curved(wkb))]:
            readable[odd] = self._straight(wkbs[odd])
            if readable[odd] is None:
                made[odd].fault = unreadable()
        shapes = np.array(shapely.from_wkb(readable, on_invalid="ignore"), dtype=object)
        for place in np.flatnonzero(shapely.is_missing(shapes)):
            if readable[place] is not None:
                shapes[place] = self._without_stubs(readable[place], made[place])
        shapes[shapely.is_empty(shapes)] = None
        return shapes

    def _without_stubs(self, wkb: bytes, made: Shaped) -> BaseGeometry | None:
        """The line without its parts of one point, where a repair is wanted; else None, with the fault."""
        found = without_stubs(wkb)
        if found is None:
            made.fault = unreadable()
        elif not self._mend:
            made.fault = stubs(found[1])
        else:
            made.repairs.append(told("stubs_dropped", f"去掉了 {found[1]} 段只有一个点的线",
                                     f"{found[1]} parts of a single point were dropped"))
            return shapely.from_wkb(found[0], on_invalid="ignore")
        return None

    def _straight(self, wkb: bytes) -> bytes | None:
        try:
            made = straightened(wkb)
        except (struct.error, ValueError, IndexError):
            return None
        if type_code(wkb) != type_code(made) or type_code(wkb) != 7:
            self._notes["curves_straightened"] += 1
        return made

    def _flatten(self, shapes: Shapes) -> None:
        high = shapely.has_z(shapes) | shapely.has_m(shapes)
        if high.any():
            self._notes["heights_dropped"] += int(high.sum())
            shapes[high] = shapely.force_2d(shapes[high])

    def _fit(self, shapes: Shapes, made: list[Shaped], columns: dict[str, str]) -> None:
        """Bring shapes of another kind to one that has a column: one by one, since each has its story."""
        known = np.isin(shapely.get_type_id(shapes), [_IDS[kind] for kind in columns])
        for place in np.flatnonzero(~known & ~shapely.is_missing(shapes)):
            try:
                shapes[place], made[place].column = self._fitted(shapes[place], columns, made[place].repairs)
            except GeometryFault as fault:
                shapes[place], made[place].fault = None, fault

    def _fitted(self, shape: BaseGeometry, columns: dict[str, str], repairs: list[Note]) -> tuple[BaseGeometry, str]:
        single = parts(shape)
        for kind, column in columns.items():
            meant = [part for part in single if part.geom_type == kind.removeprefix("Multi")]
            if kind == "MultiPolygon" and not meant and all(map(_is_ring, single)):
                repairs.append(told("lines_closed", "闭合线已转为面", "closed lines were made areas"))
                meant = single = [shapely.polygons(shapely.get_coordinates(part)) for part in single]
            if not meant or (not kind.startswith("Multi") and len(meant) > 1):
                continue
            if len(meant) < len(single):
                self._drop(single, meant, repairs)
            return (_MANY[meant[0].geom_type](meant) if kind.startswith("Multi") else meant[0]), column
        raise fault_of(Problem("geometry_type", given=shape.geom_type, wanted=wanted(self._layer)))

    def _drop(self, single: list[BaseGeometry], meant: list[BaseGeometry], repairs: list[Note]) -> None:
        others = ", ".join(sorted({part.geom_type for part in single} - {meant[0].geom_type}))
        if not self._mend:
            raise GeometryFault("geometry_mixed", f"几何混合了多种类型（另有 {others}）；选择“修复”则只保留所需类型",
                                f"the geometry mixes kinds (also {others}); with “repair” only what fits is kept")
        count = len(single) - len(meant)
        repairs.append(told("parts_dropped", f"已去掉 {count} 个其他类型的部分（{others}）",
                             f"{count} part(s) of another kind were left out ({others})"))

    def _count(self, shapes: Shapes, made: list[Shaped]) -> None:
        counts = shapely.get_num_coordinates(shapes)
        for large in np.flatnonzero(counts > MAX_VERTICES).tolist():
            problem = Problem("geometry_too_large", count=int(counts[large]), limit=MAX_VERTICES)
            shapes[large], made[large].fault = None, fault_of(problem)

    def _place(self, shapes: Shapes, made: list[Shaped]) -> None:
        """Coordinates in EPSG:4326; what lies nowhere becomes a fault."""
        points, owner = shapely.get_coordinates(shapes, return_index=True)
        if not len(points):
            return
        with np.errstate(all="ignore"):
            sane = (np.abs(points) <= _FARTHEST).all(axis=1)
            stored = self._frame.to_stored(np.where(sane[:, None], points, np.nan))
        inside = sane & (np.abs(stored[:, 0]) <= 180) & (np.abs(stored[:, 1]) <= MAX_LATITUDE)
        lost = np.unique(owner[~inside])
        for place in lost:
            first = points[np.flatnonzero((owner == place) & ~inside)[0]]
            fault = fault_of(Problem("coordinates_outside", place=str(first.tolist())[:80]))
            shapes[place], made[place].fault = None, fault
        kept = ~np.isin(owner, lost)
        shapely.set_coordinates(shapes, stored[kept])

    def _check(self, shapes: Shapes, made: list[Shaped], columns: dict[str, str]) -> None:
        valid = shapely.is_valid(shapes)
        for place in np.flatnonzero(~valid & ~shapely.is_missing(shapes)):
            start = monotonic()
            done = self._repaired(shapes[place]) if self._mend else None
            if done is None:
                made[place].fault = invalid(shapes[place], told=self._left > 0)
                shapes[place] = None
            self._left -= monotonic() - start
            if done is None:
                continue
            shapes[place] = done.shape
            made[place].repairs.append(repair_told(done))
        whole = shapely.to_wkb(shapely.set_srid(shapes, STORED_SRID), include_srid=True)
        for one, ewkb in zip(made, whole, strict=True):
            one.ewkb = ewkb

    def _repaired(self, shape: BaseGeometry) -> Repair | None:
        if shapely.get_num_coordinates(shape) > _MOST_TO_REPAIR or self._left < 0:
            return None
        return repair(shape)


def _set_columns(shapes: Shapes, made: list[Shaped], kind: str, column: str) -> None:
    """Name the column of shapes that are of its kind; single ones become multi ones of one part, all at once."""
    ids = shapely.get_type_id(shapes)
    single = kind.removeprefix("Multi")
    alone = np.flatnonzero(ids == _IDS[single]) if kind != single else np.array([], dtype=int)
    if alone.size:
        shapes[alone] = _MANY[single](shapes[alone], indices=np.arange(alone.size))
    for place in np.concatenate([alone, np.flatnonzero(ids == _IDS[kind])]) if column != "geom" else ():
        made[place].column = column


def _is_ring(part: BaseGeometry) -> bool:
    return bool(part.geom_type == "LineString" and part.is_closed and shapely.get_num_coordinates(part) >= 4)
