"""Which tiles a reader asks for: looks around three places, from the busiest to an ordinary one, at each zoom."""

from __future__ import annotations

from typing import Any

from benchmarks.ground import WANTED, Ground
from gisapp.sql.tiles import Address

#: What the map needs to draw; ours brings id and name too where a tile is not crowded.
STYLE = {"illegal_builds": ("status",), "rooftop_signs": ("status",), "truck_routes": ("status",)}
PATH = "/collections/{layer}/tiles/WebMercatorQuad/{a.z}/{a.y}/{a.x}"

Asked = tuple[str, Address]


def places(ground: Ground, layer: str) -> list[Address]:
    """Tiles of zoom 18, the fullest in each of three tiles of zoom 14: the fullest of all, the one that half of the
    features lie in fuller ones than, and the one that nine tenths do."""
    rows = ground.rows("""
        SELECT tile_x * 64 + (cell & 63), tile_y * 64 + (cell >> 6), sum(n) FROM gisapp.tile_counts
         WHERE layer = %s AND zoom = 8 GROUP BY 1, 2 ORDER BY 3 DESC""", [layer])
    picked = [_where(rows, share) for share in (0, 0.5, 0.9)]
    found = []
    for x, y, _ in picked:
        [(fx, fy, _)] = ground.rows("""
            SELECT tile_x * 64 + (cell & 63), tile_y * 64 + (cell >> 6), sum(n) FROM gisapp.tile_counts
             WHERE layer = %s AND zoom = 12 AND tile_x BETWEEN %s AND %s AND tile_y BETWEEN %s AND %s
               AND (tile_x * 64 + (cell & 63)) >> 4 = %s AND (tile_y * 64 + (cell >> 6)) >> 4 = %s
             GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 1""", [layer, x >> 2, x >> 2, y >> 2, y >> 2, x, y])
        found.append(Address(18, fx, fy))
    return found


def _where(rows: list[Any], share: float) -> Any:
    left = sum(row[2] for row in rows) * share
    for row in rows:
        left -= row[2]
        if left <= 0:
            return row
    return rows[-1]


def looks(ground: Ground, first: int, last: int, layers: tuple[str, ...] = tuple(WANTED)) -> list[Asked]:
    """Three by three tiles around each place at each zoom, every tile once."""
    asked: dict[Asked, None] = {}
    for layer in layers:
        for place in places(ground, layer):
            for z in range(first, last + 1):
                x, y = place.x >> (18 - z), place.y >> (18 - z)
                asked |= {(layer, Address(z, x + dx, y + dy)): None for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    return list(asked)


def overview(ground: Ground, layers: tuple[str, ...] = ("illegal_builds",)) -> list[Asked]:
    """Every tile of the zooms 6 to 12 that holds something."""
    return [(layer, Address(z, x, y)) for layer in layers for z in range(6, 13) for x, y in ground.rows(
        "SELECT DISTINCT tile_x, tile_y FROM gisapp.tile_counts WHERE layer = %s AND zoom = %s", [layer, z])]


def busiest(ground: Ground, layer: str, z: int, most: int) -> list[Asked]:
    """The fullest tiles of a zoom from 12 to 18."""
    return [(layer, Address(z, x, y)) for x, y, _ in ground.rows("""
        SELECT tile_x * 64 + (cell & 63), tile_y * 64 + (cell >> 6), sum(n) FROM gisapp.tile_counts
         WHERE layer = %s AND zoom = %s GROUP BY 1, 2 ORDER BY 3 DESC LIMIT %s""", [layer, z - 6, most])]


def ours(asked: Asked) -> str:
    return PATH.format(layer=asked[0], a=asked[1])


def tipgs(asked: Asked, *, every: bool = False) -> str:
    """tipg's address of the same tile with the same attributes, from the geometry column it takes by itself."""
    layer, a = asked
    some = "" if every else "?properties=" + ",".join(STYLE[layer])
    return f"/collections/layers.{layer}/tiles/WebMercatorQuad/{a.z}/{a.x}/{a.y}{some}"


def mapservers(asked: Asked) -> str:
    layer, a = asked
    return f"/mapserv?mode=tile&tilemode=gmap&layers={layer}&tile={a.x}+{a.y}+{a.z}&map.imagetype=mvt"
