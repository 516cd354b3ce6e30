"""The sentence behind a click on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause

from gisapp.layers import Layer
from gisapp.sql.statements import Condition
from gisapp.sql.tiles import filter_text
from gisapp.tables import LAYERS, quoted, shown_geometry

_POINT = "ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 3857)"


@dataclass(frozen=True)
class Asked:
    """A layer, the column of its titles, its table, and conditions with the values that they bind; `past` when
    these are about the history table."""

    layer: Layer
    title: str | None
    table: FromClause
    conditions: Sequence[Condition] = ()
    past: bool = False

    def where(self, number: int) -> tuple[str, dict[str, Any]]:
        """The conditions as text, their values named apart from those of the other layers."""
        text, values = filter_text(self.table, self.conditions)
        named = {name: f"n{number}_{name}" for name in values}
        for name, other in named.items():
            text = text.replace(f"%({name})s", f"%({other})s")
        return text, {named[name]: value for name, value in values.items()}


def nearest(asked: Sequence[Asked], x: float, y: float, reach: float,
            most: int) -> tuple[str, dict[str, Any]]:
    """The features of each layer within `reach` of a place (all three in metres of EPSG:3857), the `most`
    nearest of each: (layer, id, title, status, dimension, distance, area)."""
    parts = []
    values: dict[str, Any] = {"x": x, "y": y, "reach": reach, "most": most}
    for number, one in enumerate(asked):
        where, own = one.where(number)
        parts.append(_part(one, number, where))
        values |= own | {f"layer{number}": one.layer.id}
    return " UNION ALL ".join(parts), values


def _part(one: Asked, number: int, where: str) -> str:
    # Nearest first and then the reach: asked the other way round, the planner measures everything within it. Of
    # few that a filter leaves it would measure the whole layer, so that there the reach is asked first.
    title = f"{quoted(one.title)}::text" if one.title else "NULL"
    within = f"WHERE geom_3857 && ST_Expand({_POINT}, %(reach)s){where}" if where and not one.past else ""
    table = _then(one.layer, where) if one.past else f"{LAYERS}.{quoted(one.layer.id)}"
    return f"""
        (SELECT %(layer{number})s AS layer, id, {title} AS title,
                {"status" if one.layer.states else "NULL::text AS status"}, ST_Dimension(geom_3857) AS dimension,
                _distance AS distance, ST_Area(geom_3857) AS area
           FROM (SELECT *, geom_3857 <-> {_POINT} AS _distance FROM {table} {within}
                  ORDER BY geom_3857 <-> {_POINT} LIMIT %(most)s) AS near
          WHERE _distance <= %(reach)s)
    """  # noqa: S608


def _then(layer: Layer, where: str) -> str:
    """The versions around the place that the conditions let through: history keeps no EPSG:3857 of its own."""
    box = f"ST_Transform(ST_Expand({_POINT}, %(reach)s), 4326)"
    near = [f"{quoted(name)} && {box}" for name in ("geom", *([layer.stand_in.id] if layer.stand_in else []))]
    return (f"(SELECT *, ST_Transform({shown_geometry(layer)}, 3857) AS geom_3857"  # noqa: S608
            f" FROM {LAYERS}.{quoted(layer.id + '_history')} WHERE ({' OR '.join(near)}){where}) AS past")
