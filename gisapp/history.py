"""A feature's versions, what changed between two moments, and going back.

Personal fields are left out for those without the right to them, and a change of such a field alone is no
difference to them. Geometry is EPSG:4326, longitude first, unless the query asks for another system.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Table

from gisapp import changes
from gisapp.errors import Problem
from gisapp.features import Found, layer_for, open_layer, read_one, visible_names
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.panels import Writer
from gisapp.params import Query, encode_page_key
from gisapp.permissions import Actor, may, require, require_territory
from gisapp.sql import history as sql_history, statements as sql
from gisapp.workflow import require_reachable

MOST_VERSIONS = 200


@dataclass(frozen=True)
class Changed:
    """One field that differs: its values as JSON has them, and in the reader's words ("—" for none)."""

    field: str
    title: str
    old: Any
    new: Any
    old_text: str
    new_text: str


@dataclass(frozen=True)
class Moved:
    """A geometry that differs, as GeoJSON or None; `column` is "geometry" or the id of the second geometry."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Version:
    """One entry. `operation`: insert, update, delete or restore (the feature came back after a deletion).

    `valid_to` is None for what is valid now; `may_restore`: this reader may go back to it.
    """

    key: int
    number: int
    operation: str
    changed_by: str
    request_id: str | None
    valid_from: datetime
    valid_to: datetime | None
    changed: tuple[Changed, ...]
    moved: tuple[Moved, ...]
    may_restore: bool


@dataclass(frozen=True)
class Story:
    """A page of versions, newest first. `current` is the number of the present version, None when deleted;
    `title` names the feature; `older` is the key of the next page, None on the last."""

    layer: Layer
    id: UUID
    title: str
    current: int | None
    versions: tuple[Version, ...]
    older: int | None


def story(house: House, actor: Actor, layer_id: str, feature_id: UUID, language: str, before: int | None = None,
          limit: int = 50) -> Story:
    """The versions of a feature, also of a deleted one. Problem `feature_unknown` (404) when it never was."""
    layer = layer_for(house, actor, layer_id, "read")
    table, limit = house.tables.history[layer.id], min(limit, MOST_VERSIONS)
    with house.db.snapshot() as connection:
        newest = connection.execute(sql_history.last_version(layer, table, feature_id)).one_or_none()
        rows = connection.execute(sql_history.versions(
            layer, table, feature_id, visible_names(actor, layer), before, limit + 1)).all()
    if newest is None:
        raise Problem("feature_unknown", id=str(feature_id))
    current = None if newest.operation == "delete" else newest.version
    teller = _Teller(layer, Writer.of(house, language), language, current,
                     may(actor, "delete" if current is None else "update"))
    found = tuple(teller.version(row, rows[place + 1] if place + 1 < len(rows) else None)
                  for place, row in enumerate(rows[:limit]))
    title = json.loads(rows[0].feature)["properties"].get(layer.name_field) if rows else None
    return Story(layer, feature_id, str(title or layer.title.get(language)), current, found,
                 found[-1].key if len(rows) > limit else None)


@dataclass(frozen=True)
class _Teller:
    layer: Layer
    writer: Writer
    language: str
    current: int | None
    may_restore: bool

    def version(self, row: Row[Any], older: Row[Any] | None) -> Version:
        now, was = json.loads(row.feature), json.loads(older.feature) if older else None
        came_back = row.operation == "insert" and row.version > 1
        return Version(
            row.history_id, row.version, "restore" if came_back else row.operation, row.changed_by, row.request_id,
            row.valid_from, row.valid_to, tuple(self._changed(was, now)), moved(self.layer, was, now),
            self.may_restore and row.operation != "delete" and row.version != self.current)

    def _changed(self, was: dict[str, Any] | None, now: dict[str, Any]) -> list[Changed]:
        return [Changed(name, self.layer.field(name).title.get(self.language), old, new,
                        self._text(name, old), self._text(name, new))
                for name, old, new in differences(self.layer, was, now)]

    def _text(self, name: str, value: Any) -> str:
        return "—" if value in (None, "", []) else self.writer.fact(
            self.layer.field(name), value, coloured=False).text


def differences(layer: Layer, was: dict[str, Any] | None, now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Field, old and new value of what differs between two features; what each version changes is left out."""
    old = was["properties"] if was else {}
    return [(name, old.get(name), value) for name, value in now["properties"].items()
            if layer.has_field(name) and name not in sql_history.STAMPS and old.get(name) != value]


def moved(layer: Layer, was: dict[str, Any] | None, now: dict[str, Any]) -> tuple[Moved, ...]:
    """The geometries that differ between two features."""
    pairs = [("geometry", was["geometry"] if was else None, now["geometry"])]
    if layer.second_geometry:
        name = layer.second_geometry.id
        pairs.append((name, was["properties"].get(name) if was else None, now["properties"].get(name)))
    return tuple(Moved(*pair) for pair in pairs if pair[1] != pair[2])


def restore(house: House, actor: Actor, layer_id: str, feature_id: UUID, version: int, expected: int | None,
            *, unchecked: bool = False) -> Found:
    """Give a feature the content it had at `version`; a new version results (`created` when it was deleted).

    A live feature must still be at version `expected`, unless `unchecked`. A deleted one comes back by a reviewer
    or administrator, who expects no version. Problems: `version_unknown` (404), `version_required` (428),
    `version_stale` (412), `feature_deleted` (409), `act_not_allowed`, `outside_territory` (403),
    `state_not_reachable`, `rule_broken` (422), `value_conflict` (409).
    """
    layer, table = open_layer(house, actor, layer_id, "update")
    history = house.tables.history[layer.id]
    with changes.writing(house, actor, layer) as connection:
        live = connection.execute(sql.lock_one(layer, table, feature_id)).one_or_none()
        then = connection.execute(sql_history.state_at(layer, history, feature_id, version)).one_or_none()
        _require_known(connection, layer, history, feature_id, then, version)
        if live is None:
            _bring_back(connection, actor, layer, table, history, feature_id, version, expected)
        else:
            _require_expected(live.version, expected, unchecked)
            require_territory(actor, live.squadron_code)
            require_reachable(actor, layer, live.status, then.status if then else None)
            connection.execute(sql_history.go_back(layer, table, history, feature_id, version))
        changes.approve(connection, actor, layer, table, feature_id)
        return read_one(connection, layer, table, feature_id, actor, created=live is None)


def _require_known(connection: Connection, layer: Layer, history: Table, feature_id: UUID, then: Any,
                   version: int) -> None:
    if then is not None:
        return
    if connection.execute(sql_history.last_version(layer, history, feature_id)).one_or_none() is None:
        raise Problem("feature_unknown", id=str(feature_id))
    raise Problem("version_unknown", version=version)


def _require_expected(current: int, expected: int | None, unchecked: bool) -> None:
    if expected is None and not unchecked:
        raise Problem("version_required")
    if expected is not None and expected != current:
        raise Problem("version_stale", current=current, headers={"ETag": f'"{current}"'})


def _bring_back(connection: Connection, actor: Actor, layer: Layer, table: Table, history: Table, feature_id: UUID,
                version: int, expected: int | None) -> None:
    require(actor, "delete")
    last = connection.execute(sql_history.last_version(layer, history, feature_id)).one()
    if expected is not None:  # whoever saw it alive does not know yet that somebody deleted it
        raise Problem("feature_deleted", id=str(feature_id))
    require_territory(actor, last.squadron_code)
    made = connection.execute(sql_history.bring_back(layer, table, history, feature_id, version)).scalar()
    if made is None:
        raise Problem("version_stale", current=last.version + 1)


@dataclass(frozen=True)
class Comparison:
    """What differs between two moments: a page of GeoJSON features, counts of all, key of the next page.

    A feature's own geometry and properties are those of the later moment (of the earlier for a removed one), its
    member `change` says added, changed or removed; a changed one has `before`, the whole feature as it was, and
    `changed`, the ids of the fields that differ, "geometry" and the second geometry's id among them.
    """

    features: list[dict[str, Any]]
    counts: dict[str, int]
    after: str | None


def compare(house: House, actor: Actor, layer_id: str, query: Query, first: datetime, last: datetime) -> Comparison:
    """What was added, changed and removed from `first` to `last` among the features that answer the query at one
    of the two moments."""
    layer, _ = open_layer(house, actor, layer_id, "read", query)
    history, names = house.tables.history[layer.id], visible_names(actor, layer)
    asked = (layer, history, query, first, last, names)
    with house.db.snapshot() as connection:
        rows = connection.execute(sql_history.changes(*asked)).all()
        counts = connection.execute(sql_history.count_changes(*asked)).one()
    page = rows[:query.limit]
    after = encode_page_key([str(page[-1].id)]) if len(rows) > query.limit else None
    return Comparison([_difference(layer, row) for row in page], dict(counts._mapping), after)


def _difference(layer: Layer, row: Row[Any]) -> dict[str, Any]:
    was, now = (json.loads(text) if text else None for text in (row.before, row.after))
    made: dict[str, Any] = now or was or {}
    made["properties"] |= {"change": row.change, **row.act}
    if was and now:
        made["changed"] = [name for name, *_ in differences(layer, was, now)] + [
            one.column for one in moved(layer, was, now)]
        made["before"] = was
    return made
