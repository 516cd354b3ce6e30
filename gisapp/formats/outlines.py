"""Geometries of a batch as the layer stores them: plain ones all at once, any other one by one by `geometry.Shaper`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from gisapp.crs import MAX_LATITUDE, STORED_SRID as SRID
from gisapp.formats.frames import Frame
from gisapp.formats.geometry import Shaper
from gisapp.formats.geometry_faults import GeometryFault
from gisapp.formats.wkb import plain_shapes
from gisapp.layers import Layer
from gisapp.shapes import MAX_VERTICES

_TYPES = {"Point": 0, "LineString": 1, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}
#: The single type that a multiple one takes.
_SINGLE = {4: 0, 5: 1, 6: 3}
#: Types of shapely as WKB numbers them.
_CODES = {0: 1, 1: 2, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6}
#: The head of EWKB in hexadecimal, by type in WKB: little endian, the type with its SRID flag, the SRID.
_HEADS = {kind: b"".join((b"\x01", (kind | 0x20000000).to_bytes(4, "little"), SRID.to_bytes(4, "little"))).hex()
          for kind in range(1, 7)}
_ONE_PART = "01000000"


@dataclass
class Outlines:
    """Hexadecimal EWKB by column (None: no geometry), and by row what is wrong and what was repaired."""

    columns: dict[str, Any]
    faults: dict[int, dict[str, Any]] = field(default_factory=dict)
    repairs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


class Outliner:
    """Reads the geometries of one source in `frame`; `shaper` judges what is not plain."""

    def __init__(self, layer: Layer, frame: Frame, shaper: Shaper) -> None:
        self._layer, self._frame, self._shaper = layer, frame, shaper
        self._main = _TYPES[layer.geometry]
        self._stand_in = layer.stand_in
        self._names = ["geom", *([layer.second_geometry.id] if layer.second_geometry else [])]

    def read(self, wkb: Sequence[bytes | None], attached: Mapping[int, str],
             seconds: Mapping[int, bytes]) -> Outlines:
        """The geometries of a batch. `attached` (GeoJSON) and `seconds` (EWKB) are second geometries by row."""
        found = Outlines({name: np.full(len(wkb), None, object) for name in self._names})
        plain = self._plain(wkb, found.columns) if len(wkb) else np.zeros(0, bool)
        for row in np.flatnonzero(~plain | _marked(len(wkb), attached, seconds)).tolist():
            self._one(row, wkb[row], attached.get(row), seconds.get(row), found)
        return found

    def _one(self, row: int, wkb: bytes | None, attached: str | None, second: bytes | None, found: Outlines) -> None:
        try:
            made = self._shaper.columns(wkb, attached, second)
        except GeometryFault as fault:
            found.faults[row] = fault.row()
            for name in self._names:
                found.columns[name][row] = None
            return
        for name in self._names:
            shape = made.shapes[name]
            found.columns[name][row] = shape.hex() if shape else None
        if made.repairs:
            found.repairs[row] = made.repairs

    def _plain(self, wkb: Any, columns: dict[str, Any]) -> Any:
        """Fill in the rows that need no thought, and say which."""
        shapes = plain_shapes(wkb)
        kinds = shapely.get_type_id(shapes)
        main = np.isin(kinds, (self._main, _SINGLE.get(self._main, self._main)))
        stand_in = kinds == 0 if self._stand_in else np.zeros(len(kinds), bool)
        plain = (main | stand_in) & ~shapely.is_empty(shapes) & ~shapely.has_z(shapes) & ~shapely.has_m(shapes)
        plain &= shapely.get_num_coordinates(shapes) <= MAX_VERTICES
        shapes, plain = self._stored(shapes, plain)
        for name, rows in (("geom", plain & main), (self._names[-1], plain & stand_in & ~main)):
            if rows.any():
                given = wkb[rows] if self._frame.is_stored else None
                columns[name][rows] = ewkb(shapes[rows], self._main if name == "geom" else 0, given)
        return plain

    def _stored(self, shapes: Any, plain: Any) -> tuple[Any, Any]:
        """The plain shapes in EPSG:4326, and which of them are still plain there."""
        if not self._frame.is_stored:
            shapes = np.where(plain, shapes, None)
            points = shapely.get_coordinates(shapes)
            with np.errstate(all="ignore"):
                odd = ~np.isfinite(points).all() or np.abs(points).max(initial=0) > 1e9
            if odd:  # some row is: then each is looked at
                return shapes, np.zeros(len(plain), bool)
            shapes = shapely.set_coordinates(shapes, self._frame.to_stored(points))
        west, south, east, north = shapely.bounds(shapes).T
        with np.errstate(invalid="ignore"):
            inside = (west >= -180) & (east <= 180) & (south >= -MAX_LATITUDE) & (north <= MAX_LATITUDE)
        plain = plain & inside
        plain[plain] = shapely.is_valid(shapes[plain])
        return shapes, plain


def _marked(count: int, *sets: Mapping[int, Any]) -> Any:
    marked = np.zeros(count, bool)
    for rows in sets:
        marked[list(rows)] = True
    return marked


def ewkb(shapes: Any, kind: int, given: Any = None) -> Any:
    """Hexadecimal EWKB of plain shapes, single ones made multiple where `kind` (a type of shapely) is.

    `given` is the WKB that they were read from: it is taken as it stands where it holds nothing else than they do.
    """
    wkb = shapely.to_wkb(shapes) if given is None else given
    odd = np.zeros(len(wkb), bool) if given is None else ~_exact(shapes, wkb)
    if odd.any():
        wkb = wkb.copy()
        wkb[odd] = shapely.to_wkb(shapes[odd])
    code = _CODES[kind]
    head, whole = _HEADS[code], b"\x01" + code.to_bytes(4, "little")
    made = np.empty(len(wkb), object)
    made[:] = [head + one[5:].hex() if one.startswith(whole) else head + _ONE_PART + one.hex() for one in wkb]
    return made


def _exact(shapes: Any, wkb: Any) -> Any:
    """Which WKBs are little endian, of a plain type, and as long as their shapes: nothing hangs on to them or lies
    between their parts."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    is_area, is_multiple = shapely.get_type_id(parts) == 3, shapely.get_type_id(shapes) > 3
    sizes = 16 * shapely.get_num_coordinates(parts) + np.where(shapely.get_type_id(parts) == 0, 5, 9)
    sizes += np.where(is_area, 4 * (shapely.get_num_interior_rings(parts) + 1), 0)
    wanted = np.bincount(of, sizes, len(shapes)) + np.where(is_multiple, 9, 0)
    heads = {kind: b"\x01" + code.to_bytes(4, "little") for kind, code in _CODES.items()}
    kinds = shapely.get_type_id(shapes).tolist()
    begun = [one.startswith(heads[kind]) for one, kind in zip(wkb, kinds, strict=True)]
    return np.array(begun, bool) & (np.fromiter(map(len, wkb), np.int64, len(wkb)) == wanted)
