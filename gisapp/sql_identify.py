"""The sentence behind a click on the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gisapp.layers import Layer
from gisapp.tables import LAYERS, quoted

_POINT = "ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 3857)"


def nearest(asked: Sequence[tuple[Layer, str | None]], x: float, y: float, reach: float,
            most: int) -> tuple[str, dict[str, Any]]:
    """The features of each layer within `reach` of a place (all three in metres of EPSG:3857), the `most`
    nearest of each: (layer, id, title, status, dimension, distance, area). A layer comes with its title's column."""
    # Nearest first and then the reach: asked the other way round, the planner measures everything within it.
    parts = [f"""
        (SELECT %(layer{n})s AS layer, id, {f"{quoted(title)}::text" if title else "NULL"} AS title,
                {"status" if layer.states else "NULL::text AS status"}, ST_Dimension(geom_3857) AS dimension,
                _distance AS distance, ST_Area(geom_3857) AS area
           FROM (SELECT *, geom_3857 <-> {_POINT} AS _distance FROM {LAYERS}.{quoted(layer.id)}
                  ORDER BY geom_3857 <-> {_POINT} LIMIT %(most)s) AS near
          WHERE _distance <= %(reach)s)
    """ for n, (layer, title) in enumerate(asked)]  # noqa: S608
    names = {f"layer{n}": layer.id for n, (layer, _) in enumerate(asked)}
    return " UNION ALL ".join(parts), {"x": x, "y": y, "reach": reach, "most": most, **names}
