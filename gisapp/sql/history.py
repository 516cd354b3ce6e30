"""Sentences about time: a feature's versions, what differs between two moments, going back to a version."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Insert,
    Interval,
    Select,
    Subquery,
    Table,
    Text,
    Update,
    and_,
    case,
    cast as cast_type,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from gisapp.crs import CRS84, Crs
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql.statements import conditions, feature_json

#: What every version changes by itself; no difference that anybody asks about.
STAMPS = ("version", "created_at", "created_by", "updated_at", "updated_by")
CHANGES = ("added", "changed", "removed")


def versions(layer: Layer, history: Table, feature_id: UUID, names: list[str], before: int | None,
             limit: int) -> Select[Any]:
    """Rows of a feature's history, newest first, with the feature as text; at most `limit`, older than row
    `before`. A deletion is a row of its own that repeats the last content."""
    # An open end is "infinity", which Python's datetime cannot hold.
    until = func.nullif(history.c.valid_to, literal_column("'infinity'::timestamptz"))
    statement = select(
        feature_json(layer, history, names, CRS84).label("feature"), history.c.history_id, history.c.version,
        history.c.operation, history.c.changed_by, history.c.request_id, history.c.valid_from,
        until.label("valid_to")).where(history.c.id == feature_id)
    if before is not None:
        statement = statement.where(history.c.history_id < before)
    return statement.order_by(history.c.history_id.desc()).limit(limit)


def last_version(layer: Layer, history: Table, feature_id: UUID) -> Select[Any]:
    """Operation, version and squadron of a feature's newest row; no row when it never was."""
    squadron = history.c.squadron_code if layer.assigned else literal(None)
    return select(history.c.operation, history.c.version, squadron.label("squadron_code")).where(
        history.c.id == feature_id).order_by(history.c.history_id.desc()).limit(1)


def state_at(layer: Layer, history: Table, feature_id: UUID, version: int) -> Select[Any]:
    """The state that a feature had at a version; no row when there is no such version."""
    status = history.c.status if layer.states else literal(None)
    return select(status.label("status")).where(
        history.c.id == feature_id, history.c.version == version, history.c.operation != "delete")


def content_columns(layer: Layer) -> list[str]:
    """The columns that a person wrote; the others follow from them."""
    second = [layer.second_geometry.id] if layer.second_geometry else []
    return [*(f.id for f in layer.writable_fields), "geom", *second, "synthetic"]


def _content(layer: Layer, history: Table) -> list[ColumnElement[Any]]:
    return [history.c[name] for name in content_columns(layer)]


def _then(layer: Layer, history: Table, feature_id: UUID, version: int) -> Subquery:
    return select(history.c.id, *_content(layer, history)).where(
        history.c.id == feature_id, history.c.version == version, history.c.operation != "delete").subquery("then")


def go_back(layer: Layer, table: Table, history: Table, feature_id: UUID, version: int) -> Update:
    """Give a live feature the content of one of its versions."""
    then = _then(layer, history, feature_id, version)
    values = {column.name: then.c[column.name] for column in _content(layer, history)}
    return update(table).where(table.c.id == then.c.id).values(values)


def bring_back(layer: Layer, table: Table, history: Table, feature_id: UUID, version: int) -> Insert:
    """Put a deleted feature back with the content of a version; no row when somebody did so just now."""
    names = ["id", *(column.name for column in _content(layer, history))]
    then = _then(layer, history, feature_id, version)
    return insert(table).from_select(names, select(*(then.c[name] for name in names))).on_conflict_do_nothing(
        index_elements=[table.c.id]).returning(table.c.version)


def act(history: Table, request_id: str, username: str, minutes: int) -> Select[Any]:
    """What a person's request did in the last `minutes`: feature, its first and last operation there, the version
    that this left, and the version before (None for a new one); in the order of ids."""
    recent = history.c.valid_from > func.now() - cast_type(literal(f"{minutes} min"), Interval)
    mine = select(history.c.id, func.min(history.c.history_id).label("first"),
                  func.max(history.c.history_id).label("last")).where(
        recent, history.c.request_id == request_id, history.c.changed_by == username).group_by(
        history.c.id).subquery("mine")
    began, ended, older = (history.alias(name) for name in ("began", "ended", "older"))
    prior = select(func.max(older.c.version)).where(
        older.c.id == mine.c.id, older.c.history_id < mine.c.first, older.c.operation != "delete").scalar_subquery()
    return select(mine.c.id, began.c.operation.label("began"), ended.c.operation.label("ended"), ended.c.version,
                  prior.label("prior")).select_from(mine).join(
        began, began.c.history_id == mine.c.first).join(ended, ended.c.history_id == mine.c.last).order_by(mine.c.id)


class Sides(NamedTuple):
    """The versions that ended between two moments and were valid at the first; those that began and are valid
    at the second."""

    before: Subquery
    after: Subquery


def _sides(history: Table, first: datetime, last: datetime) -> Sides:
    ended = select(history).where(history.c.valid_from <= first, history.c.valid_to > first,
                                  history.c.valid_to <= last).subquery("before")
    begun = select(history).where(history.c.valid_from > first, history.c.valid_from <= last,
                                  history.c.valid_to > last).subquery("after")
    return Sides(ended, begun)


def _matter(layer: Layer, sides: Sides, query: Query, names: list[str]) -> ColumnElement[bool]:
    """What differs for this reader, and meets the query at one of the two moments."""
    second = [layer.second_geometry.id] if layer.second_geometry else []
    compared = [*(name for name in names if name not in STAMPS), "geom", *second]
    before, after = sides
    differs = or_(before.c.id.is_(None), after.c.id.is_(None),
                  *(before.c[name].is_distinct_from(after.c[name]) for name in compared))
    # `conditions` asks for columns only, and a subquery of a table has the same ones.
    asked = [conditions(layer, cast(Table, side), query) for side in sides]
    # A side without a row has no values, which is an answer to some questions.
    met = [and_(side.c.id.is_not(None), *one) for side, one in zip(sides, asked, strict=True)]
    return and_(differs, or_(*met)) if asked[0] else differs


def _kind(sides: Sides) -> ColumnElement[str]:
    return case((sides.before.c.id.is_(None), "added"), (sides.after.c.id.is_(None), "removed"), else_="changed")


def changes(layer: Layer, history: Table, query: Query, first: datetime, last: datetime,
            names: list[str]) -> Select[Any]:
    """What was added, changed or removed from moment `first` to moment `last`, in the order of ids, one more
    than the limit: kind, the feature before and after as texts, and the last act on it."""
    sides = _sides(history, first, last)
    feature_id = func.coalesce(sides.after.c.id, sides.before.c.id)
    act = history.alias("act")
    latest = select(func.json_build_object("changed_at", act.c.valid_from, "changed_by", act.c.changed_by)).where(
        act.c.id == feature_id, act.c.valid_from <= last).order_by(act.c.history_id.desc()).limit(1)
    statement = select(
        feature_id.label("id"), _kind(sides).label("change"), *_texts(layer, sides, names, query.crs),
        latest.correlate(*sides).scalar_subquery().label("act"),
    ).select_from(sides.before.join(sides.after, sides.before.c.id == sides.after.c.id, full=True)).where(
        _matter(layer, sides, query, names))
    if query.after:
        statement = statement.where(feature_id > UUID(query.after[-1]))
    return statement.order_by(feature_id).limit(query.limit + 1)


def _texts(layer: Layer, sides: Sides, names: list[str], crs: Crs) -> list[ColumnElement[Any]]:
    found: list[ColumnElement[Any]] = []
    for name, side in zip(("before", "after"), sides, strict=True):
        text = feature_json(layer, cast(Table, side), names, crs)
        found.append(case((side.c.id.is_not(None), text), else_=literal(None, Text)).label(name))
    return found


def count_changes(layer: Layer, history: Table, query: Query, first: datetime, last: datetime,
                  names: list[str]) -> Select[Any]:
    """How many features were added, changed and removed."""
    sides = _sides(history, first, last)
    kind = _kind(sides)
    counts: list[Any] = [func.count().filter(kind == name).label(name) for name in CHANGES]
    return select(*counts).select_from(
        sides.before.join(sides.after, sides.before.c.id == sides.after.c.id, full=True)).where(
        _matter(layer, sides, query, names))
