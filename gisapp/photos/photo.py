"""A photo as one reader may know it, and what they may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from gisapp.permissions import Actor, may
from gisapp.sql.attachments import Row

#: For so long who added a photo may take it back.
SECOND_THOUGHTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Photo:
    """A photo as one reader may know it: `place` is lon, lat (WGS 84) and `distance_m` from the feature as it was when
    the photo came to it, both None without the right to personal data. `whole`: the original may be had. One that
    came with a merge, or came back, was `brought` then and by them; `added` tells of its first coming, to the feature
    `first_feature`."""

    id: UUID
    feature_id: UUID
    sha256: str
    size: int
    media_type: str
    width: int
    height: int
    taken_at: datetime | None
    place: tuple[float, float] | None
    distance_m: float | None
    caption: str
    added_at: datetime
    added_by: str
    whole: bool
    may_remove: bool
    removed_at: datetime | None = None
    removed_by: str | None = None
    removed_why: str | None = None
    may_restore: bool = False
    brought_at: datetime | None = None
    brought_by: str | None = None
    first_feature: UUID | None = None

    @property
    def instant(self) -> datetime:
        """When it was taken, as far as the camera said so; else when it was added."""
        return self.taken_at or self.added_at

    @property
    def last_there(self) -> datetime | None:
        """The last moment before it was removed."""
        return self.removed_at and self.removed_at - timedelta(milliseconds=1)


def told(actor: Actor, row: Row, home: bool, personal: bool | None = None) -> Photo:
    """A line as one reader may know it; `home` is whether the feature lies where they may write, `personal` whether
    they may see personal data (None: by their role)."""
    personal = may(actor, "read_personal") if personal is None else personal
    place = (row["lon"], row["lat"]) if personal and row["lon"] is not None else None
    return Photo(
        row["id"], row["feature_id"], row["sha256"], row["bytes"], row["media_type"], row["width"],
        row["height"], row["taken_at"], place,
        row["distance_m"] if place else None, row["caption"], row["first_at"] or row["added_at"],
        row["first_by"] or row["added_by"], personal or not row["telling"],
        home and row["removed_at"] is None and may_turn(actor, row, "added"), row["removed_at"], row["removed_by"],
        row["removed_why"], home and row["removed_at"] is not None and may_turn(actor, row, "removed"),
        *((row["added_at"], row["added_by"], row["first_feature"]) if row["came_from"] else ()))


def may_turn(actor: Actor, row: Row, act: str) -> bool:
    """Whether what was done to a photo ("added", "removed") may be turned back: by a reviewer or administrator, and for
    SECOND_THOUGHTS by who did it."""
    fresh = row[f"{act}_at"] is not None and datetime.now(UTC) - row[f"{act}_at"] < SECOND_THOUGHTS
    return may(actor, "delete") or (may(actor, "update") and row[f"{act}_by"] == actor.username and fresh)
