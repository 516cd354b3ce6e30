"""What lies on a sheet: features of each layer within the frame, as shapes on the paper."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from gisapp import features, style
from gisapp.crs import STORED_SRID
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.printing.ground import Window
from gisapp.selection import Entry, Selection
from gisapp.words import Words

#: Of one layer on one sheet: more is a blot, and takes minutes.
MOST = 20_000


@dataclass(frozen=True)
class Item:
    """One feature: `value` decides its colour, `shape` is in mm on paper."""

    id: str
    value: str | None
    label: str
    synthetic: bool
    shape: Any


@dataclass
class Drawn:
    """A layer on the sheet; `left_out` when a ground layer is too dense, `specks` once areas were drawn as dots."""

    layer: Layer
    title: Words
    rules: dict[str, Any]
    items: list[Item] = field(default_factory=list)
    left_out: bool = False
    specks: bool = False

    @property
    def counts(self) -> Counter[str | None]:
        return Counter(item.value for item in self.items)

    def colour(self, value: str | None) -> str:
        return str(self.rules["colours"].get(value) or self.rules["colour"])


def found(house: House, actor: Actor, layer: Layer, query: Query) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Rows with id, the named columns and a geometry in degrees; a stand-in where the main one is missing.

    Problem `print_too_many` (422) beyond `MOST` rows.
    """
    wanted = [layer.name_field, layer.style.colour_by, "synthetic"]
    names = [one for one in dict.fromkeys(wanted) if one and one in features.visible_names(actor, layer)]
    rows: list[tuple[Any, ...]] = []
    for batch in features.stream(house, actor, layer.id, query, STORED_SRID, names, act="read"):
        for row in batch:
            shown = row.geometry or (row.second_geometry if layer.stand_in else None)
            if shown:
                rows.append((*row[:1 + len(names)], bytes(shown)))
        if len(rows) > MOST:
            raise Problem("print_too_many", layer=f"{layer.title.zh} / {layer.title.en}", limit=MOST)
    return rows, names


def bounds(row: tuple[Any, ...]) -> tuple[float, float, float, float]:
    """min lon, min lat, max lon, max lat of a row of `found`."""
    west, south, east, north = shapely.bounds(shapely.from_wkb(row[-1]))
    return float(west), float(south), float(east), float(north)


def drawn(house: House, actor: Actor, entry: Entry, selection: Selection, window: Window) -> Drawn:
    """The entry's features within the window. A ground layer that is too dense stays off the sheet."""
    layer = entry.layer
    made = Drawn(layer, entry.title, style.paint(layer, house.catalogue.codelists))
    try:
        rows, names = found(house, actor, layer, selection.query(entry, window.bounds()))
    except Problem as problem:
        if problem.code != "print_too_many" or not style.is_reference(layer):
            raise
        made.left_out = True
        return made
    if rows:
        shapes = window.shapes(np.asarray(shapely.from_wkb([row[-1] for row in rows]), dtype=object))
        frame = window.frame
        inside = shapely.intersects(shapes, shapely.box(frame.x, frame.y, frame.right, frame.bottom))
        made.items = [_item(layer, names, row, shape)
                      for row, shape, is_in in zip(rows, shapes, inside, strict=True) if is_in]
    return made


def _item(layer: Layer, names: list[str], row: tuple[Any, ...], shape: Any) -> Item:
    values = dict(zip(names, row[1:-1], strict=True))
    value = values.get(layer.style.colour_by or "")
    return Item(str(row[0]), None if value is None else str(value), str(values.get(layer.name_field) or ""),
                bool(values.get("synthetic")), shape)
