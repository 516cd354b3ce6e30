"""A feature as GeoJSON text, written by the database itself: one sentence a layer, made once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from gisapp.crs import Crs
from gisapp.layers import Layer
from gisapp.tables import SRID, quoted

#: A function of PostgreSQL takes at most 100 arguments. Fields are asked in groups: most of a sparse register is
#: empty, and an empty group is a constant.
_GROUP = 6
_MOST_KEPT = 200


def feature_text(layer: Layer, table: Table, names: Sequence[str], crs: Crs) -> str:
    """SQL for the GeoJSON text of a feature of `table`, with the properties `names`; columns are written with the
    table's whole name."""
    kept: dict[Any, str] = table.info.setdefault("feature_texts", {})
    key = (tuple(names), crs)
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = _written(layer, str(table), list(names), crs)
    return kept[key]


def shape_text(column: str, crs: Crs) -> str:
    """SQL for a geometry as GeoJSON text in the axis order of the system's authority, to 1e-7 degree or 0.1 mm."""
    shape = column if crs.database_srid == SRID else f"ST_Transform({column}, {crs.srid})"
    if crs.axis_swapped:
        shape = f"ST_FlipCoordinates({shape})"
    return f"ST_AsGeoJSON({shape}, {4 if crs.projected or crs.srid == 3857 else 7})"


def _written(layer: Layer, table: str, names: list[str], crs: Crs) -> str:
    shown = f"COALESCE({table}.geom, {table}.{quoted(layer.stand_in.id)})" if layer.stand_in else f"{table}.geom"
    groups = [_group(table, names[at:at + _GROUP], first=at == 0) for at in range(0, len(names), _GROUP)]
    if layer.second_geometry:
        second = layer.second_geometry.id
        start = f'{"," if names else ""}"{second}": '
        groups.append(f"'{start}', COALESCE({shape_text(f'{table}.{quoted(second)}', crs)}, 'null')")
    return (f"""concat('{{"type": "Feature", "id": "', {table}.id, '", "geometry": ',"""
            f""" COALESCE({shape_text(shown, crs)}, 'null'), ', "properties": {{',"""
            f" {', '.join(groups) or 'NULL'}, '}}}}')")


def _group(table: str, names: list[str], *, first: bool) -> str:
    """SQL for the properties of some fields; each but the very first brings a comma before it."""
    columns = [f"{table}.{quoted(name)}" for name in names]
    starts = [f'{"" if first and at == 0 else ","}"{name}": ' for at, name in enumerate(names)]
    nothing = " AND ".join(f"{column} IS NULL" for column in columns)
    parts = ", ".join(f"COALESCE('{start}' || to_json({column})::text, '{start}null')"
                      for start, column in zip(starts, columns, strict=True))
    return f"CASE WHEN {nothing} THEN '{''.join(f'{start}null' for start in starts)}' ELSE concat({parts}) END"
