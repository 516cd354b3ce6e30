"""Names on the map where there is room: of territories, of roads along them, of mission features."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
import shapely.affinity

from gisapp.printing.content import Drawn, Item
from gisapp.printing.furniture import NAVY
from gisapp.printing.ink import Ink
from gisapp.printing.paper import Box
from gisapp.printing.symbols import Look

#: Of one layer on one sheet; a sheet has no room for more.
MOST = 400
#: Territories that are shown from this zoom on are small, and so are their names.
_SMALL_TERRITORIES = 11


@dataclass
class Namer:
    """Puts names on the paper and keeps the places that are taken."""

    look: Look
    frame: Box
    taken: list[Any] = field(default_factory=list)

    @property
    def ink(self) -> Ink:
        return self.look.ink

    def keep_free(self, layers: list[Drawn]) -> None:
        """No name lies on a point of a mission layer."""
        for one in layers:
            if one.rules["reference"] or one.rules["shape"] != "point" or len(one.items) > 4000:
                continue
            reach = self.look.point_radius(one.rules) * 0.8
            for item in one.items:
                self.taken += [shapely.box(part.x - reach, part.y - reach, part.x + reach, part.y + reach)
                               for part in shapely.get_parts(item.shape) if part.geom_type == "Point"]

    def put(self, spot: tuple[float, float], text: str, size: float, *, angle: float = 0.0, bold: bool = False,
            colour: str = "#22313d", room: Any = None) -> bool:
        """Write the text around the spot unless something is there or it does not fit into `room`."""
        wide = self.ink.face(bold).width(text, size)
        box = shapely.affinity.rotate(shapely.box(spot[0] - wide / 2, spot[1] - size * 0.6, spot[0] + wide / 2,
                                                  spot[1] + size * 0.6), -math.degrees(angle))
        frame = shapely.box(self.frame.x, self.frame.y, self.frame.right, self.frame.bottom)
        if not frame.contains(box) or (room is not None and not room.contains(box)):
            return False
        if self.taken and bool(np.any(shapely.intersects(np.asarray(self.taken, dtype=object), box))):
            return False
        self.taken.append(box)
        # The baseline lies under the middle, in the direction of the text's own down.
        down = size * 0.36
        self.ink.text(spot[0] + down * math.sin(angle), spot[1] + down * math.cos(angle), text, size, bold=bold,
                      anchor=0.5, angle=math.degrees(angle), colour=colour, halo=0.5 * self.look.k)
        return True


def name(look: Look, layers: list[Drawn], frame: Box, chosen: str | None = None, keep: Box | None = None) -> None:
    """Names that do not cover each other: the chosen feature, territories, roads, then mission features."""
    namer = Namer(look, frame)
    if keep:
        namer.taken.append(shapely.box(keep.x, keep.y, keep.right, keep.bottom))
    for one in layers:
        for item in one.items:
            if item.id == chosen:
                _beside(namer, item, one, bold=True)
    namer.keep_free(layers)
    for kind in (_territories, _roads):
        for one in reversed(layers):
            kind(namer, one)
    for one in reversed(layers):
        _missions(namer, one, chosen)


def _territories(namer: Namer, one: Drawn) -> None:
    rules, k = one.rules, namer.look.k
    if not (rules["reference"] and rules["shape"] == "area" and rules["opacity"] < 0.1 and rules["label"]):
        return
    if namer.look.zoom + 1 < rules["label"]["minZoom"]:
        return
    large = rules["label"]["minZoom"] < _SMALL_TERRITORIES
    for item in one.items[:MOST]:
        part = max(_inside(namer.frame, item.shape), key=shapely.area, default=None)
        if part is not None and item.label and part.area > 300 * k * k:
            spot = shapely.point_on_surface(part)
            namer.put((spot.x, spot.y), item.label, (3.6 if large else 2.2) * k, bold=large, colour=NAVY)


def _roads(namer: Namer, one: Drawn) -> None:
    rules, k = one.rules, namer.look.k
    if not (rules["reference"] and rules["shape"] == "line" and rules["label"]):
        return
    said: set[str] = set()
    ranks = rules["ranks"]
    for item in sorted(one.items, key=lambda item: -float(ranks.get(item.value, 0)))[:MOST]:
        if not item.label or item.label in said or namer.look.line_width(rules, item.value) < 0.25 * k:
            continue
        part = max(_inside(namer.frame, item.shape), key=shapely.length, default=None)
        if part is None or part.length < namer.ink.face(bold=False).width(item.label, 2.2 * k) * 1.3:
            continue
        for at in (0.5, 0.3, 0.7):
            spot, angle = _along(part, at)
            if namer.put(spot, item.label, 2.2 * k, angle=angle, colour="#4a5a68"):
                said.add(item.label)
                break


def _missions(namer: Namer, one: Drawn, chosen: str | None) -> None:
    """Names of features: on a large scale or where there are few; a name for every tenth would be a riddle."""
    if one.rules["reference"] or one.rules["shape"] == "line":
        return
    if namer.look.zoom < (15 if len(one.items) <= 40 else 17.2):
        return
    for item in one.items[:MOST]:
        if item.label and item.id != chosen:
            _beside(namer, item, one)


def _beside(namer: Namer, item: Item, one: Drawn, *, bold: bool = False) -> None:
    """Under the feature, else over it, right or left of it."""
    k = namer.look.k
    parts = _inside(namer.frame, item.shape)
    if not parts:
        return
    size = (2.6 if bold else 1.9) * k
    gap = size * 0.75 + namer.look.point_radius(one.rules) * (one.rules["shape"] == "point")
    west, north, east, south = shapely.total_bounds(parts)
    half = namer.ink.face(bold).width(item.label, size) / 2 + gap
    x, y = (west + east) / 2, (north + south) / 2
    for spot in ((x, south + gap), (x, north - gap), (east + half, y), (west - half, y)):
        if namer.put(spot, item.label, size, bold=bold, colour="#b00020" if bold else "#22313d"):
            return


def _inside(frame: Box, shape: Any) -> list[Any]:
    cut = shapely.clip_by_rect(shape, frame.x, frame.y, frame.right, frame.bottom)
    return [part for part in shapely.get_parts(cut) if not part.is_empty]


def _along(line: Any, at: float) -> tuple[tuple[float, float], float]:
    """The point at that share of the line, and the line's direction there: upright, anticlockwise, in radians."""
    a, b, spot = (shapely.line_interpolate_point(line, share, normalized=True) for share in (at - 0.04, at + 0.04, at))
    angle = math.atan2(a.y - b.y, b.x - a.x)
    if abs(angle) > math.pi / 2:
        angle -= math.copysign(math.pi, angle)
    return (spot.x, spot.y), angle
