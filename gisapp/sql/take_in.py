"""Rows that were checked enter the layer, or leave it again: one statement for all of them.

Version, territory, history and tiles follow from the tables' triggers, as with any other write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gisapp.layers import Layer
from gisapp.sql import stage as sql_stage
from gisapp.sql.history import content_columns
from gisapp.sql.origins import ORIGINS
from gisapp.sql.shapes import shown
from gisapp.sql.stage_checks import good

Clause = ColumnElement[Any]
#: From so many rows on stamps and territories are made for all at once, while other writers wait.
MANY = 5_000
#: SQLAlchemy keeps no count of an INSERT … SELECT unless it is told to.
_COUNT = {"preserve_rowcount": True}


def stale(connection: Connection, table: Table, stage: Table, keys: Sequence[str]) -> int:
    """How many rows met something else when they were checked than they would now: a changed or deleted feature, or
    one that has taken their value of one of the `keys` since."""
    twin = select(table.c.version).where(table.c.id == stage.c["_twin"]).scalar_subquery()
    changed = and_(stage.c["_act"] == "update", twin.is_distinct_from(stage.c["_twin_version"]))
    new = [and_(stage.c["_act"] == "insert", exists().where(table.c[name] == stage.c[name])) for name in keys]
    statement = select(func.count()).select_from(stage).where(good(stage), or_(changed, *new))
    return int(connection.execute(statement).scalar_one())


def heed_size(connection: Connection, rows: int) -> None:
    """Let the statements of this transaction, which is about so many rows, never compare row by row where they are very
    many: planned without figures of a table that was filled just now, they compared each row with every other. The
    triggers need no such word: their statements are right for any number (migration 0024)."""
    if rows >= MANY:
        connection.execute(text("SET LOCAL enable_nestloop = off"))


def enter(connection: Connection, layer: Layer, table: Table, stage: Table, names: Sequence[str], number: UUID,
          rows: int) -> int:
    """New features from the rows that are to be inserted, about so many, in spatial order; how many they were. `names`
    are the columns that the stage of the import brings."""
    if rows >= MANY:
        return int(connection.execute(func.gisapp.take_in(
            number, layer.id, cast(list(names), ARRAY(Text))).select()).scalar_one())
    given: dict[str, Clause] = {name: stage.c[name] for name in ("id", *names)}
    if "status" in given:
        given["status"] = func.coalesce(stage.c.status, layer.states[0].id)
    if "synthetic" in given:
        given["synthetic"] = func.coalesce(stage.c.synthetic, literal(False))
    taken = select(*given.values()).where(good(stage), stage.c["_act"] == "insert").order_by(shown(layer, stage))
    return connection.execute(insert(table).from_select(list(given), taken), execution_options=_COUNT).rowcount


def change(connection: Connection, layer: Layer, table: Table, stage: Table, names: Sequence[str]) -> int:
    """Features that rows change get their values of `names`; a shape or state that is left out stays. How many: fewer
    than rows where somebody has written to one of them since the check."""
    keeps = {"geom", "status", "synthetic", *([layer.second_geometry.id] if layer.second_geometry else [])}
    values = {name: func.coalesce(stage.c[name], table.c[name]) if name in keeps else stage.c[name] for name in names}
    return connection.execute(update(table).values(values).where(
        table.c.id == stage.c["_twin"], table.c.version == stage.c["_twin_version"], stage.c["_act"] == "update",
        good(stage), stage.c["_same"].is_distinct_from(True))).rowcount


def not_in_file(table: Table, stage: Table, territory: tuple[str, str] | None) -> Select[Any]:
    """Ids of the features of a territory (column and code; None: of the whole layer) that no row of the file meets."""
    met = select(literal(1)).where(stage.c["_twin"] == table.c.id).correlate(table)
    where = [] if territory is None else [table.c[territory[0]] == territory[1]]
    return select(table.c.id).where(*where, ~exists(met))


def known(connection: Connection, table: Table, ids: Select[Any]) -> tuple[int, str]:
    """How many features these are, and a mark that tells whether it is the same ones in the same versions."""
    found = select(table.c.id, table.c.version).where(table.c.id.in_(ids)).subquery()
    return _marked(connection, found.c.id, found.c.version)


def _marked(connection: Connection, id_: Clause, version: Clause) -> tuple[int, str]:
    mark = func.sum(func.hashtextextended(func.concat(id_, ":", version), 0))
    number, told = connection.execute(select(func.count(), cast(func.coalesce(mark, 0), Text)).select_from(
        id_.table)).one()
    return int(number), str(told)


def foreign(connection: Connection, table: Table, ids: Select[Any], squadron: str) -> int:
    """How many of the features are of other squadrons."""
    return int(connection.execute(select(func.count()).select_from(table).where(
        table.c.id.in_(ids), table.c.squadron_code.is_distinct_from(squadron))).scalar_one())


def titled(connection: Connection, layer: Layer, table: Table, ids: Select[Any], limit: int) -> list[RowMapping]:
    """Id and title of features, in the order of titles."""
    title = cast(table.c[layer.name_field], Text).label("title")
    return list(connection.execute(select(table.c.id, title).where(table.c.id.in_(ids)).order_by(
        title, table.c.id).limit(limit)).mappings())


def remove(connection: Connection, table: Table, ids: Select[Any]) -> tuple[int, str]:
    """Delete features; history keeps them. How many, and their mark as `known` tells it, as they were in the end."""
    gone = delete(table).where(table.c.id.in_(ids)).returning(table.c.id, table.c.version).cte("gone")
    return _marked(connection, gone.c.id, gone.c.version)


def keep_originals(connection: Connection, layer: Layer, stage: Table, number: UUID) -> None:
    """The file's own geometries of what enters, where a datum was undone."""
    feature = func.coalesce(stage.c["_twin"], stage.c.id)
    rows = select(literal(number), literal(layer.id), feature, stage.c["_frame"], stage.c["_original"]).where(
        good(stage), stage.c["_original"].isnot(None), stage.c["_same"].is_distinct_from(True))
    names = ["import_id", "layer", "feature_id", "frame", "geom"]
    connection.execute(insert(ORIGINS).from_select(names, rows))


# ---------------------------------------------------------------- undoing

def mark(number: UUID) -> str:
    """What stands in history as the request by which an import wrote."""
    return f"import:{number}"


def unmark(number: UUID) -> str:
    """The same of its undoing."""
    return f"undo:{number}"


def _mine(history: Table, number: UUID) -> Select[Any]:
    return select(history.c.id, func.min(history.c.history_id).label("first"),
                  func.max(history.c.history_id).label("last")).where(
        history.c.request_id == mark(number)).group_by(history.c.id)


def changed_since(connection: Connection, layer: Layer, history: Table, number: UUID, limit: int) -> list[RowMapping]:
    """Features that somebody wrote to after the import, but for its undoing: id, title, version, who and when; at most
    `limit`."""
    mine, later = _mine(history, number).subquery(), history.alias("later")
    # Grouped: a max() for each row may be planned, without figures of a fresh layer, as a walk through all history.
    newest = select(func.max(later.c.history_id).label("row")).select_from(mine).join(
        later, and_(later.c.id == mine.c.id, later.c.history_id > mine.c.last,
                    later.c.request_id.is_distinct_from(unmark(number)))).group_by(mine.c.id).subquery("newest")
    return list(connection.execute(
        select(history.c.id, cast(history.c[layer.name_field], Text).label("title"), history.c.version,
               history.c.changed_by, history.c.valid_from, history.c.operation)
        .select_from(newest).join(history, history.c.history_id == newest.c.row)
        .order_by(history.c.id).limit(limit)).mappings())


def take_back(connection: Connection, layer: Layer, table: Table, history: Table, number: UUID,
              deleted: int) -> dict[str, int]:
    """Undo what an import wrote: new features go, changed ones have their former content again, those that it `deleted`
    (so many) are back. How many of each: removed, restored, brought_back."""
    mine, began = _mine(history, number).subquery(), history.alias("began")
    acts = select(mine.c.id, mine.c.first, began.c.operation).select_from(mine).join(
        began, began.c.history_id == mine.c.first).subquery("acts")
    new = select(acts.c.id).where(acts.c.operation == "insert")
    removed = connection.execute(delete(table).where(table.c.id.in_(new))).rowcount
    former = history.alias("former")
    before = select(func.max(former.c.history_id).label("row"), acts.c.operation).select_from(acts).join(
        former, and_(former.c.id == acts.c.id, former.c.history_id < acts.c.first)).where(
        acts.c.operation != "insert").group_by(acts.c.id, acts.c.operation).subquery("before")
    then = select(before.c.operation.label("act"), *(history.c[name] for name in ("id", *content_columns(layer)))
                  ).select_from(before).join(history, history.c.history_id == before.c.row).subquery("then")
    values = {name: then.c[name] for name in content_columns(layer)}
    restored = connection.execute(update(table).values(values).where(
        table.c.id == then.c.id, then.c.act == "update")).rowcount
    back = select(then.c.id, *values.values()).where(then.c.act == "delete")
    brought = _bring_back(connection, layer, table, back, number, deleted)
    connection.execute(delete(ORIGINS).where(ORIGINS.c.import_id == number))
    return {"removed": removed, "restored": restored, "brought_back": brought}


def _bring_back(connection: Connection, layer: Layer, table: Table, features: Select[Any], number: UUID,
                rows: int) -> int:
    """Let features that were deleted, about so many, enter again: very many as the rows of an import do."""
    names = content_columns(layer)
    if rows < MANY:
        return connection.execute(insert(table).from_select(["id", *names], features),
                                  execution_options=_COUNT).rowcount
    stage = sql_stage.stage_table(layer, table, number)
    sql_stage.make(connection, layer, number)
    line = (func.row_number().over() - 1).label("_line")
    lines = select(line, literal("accepted"), literal("insert"), *features.subquery().c)
    connection.execute(insert(stage).from_select(["_line", "_verdict", "_act", "id", *names], lines))
    sql_stage.settle(connection, layer, number, rows)
    count = enter(connection, layer, table, stage, names, number, rows)
    sql_stage.drop(connection, number)
    return count


def written(connection: Connection, history: Table, request: str) -> list[UUID]:
    """The features that a request wrote to and that are still there."""
    return list(connection.execute(select(history.c.id).distinct().where(
        history.c.request_id == request, history.c.operation != "delete")).scalars())
