"""One change to many features that answer a question: those that were ticked, or all of them as they were seen.

Each is changed against the version that the reader saw, within the reader's rights; what is refused is told one by one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from gisapp import features
from gisapp.asking.page import Asked
from gisapp.features import visible_names
from gisapp.forms import to_value
from gisapp.house import House
from gisapp.layers import Field
from gisapp.marking.batch import MOST, change_many
from gisapp.marking.undo import undo
from gisapp.params import invalid, parse, parse_as_of
from gisapp.permissions import Actor, may


@dataclass(frozen=True)
class Chosen:
    """`picks` are ids with the versions that were seen, as id:version; with `whole` all that answered at the moment
    `seen` (RFC 3339). `field` gets `value`, text as a form has it, or one text for each code of a list."""

    field: str
    value: Sequence[str]
    picks: Sequence[str] = ()
    whole: bool = False
    seen: str = ""


@dataclass(frozen=True)
class Refusal:
    """A feature that was not changed, by its name, and why, in the reader's language."""

    id: str
    title: str
    reason: str


@dataclass(frozen=True)
class Done:
    """How many were changed; those that were not; the request by which it can be undone."""

    done: int
    refused: list[Refusal]
    request_id: str


def offered(actor: Actor, asked: Asked) -> list[Field]:
    """The fields that this reader may set in many features at once: none in the past, nothing that must be unique."""
    if not may(actor, "update") or asked.plain.get("as_of"):
        return []
    known = visible_names(actor, asked.layer)
    return [one for one in asked.layer.writable_fields if one.id in known and not one.unique
            and not (one.id == "status" and not may(actor, "change_state"))]


def run(house: House, actor: Actor, asked: Asked, chosen: Chosen, language: str) -> Done:
    """Change what was chosen. Problems: `parameter_invalid` (400), `body_invalid`, `properties_invalid` (422),
    `act_not_allowed` (403), those of `params.parse`."""
    field = next((one for one in offered(actor, asked) if one.id == chosen.field), None)
    if field is None:
        raise invalid("field", "请选择要修改的字段", "name the field to change")
    wanted = _as_seen(house, actor, asked, chosen.seen) if chosen.whole else _ticked(chosen.picks)
    raw = tuple(chosen.value) if field.type == "codes" else (chosen.value[0] if chosen.value else "")
    value = to_value(field, raw, ZoneInfo(house.settings.time_zone))
    results = change_many(house, actor, asked.layer.id, {
        "ids": [{"id": number, "version": version} for number, version in wanted.items()],
        "properties": {field.id: value}})
    refused = [one for one in results if one["outcome"] == "refused"]
    titles = _titles(house, actor, asked, [one["id"] for one in refused])
    return Done(len(results) - len(refused), [Refusal(one["id"], titles.get(one["id"], one["id"]), one[language])
                                              for one in refused], actor.request_id)


def take_back(house: House, actor: Actor, asked: Asked, request_id: str) -> int:
    """Undo a change to many; returns how many features. Problems: those of `marking.undo.undo`."""
    return len(undo(house, actor, asked.layer.id, request_id))


def _ticked(picks: Sequence[str]) -> dict[str, int]:
    found = {}
    for one in picks:
        number, _, version = one.partition(":")
        if not (version.isascii() and version.isdigit() and len(version) < 10):
            raise invalid("pick", "应为 编号:版本", "wants id:version")
        found[number] = int(version)
    if not 0 < len(found) <= MOST:
        raise invalid("pick", f"请勾选 1 至 {MOST} 条记录", f"tick 1 to {MOST} records")
    return found


def _as_seen(house: House, actor: Actor, asked: Asked, seen: str) -> dict[str, int]:
    """Ids and versions of all that answered when the page was made: who changed one since is not overwritten."""
    if not seen:
        raise invalid("seen", "缺少查看时刻", "is missing")
    given = {name: text for name, text in asked.args.items() if name in ("filter", "datetime", "q", "ids", "bbox")}
    query = parse({name: [text] for name, text in given.items()}, asked.layer, house.catalogue)
    query = replace(query, as_of=parse_as_of(seen), properties=("version",), limit=MOST + 1)
    page = features.list_features(house, actor, asked.layer.id, query)
    if not 0 < page.number_matched <= MOST:
        raise invalid("whole", f"一次最多修改 {MOST} 条，当前 {page.number_matched} 条；请缩小问题或逐批勾选",
                      f"at most {MOST} records at once, {page.number_matched} answer: narrow the question or tick some")
    found: list[dict[str, Any]] = [json.loads(text) for text in page.features]
    return {one["id"]: one["properties"]["version"] for one in found}


def _titles(house: House, actor: Actor, asked: Asked, ids: Sequence[str]) -> dict[str, str]:
    layer = asked.layer
    if not ids or layer.name_field not in visible_names(actor, layer):
        return {}
    query = replace(parse({"ids": [",".join(ids)]}, layer, house.catalogue), properties=(layer.name_field,), limit=MOST)
    found = [json.loads(text) for text in features.list_features(house, actor, layer.id, query).features]
    return {one["id"]: one["properties"][layer.name_field] or one["id"] for one in found}
