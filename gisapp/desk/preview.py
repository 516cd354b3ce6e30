"""What a check found, for people: counts, rows a page at a time with their differences, shapes for a small map."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from gisapp.desk import plan
from gisapp.desk.check import counted, held
from gisapp.errors import Problem
from gisapp.features import visible_names
from gisapp.house import House
from gisapp.imports import own
from gisapp.layers import Layer
from gisapp.permissions import Actor, require
from gisapp.sql import imports as sql_imports, stage as sql_stage, stage_checks as found, take_in as sql_take_in

Document = dict[str, Any]
KINDS = ("insert", "repaired", "update", "same", "skip", "refused")
PAGE = 50
MOST = 500
SHAPES = 1500
_DELETIONS = 200


def _opened(house: House, actor: Actor, number: UUID) -> tuple[Layer, Table, Document]:
    """Layer, stage and summary of an import that was checked. Problems `import_unknown`, `import_not_checked`."""
    row = own(house, actor, number)
    layer = house.layer(row["layer"])
    if row["state"] != "ready" or "check" not in row["summary"]:
        raise Problem("import_not_checked")
    return layer, sql_stage.stage_table(layer, house.tables.layers[layer.id], number), row["summary"]["check"]


def require_rows(connection: Connection, stage: Table, number: UUID, kept: Document) -> None:
    """Problem `import_lost` when a check's rows are in its stage no more."""
    rows_there = kept["counts"]["accepted"] + kept["counts"]["refused"] - kept["refused_outside"]
    if sql_stage.is_lost(connection, stage, number, rows_there):
        raise Problem("import_lost")


def rows(house: House, actor: Actor, number: UUID, kinds: Sequence[str] = (), *, doubts: bool = False, after: int = -1,
         limit: int = PAGE) -> Document:
    """Rows after line `after`, of some `kinds` or all, with `doubts` those that meet a feature: `rows`, and `next`,
    the line to go on after (None at the end). Problems also `import_lost`, `parameter_invalid`."""
    layer, stage, kept = _opened(house, actor, number)
    if set(kinds) - set(KINDS) or not 1 <= limit <= MOST:
        raise Problem("parameter_invalid", name="kind", reason=f"{', '.join(KINDS)}; limit: 1–{MOST}")
    with house.db.read() as connection:
        require_rows(connection, stage, number, kept)
        taken = sql_stage.some_rows(connection, layer, stage, kinds, doubts, after, limit + 1)
        old = _present(house, actor, layer, stage, connection, kept, [row["line"] for row in taken[:limit]])
    shown = [_row(row, old.get(row["line"])) for row in taken[:limit]]
    return {"rows": shown, "next": taken[limit - 1]["line"] if len(taken) > limit else None}


def _row(row: Any, old: Document | None) -> Document:
    made = {name: row[name] for name in ("line", "source", "row", "verdict", "kind", "act", "title")}
    made |= {"faults": [_plain(one) for one in row["faults"] or []], "repairs": row["done"] or [],
             "cells": row["raw"] or {}}
    if row["twin"] is not None:
        made["meets"] = {"id": str(row["twin"]), "by": row["twin_by"], **(old or {})}
    return made


def _plain(fault: Document) -> Document:
    return {name: value for name, value in fault.items() if name != "geometry"}


def _present(house: House, actor: Actor, layer: Layer, stage: Table, connection: Any, kept: Document,
             lines: Sequence[int]) -> dict[int, Document]:
    """By line what the row meets: its title, and field by field the present value and the one that the file brings."""
    seen = set(visible_names(actor, layer)) | {"geom", *([layer.second_geometry.id] if layer.second_geometry else [])}
    names = [name for name in found.comparable(layer, kept["columns"]) if name in seen]
    met = sql_stage.met(connection, layer, house.tables.layers[layer.id], stage, names, lines)
    return {one["line"]: {"title": one["title"], "changes": [
        {"field": name, "old": _value(one[f"old_{name}"]), "new": _value(one[f"new_{name}"])}
        for name in names if one[f"differs_{name}"]]} for one in met}


def _value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def deletions(house: House, actor: Actor, number: UUID) -> list[Document]:
    """The features that a replacing import deletes, the first 200: id and title."""
    layer, stage, kept = _opened(house, actor, number)
    wanted = plan.read(layer, kept["choices"])
    if not wanted.replaces:
        return []
    table = house.tables.layers[layer.id]
    with house.db.read() as connection:
        require_rows(connection, stage, number, kept)
        gone = sql_take_in.not_in_file(table, stage, wanted.territory)
        return [{"id": str(one["id"]), "title": one["title"]} for one in sql_take_in.titled(
            connection, layer, table, gone, _DELETIONS)]


def shapes(house: House, actor: Actor, number: UUID, kinds: Sequence[str] = (),
           box: tuple[float, float, float, float] | None = None) -> Document:
    """At most 1500 shapes of rows within `box` (degrees) as GeoJSON, those with faults first; `all` says whether
    these are all."""
    layer, stage, kept = _opened(house, actor, number)
    if set(kinds) - set(KINDS):
        raise Problem("parameter_invalid", name="kind", reason=", ".join(KINDS))
    with house.db.read() as connection:
        require_rows(connection, stage, number, kept)
        taken = sql_stage.shapes(connection, layer, stage, kinds, box, SHAPES + 1)
    features = [{"type": "Feature", "geometry": json.loads(one["shape"]),
                 "properties": {"line": one["line"], "row": one["row"], "kind": one["kind"], "title": one["title"]}}
                for one in taken[:SHAPES]]
    return {"type": "FeatureCollection", "features": features, "all": len(taken) <= SHAPES}


def choose(house: House, actor: Actor, number: UUID, lines: Sequence[int], act: str) -> int:
    """What becomes of rows that lie near a feature of their kind: enter, skip or update. How many were set.

    Problems `import_not_checked`, `import_lost`, `parameter_invalid`, `act_not_allowed` (update)."""
    layer, stage, kept = _opened(house, actor, number)
    if act not in plan.NEAR:
        raise Problem("parameter_invalid", name="act", reason=", ".join(plan.NEAR))
    if act == "update":
        require(actor, "update")
    table = house.tables.layers[layer.id]
    with held(house, actor, number, kept["counts"]["accepted"]) as connection:
        require_rows(connection, stage, number, kept)
        count = found.set_act(connection, stage, lines, "insert" if act == "enter" else act)
        found.met_twice(connection, stage)
        if act == "update":
            found.note_same(connection, layer, table, stage, found.comparable(layer, kept["columns"]))
        sql_imports.note(connection, number, {"check": kept | counted(
            connection, stage, kept["counts"]["delete"], kept["refused_outside"])})
    return count
