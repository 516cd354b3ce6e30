"""The report of a check as CSV: every row that was refused, repaired, changed or passed over, and why."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from gisapp.desk.preview import require_rows
from gisapp.errors import Problem
from gisapp.formats.losses import defused
from gisapp.house import House
from gisapp.imports import folder_of, own
from gisapp.layers import Layer
from gisapp.permissions import Actor
from gisapp.sql import stage as sql_stage

FILE = "report.csv"
_HEAD = ("来源 source", "行 row", "结论 verdict", "处理 act", "原因", "reason", "修复", "repair", "现有记录 met record")
_VERDICTS = {"insert": "新增 new", "update": "更新 update", "same": "无变化 unchanged", "skip": "跳过 skipped",
             "refused": "拒绝 refused", "repaired": "修复后新增 repaired"}
_CHUNK = 2000


def lines(house: House, actor: Actor, number: UUID) -> Iterator[str]:
    """The report as CSV with a byte order mark, formulas defused, piece by piece. Problems `import_unknown`,
    `import_not_checked`, `import_lost`."""
    row = own(house, actor, number)
    kept = folder_of(house, number) / FILE
    if kept.is_file():
        return _file(kept)
    if "check" not in row["summary"]:
        raise Problem("import_not_checked")
    return _staged(house, house.layer(row["layer"]), number, row["summary"])


def _file(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        while piece := file.read(1 << 16):
            yield piece


def _names(summary: dict[str, Any]) -> list[str]:
    """The columns of the file, source by source."""
    return list(dict.fromkeys(name for source in summary.get("layers", []) for name in source["fields"]))


def _staged(house: House, layer: Layer, number: UUID, summary: dict[str, Any]) -> Iterator[str]:
    stage = sql_stage.stage_table(layer, house.tables.layers[layer.id], number)
    with house.db.snapshot() as connection:
        require_rows(connection, stage, number, summary["check"])
        yield from _lines(connection, layer, stage, list(_VERDICTS), _names(summary))
    yield _orphans(summary)


def _lines(connection: Connection, layer: Layer, stage: Table, kinds: list[str], names: list[str]) -> Iterator[str]:
    yield "\ufeff" + _csv([[*_HEAD, *names]])
    after = -1
    while rows := sql_stage.some_rows(connection, layer, stage, kinds, False, after, _CHUNK):
        after = rows[-1]["line"]
        yield _csv([_line(row, names) for row in rows])


def _orphans(summary: dict[str, Any]) -> str:
    """What was refused that is no row of its own: second geometries without the feature that they belong to."""
    zh, en = _VERDICTS["refused"].split()
    return _csv([[one["source"], one["row"] or "", zh, en, one["zh"], one["en"]]
                 for one in summary["check"].get("orphans", [])])


def _line(row: Any, names: list[str]) -> list[Any]:
    faults, done, raw = row["faults"] or [], row["done"] or [], row["raw"] or {}
    return [row["source"], row["row"], _VERDICTS[row["kind"]].split()[0], _VERDICTS[row["kind"]].split()[1],
            "；".join(one["zh"] for one in faults), "; ".join(one["en"] for one in faults),
            "；".join(one["zh"] for one in done), "; ".join(one["en"] for one in done), row["twin"] or "",
            *(raw.get(name, "") for name in names)]


def _csv(rows: list[list[Any]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerows([defused(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue()


def keep(house: House, connection: Connection, layer: Layer, stage: Table, number: UUID,
         summary: dict[str, Any]) -> None:
    """Keep what is worth telling of a stage that goes: the rows that were refused, repaired or passed over."""
    folder = folder_of(house, number)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        file.writelines(_lines(connection, layer, stage, ["refused", "repaired", "skip", "same"],
                               _names(summary)))
        file.write(_orphans(summary))


def keep_alone(house: House, number: UUID) -> None:
    """Throw away all else that lies in an import's folder."""
    for path in folder_of(house, number).iterdir():
        if path.name != FILE:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def is_kept(house: House, number: UUID) -> bool:
    """Whether a committed import still has its report."""
    return (folder_of(house, number) / FILE).is_file()


