"""The first pages of an atlas: where each of its pages lies, by number, and what it is called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gisapp.printing import legend
from gisapp.printing.furniture import INK, NAVY
from gisapp.printing.ground import Window, fitting
from gisapp.printing.ink import Ink
from gisapp.printing.paper import Box, Layout
from gisapp.printing.words import say

#: Height of a line of the list, mm on A4.
LINE = 4.2
#: Narrowest column of a page that is all list, mm on A4.
COLUMN = 62.0


@dataclass(frozen=True)
class Entry:
    """A page of the atlas: the feature's name and the middle of its box, degrees in EPSG:4326."""

    name: str
    lon: float
    lat: float


def around(entries: Sequence[Entry], frame: Box) -> Window:
    """The window that shows the middles of all pages."""
    lons, lats = [one.lon for one in entries], [one.lat for one in entries]
    return fitting((min(lons), min(lats), max(lons), max(lats)), frame, at_least=1000, room=0.85)


def numbers(ink: Ink, window: Window, k: float, entries: Sequence[Entry], first: int) -> None:
    """Page numbers at their places on the map; `first` is the number of the first feature's page."""
    for n, spot in enumerate(window.spots([(one.lon, one.lat) for one in entries])):
        x, y = float(spot[0]), float(spot[1])
        wide = ink.bold.width(str(first + n), 2.3 * k) + 2 * k
        ink.dot(x, y, 0.5 * k, fill=NAVY)
        ink.box(Box(x + 0.7 * k, y - 3.6 * k, wide, 3.2 * k), fill="#ffffff", stroke=NAVY, width=0.15 * k, alpha=0.9)
        ink.text(x + 0.7 * k + wide / 2, y - 1.2 * k, str(first + n), 2.3 * k, bold=True, anchor=0.5, colour=NAVY)


def in_column(layout: Layout, entries: Sequence[Entry], first: int, language: str) -> list[legend.Row]:
    """The list as rows of the column beside the map; none when it would not fit there."""
    room = sum(math.floor(column.height * 0.85 / (LINE * layout.k)) for column in layout.columns)
    if len(entries) > room:
        return []
    rows = [legend.heading(say("index", language), say("pages", language)), *(
        _row(one.name, str(first + n)) for n, one in enumerate(entries))]
    return [*rows, legend.gap(1.5)]


def list_boxes(layout: Layout) -> list[Box]:
    """The columns of a page that is all list."""
    k, top = layout.k, layout.neat.y
    width = layout.width - 2 * layout.band.x
    many = max(1, math.floor(width / (COLUMN * k)))
    gap = 3 * k
    each = (width - gap * (many - 1)) / many
    return [Box(layout.band.x + n * (each + gap), top, each, layout.foot.y - top - 2 * k) for n in range(many)]


def list_page(ink: Ink, layout: Layout, entries: Sequence[Entry], first: int, language: str) -> None:
    """A page of names and page numbers."""
    rows = [legend.heading(say("index", language), say("pages", language)),
            *(_row(one.name, str(first + n)) for n, one in enumerate(entries))]
    legend.place(ink, list_boxes(layout), rows, layout.k, language)


def _row(name: str, number: str) -> legend.Row:
    def draw(ink: Ink, box: Box, size: float) -> None:
        shown = legend.wrapped(ink, name, 2.5 * size, box.width - 12 * size)
        y = box.y + box.height / 2 + 0.9 * size
        ink.text(box.x + size, y, shown[0] + ("…" if len(shown) > 1 else ""), 2.5 * size, colour=INK)
        ink.text(box.right - 2 * size, y, number, 2.5 * size, bold=True, anchor=1, colour=NAVY)
        ink.line(box.x, box.bottom, box.right, box.bottom, stroke="#dde5ec", width=0.1 * size)
    return legend.Row(LINE, draw)
