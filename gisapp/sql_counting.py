"""How many features answer a question: exactly while that is cheap, else as the planner reckons."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement, Connection, Executable, Select, Table, func, literal_column, select
from sqlalchemy.ext.compiler import compiles

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql import conditions


class _Explained(Executable, ClauseElement):
    """EXPLAIN of a statement, as JSON."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explained)
def _explain(element: _Explained, compiler: Any, **more: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + str(compiler.process(element.statement, **more))


def count_up_to(connection: Connection, layer: Layer, table: Table, query: Query, most: int) -> tuple[int, bool]:
    """The number of features, and whether it is an estimate: beyond `most` nobody counts on."""
    asked: Select[Any] = select(literal_column("1")).select_from(table).where(*conditions(layer, table, query))
    counted = int(connection.execute(select(func.count()).select_from(asked.limit(most + 1).subquery())).scalar_one())
    if counted <= most:
        return counted, False
    plan = connection.execute(_Explained(asked)).scalar_one()
    return max(counted, int(plan[0]["Plan"]["Plan Rows"])), True
