"""What the datum doctor asks the database: do places lie in the areas they should, how near are roads and buildings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError

from gisapp.tables import LAYERS, quoted

Places = Sequence[tuple[float, float]]
#: Longer than this and the doctor does without the answer.
_PATIENCE_MS = "2500"


def is_empty(connection: Connection, layer_id: str) -> bool:
    """Whether a layer holds nothing."""
    found = connection.execute(text(f"SELECT EXISTS (SELECT 1 FROM {LAYERS}.{quoted(layer_id)})"))  # noqa: S608
    return not found.scalar_one()


def shares_inside(connection: Connection, layer_id: str, groups: Sequence[Places]) -> list[float] | None:
    """For each group of places (longitude, latitude) the share that lies in an area of the layer."""
    return _asked(connection, text(f"""
        SELECT number, avg(EXISTS (
                   SELECT 1 FROM {LAYERS}.{quoted(layer_id)} AS area
                    WHERE ST_Intersects(area.geom, ST_SetSRID(ST_MakePoint(x, y), 4326)))::int)
          FROM unnest(cast(:numbers AS int[]), cast(:xs AS float8[]), cast(:ys AS float8[])) AS place (number, x, y)
         GROUP BY number
    """), groups, {})  # noqa: S608


def shares_named(connection: Connection, layer_id: str, column: str, groups: Sequence[Places],
                 names: Sequence[str]) -> list[float] | None:
    """For each group of places, one for each name, the share that lies in the area which its name names."""
    return _asked(connection, text(f"""
        SELECT number, avg(EXISTS (
                   SELECT 1 FROM {LAYERS}.{quoted(layer_id)} AS area
                    WHERE ST_Intersects(area.geom, ST_SetSRID(ST_MakePoint(x, y), 4326))
                      AND area.{quoted(column)} = (cast(:names AS text[]))[at])::int)
          FROM unnest(cast(:numbers AS int[]), cast(:xs AS float8[]), cast(:ys AS float8[]), cast(:ats AS int[]))
               AS place (number, x, y, at)
         GROUP BY number
    """), groups, {"names": list(names)})  # noqa: S608


def known_names(connection: Connection, layer_id: str, column: str, names: Sequence[str]) -> set[str]:
    """Which of the names an area of the layer has."""
    statement = text(f"SELECT DISTINCT {quoted(column)} FROM {LAYERS}.{quoted(layer_id)}"  # noqa: S608
                     f" WHERE {quoted(column)} = ANY(cast(:names AS text[]))")
    return set(connection.execute(statement, {"names": list(names)}).scalars())


def nearness(connection: Connection, layer_id: str, groups: Sequence[Places], reach: float) -> list[float] | None:
    """For each group of places (metres of EPSG:3857) how near they are to features of the layer on average: 1 for
    on one, falling to 0 at `reach`. None when that took too long to find out."""
    return _asked(connection, text(f"""
        SELECT number, avg(COALESCE((
                   SELECT 1 - min(ST_Distance(thing.geom_3857, point)) / :reach
                     FROM {LAYERS}.{quoted(layer_id)} AS thing
                    WHERE ST_DWithin(thing.geom_3857, point, :reach)), 0))
          FROM unnest(cast(:numbers AS int[]), cast(:xs AS float8[]), cast(:ys AS float8[])) AS place (number, x, y),
               ST_SetSRID(ST_MakePoint(x, y), 3857) AS point
         GROUP BY number
    """), groups, {"reach": reach})  # noqa: S608


def _asked(connection: Connection, statement: TextClause, groups: Sequence[Places],
           values: dict[str, Any]) -> list[float] | None:
    flat = [(number, x, y, at) for number, group in enumerate(groups) for at, (x, y) in enumerate(group, 1)]
    if not flat:
        return [0.0] * len(groups)
    numbers, xs, ys, ats = (list(column) for column in zip(*flat, strict=True))
    given = {"numbers": numbers, "xs": xs, "ys": ys} | ({"ats": ats} if ":ats" in statement.text else {}) | values
    try:
        with connection.begin_nested():
            connection.execute(text("SELECT set_config('statement_timeout', :time, true)"), {"time": _PATIENCE_MS})
            found = {number: float(share) for number, share in connection.execute(statement, given)}
    except DBAPIError:
        return None
    return [found.get(number, 0.0) for number in range(len(groups))]
