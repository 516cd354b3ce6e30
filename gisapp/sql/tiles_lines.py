"""The sentences behind a tile of lines, drawn from the short pieces that schema `tiles` keeps of each.

A route crosses hundreds of tiles: finding its pieces near a tile by their index costs a tenth of clipping it whole.
"""

from __future__ import annotations

from typing import Any

from gisapp.sql.tiles import EDGED, SHIFTED, Address, Picture, carried, mvt, names, no_values, values
from gisapp.tables import quoted

#: An outline may be off by half a pixel.
THIN_UNITS = 8
#: A long piece is cut off where it is more than a tile away.
_FAR = "ST_MakeEnvelope(%(fx0)s, %(fy0)s, %(fx1)s, %(fy1)s, 3857)"
_CUT = f"CASE WHEN piece @ {_FAR} THEN piece ELSE ST_ClipByBox2D(piece, {_FAR}::box2d) END"
#: One shape of many pieces: cutting may have left none, or several, of one.
_DRAWN = SHIFTED.format(shape=f"ST_Simplify(ST_CollectionExtract(_pieces, 2), {THIN_UNITS} / %(scale)s, true)")


def _near(picture: Picture) -> str:
    """The lines that pass near the tile and answer the filter, `_pieces` being those there. A slanting line that only
    its box brings near is cut to nothing and left out: a feature without geometry spoils the whole tile."""
    return (f"(SELECT id, ST_Collect({_CUT}) AS _pieces FROM tiles.{quoted(picture.layer.id)}"  # noqa: S608
            f" WHERE piece && {EDGED} GROUP BY id HAVING NOT ST_IsEmpty(ST_Collect({_CUT}))) AS near"
            f" JOIN {picture.table} USING (id) WHERE true{picture.where}")


def lines(picture: Picture, address: Address, *, labelled: bool) -> tuple[str, dict[str, Any]]:
    """A tile of all lines there."""
    rows = f"SELECT {carried(picture, labelled)}{_DRAWN} AS g FROM {_near(picture)}"  # noqa: S608
    return mvt(rows), _values(picture, address)


def longest(picture: Picture, address: Address, most: int, counts: str,
            counted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A tile of the `most` longest lines over cells with the `count` of all lines that pass them. `counts` is
    the query of those cells and `counted` what it binds."""
    rows = f"""
        SELECT count{no_values(picture)}, g FROM ({counts}) AS cells
        UNION ALL
        SELECT NULL{names(picture)}, {_DRAWN}
          FROM (SELECT {carried(picture, labelled=False)}_pieces FROM {_near(picture)}
                 ORDER BY geom_length_m DESC, id LIMIT %(most)s) AS longest
    """  # noqa: S608
    return mvt(rows), _values(picture, address, most=most) | counted


def _values(picture: Picture, address: Address, **more: Any) -> dict[str, Any]:
    far = address.box(1.0)
    return values(picture, address, fx0=far[0], fy0=far[1], fx1=far[2], fy1=far[3], **more)
