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
    parts = [f"""
        (SELECT %(layer{n})s AS layer, id, {f"{quoted(title)}::text" if title else "NULL"} AS title,
                {"status" if layer.states else "NULL::text AS status"}, ST_Dimension(geom_3857) AS dimension,
                ST_Distance(geom_3857, {_POINT}) AS distance, ST_Area(geom_3857) AS area
           FROM {LAYERS}.{quoted(layer.id)}
          WHERE ST_DWithin(geom_3857, {_POINT}, %(reach)s) ORDER BY geom_3857 <-> {_POINT} LIMIT %(most)s)
    """ for n, (layer, title) in enumerate(asked)]  # noqa: S608
    names = {f"layer{n}": layer.id for n, (layer, _) in enumerate(asked)}
    return " UNION ALL ".join(parts), {"x": x, "y": y, "reach": reach, "most": most, **names}
