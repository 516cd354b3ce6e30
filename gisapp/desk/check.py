"""An upload read into its stage, with a verdict on every row. Nothing enters the layer here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from gisapp.children import Progress, Watch, run
from gisapp.desk import memory, plan
from gisapp.desk.plan import Plan
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.imports import FEW, READ, READ_FEW, SLOTS, folder_of, order_of, own
from gisapp.layers import Layer
from gisapp.marking.duplicates import doubtful
from gisapp.permissions import Actor, require
from gisapp.sql import imports as sql_imports, stage as sql_stage, stage_checks as found, take_in as sql_take_in
from gisapp.workflow import is_reachable

Document = dict[str, Any]
_ACTS = {"enter": "insert", "refuse": "insert"}


def check(house: House, actor: Actor, number: UUID, choices: Document, watch: Watch | None = None) -> Document:
    """Read the upload with these choices (see `plan`) into its stage and judge every row; answers with the counts.

    Problems: `import_unknown`, `import_done`, `import_busy`, `mapping_invalid`, `crs_needed`, `act_not_allowed`, and
    what the file's reader says. `watch` hears how far it is and may raise to stop it; then nothing has changed.
    """
    row = own(house, actor, number)
    layer = house.layer(row["layer"])
    choices = plan.checked(choices)
    wanted = plan.read(layer, choices)
    for act in plan.acts(wanted):
        require(actor, act)
    plan.require_rows(row["summary"].get("layers", []), choices)
    plan.require_frames(row["summary"].get("layers", []), choices)
    with held(house, actor, number, _rows(row)) as connection:
        stage = sql_stage.stage_table(layer, house.tables.layers[layer.id], number)
        sql_stage.make(connection, layer, number)
        answer, columns = _fill(house, layer, connection, stage, row, choices, watch)
        if watch is not None:
            watch(Progress(0, _rows(row), "judge"))
        sql_stage.settle(connection, layer, number, _rows(row))
        _judge(house, actor, layer, connection, stage, wanted, columns, answer)
        summary = _summary(house, layer, connection, stage, wanted, choices, answer, columns)
        sql_imports.note(connection, number, {"check": summary})
        if choices.get("save_as") is not None:
            memory.save(connection, actor, layer, row["summary"]["layers"], choices)
    return summary


def _rows(row: Any) -> int:
    """How many rows an upload has, as far as its files say."""
    return sum(source["count"] or 0 for source in row["summary"].get("layers", []))


@contextmanager
def held(house: House, actor: Actor, number: UUID, rows: int, states: tuple[str, ...] = ("ready",),
         request: str = "") -> Iterator[Connection]:
    """A transaction that alone works on an import of about so many rows. Problems `import_busy` while another does,
    `import_done`."""
    with house.db.begin(actor.username, request or actor.request_id) as connection:
        sql_imports.no_hurry(connection, READ.seconds, number)
        sql_take_in.heed_size(connection, rows)
        state = sql_imports.hold(connection, number)
        if state is None:
            raise Problem("import_busy")
        if state not in states:
            raise Problem("import_done")
        yield connection


def _fill(house: House, layer: Layer, connection: Connection, stage: Table, row: Any, choices: Document,
          watch: Watch | None) -> tuple[Document, list[str]]:
    """Let the child read, and COPY what it has written as it goes; its answer, and the columns that came."""
    folder = folder_of(house, row["id"])
    _clear(folder)
    total = _rows(row)
    take = _taker(connection, stage, folder, total, watch)
    order = order_of(house, layer, folder, row["summary"]["names"]) | {
        "op": "read", "encoding": choices.get("encoding"), "choices": choices}
    # A worker has as many jobs as its settings say; only requests are held back.
    try:
        with SLOTS.one() if watch is None else nullcontext():
            answer = run("gisapp.formats.intake", order, folder, READ_FEW if total <= FEW else READ, take)
    except BaseException:
        _clear(folder)  # at once: the disk may be full of it
        raise
    take(Progress(total, total, "check"))
    columns = json.loads((folder / "columns.json").read_text("utf-8"))
    return answer, columns


def _clear(folder: Path) -> None:
    """Take away what an earlier reading of the upload left."""
    for left in (*folder.glob("part-*"), folder / "columns.json"):
        left.unlink(missing_ok=True)


def _taker(connection: Connection, stage: Table, folder: Path, total: int, watch: Watch | None) -> Watch:
    taken = 0

    def take(_: Progress) -> None:
        nonlocal taken
        for part in sorted(folder.glob("part-*.csv")):
            columns = json.loads((folder / "columns.json").read_text("utf-8"))
            taken += sql_stage.copy_part(connection, stage, columns, part)
            part.unlink()
            if watch is not None:
                watch(Progress(taken, total, "check"))

    return take


def _keys(layer: Layer, columns: list[str], answer: Document) -> list[str]:
    """What rows and features are matched by: the id where the file brings ids, and the unique fields that it brings."""
    given = ["id"] if answer["ids"] else []
    return given + [f.id for f in layer.fields if f.unique and f.id in columns]


def _judge(house: House, actor: Actor, layer: Layer, connection: Connection, stage: Table, wanted: Plan,
           columns: list[str], answer: Document) -> None:
    table, keys = house.tables.layers[layer.id], _keys(layer, columns, answer)
    for name in keys:
        found.repeated(connection, stage, name)
    # A stage of a million rows is not gone through for what cannot be.
    filled = sql_imports.holds_any(connection, table)
    meets = _meet(house, layer, connection, stage, wanted, keys, filled)
    new = _ACTS.get(wanted.new, wanted.new)
    if meets or new != "insert":
        found.set_acts(connection, stage, {by: _ACTS.get(act, act) for by, act in (
            ("id", wanted.by_id), ("key", wanted.by_key), ("place", wanted.by_place))}, new)
    for name in keys if filled else ():
        found.taken(connection, table, stage, name)
    if wanted.mode != "append":
        _judge_changes(layer, connection, stage, columns)
    if meets:
        found.met_twice(connection, stage)
    judge_rights(house, actor, layer, connection, stage, wanted)
    judge_rules(house, layer, connection, stage, wanted)
    if meets:
        found.note_same(connection, layer, table, stage, found.comparable(layer, columns))


def _meet(house: House, layer: Layer, connection: Connection, stage: Table, wanted: Plan, keys: list[str],
          filled: bool) -> int:
    """Note which rows meet a feature of the layer; how many. `filled` says whether it has any."""
    table = house.tables.layers[layer.id]
    if wanted.mode != "append":
        if wanted.key not in keys:
            raise Problem("mapping_invalid", reason=f"key: {wanted.key}：没有对应的列 / no column is mapped to it")
        by = "id" if wanted.key == "id" else "key"
        return found.meet_by(connection, table, stage, wanted.key, by) if filled else 0
    meets = 0
    for name in keys if filled else ():
        by = "id" if name == "id" else "key"
        met = found.meet_by(connection, table, stage, name, by)
        if met and (wanted.by_id if by == "id" else wanted.by_key) == "refuse":
            found.refuse_met(connection, stage, by, name)
        meets += met
    if house.settings.duplicate_metres and doubtful(layer) and filled:
        kind = next((f.id for f in layer.fields if f.type == "code"), None)
        meets += found.meet_by_place(connection, layer, table, stage, kind, house.settings.duplicate_metres)
    return meets


def _judge_changes(layer: Layer, connection: Connection, stage: Table, columns: list[str]) -> None:
    """Rows that are new need all that a feature must have; an update may bring a part of it."""
    for field in layer.writable_fields:
        if field.required:
            found.missing(connection, stage, field.id)
    found.missing_shape(connection, layer, stage)


def judge_rights(house: House, actor: Actor, layer: Layer, connection: Connection, stage: Table, wanted: Plan) -> None:
    """States that may not follow, places outside of the replaced set or of the actor's own territory."""
    table = house.tables.layers[layer.id]
    if layer.states:
        pairs = [pair for pair in found.state_pairs(connection, table, stage) if not is_reachable(actor, layer, *pair)]
        if pairs:
            found.refuse_states(connection, table, stage, pairs)
    if wanted.territory is not None:
        found.outside(connection, layer, stage, *wanted.territory, "outside_set")
    if layer.assigned and actor.squadron_code is not None:
        found.not_owned(connection, table, stage, actor.squadron_code)
        found.outside(connection, layer, stage, "squadron_code", actor.squadron_code, "outside_territory")


def judge_rules(house: House, layer: Layer, connection: Connection, stage: Table, wanted: Plan) -> None:
    """The rules of the layer, on all rows at once."""
    table = house.tables.layers[layer.id]
    gone = sql_take_in.not_in_file(table, stage, wanted.territory) if wanted.replaces else None
    rules: dict[str, Callable[[], None]] = {
        "no_overlap": lambda: found.overlapping(connection, layer, table, stage, gone),
        "inside_territory": lambda: found.beyond_territory(connection, layer, table, stage)}
    for rule in layer.rules:
        rules[rule]()


def _summary(house: House, layer: Layer, connection: Connection, stage: Table, wanted: Plan, choices: Document,
             answer: Document, columns: list[str]) -> Document:
    gone, mark = 0, ""
    if wanted.replaces:
        table = house.tables.layers[layer.id]
        gone, mark = sql_take_in.known(connection, table, sql_take_in.not_in_file(table, stage, wanted.territory))
    told = {name: answer[name] for name in ("notes", "unknown", "orphans", "ids", "originals", "refused_outside")}
    return {**counted(connection, stage, gone, answer["refused_outside"]), **told, "choices": choices,
            "gone": mark, "columns": columns, "extent": sql_stage.extent(connection, layer, stage),
            "reasons": [dict(one) for one in sql_stage.fault_counts(connection, stage)[:200]]}


def counted(connection: Connection, stage: Table, gone: int, outside: int) -> Document:
    """How many rows enter, change, are refused …, and how many meet a feature by what. `gone` are the features that
    are deleted, `outside` what was refused that is no row."""
    counts: Document = {"accepted": 0, "repaired": 0, "refused": outside, "insert": 0, "update": 0, "same": 0,
                        "skip": 0, "delete": gone}
    twins: dict[str, int] = {}
    kinds = dict.fromkeys(("insert", "repaired", "update", "same", "skip"), 0) | {"refused": outside}
    for one in sql_stage.counts(connection, stage):
        _add(counts, twins, one)
        kinds[one["kind"]] += one["count"]
    return {"counts": counts, "twins": twins, "kinds": kinds}


def _add(counts: Document, twins: dict[str, int], one: Any) -> None:
    count = one["count"]
    if one["verdict"] == "refused":
        counts["refused"] += count
        return
    counts["accepted"] += count
    if one["verdict"] == "repaired":
        counts["repaired"] += count
    act = "same" if one["act"] == "update" and one["same"] else one["act"]
    counts[act] += count
    if one["twin_by"]:
        twins[one["twin_by"]] = twins.get(one["twin_by"], 0) + count
