"""Saved questions: a name, a layer, the parameters of an items request; kept for oneself, for people, a role or all.

The questions that ship (`gisapp.example_questions`) stand beside them, by an id in words, and cannot be changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from gisapp import features, params
from gisapp.accounts import people
from gisapp.errors import Problem
from gisapp.example_questions import Example, examples
from gisapp.house import House
from gisapp.params import Query
from gisapp.permissions import ROLES, Actor, may, require
from gisapp.sql import questions as sql_questions

SHARED_WITH = ("nobody", "everybody", *ROLES)
MOST_NAME, MOST_DESCRIPTION, MOST_KEPT = 200, 2000, 1000
MOST_LAYERS = 200
MOST_PEOPLE = 100
#: Ids of new features that an answer lists; the number is that of all.
MOST_NEW = 1000
#: What belongs to one look at an answer and not to the question.
_PASSING = ("f", "lang", "limit", "after", "before", "encoding", "crs")
_MEMBERS = {"name", "description", "layer", "query", "shared_with", "people", "as_layer"}


@dataclass(frozen=True)
class Question:
    """`query` are parameters of an items request by name; `people` are user names that it is shared with, besides
    the role of `shared_with`. `example` marks one that ships; it has no owner.
    With `as_layer` it stands among the layers. Moments are UTC."""

    id: str
    name: str
    layer: str
    query: Mapping[str, str]
    description: str = ""
    owner: str = ""
    shared_with: str = "everybody"
    people: Sequence[str] = ()
    version: int = 1
    example: bool = False
    as_layer: bool = False
    updated_at: datetime | None = None

    @property
    def args(self) -> dict[str, list[str]]:
        """The parameters as those of a request."""
        return {name: [value] for name, value in self.query.items()}


@dataclass(frozen=True)
class Run:
    """What a question answers now: so many features, so many of them new `since` the reader's last run (None: this
    is the first), with the ids of the new ones, at most MOST_NEW."""

    at: datetime
    since: datetime | None
    number_matched: int
    number_new: int
    new: Sequence[UUID]


def listed(house: House, actor: Actor, language: str) -> list[Question]:
    """One's own questions and those that are shared with one, then those that ship."""
    require(actor, "read")
    with house.db.read() as connection:
        rows = connection.execute(sql_questions.readable(actor.username, actor.role)).all()
    shipped = [_shipped(one, language) for one in examples() if one.layer in house.catalogue.layers]
    kept = (_kept(row) for row in rows)
    return [*(one for one in kept if not _masked(house, actor, one)), *shipped]


def made_layers(house: House, actor: Actor) -> list[Question]:
    """The questions that were made layers, of those that this reader may see, by name; MOST_LAYERS at most."""
    require(actor, "read")
    with house.db.read() as connection:
        rows = connection.execute(sql_questions.made_layers(actor.username, actor.role, MOST_LAYERS)).all()
    return [_kept(row) for row in rows]


def get(house: House, actor: Actor, question_id: str, language: str) -> Question:
    """One question. Problems: `question_unknown` (404), also for one that is not shared with the reader;
    `field_masked` (403) when its text leans on a field that the reader may not see, and so might name a person."""
    require(actor, "read")
    for one in examples():
        if one.id == question_id:
            return _shipped(one, language)
    with house.db.read() as connection:
        row = connection.execute(_seen_by(actor, question_id)).one_or_none()
    if row is None:
        raise _unknown(question_id)
    found = _kept(row)
    if problem := _masked(house, actor, found):
        raise problem
    return found


def _masked(house: House, actor: Actor, question: Question) -> Problem | None:
    """Why the text of the question is not for this reader: it leans on a field that they may not see."""
    if question.owner == actor.username or may(actor, "read_personal"):
        return None
    said = json.dumps(dict(question.query), ensure_ascii=False)
    layers = house.catalogue.layers.values()
    if not any(field.personal and field.id in said for layer in layers for field in layer.all_fields):
        return None
    try:
        features.open_layer(house, actor, question.layer, "read", parse(house, question.layer, question.args))
    except Problem as problem:
        return problem
    return None


def create(house: House, actor: Actor, body: Any) -> Question:
    """Keep a question. Problems: `body_invalid`, `questions_too_many` (422), those of `params.parse`,
    `layer_unknown`, `field_masked`."""
    require(actor, "read")
    values = _values(house, actor, body)
    with house.db.begin(actor.username, actor.request_id) as connection:
        if connection.execute(sql_questions.count_of(actor.username)).scalar_one() >= MOST_KEPT:
            raise Problem("questions_too_many", limit=MOST_KEPT)
        values |= {"owner": actor.username, "people": _people(connection, values["people"])}
        return _kept(connection.execute(sql_questions.add(values)).one())


def change(house: House, actor: Actor, question_id: str, body: Any, version: int | None) -> Question:
    """The question anew, by its owner or an administrator. Problems besides those of `create`:
    `question_unknown` (404), `question_not_yours` (403), `version_stale` (412)."""
    require(actor, "read")
    values = _values(house, actor, body)
    with house.db.begin(actor.username, actor.request_id) as connection:
        number = _own(connection, actor, question_id, version)
        values["people"] = _people(connection, values["people"])
        return _kept(connection.execute(sql_questions.replace(number, values)).one())


def delete(house: House, actor: Actor, question_id: str, version: int | None) -> None:
    """Forget a question and who ran it; by its owner or an administrator. Problems as of `change`."""
    require(actor, "read")
    with house.db.begin(actor.username, actor.request_id) as connection:
        number = _own(connection, actor, question_id, version)
        connection.execute(sql_questions.remove(number))
        connection.execute(sql_questions.forget_runs(str(number)))


def look(house: House, actor: Actor, question: Question, *, note: bool) -> Run:
    """What the question answers and what of it is new since this reader's last run; `note` makes this run the last.

    New is what answers now and did not then: made, changed, or met by another layer's change since.
    """
    query = parse(house, question.layer, question.args)
    layer, table = features.open_layer(house, actor, question.layer, "read", query)
    now = datetime.now(UTC)
    with house.db.begin(actor.username, actor.request_id) as connection:
        since = connection.execute(sql_questions.last_run(question.id, actor.username)).scalar()
        new: list[UUID] = []
        if since is not None and query.as_of is None:
            history = house.tables.history[layer.id]
            before = replace(query, as_of=since)
            new = list(connection.execute(
                sql_questions.new_since(layer, table, query, history, before)).scalars())
        if note:
            connection.execute(sql_questions.note_run(question.id, actor.username, now))
    return Run(now, since, features.count_features(house, actor, layer.id, query), len(new), new[:MOST_NEW])


def parse(house: House, layer_id: str, args: Mapping[str, Sequence[str]]) -> Query:
    """The query of a question about all its features. Problems: `layer_unknown`, those of `params.parse`."""
    return params.parse(args, house.layer(layer_id), house.catalogue).without_page()


def _number(question_id: str) -> UUID:
    try:
        return UUID(question_id)
    except ValueError:
        raise _unknown(question_id) from None


def _unknown(question_id: str) -> Problem:
    return Problem("question_unknown", id=question_id[:60])


def _seen_by(actor: Actor, question_id: str, *, lock: bool = False) -> Any:
    return sql_questions.one(_number(question_id), actor.username, actor.role,
                             every=may(actor, "manage_accounts"), lock=lock)


def _own(connection: Any, actor: Actor, question_id: str, version: int | None) -> UUID:
    """The number of a question that the actor may change, its row locked."""
    if any(one.id == question_id for one in examples()):
        raise Problem("question_not_yours")
    found = connection.execute(_seen_by(actor, question_id, lock=True)).one_or_none()
    if found is None:
        raise _unknown(question_id)
    if found.owner != actor.username and not may(actor, "manage_accounts"):
        raise Problem("question_not_yours")
    if version is not None and version != found.version:
        raise Problem("version_stale", current=found.version)
    number: UUID = found.id
    return number


def _values(house: House, actor: Actor, body: Any) -> dict[str, Any]:
    """What a body says, checked: the query is one that its owner may ask."""
    if not isinstance(body, dict) or not set(body) <= _MEMBERS | {"id", "version", "owner", "example", "links",
                                                                   "updated_at"}:
        raise _invalid(f"可用成员：{', '.join(sorted(_MEMBERS))}", f"its members are {', '.join(sorted(_MEMBERS))}")
    name, layer = _text(body, "name", MOST_NAME), _text(body, "layer", 60)
    if not name:
        raise _invalid("需要 name", "name is missing")
    shared = body.get("shared_with", "nobody")
    if shared not in SHARED_WITH:
        raise _invalid(f"shared_with 可用：{', '.join(SHARED_WITH)}", f"shared_with is one of {', '.join(SHARED_WITH)}")
    as_layer = body.get("as_layer", False)
    if not isinstance(as_layer, bool):
        raise _invalid("as_layer 应为 true 或 false", "as_layer is true or false")
    query = body.get("query", {})
    if not isinstance(query, dict) or not all(isinstance(one, str) for one in query.values()):
        raise _invalid("query 应为“参数名: 文本”", "query holds texts by the name of a parameter")
    kept = {key: text for key, text in query.items() if key not in _PASSING and text}
    features.open_layer(house, actor, layer, "read", parse(house, layer, {key: [one] for key, one in kept.items()}))
    return {"name": name, "description": _text(body, "description", MOST_DESCRIPTION), "layer": layer,
            "query": kept, "shared_with": shared, "people": _names(body), "as_layer": as_layer}


def _names(body: Mapping[str, Any]) -> list[str]:
    given = body.get("people", [])
    if not isinstance(given, list) or len(given) > MOST_PEOPLE or not all(isinstance(one, str) for one in given):
        raise _invalid(f"people 应为用户名列表，最多 {MOST_PEOPLE} 个",
                       f"people is a list of at most {MOST_PEOPLE} user names")
    return given


def _people(connection: Connection, names: Sequence[str]) -> list[str]:
    """The names as their accounts have them, each once."""
    found = {}
    for name in names:
        account = people.find_by_name(connection, name)
        if account is None:
            raise _invalid(f"没有用户“{name[:60]}”", f"there is no user “{name[:60]}”")
        found[account.username] = account
    return sorted(found)


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    given = body.get(name, "")
    if not isinstance(given, str) or len(given.strip()) > most or "\x00" in given:
        raise _invalid(f"{name} 应为文本，最多 {most} 个字符", f"{name} is a text of at most {most} characters")
    return given.strip()


def _invalid(zh: str, en: str) -> Problem:
    return Problem("body_invalid", reason=f"{zh} / {en}")


def _kept(row: Any) -> Question:
    return Question(str(row.id), row.name, row.layer, row.query, row.description, row.owner, row.shared_with,
                    row.people, row.version, as_layer=row.as_layer, updated_at=row.updated_at)


def _shipped(one: Example, language: str) -> Question:
    return Question(one.id, one.title.get(language), one.layer, {name: given[0] for name, given in one.args.items()},
                    example=True)
