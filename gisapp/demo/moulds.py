"""Where in a finished city more builds and signs find room: whole arrays at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from gisapp.demo.city import City
from gisapp.demo.frame import Floats

Ints = NDArray[np.int64]
# Kind of building: how often a build is found on or beside it.
_WEIGHTS = {
    "old": 3.0,
    "village": 3.0,
    "flats_old": 1.4,
    "flats": 0.8,
    "shed": 0.5,
    "shops_below": 0.9,
    "podium": 0.4,
}
_ROOF, _WALL = (7.2, 5.4), (6.5, 3.8)  # metres of a cell along and across the building


@dataclass
class Cells:
    """Free rectangles: middle, half sides along and across, unit vector along, building, whether on the roof."""

    middle: Floats
    half: Floats
    along: Floats
    building: Ints
    roof: NDArray[np.bool_]
    weight: Floats

    def corners(self, shrink: Floats | float = 1.0, shift: Floats | float = 0.0) -> Floats:
        """Rings (n, 5, 2) of the rectangles, made smaller and moved within their cells."""
        across = np.column_stack([-self.along[:, 1], self.along[:, 0]])
        a, b = self.along * (self.half[:, :1] * shrink), across * (self.half[:, 1:] * shrink)
        at = self.middle + self.along * (self.half[:, :1] * shift) + across * (self.half[:, 1:] * shift)
        return np.stack([at - a - b, at + a - b, at + a + b, at - a + b, at - a - b], axis=1)

    def take(self, chosen: Any) -> Cells:
        return Cells(
            *(
                getattr(self, name)[chosen]
                for name in ("middle", "half", "along", "building", "roof", "weight")
            )
        )


class Mould:
    """A city with what growing in it needs, worked out once however many tiles use it."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.shapes = np.array([b.shape for b in city.built], dtype=object)
        self.centre, self.along, self.long, self.short = _frames(self.shapes)

    @cached_property
    def cells(self) -> Cells:
        """Room for illegal builds, on roofs and against walls."""
        kinds = [b.kind for b in self.city.built]
        weight = np.array([_WEIGHTS.get(kind, 0.0) for kind in kinds])
        hosts = np.flatnonzero((weight > 0) & (self.short > 5))
        roof = self._cells(hosts, self.short[hosts] - 1.0, 0.0, _ROOF, weight, True)
        roof = roof.take(shapely.contains(self.shapes[roof.building], shapely.polygons(roof.corners())))
        homes = np.array([i for i in hosts if kinds[i] in {"flats_old", "flats", "village"}])
        south = np.where(self.along[homes, 0] >= 0, -1.0, 1.0)
        wall = self._cells(
            homes, np.full(len(homes), _WALL[1]), south * (self.short[homes] / 2 + 2.1), _WALL, weight, False
        )
        return _joined(roof, wall.take(self._free(wall)))

    def _free(self, cells: Cells) -> NDArray[np.bool_]:
        """Which rectangles lie in their block and touch no building."""
        shapes = shapely.polygons(cells.corners())
        parcels = np.array([p.shape for p in self.city.ground], dtype=object)
        home = np.array([b.parcel for b in self.city.built])[cells.building]
        free = np.asarray(shapely.contains(parcels[home], shapes))
        free[np.unique(STRtree(self.shapes).query(shapes, predicate="intersects")[0])] = False
        return free

    def _cells(
        self, hosts: Ints, depth: Floats, offset: Any, size: tuple[float, float], weight: Floats, roof: bool
    ) -> Cells:
        """A grid of cells over a strip `depth` deep, whose middle lies `offset` across from each host's."""
        length = self.long[hosts] - 1.0
        nx, ny = (
            np.maximum(1, (side // step)).astype(int) for side, step in ((length, size[0]), (depth, size[1]))
        )
        each = np.repeat(np.arange(len(hosts)), nx * ny)
        serial = np.arange(len(each)) - np.repeat(np.cumsum(nx * ny) - nx * ny, nx * ny)
        u = ((serial % nx[each] + 0.5) / nx[each] - 0.5) * length[each]
        v = ((serial // nx[each] + 0.5) / ny[each] - 0.5) * depth[each] + np.broadcast_to(offset, len(hosts))[
            each
        ]
        which = hosts[each]
        along = self.along[which]
        middle = (
            self.centre[which]
            + along * u[:, None]
            + np.column_stack([-along[:, 1], along[:, 0]]) * v[:, None]
        )
        half = np.column_stack([length[each] / nx[each], depth[each] / ny[each]]) / 2 - 0.25
        return Cells(middle, half, along, which, np.full(len(which), roof), weight[which] / (nx * ny)[each])

    @cached_property
    def spots(self) -> tuple[Floats, Ints]:
        """Room for signs on the roofs of commercial buildings: points and their buildings."""
        hosts = np.array([
            i for i, b in enumerate(self.city.built)
            if b.use in {"02", "03", "04"} and b.floors >= 3 and b.kind not in {"old", "village", "shed"}
        ])  # fmt: skip
        rows = [self._cells(hosts, np.full(len(hosts), 2.0), side * 0.33 * self.short[hosts], (5.5, 2.0),
                            np.ones(len(self.shapes)), True) for side in (-1.0, 1.0)]  # fmt: skip
        cells = _joined(*rows)
        inside = shapely.contains(self.shapes[cells.building], shapely.points(cells.middle))
        return cells.middle[inside], cells.building[inside]


def _joined(one: Cells, two: Cells) -> Cells:
    names = ("middle", "half", "along", "building", "roof", "weight")
    return Cells(*(np.concatenate([getattr(one, name), getattr(two, name)]) for name in names))


def _frames(shapes: Any) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre, unit vector along the longer side, long and short side of each building."""
    ring = shapely.get_coordinates(shapely.oriented_envelope(shapes)).reshape(-1, 5, 2)
    a, b = ring[:, 1] - ring[:, 0], ring[:, 2] - ring[:, 1]
    la, lb = np.hypot(*a.T), np.hypot(*b.T)
    longer = np.where((la >= lb)[:, None], a, b)
    long, short = np.maximum(la, lb), np.minimum(la, lb)
    along = longer / long[:, None]
    return ring[:, :4].mean(axis=1), along * np.where(along[:, :1] < 0, -1.0, 1.0), long, short
