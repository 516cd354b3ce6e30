"""What a sheet is asked to show, from the arguments of a request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gisapp.house import House
from gisapp.params import invalid
from gisapp.permissions import Actor
from gisapp.printing.paper import ORIENTATIONS, PAPERS, SCALES
from gisapp.selection import Entry, Selection, read_selection

#: What a sheet takes besides its selection.
OWN = ("lon", "lat", "scale", "paper", "orientation", "title", "dpi", "atlas", "in_view")
DPIS = (72, 96, 150, 200, 300)
#: Characters of a title; more do not fit across an upright A4.
LONGEST_TITLE = 80


@dataclass(frozen=True)
class Order:
    """A sheet of `selection`. Without `at` (lon, lat) it shows the view, without a view all that was found; without
    `scale` the largest scale that shows all of it. `atlas` asks for a page for each feature of that layer, of those
    within the view when `in_view` is set."""

    selection: Selection
    at: tuple[float, float] | None
    scale: int | None
    paper: str
    orientation: str
    title: str
    dpi: int
    atlas: Entry | None
    in_view: bool


def read_order(house: House, actor: Actor, args: Mapping[str, Sequence[str]]) -> Order:
    """The order of a request. Problems: those of `read_selection`, `parameter_invalid` (400)."""
    one = {name: given[0] for name, given in args.items() if name in OWN and given and given[0]}
    selection = read_selection(house, actor, {name: given for name, given in args.items() if name not in OWN})
    return Order(selection, _at(one), int(_choice(one, "scale", [str(n) for n in SCALES])) if "scale" in one else None,
                 _choice(one, "paper", list(PAPERS), "A4"), _choice(one, "orientation", ORIENTATIONS, "landscape"),
                 _title(one), int(_choice(one, "dpi", [str(n) for n in DPIS], "150")),
                 _atlas(selection, one), one.get("in_view") == "1")


def _atlas(selection: Selection, one: Mapping[str, str]) -> Entry | None:
    if "atlas" not in one:
        return None
    known = {entry.id: entry for entry in selection.missions}
    return known[_choice(one, "atlas", list(known))]


def _choice(one: Mapping[str, str], name: str, known: Sequence[str], default: str = "") -> str:
    value = one.get(name, default)
    if value not in known:
        raise invalid(name, "可用：" + "、".join(known), "one of: " + ", ".join(known))
    return value


def _title(one: Mapping[str, str]) -> str:
    title = "".join(letter for letter in one.get("title", "") if letter.isprintable()).strip()
    if len(title) > LONGEST_TITLE:
        raise invalid("title", f"最多 {LONGEST_TITLE} 个字符", f"at most {LONGEST_TITLE} characters")
    return title


def _at(one: Mapping[str, str]) -> tuple[float, float] | None:
    if "lon" not in one and "lat" not in one:
        return None
    try:
        lon, lat = float(one.get("lon", "")), float(one.get("lat", ""))
    except ValueError:
        lon = lat = math.nan
    if not (abs(lon) <= 180 and abs(lat) <= 85):
        raise invalid("lon", "lon、lat 应为经纬度", "lon and lat want degrees")
    return lon, lat
