"""What is to become of the rows: the choices of a check, read from JSON or a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gisapp.errors import Problem
from gisapp.formats.storable import is_storable
from gisapp.layers import Layer
from gisapp.sql.stage_checks import TERRITORIES

MODES = ("append", "update", "replace")
ROLES = ("rows", "second", "skip")
#: What may become of a row that meets a feature by its id or a unique value, and by its place.
MET = ("refuse", "skip", "update")
NEAR = ("enter", "skip", "update")
WHOLE = "all"
_TABLES = ("csv", "xlsx")
_KNOWN = {"mapping", "crs", "encoding", "mode", "accept", "layers", "codes", "repair", "key", "twins", "new", "save_as",
          "territory"}


@dataclass(frozen=True)
class Plan:
    """How rows and features are matched, and what follows.

    `key` is id or a unique field, by which update and replace match. `by_id`, `by_key` and `by_place` say what becomes
    of a row that meets a feature so; `new` (enter or skip) of one that an update does not find. `territory` is the set
    that is replaced: column and code, None for the whole layer.
    """

    mode: str = "append"
    key: str = "id"
    by_id: str = "refuse"
    by_key: str = "refuse"
    by_place: str = "enter"
    new: str = "enter"
    territory: tuple[str, str] | None = None

    @property
    def replaces(self) -> bool:
        return self.mode == "replace"


def checked(given: Any) -> dict[str, Any]:
    """The choices when they have the shape that they should; Problem `mapping_invalid` when not."""
    if not isinstance(given, dict) or set(given) - _KNOWN:
        raise _wrong(", ".join(sorted(_KNOWN)))
    if not is_storable(given):
        raise _wrong("text without NUL and halves of characters")
    sources = given.get("layers") or {}
    parts = [given, *(sources.values() if isinstance(sources, dict) else [None])]
    if given.get("mode", "append") not in MODES or given.get("accept", "all") not in ("all", "valid"):
        raise _wrong('mode: append, update, replace; accept: all, valid')
    if not all(_well_formed(part) for part in parts):
        raise _wrong("mapping: {column: field or null}; crs: text; role: rows, second, skip; "
                     "codes: {field: {value: code or null}}; repair: true or false")
    if not isinstance(given.get("save_as", ""), str) or len(given.get("save_as") or "") > 80:
        raise _wrong("save_as: text, at most 80 characters")
    return {**given, "layers": sources}


def _wrong(reason: str) -> Problem:
    return Problem("mapping_invalid", reason=reason)


def _well_formed(part: Any) -> bool:
    return (isinstance(part, dict) and isinstance(part.get("crs"), str | None) and part.get("role", "rows") in ROLES
            and isinstance(part.get("repair", False), bool) and _is_mapping(part.get("mapping"))
            and _is_mapping(part.get("columns")) and isinstance(part.get("codes", {}), dict)
            and all(isinstance(one, dict) and _is_mapping(one) for one in part.get("codes", {}).values()))


def _is_mapping(given: Any) -> bool:
    return given is None or (isinstance(given, dict) and all(isinstance(one, str | None) for one in given.values()))


def read(layer: Layer, choices: Mapping[str, Any]) -> Plan:
    """The plan in the choices. Problem `mapping_invalid` with what may be chosen."""
    keys = ["id", *(f.id for f in layer.fields if f.unique)]
    twins = choices.get("twins", {})
    mode, key = choices.get("mode", "append"), choices.get("key", "id")
    if key not in keys:
        raise _wrong(f"key: {', '.join(keys)}")
    if not isinstance(twins, dict) or set(twins) - {"id", "key", "place"}:
        raise _wrong("twins: {id, key, place}")
    by_id, by_key = (twins.get(name, "refuse") for name in ("id", "key"))
    near, new = twins.get("place", "enter"), choices.get("new", "enter")
    if by_id not in MET or by_key not in MET or near not in NEAR or new not in ("enter", "skip"):
        raise _wrong(f"twins: id, key: {', '.join(MET)}; place: {', '.join(NEAR)}; new: enter, skip")
    if mode == "append":
        return Plan(mode, key, by_id, by_key, near)
    return Plan(mode, key, "update", "update", "enter", new if mode == "update" else "enter",
                _territory(layer, choices.get("territory")) if mode == "replace" else None)


def require_rows(sources: Any, choices: Mapping[str, Any]) -> None:
    """Problem `mapping_invalid` where nothing of an upload would be read, so that nobody takes silence for a result."""
    for source in sources:
        wishes = choices.get("layers", {}).get(source["name"], {})
        # A table without a place can change records by their key.
        plain = source["columns"] is None and source["format"] in _TABLES and choices.get("mode") == "update"
        if wishes.get("role", "rows" if plain else source["role"]) != "skip" or wishes.get("columns"):
            return
    if sources:
        raise _wrong("没有要导入的内容：请选择图层，表格请选择坐标所在的列；没有坐标的表格只能按关键字段更新已有记录 / "
                     "nothing is chosen to be imported: choose a layer, and for a table the columns of its place; a "
                     "table without any can only change records that are there, by their key")


def require_frames(sources: Any, choices: Mapping[str, Any]) -> None:
    """Problem `crs_needed` where nobody chose in what a source is read, and its own system is unknown or lays it off
    the city while another reading does not: no program's silence takes rows to where they are not."""
    for source in sources:
        wishes = choices.get("layers", {}).get(source["name"], {})
        datum = source.get("datum") or {}
        settled = wishes.get("crs") or choices.get("crs") or wishes.get("role", source["role"]) == "skip"
        doubtful = not source["crs"] or (datum.get("verdict") == "outside" and datum.get("chosen"))
        if doubtful and not settled and datum:
            frames = [choice["frame"] for choice in datum["choices"]] or source["crs_candidates"]
            raise Problem("crs_needed", name=source["name"], candidates=", ".join(frames) or "—")


def _territory(layer: Layer, given: Any) -> tuple[str, str] | None:
    """The set that is replaced: {"level": "street_code", "code": "421303001"}, or {"level": "all"}."""
    levels = TERRITORIES if layer.assigned else ()
    level, code = (given.get("level"), given.get("code")) if isinstance(given, dict) else (None, None)
    if level == WHOLE:
        return None
    if level in levels and isinstance(code, str) and 0 < len(code) <= 40:
        return str(level), code
    raise _wrong(f"territory: level: {', '.join((*levels, WHOLE))}; code")


def acts(plan: Plan) -> list[str]:
    """What else than importing the actor must be allowed to do."""
    changes = plan.mode != "append" or "update" in (plan.by_id, plan.by_key, plan.by_place)
    return [*(["update"] if changes else []), *(["delete"] if plan.replaces else [])]
