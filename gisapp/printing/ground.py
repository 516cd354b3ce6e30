"""From the ground to the paper: the local Gauss–Krüger zone at a fixed scale, grid north up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from gisapp.crs import STORED_SRID, Crs, local_zone
from gisapp.printing.paper import SCALES, Box

Points = NDArray[np.float64]


@cache
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


@dataclass(frozen=True)
class Window:
    """The piece of ground that a frame shows: `lon`, `lat` (degrees, EPSG:4326) lie in its middle."""

    lon: float
    lat: float
    scale: int
    frame: Box

    @cached_property
    def crs(self) -> Crs:
        """The zone without prefix. Problem `crs_unsupported` outside China's zones."""
        return local_zone(self.lon)[1]

    @property
    def meridian(self) -> int:
        """The central meridian in degrees east."""
        return 3 * (self.crs.srid - 4509)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Easting and northing in metres."""
        east, north = _transformer(STORED_SRID, self.crs.srid).transform(self.lon, self.lat)
        return float(east), float(north)

    @property
    def mm(self) -> float:
        """Millimetres on paper for a metre on the ground."""
        return 1000.0 / self.scale

    def place(self, metres: Points) -> Points:
        """Easting and northing in metres, as (n, 2), to mm on paper."""
        x, y = self.frame.middle
        east, north = self.centre
        return np.column_stack((x + (metres[:, 0] - east) * self.mm, y - (metres[:, 1] - north) * self.mm))

    def spots(self, degrees: Sequence[tuple[float, float]]) -> Points:
        """Places in degrees (lon, lat), EPSG:4326, as (n, 2) in mm on paper."""
        lons, lats = zip(*degrees, strict=True)
        metres = _transformer(STORED_SRID, self.crs.srid).transform(np.asarray(lons), np.asarray(lats))
        return self.place(np.column_stack(metres))

    def metres(self, x: float, y: float) -> tuple[float, float]:
        """Easting and northing of a point on paper."""
        middle = self.frame.middle
        return (self.centre[0] + (x - middle[0]) / self.mm, self.centre[1] - (y - middle[1]) / self.mm)

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        """lon, lat of a point on paper."""
        lon, lat = _transformer(self.crs.srid, STORED_SRID).transform(*self.metres(x, y))
        return float(lon), float(lat)

    def bounds(self) -> tuple[float, float, float, float]:
        """min lon, min lat, max lon, max lat of the frame."""
        frame = self.frame
        edge = [self.degrees(frame.x + frame.width * a, frame.y + frame.height * b)
                for a in (0, 0.5, 1) for b in (0, 0.5, 1)]
        lons, lats = zip(*edge, strict=True)
        return min(lons), min(lats), max(lons), max(lats)

    def shapes(self, geometries: NDArray[Any], rim: float = 4.0) -> NDArray[Any]:
        """Geometries in degrees as they lie on the paper, cut a little (`rim` mm) outside the frame."""
        to_metres = _transformer(STORED_SRID, self.crs.srid)

        def project(points: Points) -> Points:
            return self.place(np.column_stack(to_metres.transform(points[:, 0], points[:, 1])))

        box = self.frame.inset(-rim)
        on_paper = shapely.transform(geometries, project)
        valid = np.where(shapely.is_valid(on_paper), on_paper, shapely.make_valid(on_paper))
        cut: NDArray[Any] = shapely.clip_by_rect(valid, box.x, box.y, box.right, box.bottom)
        return cut


def fitting(bounds: tuple[float, float, float, float], frame: Box, at_least: int = 0,
            room: float = 0.9) -> Window:
    """The window with `bounds` (degrees) in its middle, at the largest scale of the menu that shows all of it.

    `at_least` is the smallest denominator to use. What is larger than the smallest scale shows is cut.
    """
    lon, lat = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    for scale in SCALES:
        window = Window(lon, lat, scale, frame)
        if scale >= at_least and shows(window, bounds, room):
            return window
    return Window(lon, lat, max(at_least, SCALES[-1]), frame)


def shows(window: Window, bounds: tuple[float, float, float, float], room: float = 1.0) -> bool:
    """Whether a box of that size (degrees) fits into the window, with some room around it."""
    west, south, east, north = window.bounds()
    return (bounds[2] - bounds[0] <= (east - west) * room) and (bounds[3] - bounds[1] <= (north - south) * room)
