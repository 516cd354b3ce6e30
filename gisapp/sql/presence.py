"""Who is at which feature just now: one row for each person, feature and act, renewed by heartbeats."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    Delete,
    Insert,
    Interval,
    MetaData,
    Select,
    Table,
    Text,
    Uuid,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert

_PRESENCE = Table(
    "presence", MetaData(),
    Column("layer", Text, primary_key=True), Column("feature_id", Uuid, primary_key=True),
    Column("username", Text, primary_key=True), Column("act", Text, primary_key=True),
    Column("since", DateTime(timezone=True)), Column("seen_at", DateTime(timezone=True)),
    schema="gisapp")
#: Old rows that one heartbeat clears away: more than it adds, so that they never pile up.
_CLEARED = 20


def _alive(life_s: int) -> Any:
    return _PRESENCE.c.seen_at > func.clock_timestamp() - cast(literal(f"{life_s} s"), Interval)


def is_live(table: Table, feature_id: UUID) -> Select[Any]:
    """Whether the layer holds the feature."""
    return select(exists().where(table.c.id == feature_id))


def beat(layer: str, feature_id: UUID, username: str, act: str, life_s: int) -> Insert:
    """Note that a person is there; `since` starts anew after an absence."""
    now = func.clock_timestamp()
    statement = insert(_PRESENCE).values(
        layer=layer, feature_id=feature_id, username=username, act=act, since=now, seen_at=now)
    kept = case((_alive(life_s), _PRESENCE.c.since), else_=now)
    return statement.on_conflict_do_update(
        index_elements=["layer", "feature_id", "username", "act"], set_={"since": kept, "seen_at": now})


def leave(layer: str, feature_id: UUID, username: str) -> Delete:
    """Note that a person has gone."""
    return delete(_PRESENCE).where(
        _PRESENCE.c.layer == layer, _PRESENCE.c.feature_id == feature_id, _PRESENCE.c.username == username)


def clear(life_s: int) -> Delete:
    """Take away some rows that nobody renewed; rows that another heartbeat holds are passed over."""
    old = select(_PRESENCE.c.layer, _PRESENCE.c.feature_id, _PRESENCE.c.username, _PRESENCE.c.act).where(
        _PRESENCE.c.seen_at < func.clock_timestamp() - cast(literal(f"{2 * life_s} s"), Interval)
    ).limit(_CLEARED).with_for_update(skip_locked=True).subquery()
    return delete(_PRESENCE).where(*(_PRESENCE.c[name] == old.c[name]
                                     for name in ("layer", "feature_id", "username", "act")))


def others(layer: str, feature_id: UUID, username: str, life_s: int) -> Select[Any]:
    """Everybody else who is at the feature: name, strongest act, since when, seen when; editors first."""
    strongest = func.min(_PRESENCE.c.act)  # edit < view
    return select(
        _PRESENCE.c.username, strongest.label("act"), func.min(_PRESENCE.c.since).label("since"),
        func.max(_PRESENCE.c.seen_at).label("seen_at"),
    ).where(_PRESENCE.c.layer == layer, _PRESENCE.c.feature_id == feature_id, _PRESENCE.c.username != username,
            _alive(life_s)).group_by(_PRESENCE.c.username).order_by(strongest, _PRESENCE.c.username)
