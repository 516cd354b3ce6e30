"""Features drawn on the paper as static/js/symbols.js draws them on the screen: same passes, widths and colours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import shapely

from gisapp.printing.content import Drawn, Item
from gisapp.printing.ground import Window
from gisapp.printing.ink import Ink

#: A px of the screen in mm; print is looked at from nearer, so symbols are a little smaller than that.
PX = 0.2646 * 0.85
#: An area of a mission that is smaller than this many mm is drawn as a dot of that size, or nobody would find it.
SPECK = 1.5
_CHOSEN = "#e60026"
#: Scale of zoom 0 on a screen of 96 dpi at the equator.
_ZOOM_0 = 559_082_264


@dataclass(frozen=True)
class Look:
    """What decides the size of a symbol: the screen's zoom of the same scale, the size `k` of the paper."""

    ink: Ink
    zoom: float
    k: float

    @classmethod
    def of(cls, ink: Ink, window: Window, k: float) -> Look:
        return cls(ink, math.log2(_ZOOM_0 * math.cos(math.radians(window.lat)) / window.scale), k)

    def point_radius(self, rules: dict[str, Any]) -> float:
        """In mm."""
        share = min(max(0.4 + (self.zoom - 12) * 0.15, 0.4), 1.0)
        return max(float(rules["radius"]), 4) * share * PX * self.k

    def line_width(self, rules: dict[str, Any], value: str | None) -> float:
        """In mm."""
        if not rules["reference"]:
            return float(rules["width"]) * min(max(0.55 + (self.zoom - 11) * 0.09, 0.5), 1.2) * PX * self.k
        ground = float(rules["width"]) * float(rules["ranks"].get(value, 1)) * 1.55 ** (self.zoom - 15.5)
        return float(min(max(ground, 0.5), 16)) * PX * self.k


def draw(ink: Ink, layers: list[Drawn], window: Window, k: float, chosen: str | None = None) -> None:
    """All layers pass by pass; the chosen feature last with a ring of its own."""
    look = Look.of(ink, window, k)
    for paint in (_ground, _ground_lines, _tints, _outlines, _routes, _areas, _points):
        for one in layers:
            paint(look, one)
    for one in layers:
        for item in one.items:
            if item.id == chosen:
                _ring(ink, item, k)


def _is(one: Drawn, shape: str, *, reference: bool) -> bool:
    return one.rules["shape"] == shape and one.rules["reference"] is reference


def _ground(look: Look, one: Drawn) -> None:
    if not _is(one, "area", reference=True) or one.rules["opacity"] < 0.5:
        return
    edge = one.rules["stroke"] if look.zoom >= 16 else None
    for item in one.items:
        _fill(look, one, item, stroke=edge, width=0.5 * one.rules["width"])


def _fill(look: Look, one: Drawn, item: Item, *, stroke: str | None, width: float) -> None:
    for rings in _polygons(item.shape):
        look.ink.rings(rings, fill=one.colour(item.value), alpha=one.rules["opacity"], stroke=stroke,
                       width=width * PX * look.k)


def _ground_lines(look: Look, one: Drawn) -> None:
    if not _is(one, "line", reference=True):
        return
    ranks = one.rules["ranks"]
    ordered = sorted(one.items, key=lambda item: float(ranks.get(item.value, 0)))
    for item in ordered:
        width = look.line_width(one.rules, item.value)
        if width > 0.3 * look.k:
            _line(look, item, one.rules["stroke"], width + 0.28 * look.k)
    for item in ordered:
        _line(look, item, one.colour(item.value), look.line_width(one.rules, item.value), one.rules["dash"])


def _line(look: Look, item: Item, stroke: str, width: float, dash: list[float] | None = None) -> None:
    for part in shapely.get_parts(item.shape):
        if part.geom_type == "LineString":
            look.ink.rings([part.coords], stroke=stroke, closed=False, width=width,
                           dash=[step * PX * look.k for step in dash or ()])


def _tints(look: Look, one: Drawn) -> None:
    """Not a flat tint, which would colour a whole town: slanted strokes, or a band along the inner edge."""
    if not _is(one, "area", reference=True) or not 0.1 <= one.rules["opacity"] < 0.5:
        return
    for item in one.items:
        for rings in _polygons(item.shape):
            if one.rules["dash"]:
                look.ink.hatch(rings, stroke=one.colour(item.value), width=0.13 * look.k, step=2.4 * look.k,
                               alpha=0.55)
            else:
                look.ink.band(rings, stroke=one.colour(item.value), width=3.2 * look.k, alpha=0.3)


def _outlines(look: Look, one: Drawn) -> None:
    if not _is(one, "area", reference=True) or one.rules["opacity"] >= 0.5:
        return
    share = min(max(0.45 + (look.zoom - 12) * 0.14, 0.35), 1)
    for item in one.items:
        for rings in _polygons(item.shape):
            look.ink.rings(rings, stroke=one.colour(item.value) if one.rules["by"] else one.rules["stroke"],
                           width=one.rules["width"] * share * PX * look.k,
                           dash=[step * PX * look.k for step in one.rules["dash"]])


def _routes(look: Look, one: Drawn) -> None:
    if not _is(one, "line", reference=False):
        return
    for item in one.items:
        _line(look, item, one.rules["stroke"], look.line_width(one.rules, item.value) + 0.28 * look.k)
    for item in one.items:
        _line(look, item, one.colour(item.value), look.line_width(one.rules, item.value), one.rules["dash"])


def _areas(look: Look, one: Drawn) -> None:
    if not _is(one, "area", reference=False):
        return
    specks: list[tuple[float, float, str]] = []
    for item in one.items:
        west, north, east, south = shapely.bounds(item.shape)
        if max(east - west, south - north) < SPECK * look.k:
            specks.append(((west + east) / 2, (north + south) / 2, one.colour(item.value)))
            continue
        # A white outline vanishes on paper; one of the same hue keeps neighbours apart.
        _fill(look, one, item, stroke=_darker(one.colour(item.value)), width=0.6 * one.rules["width"])
        _dots(look, one, item, "#ffffff")
    one.specks = bool(specks)
    for x, y, colour in specks:
        look.ink.dot(x, y, SPECK * 0.5 * look.k, fill=colour, stroke=_darker(colour), width=0.12 * look.k)


def _points(look: Look, one: Drawn) -> None:
    if one.rules["shape"] == "point":
        for item in one.items:
            _dots(look, one, item, one.rules["stroke"])


def _dots(look: Look, one: Drawn, item: Item, rim: str) -> None:
    radius = look.point_radius(one.rules)
    for part in shapely.get_parts(item.shape):
        if part.geom_type == "Point":
            if look.zoom >= 13.5:
                look.ink.dot(part.x, part.y, radius + 0.25 * look.k, fill=rim)
            look.ink.dot(part.x, part.y, radius, fill=one.colour(item.value))


def _polygons(shape: Any) -> list[list[Any]]:
    return [[ring.coords for ring in (part.exterior, *part.interiors)]
            for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def _darker(colour: str) -> str:
    red, green, blue = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return f"#{red * 6 // 10:02x}{green * 6 // 10:02x}{blue * 6 // 10:02x}"


def _ring(ink: Ink, item: Item, k: float) -> None:
    for part in shapely.get_parts(item.shape):
        if part.geom_type == "Polygon":
            ink.rings([part.exterior.coords], stroke=_CHOSEN, width=0.7 * k)
        elif part.geom_type == "LineString":
            ink.rings([part.coords], stroke=_CHOSEN, width=1.1 * k, closed=False)
        else:
            ink.dot(part.x, part.y, 2.6 * k, fill=None, stroke=_CHOSEN, width=0.7 * k)
