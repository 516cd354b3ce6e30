"""Photos that come to a feature from another line: with a merge, and back after they were removed. A line never
changes and never comes back; a new one stands for the same bytes and names the first (`came_from`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography
from sqlalchemy import Connection, Table, cast, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from gisapp.layers import Layer
from gisapp.sql.attachments import PHOTOS
from gisapp.sql.shapes import shown

_P = PHOTOS.c
_SAME = ("layer", "sha256", "bytes", "media_type", "width", "height", "taken_at", "place", "telling", "caption")
_LIVE = _P.removed_at.is_(None)


def bring(connection: Connection, layer: Layer, table: Table, feature_id: UUID, who: dict[str, Any], *,
          photos: Sequence[UUID] = (), features: Sequence[UUID] = ()) -> list[UUID]:
    """Give a feature the `photos`, and all that the `features` have now; the ids of the new lines, without those that
    it has already. `who` holds added_by and request_id; distances are those to this feature (m)."""
    point = cast(_P.place, Geography)
    distance = select(func.ST_Distance(cast(shown(layer, table), Geography), point)).where(
        table.c.id == feature_id).scalar_subquery()
    chosen = _P.id.in_(photos) if photos else _P.feature_id.in_(features) & _LIVE
    found = select(func.gen_random_uuid(), literal(feature_id), func.coalesce(_P.came_from, _P.id), distance,
                   literal(who["added_by"]), literal(who["request_id"]), *(_P[name] for name in _SAME)).where(
        _P.layer == layer.id, chosen).order_by(_P.added_at, _P.id)
    names = ("id", "feature_id", "came_from", "distance_m", "added_by", "request_id", *_SAME)
    return list(connection.execute(insert(PHOTOS).from_select(names, found).on_conflict_do_nothing().returning(
        _P.id)).scalars())


def live_copy(connection: Connection, feature_id: UUID, first: UUID) -> UUID | None:
    """The line through which a feature has the photo of the line `first`."""
    return connection.execute(select(_P.id).where(
        _P.feature_id == feature_id, _P.came_from == first, _LIVE)).scalar_one_or_none()


def take_back(connection: Connection, layer: Layer, table: Table, request_id: str, who: dict[str, Any]) -> None:
    """Undo what a person's request did to photos: those that it brought go, those that it took away come back.
    `who` holds added_by and request_id of the undoing."""
    mine = _P.layer == layer.id, _P.came_from.is_not(None)
    gone = connection.execute(select(_P.feature_id, _P.id).where(
        *mine, _P.removed_request == request_id, _P.removed_by == who["added_by"])).all()
    connection.execute(update(PHOTOS).where(*mine, _LIVE, _P.request_id == request_id,
                                            _P.added_by == who["added_by"]).values(
        removed_at=func.now(), removed_by=who["added_by"], removed_why="", removed_request=who["request_id"]))
    for feature_id, photo_id in gone:
        bring(connection, layer, table, feature_id, who, photos=[photo_id])
