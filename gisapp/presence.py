"""Who else looks at or edits a feature just now, so that two people do not correct the same thing unawares.

Nothing is locked by it: the version of each save is what keeps one from overwriting the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from gisapp.errors import Problem
from gisapp.features import open_layer
from gisapp.house import House
from gisapp.params import invalid
from gisapp.permissions import Actor
from gisapp.sql import presence as sql_presence

#: A person who was not heard of for so long, in seconds, has gone. Pages tell of themselves three times as often.
LIFE_S = 30
BEAT_S = 10
ACTS = ("view", "edit", "leave")
_WANTS = {"view": "read", "edit": "update", "leave": "read"}


@dataclass(frozen=True)
class Present:
    """Somebody else at the feature; `act` is view or edit; moments are UTC."""

    username: str
    act: str
    since: datetime
    seen_at: datetime


def here(house: House, actor: Actor, layer_id: str, feature_id: UUID, act: str) -> list[Present]:
    """Note that the actor views, edits or leaves the feature; who else is there, editors first.

    Problems: `layer_unknown`, `feature_unknown` (404), `act_not_allowed` (403), `parameter_invalid` (400).
    """
    if act not in ACTS:
        raise invalid("act", f"可用：{', '.join(ACTS)}", f"use one of: {', '.join(ACTS)}")
    layer, table = open_layer(house, actor, layer_id, _WANTS[act])
    with house.db.begin(actor.username, actor.request_id) as connection:
        if act == "leave":
            connection.execute(sql_presence.leave(layer.id, feature_id, actor.username))
            return _others(connection, actor, layer.id, feature_id)
        if not connection.execute(sql_presence.is_live(table, feature_id)).scalar():
            raise Problem("feature_unknown", id=str(feature_id))
        connection.execute(sql_presence.clear(LIFE_S))
        connection.execute(sql_presence.beat(layer.id, feature_id, actor.username, act, LIFE_S))
        return _others(connection, actor, layer.id, feature_id)


def others(house: House, actor: Actor, layer_id: str, feature_id: UUID) -> list[Present]:
    """Who else is at the feature, editors first; nobody at one that is not there."""
    layer, _ = open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        return _others(connection, actor, layer.id, feature_id)


def _others(connection: Connection, actor: Actor, layer_id: str, feature_id: UUID) -> list[Present]:
    rows = connection.execute(sql_presence.others(layer_id, feature_id, actor.username, LIFE_S))
    return [Present(*row) for row in rows]
