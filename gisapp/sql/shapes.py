"""What stands for a feature's geometry, and what its index can say of a box. Names and values only, no statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, func

from gisapp.layers import Layer
from gisapp.tables import MAX_LATITUDE, SRID

#: A box is widened by this much, in metres of Web Mercator, to ask the index; the exact test follows.
_INDEX_MARGIN = 0.05

__all__ = ["SRID", "in_drawn_box", "shown"]


def shown(layer: Layer, table: FromClause) -> ColumnElement[Any]:
    """The geometry that stands for the feature: the main one, else the one standing in."""
    return func.coalesce(table.c.geom, table.c[layer.stand_in.id]) if layer.stand_in else table.c.geom


def in_drawn_box(table: FromClause, box: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the drawn geometry's bounds meet those of a box in EPSG:4326: what the index answers."""
    whole_map = func.ST_MakeEnvelope(-180, -MAX_LATITUDE, 180, MAX_LATITUDE, SRID)
    drawn = func.ST_Expand(func.ST_Transform(func.ST_Intersection(box, whole_map), 3857), _INDEX_MARGIN)
    return table.c.geom_3857.bool_op("&&")(drawn)
