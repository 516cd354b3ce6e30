"""The count grid: how many features lie in each of 64 x 64 cells of a tile, kept by the writes themselves.

Zooms 6 to 12 are kept; other zooms are read from the nearest of them. Filters by district, state and kind are
answered from a second grid that knows them, at every other zoom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gisapp.layers import Layer
from gisapp.sql.tiles import CELL, EXTENT, Address

KEPT = tuple(range(6, 13))
KEPT_BY_FACET = (6, 8, 10, 12)


#: (layer, code field that the second grid tells apart beside district and state).
WATCHED = "SELECT layer, kind_column FROM gisapp.watched_layers"


@dataclass(frozen=True)
class Facets:
    """Which codes are counted: of each column named, any of its values; all of them when empty."""

    equals: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def table(self) -> str:
        return "gisapp.tile_facets" if self._filtered else "gisapp.tile_counts"

    @property
    def kept(self) -> tuple[int, ...]:
        return KEPT_BY_FACET if self._filtered else KEPT

    @property
    def _filtered(self) -> bool:
        return any(column != "district_code" for column, _ in self.equals)

    def condition(self) -> tuple[str, dict[str, Any]]:
        """Text to follow a WHERE clause, with the values it binds."""
        return ("".join(f" AND {column} = ANY(%(facet_{column})s)" for column, _ in self.equals),
                {f"facet_{column}": list(values) for column, values in self.equals})


def facets_of(kind: str | None, equals: Sequence[tuple[str, Any]]) -> Facets | None:
    """The filter as the grid knows it, or None when it asks for something else; `kind` is the field kept as such."""
    columns = {"district_code": "district_code", "status": "status", kind: "kind"}
    if any(name not in columns for name, _ in equals) or len({name for name, _ in equals}) < len(equals):
        return None
    return Facets(tuple((columns[name], _codes(value)) for name, value in equals))


def _codes(value: Any) -> tuple[str, ...]:
    """The codes as the grid keeps them, none at all as an empty text."""
    return tuple("" if one is None else str(one) for one in (value if isinstance(value, tuple) else (value,)))


def _kept_for(z: int, facets: Facets) -> int:
    """The coarsest kept zoom that is at least as fine as zoom `z`, else the finest."""
    return next((zoom for zoom in facets.kept if zoom >= z), facets.kept[-1])


_COLUMN, _ROW = "(tile_x * 64 + (cell & 63))", "(tile_y * 64 + (cell >> 6))"


def cells(layer: Layer, facets: Facets, address: Address) -> tuple[str, dict[str, Any]]:
    """Query of the cells of a tile: `count`, and `g`, a square in tile units; 4 px wide, wider beyond zoom 12."""
    zoom = _kept_for(address.z, facets)
    finer, coarser = max(zoom - address.z, 0), max(address.z - zoom, 0)
    width = CELL << coarser
    first_x, first_y = (address.x << finer >> coarser), (address.y << finer >> coarser)
    last = (1 << finer) - 1
    where, values = facets.condition()
    a_side = EXTENT // width
    rows = f"""
        SELECT sum(n)::bigint AS count,
               ST_MakeEnvelope((cx + 1) * {width}, cy * {width}, cx * {width}, (cy + 1) * {width}) AS g
          FROM (SELECT ({_COLUMN} >> {finer}) - %(cells_x)s AS cx, ({_ROW} >> {finer}) - %(cells_y)s AS cy, n
                  FROM {facets.table}
                 WHERE layer = %(layer)s AND zoom = {zoom} AND tile_x BETWEEN %(tiles_x0)s AND %(tiles_x1)s
                   AND tile_y BETWEEN %(tiles_y0)s AND %(tiles_y1)s{where}) AS counted
         WHERE cx BETWEEN 0 AND {a_side - 1} AND cy BETWEEN 0 AND {a_side - 1}
         GROUP BY cx, cy HAVING sum(n) > 0
    """  # noqa: S608
    return rows, values | {
        "layer": layer.id, "cells_x": address.x * a_side, "cells_y": address.y * a_side,
        "tiles_x0": first_x, "tiles_x1": first_x + last, "tiles_y0": first_y, "tiles_y1": first_y + last}


def expected(layer: Layer, facets: Facets | None, address: Address) -> tuple[str, dict[str, Any]]:
    """Query of how many features lie in a tile, without looking at them: those that answer the filter, or all of
    the layer where the grid does not know it. A cell of the grid is a tile six zooms closer; beyond zoom 18 the
    answer is that of the tile around."""
    known = facets or Facets()
    beyond = max(address.z - KEPT[-1] - 6, 0)
    z, x, y = address.z - beyond, address.x >> beyond, address.y >> beyond
    zoom = _kept_for(max(z - 6, KEPT[0]), known)
    span = zoom + 6 - z
    within, values = _cells_within(x << span, y << span, (1 << span) - 1)
    where, codes = known.condition()
    return f"""
        SELECT coalesce(sum(n), 0)::bigint FROM {known.table}
         WHERE layer = %(layer)s AND zoom = {zoom} AND {within}{where}
    """, values | codes | {"layer": layer.id}  # noqa: S608


def _cells_within(x: int, y: int, last: int) -> tuple[str, dict[str, Any]]:
    """Condition on the cells from (x, y) to (x + last, y + last), counted over the whole grid."""
    if last == 0:
        return ("tile_x = %(tile_x)s AND tile_y = %(tile_y)s AND cell = %(cell)s",
                {"tile_x": x >> 6, "tile_y": y >> 6, "cell": (x & 63) + 64 * (y & 63)})
    return ("tile_x BETWEEN %(tiles_x0)s AND %(tiles_x1)s AND tile_y BETWEEN %(tiles_y0)s AND %(tiles_y1)s"
            f" AND {_COLUMN} BETWEEN %(column0)s AND %(column1)s AND {_ROW} BETWEEN %(row0)s AND %(row1)s",
            {"column0": x, "column1": x + last, "row0": y, "row1": y + last, "tiles_x0": x >> 6,
             "tiles_x1": (x + last) >> 6, "tiles_y0": y >> 6, "tiles_y1": (y + last) >> 6})


def busiest(layer: Layer, facets: Facets, below_zoom: int) -> tuple[str, dict[str, Any]]:
    """Query of the most features that any tile holds, for each zoom below `below_zoom`: (zoom, count)."""
    zooms = list(range(min(below_zoom, KEPT[-1] + 7)))
    kept = [_kept_for(max(z - 6, KEPT[0]), facets) for z in zooms]
    where, values = facets.condition()
    return f"""
        SELECT z, max(n)::bigint FROM (
            SELECT z, sum(n) AS n
              FROM unnest(%(zooms)s::integer[], %(kept)s::integer[]) AS asked (z, source)
              JOIN {facets.table} ON layer = %(layer)s AND zoom = source{where}
             GROUP BY z, {_COLUMN} >> (source + 6 - z), {_ROW} >> (source + 6 - z)) AS tiles
         GROUP BY z
    """, values | {"layer": layer.id, "zooms": zooms, "kept": kept}  # noqa: S608
