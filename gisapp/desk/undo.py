"""An import taken back as one step; history keeps both."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table
from sqlalchemy.exc import IntegrityError

from gisapp.accounts.log import record
from gisapp.changes import refusal
from gisapp.children import Watch
from gisapp.desk.check import held
from gisapp.desk.telling import told
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.imports import LISTED, own
from gisapp.layers import Layer
from gisapp.permissions import Actor, require
from gisapp.rules import one_at_a_time, require_rules
from gisapp.sql import imports as sql_imports, take_in as sql_take_in

Document = dict[str, Any]


def count(document: Document) -> int:
    """How many features an import that can be undone wrote, of its document; 0 for any other."""
    done = document.get("result") or {}
    return sum(done.get(name, 0) for name in ("inserted", "updated", "deleted")) if document["state"] == "done" else 0


def undo(house: House, actor: Actor, number: UUID, address: str | None = None, watch: Watch | None = None) -> Document:
    """Take back what an import wrote: new features go, changed ones have their former content, deleted ones are back.

    Problems: `import_unknown`, `import_not_done` (409) unless it was committed and not undone, `import_changed_since`
    (409) with the features in `errors` that somebody wrote to since, `act_not_allowed`, `value_conflict`,
    `rule_broken`.
    """
    row = own(house, actor, number)
    layer = house.layer(row["layer"])
    require(actor, "delete")
    if row["state"] != "done":
        raise Problem("import_not_done")
    table, history = house.tables.layers[layer.id], house.tables.history[layer.id]
    try:
        rows = count(row["summary"] | {"state": row["state"]})
        with told(house, layer, rows, "undo", watch), held(
                house, actor, number, rows, ("done",), sql_take_in.unmark(number)) as connection:
            one_at_a_time(connection, layer)
            _require_alone(connection, layer, history, number)
            done = sql_take_in.take_back(connection, layer, table, history, number,
                                         row["summary"]["result"].get("deleted", 0))
            # Once more, now that all of them are held: who was quicker was told that it is saved.
            _require_alone(connection, layer, history, number)
            _require_rules(connection, layer, table, history, sql_take_in.unmark(number))
            sql_imports.set_state(connection, number, "undone", {"undone": done | {"by": actor.username}})
            record(connection, "import", actor, address=address,
                   detail={"layer": layer.id, "import": str(number), "undone": True, **done})
    except IntegrityError as error:
        raise refusal(layer, error) from error
    return done | {"id": str(number), "layer": layer.id}


def _require_alone(connection: Connection, layer: Layer, history: Table, number: UUID) -> None:
    """Problem `import_changed_since` when somebody wrote to one of the features after the import."""
    later = sql_take_in.changed_since(connection, layer, history, number, LISTED)
    if later:
        raise Problem("import_changed_since", count=len(later), errors=[_told(one) for one in later])


def _require_rules(connection: Connection, layer: Layer, table: Table, history: Table, request: str) -> None:
    """What came back must not lie where somebody has entered something else since. Problem `rule_broken`."""
    if layer.rules:
        for feature in sql_take_in.written(connection, history, request):
            require_rules(connection, layer, table, feature)


def _told(one: Any) -> Document:
    when = one["valid_from"].isoformat(timespec="seconds")
    zh = {"update": "已被修改", "delete": "已被删除"}.get(one["operation"], "已重新登记")
    en = {"update": "was changed", "delete": "was deleted"}.get(one["operation"], "was entered again")
    return {"id": str(one["id"]), "field": "id", "code": "changed_since", "title": one["title"],
            "version": one["version"], "changed_by": one["changed_by"], "changed_at": when,
            "zh": f"“{one['title']}”{zh}（{one['changed_by']}，{when}）",
            "en": f"“{one['title']}” {en} by {one['changed_by']} at {when}"}
