"""The sentences behind a tile of points or areas so full that nobody could tell them all apart."""

from __future__ import annotations

from typing import Any

from gisapp.sql.tiles import (
    CELL,
    EXTENT,
    SQUARE,
    Address,
    Picture,
    carried,
    drawn,
    mvt,
    names,
    no_values,
    there,
    values,
)
from gisapp.tables import LAYERS


def largest(picture: Picture, address: Address, most: int, least_area_m2: float, counts: str,
            counted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A tile of at most `most` areas, none smaller than `least_area_m2`, over cells with the `count` of all.
    `counts` is the query of those cells and `counted` what it binds."""
    rows = f"""
        SELECT count{no_values(picture)}, g FROM ({counts}) AS cells
        UNION ALL
        (SELECT NULL{names(picture)}, {drawn(picture, address.z)}
           FROM (SELECT {carried(picture, labelled=False)}geom_3857 FROM {picture.table}
                  WHERE {there(picture)} AND coalesce(geom_area_m2 >= %(least_area)s, true){picture.where}
                  LIMIT %(most)s) AS large)
    """  # noqa: S608
    return mvt(rows), values(picture, address, most=most, least_area=least_area_m2) | counted


#: The area that a share of a layer's features stays under, as the planner's statistics have it; NULL without any.
AREA_QUANTILE = f"""
SELECT (bounds)[1 + floor(%(share)s * (array_length(bounds, 1) - 1))::integer]
  FROM (SELECT histogram_bounds::text::double precision[] AS bounds FROM pg_stats
         WHERE schemaname = '{LAYERS}' AND tablename = %(layer)s AND attname = 'geom_area_m2') AS known
"""  # noqa: S608


#: Added to the number of a cell for the features in it that are wider than it.
_LARGE = 1 << 14


def _place(metres: str) -> str:
    """Column or row of a cell, 1 to 64; 0 and 65 stand for all that lies beyond the edges."""
    return f"(least(greatest(floor(({metres}) * %(scale)s / {CELL}), -1), {EXTENT // CELL}) + 1)::integer"


def mixed(picture: Picture, address: Address, most: int) -> tuple[str, dict[str, Any]]:
    """A tile of at most `most` features, the large ones and those with room around them; where they crowd,
    cells of 4 px with the `count` of the features that are not drawn."""
    rows = f"""
        WITH boxes AS NOT MATERIALIZED (
            SELECT {carried(picture, labelled=False)}geom_3857, geom_3857::box2d::box3d AS _box
              FROM {picture.table} WHERE {there(picture)}{picture.where} OFFSET 0
        ), placed AS NOT MATERIALIZED (
            SELECT *, {_place("(ST_XMin(_box) + ST_XMax(_box)) / 2 - %(x0)s")}
                      + 128 * {_place("%(y1)s - (ST_YMin(_box) + ST_YMax(_box)) / 2")}
                      + CASE WHEN greatest(ST_XMax(_box) - ST_XMin(_box), ST_YMax(_box) - ST_YMin(_box))
                                  * %(scale)s >= {CELL} THEN {_LARGE} ELSE 0 END AS _key
              FROM boxes
        ), cells AS MATERIALIZED (
            SELECT _key, count(*) AS _n,
                   sum(count(*)) OVER (ORDER BY _key >= {_LARGE} DESC, count(*), _key) <= %(most)s AS _open
              FROM placed GROUP BY _key
        ), closed AS (
            SELECT (_key & 127) - 1 AS _cx, (_key >> 7 & 127) - 1 AS _cy, _n FROM cells WHERE NOT _open
        )
        SELECT sum(_n)::bigint AS count{no_values(picture)}, {SQUARE.format(w=CELL)} AS g FROM closed
         WHERE _cx BETWEEN 0 AND {EXTENT // CELL - 1} AND _cy BETWEEN 0 AND {EXTENT // CELL - 1}
         GROUP BY _cx, _cy
        UNION ALL
        SELECT NULL{names(picture)}, {drawn(picture, address.z)}
          FROM placed WHERE (_key IN (SELECT _key FROM cells WHERE _open)) IS TRUE
    """  # noqa: S608
    return mvt(rows), values(picture, address, most=most)
