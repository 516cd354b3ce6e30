"""What stands around the map: title, neat line with grid, scale bar, north arrow, foot, the mark of demo data."""

from __future__ import annotations

import math

from gisapp.printing.ground import Window
from gisapp.printing.ink import Ink
from gisapp.printing.paper import Box, Layout
from gisapp.printing.words import say

NAVY, GOLD, INK, GREY, GRID, RED = "#12314b", "#f2b544", "#1d2b36", "#5d6b78", "#7d9bb3", "#c0271f"


def title(ink: Ink, layout: Layout, text: str, side: str, tag: str = "") -> None:
    """The band at the top: what the sheet is, its scale at the right, at the left a red tag when there is one."""
    band, k = layout.band, layout.k
    ink.box(band, fill=NAVY)
    ink.box(Box(band.x, band.bottom, band.width, 0.9 * k), fill=GOLD)
    size = 7.2 * k
    while ink.bold.width(text, size) > band.width - 70 * k and size > 3 * k:
        size *= 0.95
    ink.text(band.middle[0], band.middle[1] + size * 0.36, text, size, bold=True, colour="#ffffff", anchor=0.5)
    ink.text(band.right - 4 * k, band.middle[1] + 1.4 * k, side, 4 * k, bold=True, colour=GOLD, anchor=1)
    if tag:
        wide = ink.bold.width(tag, 3 * k) + 5 * k
        box = Box(band.x + 3 * k, band.y + 4 * k, wide, 6.2 * k)
        ink.box(box, fill=RED)
        ink.text(box.middle[0], box.middle[1] + 1.1 * k, tag, 3 * k, bold=True, anchor=0.5, colour="#ffffff")


def step(scale: int, k: float) -> int:
    """Metres between two lines of the grid: 1, 2 or 5 of a decade, at least 35 mm apart."""
    least = 35 * k * scale / 1000
    decade = 10 ** math.floor(math.log10(least))
    return int(next(n * decade for n in (1, 2, 5, 10) if n * decade >= least))


def grid(ink: Ink, window: Window, layout: Layout) -> None:
    """Lines of equal easting and northing with their kilometres, and the neat line."""
    frame, k = layout.frame, layout.k
    every = step(window.scale, k)
    west, north = window.metres(frame.x, frame.y)
    east, south = window.metres(frame.right, frame.bottom)
    digits = 0 if every >= 1000 else 1 if every >= 100 else 2
    for metres in range(math.ceil(west / every) * every, math.floor(east) + 1, every):
        x = frame.x + (metres - west) * window.mm
        ink.line(x, frame.y, x, frame.bottom, stroke=GRID, width=0.09 * k)
        for y in (frame.y - 1 * k, frame.bottom + 2.7 * k):
            ink.text(x, y, f"{metres / 1000:.{digits}f}", 2 * k, anchor=0.5, colour=GREY)
    for metres in range(math.ceil(south / every) * every, math.floor(north) + 1, every):
        y = frame.y + (north - metres) * window.mm
        ink.line(frame.x, y, frame.right, y, stroke=GRID, width=0.09 * k)
        for x in (frame.x - 1 * k, frame.right + 2.7 * k):
            ink.text(x, y, f"{metres / 1000:.{digits}f}", 2 * k, anchor=0.5, angle=90, colour=GREY)


def neat_line(ink: Ink, layout: Layout) -> None:
    ink.box(layout.frame, stroke=INK, width=0.25 * layout.k)
    ink.box(layout.neat, stroke=NAVY, width=0.8 * layout.k)


def north_box(layout: Layout) -> Box:
    """The corner of the map that the north arrow takes."""
    k, frame = layout.k, layout.frame
    return Box(frame.right - 13.5 * k, frame.y + 2 * k, 11.5 * k, 20 * k)


def north(ink: Ink, layout: Layout, language: str) -> None:
    """Grid north, in the upper right corner of the map."""
    k, box = layout.k, north_box(layout)
    x, y, tall, half = box.middle[0], box.y + 6.4 * k, 11.5 * k, 3.2 * k
    ink.box(box, fill="#ffffff", alpha=0.88, stroke="#c9d4de", width=0.15 * k)
    ink.text(x, y - 1.4 * k, say("north", language), 3.8 * k, bold=True, anchor=0.5, colour=NAVY)
    ink.rings([[(x, y), (x - half, y + tall), (x, y + tall * 0.75)]], fill=NAVY, stroke=NAVY, width=0.2 * k)
    ink.rings([[(x, y), (x + half, y + tall), (x, y + tall * 0.75)]], fill="#ffffff", stroke=NAVY, width=0.2 * k)


def scale_bar(ink: Ink, x: float, y: float, wide: float, scale: int, k: float) -> None:
    """Four segments, black and white, of a round number of metres, at most `wide` mm long."""
    most = wide * scale / 1000 / 4
    decade = 10 ** math.floor(math.log10(most))
    metres = max(n * decade for n in (1, 2, 2.5, 5) if n * decade <= most)
    part = metres * 1000 / scale
    for n in range(4):
        ink.box(Box(x + n * part, y, part, 1.6 * k), fill=INK if n % 2 == 0 else "#ffffff", stroke=INK, width=0.15 * k)
    for n in (0, 2, 4):
        unit = " m" if n == 4 else ""
        ink.text(x + n * part, y - 0.9 * k, f"{metres * n:g}{unit}", 2.1 * k, anchor=0 if n == 0 else 0.5)


def foot(ink: Ink, layout: Layout, left: str, right: str) -> None:
    box, k = layout.foot, layout.k
    ink.text(box.x, box.bottom - 0.8 * k, left, 2.3 * k, colour=GREY)
    ink.text(box.right, box.bottom - 0.8 * k, right, 2.3 * k, colour=GREY, anchor=1)


def synthetic(ink: Ink, layout: Layout, language: str) -> None:
    """Says across the map that this is demo data, faintly enough to read what lies under it."""
    frame = layout.frame
    text, size = say("synthetic", language), min(frame.width, frame.height) / 5.5
    while ink.bold.width(text, size) > min(frame.width, frame.height) * 0.95:
        size *= 0.9
    ink.text(frame.middle[0], frame.middle[1] + size * 0.36, text, size, bold=True, anchor=0.5, angle=24, colour=RED,
             alpha=0.07)
