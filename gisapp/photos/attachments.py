"""Photos of features: seen by who sees the feature, added by who may change it, removed with a name and a reason.

A photo never changes. Removing marks its line; the bytes stay. Where a file tells more than a picture (a place, a
device), those without the right to personal data get the picture alone, and neither place nor distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Table

from gisapp import changes, features
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query, invalid
from gisapp.permissions import Actor, at_home, may, require, require_territory
from gisapp.photos import files as attachment_files
from gisapp.photos.files import SIZES, Arrived
from gisapp.photos.kinds import ENDINGS
from gisapp.photos.photo import Photo, told
from gisapp.sql import attachments as sql_attachments
from gisapp.sql.attachments import Row

LONGEST_CAPTION = 500


@dataclass(frozen=True)
class Album:
    """The photos of a feature, oldest first; `may_add` as far as role, territory and number go. `removed` are those
    that the reader may bring back, `may_look` whether they may see them before."""

    layer: Layer
    feature_id: UUID
    title: str
    photos: Sequence[Photo]
    may_add: bool
    limit: int
    as_of: datetime | None = None
    removed: Sequence[Photo] = ()
    may_look: bool = False


@dataclass(frozen=True)
class Opened:
    """A photo's file in one size."""

    path: Path
    media_type: str
    etag: str
    name: str
    added_at: datetime


def album(house: House, actor: Actor, layer_id: str, feature_id: UUID, language: str = "zh",
          as_of: datetime | None = None) -> Album:
    """The photos of a feature, now or as they were. Problems `layer_unknown`, `feature_unknown` (404)."""
    layer, table = features.open_layer(house, actor, layer_id, "read", Query(as_of=as_of))
    with house.db.read() as connection:
        row, rows = _read(connection, actor, layer, table, feature_id, as_of)
        all_ = [] if as_of else sql_attachments.of_feature(connection, layer.id, feature_id, all_=True)
    home = at_home(actor, row.squadron_code)
    photos = [told(actor, one, home and not as_of) for one in rows]
    limit = house.settings.photos_per_feature
    can_add = may(actor, "update") and home and not as_of and len(photos) < limit
    return Album(layer, feature_id, str(row.title or layer.title.get(language)), photos, can_add, limit, as_of,
                 _removed(actor, all_) if can_add else (), may(actor, "delete"))


def _removed(actor: Actor, rows: Sequence[Row]) -> list[Photo]:
    """Those that the reader may bring back: the last removed line of each photo that is not there."""
    there = {row["first"] for row in rows if row["removed_at"] is None}
    last = {row["first"]: row for row in sorted(rows, key=lambda row: row["added_at"]) if row["first"] not in there}
    return [one for row in last.values() if (one := told(actor, row, home=True)).may_restore]


def _read(connection: Connection, actor: Actor, layer: Layer, table: Table, feature_id: UUID,
          as_of: datetime | None) -> tuple[Any, Sequence[Row]]:
    """The feature's squadron and title, and the lines of its photos that the reader may see."""
    row = connection.execute(sql_attachments.belongs(layer, table, feature_id, as_of)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    rows = sql_attachments.of_feature(connection, layer.id, feature_id, as_of)
    # What was removed since is for those who may remove: a photo may have been removed for what it shows.
    return row, [one for one in rows if one["removed_at"] is None or may(actor, "delete")]


def story(house: House, actor: Actor, layer_id: str, feature_id: UUID) -> list[Photo]:
    """Every photo that a feature had, also of one that is deleted; those removed with who removed them and why."""
    layer, _ = features.open_layer(house, actor, layer_id, "read")
    with house.db.read() as connection:
        rows = sql_attachments.of_feature(connection, layer.id, feature_id, all_=True)
    return [told(actor, row, home=False) for row in rows]


def counts(house: House, actor: Actor, layer_id: str, feature_ids: Sequence[UUID] | None = None,
           as_of: datetime | None = None) -> dict[UUID, int]:
    """How many photos each of the features has, of those that have any; of the whole layer with None."""
    layer, _ = features.open_layer(house, actor, layer_id, "read")
    if feature_ids is not None and not feature_ids:
        return {}
    with house.db.read() as connection:
        return sql_attachments.counts(connection, layer.id, feature_ids, as_of)


def for_file(house: House, actor: Actor, layer_id: str, feature_ids: Sequence[UUID], as_of: datetime | None, *,
             personal: bool) -> list[Photo]:
    """The photos of features that leave in a file, by feature; as they came only with `personal` and the right to it,
    where they tell more than a picture."""
    layer, _ = features.open_layer(house, actor, layer_id, "export")
    with house.db.read() as connection:
        rows = sql_attachments.of_features(connection, layer.id, feature_ids, as_of)
    allowed = personal and may(actor, "read_personal")
    return [told(actor, row, home=False, personal=allowed) for row in rows if row["removed_at"] is None]


def weight(house: House, actor: Actor, layer_id: str, query: Query) -> tuple[int, int]:
    """How many photos the features that answer a query have, and their bytes in all."""
    layer, table = features.open_layer(house, actor, layer_id, "read", query)
    with house.db.read() as connection:
        return sql_attachments.weight(connection, layer, table, query)


def open_file(house: House, actor: Actor, layer_id: str, feature_id: UUID, photo_id: UUID, size: str | None = None,
              as_of: datetime | None = None) -> Opened:
    """A photo in a size of SIZES; without one the original, or the large picture for who may not have the original.

    Problems: `photo_unknown` (404), `photo_original_masked` (403), `photo_lost` (410), and those of `album`.
    """
    if size is not None and size not in SIZES:
        raise invalid("size", "、".join(SIZES), f"is one of {', '.join(SIZES)}")
    layer, table = features.open_layer(house, actor, layer_id, "read", Query(as_of=as_of))
    with house.db.read() as connection:
        _, rows = _read(connection, actor, layer, table, feature_id, as_of)
    row = next((one for one in rows if one["id"] == photo_id), None)
    if row is None:
        raise Problem("photo_unknown")
    whole = may(actor, "read_personal") or not row["telling"]
    if size == "original" and not whole:
        raise Problem("photo_original_masked")
    size = size or ("original" if whole else "large")
    path = attachment_files.path_of(attachment_files.root(house), row["sha256"], size)
    if not path.is_file():
        raise Problem("photo_lost")
    media_type = row["media_type"] if size == "original" else "image/jpeg"
    return Opened(path, media_type, f"{row['sha256'][:32]}-{size}",
                  f"{layer.id}-{str(feature_id)[:8]}-{str(photo_id)[:8]}.{ENDINGS[media_type]}", row["added_at"])


def room(house: House, actor: Actor) -> int:
    """How many bytes a request with a photo may have; asked before its body is read."""
    require(actor, "update")
    return house.settings.photo_mb * 2**20 + 2**20


def add(house: House, actor: Actor, layer_id: str, feature_id: UUID, file: IO[bytes] | None, caption: str = "",
        photo_id: UUID | None = None, *, ours: bool = False) -> tuple[Photo, bool]:
    """The photo, and whether it is new: the same id with the same content is answered with what is there. A picture
    that is `ours` is read in this process.

    Problems: those of `attachment_files.arrived`; `act_not_allowed`, `outside_territory` (403); `feature_unknown`;
    `photo_too_many` (422); `photo_id_conflict`, `photo_removed` (409).
    """
    layer, table = features.open_layer(house, actor, layer_id, "update")
    caption = checked_text("caption", caption, LONGEST_CAPTION)
    _require_place(house, actor, layer, table, feature_id)
    if file is None:
        raise Problem("photo_missing")
    number = photo_id or uuid4()
    with attachment_files.arrived(house, file, ours) as photo, changes.writing(house, actor, layer) as connection:
        sql_attachments.hold_files(connection)
        changes.hold(connection, actor, layer, table, feature_id, None)
        created = _enter(house, actor, connection, layer, table, feature_id, number, photo, caption)
        row = sql_attachments.one(connection, number)
    assert row is not None  # noqa: S101  (told to mypy)
    return told(actor, row, home=True), created


def checked_text(name: str, text: str, most: int) -> str:
    """A line of words, trimmed. Problem `parameter_invalid` (400) where it is too long or cannot be stored."""
    text = " ".join(text.split())
    if len(text) > most or "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise invalid(name, f"最多 {most} 个字符", f"has at most {most} characters")
    return text


def _require_place(house: House, actor: Actor, layer: Layer, table: Table, feature_id: UUID) -> None:
    """Asked before the photo is looked into; it is asked again when it enters."""
    with house.db.read() as connection:
        row = connection.execute(sql_attachments.belongs(layer, table, feature_id)).one_or_none()
    if row is None:
        raise Problem("feature_unknown", id=str(feature_id))
    require_territory(actor, row.squadron_code)


def _enter(house: House, actor: Actor, connection: Connection, layer: Layer, table: Table, feature_id: UUID,
           number: UUID, photo: Arrived, caption: str) -> bool:
    """The files in their place, then the line; False when the same photo is there already."""
    there = sql_attachments.one(connection, number)
    if there is not None:
        _require_same(there, layer, feature_id, photo, caption)
        return False
    if len(sql_attachments.of_feature(connection, layer.id, feature_id)) >= house.settings.photos_per_feature:
        raise Problem("photo_too_many", limit=house.settings.photos_per_feature)
    attachment_files.put(house, photo)
    distance = sql_attachments.distance_m(layer, table, feature_id, photo.place) if photo.place else None
    return sql_attachments.add(connection, {
        "id": number, "layer": layer.id, "feature_id": feature_id, "sha256": photo.sha256, "bytes": photo.size,
        "media_type": photo.media_type, "width": photo.width, "height": photo.height,
        "taken_at": datetime.fromisoformat(photo.taken_at) if photo.taken_at else None, "telling": photo.telling,
        "caption": caption, "added_by": actor.username, "request_id": actor.request_id or None},
        photo.place, distance) or _lost_race(connection, number, layer, feature_id, photo, caption)


def _lost_race(connection: Connection, number: UUID, layer: Layer, feature_id: UUID, photo: Arrived,
               caption: str) -> bool:
    """Somebody else has just used the id."""
    there = sql_attachments.one(connection, number)
    assert there is not None  # noqa: S101  (it is why the line did not enter)
    _require_same(there, layer, feature_id, photo, caption)
    return False


def _require_same(there: Row, layer: Layer, feature_id: UUID, photo: Arrived, caption: str) -> None:
    if (there["layer"], there["feature_id"], there["sha256"], there["caption"]) != (
            layer.id, feature_id, photo.sha256, caption):
        raise Problem("photo_id_conflict", id=str(there["id"]))
    if there["removed_at"] is not None:
        raise Problem("photo_removed", id=str(there["id"]))
