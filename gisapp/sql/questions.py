"""Saved questions and their runs, and which features answer a question now that did not at a moment before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Delete,
    FetchedValue,
    Insert,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql.statements import conditions

_META = MetaData()
_QUESTIONS = Table(
    "questions", _META,
    Column("id", Uuid, primary_key=True, server_default=FetchedValue()), Column("version", Integer),
    Column("name", Text),
    Column("description", Text), Column("owner", Text), Column("layer", Text), Column("query", postgresql.JSONB),
    Column("shared_with", Text), Column("people", postgresql.ARRAY(Text)), Column("as_layer", Boolean),
    Column("created_at", DateTime(timezone=True)),
    Column("updated_at", DateTime(timezone=True)), schema="gisapp")
_RUNS = Table(
    "question_runs", _META,
    Column("question", Text, primary_key=True), Column("username", Text, primary_key=True),
    Column("ran_at", DateTime(timezone=True)), schema="gisapp")


def readable(username: str, role: str) -> Select[Any]:
    """The questions that this reader owns or that are shared with them, by name."""
    return select(_QUESTIONS).where(_for_reader(username, role)).order_by(_QUESTIONS.c.name, _QUESTIONS.c.id)


def made_layers(username: str, role: str, most: int) -> Select[Any]:
    """Those of them that were made layers."""
    return readable(username, role).where(_QUESTIONS.c.as_layer).limit(most)


def one(question: UUID, username: str, role: str, *, every: bool, lock: bool) -> Select[Any]:
    """A question, if the reader may see it: with `every`, whoever owns it."""
    found = select(_QUESTIONS).where(_QUESTIONS.c.id == question)
    if not every:
        found = found.where(_for_reader(username, role))
    return found.with_for_update() if lock else found


def _for_reader(username: str, role: str) -> Any:
    return or_(_QUESTIONS.c.owner == username, _QUESTIONS.c.shared_with.in_(("everybody", role)),
               _QUESTIONS.c.people.contains([username]))


def count_of(username: str) -> Select[Any]:
    """How many questions an account keeps."""
    return select(func.count()).select_from(_QUESTIONS).where(_QUESTIONS.c.owner == username)


def add(values: dict[str, Any]) -> Insert:
    """Keep a question; the row comes back."""
    return insert(_QUESTIONS).values(**values).returning(*_QUESTIONS.c)


def replace(question: UUID, values: dict[str, Any]) -> Update:
    """The question anew, its version one higher; the row comes back."""
    return update(_QUESTIONS).where(_QUESTIONS.c.id == question).values(
        **values, version=_QUESTIONS.c.version + 1, updated_at=func.now()).returning(*_QUESTIONS.c)


def remove(question: UUID) -> Delete:
    """Forget a question."""
    return delete(_QUESTIONS).where(_QUESTIONS.c.id == question)


def forget_runs(question: str) -> Delete:
    """Forget who ran it."""
    return delete(_RUNS).where(_RUNS.c.question == question)


def last_run(question: str, username: str) -> Select[Any]:
    """When this reader last noted the answer."""
    return select(_RUNS.c.ran_at).where(_RUNS.c.question == question, _RUNS.c.username == username)


def note_run(question: str, username: str, at: datetime) -> Insert:
    """Note that the reader has seen the answer as it was at this moment."""
    return postgresql.insert(_RUNS).values(question=question, username=username, ran_at=at).on_conflict_do_update(
        index_elements=["question", "username"], set_={"ran_at": at})


def new_since(layer: Layer, table: Table, query: Query, history: Table, before: Query) -> Select[Any]:
    """Ids of the features that answer `query` and did not answer `before`, the same question about the past."""
    then = select(history.c.id).where(*conditions(layer, history, before))
    return select(table.c.id).where(*conditions(layer, table, query), table.c.id.not_in(then)).order_by(table.c.id)


def sums(layer: Layer, table: Table, query: Query, names: Sequence[str]) -> Select[Any]:
    """One row: the number of features that answer, and the sum of each of the fields."""
    added: list[Any] = [func.sum(table.c[name]) for name in names]
    return select(func.count(), *added).select_from(table).where(*conditions(layer, table, query))
