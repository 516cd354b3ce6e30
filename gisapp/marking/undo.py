"""The way back from one's own last act: everything that a request did to a layer, undone in one transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from gisapp.changes import approve, hold, writing
from gisapp.errors import Problem
from gisapp.features import open_layer
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, require
from gisapp.photos.changes import undone
from gisapp.sql import history as sql_history, statements as sql

#: An act may be taken back for so long; later, and by others, one goes back version by version.
MINUTES = 30


def undo(house: House, actor: Actor, layer_id: str, request_id: str) -> list[UUID]:
    """Put back what the actor's request did to the layer: what it made goes, what it deleted or changed is as before.

    No right to delete is needed for what one just made, and no way back in the workflow: nobody touched it since.
    Undoing is a request of its own and can be undone. Returns the features; problems: `undo_unknown` (404),
    `version_stale` (412) when somebody changed one of them since, `outside_territory`, `rule_broken`; then
    nothing is undone.
    """
    layer, table = open_layer(house, actor, layer_id, "update")
    history = house.tables.history[layer.id]
    with writing(house, actor, layer) as connection:
        rows = connection.execute(sql_history.act(history, request_id, actor.username, MINUTES)).all()
        if not rows:
            raise Problem("undo_unknown", minutes=MINUTES)
        for row in sorted(rows, key=_made_last):
            _put_back(connection, actor, layer, table, history, row)
        undone(connection, actor, layer, table, request_id)
        left = [row.id for row in rows if row.began != "insert"]
        for feature_id in left:
            approve(connection, actor, layer, table, feature_id)
    return [row.id for row in rows]


def _made_last(row: Any) -> bool:
    """What was made goes first, so that its unique values are free for what comes back."""
    return bool(row.began != "insert")


def _put_back(connection: Connection, actor: Actor, layer: Layer, table: Table, history: Table, row: Any) -> None:
    if row.ended == "delete":
        if row.began == "insert":
            return
        require(actor, "delete")
        if connection.execute(sql_history.bring_back(layer, table, history, row.id, row.prior)).scalar() is None:
            raise Problem("version_stale", current=row.version + 1)
        return
    hold(connection, actor, layer, table, row.id, row.version)
    if row.began == "insert":
        connection.execute(sql.delete_one(table, row.id))
    else:
        connection.execute(sql_history.go_back(layer, table, history, row.id, row.prior))
