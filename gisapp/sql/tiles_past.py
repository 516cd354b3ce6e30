"""The sentences behind a vector tile of a past moment, drawn from a layer's history table."""

from __future__ import annotations

from typing import Any

from gisapp.sql.tiles import CELL, CLIPPED, EXTENT, SQUARE, WIDE, Address, Picture, carried, mvt, values
from gisapp.tables import LAYERS, quoted


def _history(picture: Picture) -> str:
    return f"{LAYERS}.{quoted(picture.layer.id + '_history')}"


def _then(picture: Picture) -> str:
    """Features of the history table in the tile, moved to EPSG:3857 on the way: the past has no stored picture."""
    shown = f"COALESCE(geom, {quoted(picture.layer.stand_in.id)})" if picture.layer.stand_in else "geom"
    box = f"ST_Transform({WIDE}, 4326)"
    where = f"geom && {box}" + (
        f" OR geom IS NULL AND {quoted(picture.layer.stand_in.id)} && {box}" if picture.layer.stand_in else "")
    return (f"(SELECT *, ST_Transform({shown}, 3857) AS geom_3857 FROM {_history(picture)}"  # noqa: S608
            f" WHERE ({where}){picture.where})")


def count(picture: Picture, address: Address, most: int) -> tuple[str, dict[str, Any]]:
    """How many features of the past lie in the tile, counted up to `most`."""
    return (f"SELECT count(*) FROM (SELECT FROM {_then(picture)} AS past LIMIT %(most)s) AS q",  # noqa: S608
            values(picture, address, most=most))


def features(picture: Picture, address: Address) -> tuple[str, dict[str, Any]]:
    """A tile of all features that were there at the moment of the picture's filter."""
    rows = (f"SELECT {carried(picture, labelled=True)}{CLIPPED.format(shape='geom_3857')} AS g"  # noqa: S608
            f" FROM {_then(picture)} AS past")
    return mvt(rows), values(picture, address)


def cells(picture: Picture, address: Address) -> tuple[str, dict[str, Any]]:
    """The same as cells of 4 px with their `count`, where features would be confetti."""
    rows = f"""
        SELECT count(*) AS count, {SQUARE.format(w=CELL)} AS g FROM (
            SELECT floor(((ST_XMin(b) + ST_XMax(b)) / 2 - %(x0)s) * %(scale)s / {CELL})::integer AS _cx,
                   floor((%(y1)s - (ST_YMin(b) + ST_YMax(b)) / 2) * %(scale)s / {CELL})::integer AS _cy
              FROM (SELECT geom_3857::box2d::box3d AS b FROM {_then(picture)} AS past OFFSET 0) AS boxes) AS placed
         WHERE _cx BETWEEN 0 AND {EXTENT // CELL - 1} AND _cy BETWEEN 0 AND {EXTENT // CELL - 1} GROUP BY _cx, _cy
    """  # noqa: S608
    return mvt(rows), values(picture, address)
