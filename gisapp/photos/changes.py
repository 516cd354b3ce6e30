"""What becomes of photos after they were added: they are removed, come back, come along with a merge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table

from gisapp import changes, features
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor
from gisapp.photos import attachments
from gisapp.photos.photo import SECOND_THOUGHTS, Photo, may_turn, told
from gisapp.sql import attachments as sql_attachments, photo_copies as sql_photo_copies

LONGEST_REASON = 200


def remove(house: House, actor: Actor, layer_id: str, feature_id: UUID, photo_id: UUID, why: str = "") -> None:
    """Mark a photo as removed, with who, when and why; its bytes are kept.

    A reviewer or administrator may; who added it may for SECOND_THOUGHTS. Problems: `photo_unknown` (404),
    `photo_not_yours` (403), `act_not_allowed`, `outside_territory`, `feature_unknown`.
    """
    layer, table = features.open_layer(house, actor, layer_id, "update")
    why = attachments.checked_text("why", why, LONGEST_REASON)
    with changes.writing(house, actor, layer) as connection:
        changes.hold(connection, actor, layer, table, feature_id, None)
        row = sql_attachments.one(connection, photo_id)
        if row is None or row["removed_at"] or (row["layer"], row["feature_id"]) != (layer.id, feature_id):
            raise Problem("photo_unknown")
        if not may_turn(actor, row, "added"):
            raise Problem("photo_not_yours", minutes=int(SECOND_THOUGHTS.total_seconds() // 60))
        sql_attachments.remove(connection, photo_id, {
            "removed_by": actor.username, "removed_why": why, "removed_request": actor.request_id or None})


def restore(house: House, actor: Actor, layer_id: str, feature_id: UUID, photo_id: UUID) -> tuple[Photo, bool]:
    """The photo that stands for a removed one, and whether it is new: one that is there is answered with itself.

    A reviewer or administrator may; who removed it may for SECOND_THOUGHTS. Problems: `photo_unknown` (404),
    `photo_not_yours` (403), `photo_too_many` (422), `act_not_allowed`, `outside_territory`, `feature_unknown`.
    """
    layer, table = features.open_layer(house, actor, layer_id, "update")
    with changes.writing(house, actor, layer) as connection:
        changes.hold(connection, actor, layer, table, feature_id, None)
        row = sql_attachments.one(connection, photo_id)
        if row is None or (row["layer"], row["feature_id"]) != (layer.id, feature_id):
            raise Problem("photo_unknown")
        made = None
        if row["removed_at"] is not None:
            if not may_turn(actor, row, "removed"):
                raise Problem("photo_not_yours", minutes=int(SECOND_THOUGHTS.total_seconds() // 60))
            made = _again(house, actor, connection, layer, table, feature_id, row)
            row = sql_attachments.one(connection, made or sql_photo_copies.live_copy(
                connection, feature_id, row["first"]) or photo_id)
    assert row is not None  # noqa: S101  (told to mypy)
    return told(actor, row, home=True), made is not None


def _again(house: House, actor: Actor, connection: Connection, layer: Layer, table: Table, feature_id: UUID,
           row: sql_attachments.Row) -> UUID | None:
    """The id of the new line; None where the photo is there by another one."""
    if len(sql_attachments.of_feature(connection, layer.id, feature_id)) >= house.settings.photos_per_feature:
        raise Problem("photo_too_many", limit=house.settings.photos_per_feature)
    made = sql_photo_copies.bring(connection, layer, table, feature_id, _who(actor), photos=[row["id"]])
    return made[0] if made else None


def _who(actor: Actor) -> dict[str, Any]:
    return {"added_by": actor.username, "request_id": actor.request_id or None}


def come_along(connection: Connection, actor: Actor, layer: Layer, table: Table, survivor: UUID,
               others: Sequence[UUID]) -> None:
    """In a merge: the photos of the features that go are seen with the one that stays, too. However many they are:
    none may be lost for a limit."""
    sql_photo_copies.bring(connection, layer, table, survivor, _who(actor), features=others)


def undone(connection: Connection, actor: Actor, layer: Layer, table: Table, request_id: str) -> None:
    """In the undoing of a request: the photos that came with it go, and those that went with it come back."""
    sql_photo_copies.take_back(connection, layer, table, request_id, _who(actor))
