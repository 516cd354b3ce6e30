"""Rows that were checked enter the layer: in one transaction, all of them or none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError, IntegrityError

from gisapp.accounts.log import record
from gisapp.changes import refusal
from gisapp.children import Watch
from gisapp.desk import entering, plan, report
from gisapp.desk.check import check, held, judge_rights, judge_rules
from gisapp.desk.plan import Plan
from gisapp.desk.telling import told
from gisapp.errors import DISK_FULL, Problem
from gisapp.house import House
from gisapp.imports import LISTED, own
from gisapp.layers import Layer
from gisapp.permissions import Actor, require
from gisapp.rules import one_at_a_time
from gisapp.sql import imports as sql_imports, stage as sql_stage, stage_checks as found, take_in as sql_take_in

Document = dict[str, Any]


def commit(house: House, actor: Actor, number: UUID, choices: Document, address: str | None = None,
           watch: Watch | None = None) -> Document:
    """Let all rows enter, or with `accept` = "valid" the good ones; then the import is done.

    Rows are checked first, unless they were and `choices` hold nothing but `accept`. Problems: those of `check`;
    `import_refused` (422, rows in `errors`), `import_stale` (409) when the layer has changed since the check.
    """
    require(actor, "import")
    choices = plan.checked(choices)
    row = own(house, actor, number)
    if row["state"] != "ready":
        raise Problem("import_done")
    kept, step = row["summary"].get("check"), "enter"
    if kept is None or any(value for name, value in choices.items() if name != "accept"):
        kept, step = check(house, actor, number, choices, watch), "store"
    layer = house.layer(row["layer"])
    if not _is_there(house, layer, number, kept):
        kept, step = check(house, actor, number, kept["choices"], watch), "store"
    wanted = plan.read(layer, kept["choices"])
    for act in plan.acts(wanted):
        require(actor, act)
    rows = sum(kept["counts"][name] for name in ("insert", "update", "delete"))
    try:
        with told(house, layer, rows, step, watch), held(
                house, actor, number, rows, request=sql_take_in.mark(number)) as connection:
            result, faults = _enter(house, actor, layer, connection, number, wanted, choices, address)
    except BaseException as error:
        entering.tidy(house, number)
        heard = _heard(layer, error)
        if heard is None:
            raise
        raise heard from error
    report.keep_alone(house, number)
    return result | {"id": str(number), "layer": layer.id, "refused": faults}


def _heard(layer: Layer, error: BaseException) -> Problem | None:
    """What the caller hears of an error that kept all rows out; None for one that speaks for itself."""
    if isinstance(error, IntegrityError):
        return refusal(layer, error)
    if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.errors.SerializationFailure):
        return Problem("import_stale")
    if isinstance(error, OSError) and error.errno in DISK_FULL:  # the report has no room
        return Problem("storage_full")
    return None


def _is_there(house: House, layer: Layer, number: UUID, kept: Document) -> bool:
    """Whether the rows that were checked are in their stage still: a database that crashes empties it."""
    with house.db.read() as connection:
        return _is_whole(connection, sql_stage.stage_table(layer, house.tables.layers[layer.id], number), number, kept)


def _is_whole(connection: Connection, stage: Table, number: UUID, kept: Document) -> bool:
    rows = kept["counts"]["accepted"] + kept["counts"]["refused"] - kept["refused_outside"]
    return sql_stage.exists(connection, number) and sql_stage.count_all(connection, stage) == rows


def _enter(house: House, actor: Actor, layer: Layer, connection: Connection, number: UUID, wanted: Plan,
           choices: Document, address: str | None) -> tuple[Document, list[Document]]:
    one_at_a_time(connection, layer)
    summary = sql_imports.summary(connection, number)
    kept = summary["check"]
    table = house.tables.layers[layer.id]
    stage = sql_stage.stage_table(layer, table, number)
    if not _is_whole(connection, stage, number, kept) or plan.read(layer, kept["choices"]) != wanted:
        raise Problem("import_stale")  # the database has crashed, or another window has checked otherwise
    _require_fresh(house, actor, layer, connection, stage, wanted, kept)
    counts = kept["counts"]
    faults = [*kept["orphans"], *sql_stage.faults(connection, stage, LISTED)] if counts["refused"] else []
    if counts["refused"] and (choices.get("accept") != "valid" or not counts["accepted"]):
        raise Problem("import_refused", count=counts["refused"], errors=faults[:LISTED])
    done = _write(house, actor, layer, connection, stage, number, wanted, kept)
    if kept["originals"]:
        sql_take_in.keep_originals(connection, layer, stage, number)
    result = {"accepted": counts["accepted"], "refused_count": counts["refused"], "repaired": counts["repaired"],
              "notes": kept["notes"], "mode": wanted.mode, **done}
    report.keep(house, connection, layer, stage, number, summary)
    sql_imports.finish(connection, number, result)
    sql_stage.drop(connection, number)
    record(connection, "import", actor, address=address, detail={"layer": layer.id, "import": str(number), **result})
    return result, faults[:LISTED]


def _require_fresh(house: House, actor: Actor, layer: Layer, connection: Connection, stage: Table, wanted: Plan,
                   kept: Document) -> None:
    """Problem `import_stale` when what was checked does not hold any more."""
    table = house.tables.layers[layer.id]
    keys = [f.id for f in layer.fields if f.unique and f.id in kept["columns"]] + (["id"] if kept["ids"] else [])
    if sql_take_in.stale(connection, table, stage, keys):
        raise Problem("import_stale")
    refused = stage.c["_verdict"] == "refused"
    before = sql_stage.count_where(connection, stage, refused)
    judge_rights(house, actor, layer, connection, stage, wanted)
    judge_rules(house, layer, connection, stage, wanted)
    if sql_stage.count_where(connection, stage, refused) != before:
        raise Problem("import_stale")


def _write(house: House, actor: Actor, layer: Layer, connection: Connection, stage: Table, number: UUID, wanted: Plan,
           kept: Document) -> Document:
    """Delete, change, insert: in this order, so that a value that one gives up another may take."""
    table, names = house.tables.layers[layer.id], found.comparable(layer, kept["columns"])
    deleted = 0
    if wanted.replaces:
        gone = sql_take_in.not_in_file(table, stage, wanted.territory)
        if actor.squadron_code is not None and (
                not layer.assigned or sql_take_in.foreign(connection, table, gone, actor.squadron_code)):
            raise Problem("outside_territory", squadron=actor.squadron_code)
        deleted, mark = sql_take_in.remove(connection, table, gone)
        if mark != kept.get("gone"):
            raise Problem("import_stale")  # nobody was shown these
    updated = sql_take_in.change(connection, layer, table, stage, names)
    if updated != kept["counts"]["update"]:
        raise Problem("import_stale")  # somebody was quicker
    rows = kept["counts"]["insert"]
    inserted = entering.enter(house, connection, layer, table, stage, names, number, rows)
    skipped = sql_stage.count_where(connection, stage, (stage.c["_act"] == "skip") & (stage.c["_verdict"] != "refused"))
    same = sql_stage.count_where(connection, stage, stage.c["_same"] & found.good(stage))
    return {"inserted": inserted, "updated": updated, "unchanged": same, "skipped": skipped, "deleted": deleted}
