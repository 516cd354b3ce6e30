"""Areas out of files, to ask questions with: read by a child process, kept by id, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from gisapp.children import Limits, Slots, run, work_folder
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import Actor, require
from gisapp.sql import areas as sql_areas

LIMITS = Limits(seconds=25, memory_mb=2048, file_mb=1024)
SLOTS = Slots(2)
MOST_FILES = 10
#: How much larger than a request's limit the unpacked files may be.
UNPACKED = 8
#: So many an account keeps; the oldest go, but for those that a saved question names.
MOST_KEPT = 200


class File(Protocol):
    """An uploaded file, as werkzeug hands it over."""

    filename: str | None

    def save(self, dst: Path) -> None: ...


def receive(house: House, actor: Actor, files: Sequence[File]) -> UUID:
    """Keep the areas of a file (shapefile with its companions or zipped, GeoPackage, GeoJSON and the like) as one.

    Problems: `upload_missing`, `file_unsupported`, `archive_refused`, `upload_too_large`, `file_unreadable`, `busy`.
    """
    require(actor, "read")
    given = [one for one in files if one.filename]
    if not 0 < len(given) <= MOST_FILES:
        raise Problem("upload_missing")
    with SLOTS.one(), work_folder(house.settings.instance / "areas", LIMITS.seconds + 600) as folder:
        for place, one in enumerate(given):
            one.save(folder / f"u{place}")
        found = run("gisapp.formats.area", {
            "folder": str(folder), "names": [one.filename for one in given],
            "limit_mb": house.settings.max_body_mb * UNPACKED}, folder, LIMITS)
    with house.db.begin(actor.username, actor.request_id) as connection:
        connection.execute(sql_areas.forget(actor.username, MOST_KEPT - 1))
        statement = sql_areas.add(found["title"][:200], actor.username, found["wkb"])
        number: UUID = connection.execute(statement).scalar_one()
    return number


def show(house: House, actor: Actor, area_id: UUID) -> dict[str, Any]:
    """An area as a GeoJSON feature. Problem `area_unknown` (404)."""
    require(actor, "read")
    with house.db.read() as connection:
        row = connection.execute(sql_areas.one(area_id)).one_or_none()
    if row is None:
        raise Problem("area_unknown", id=str(area_id))
    return {"type": "Feature", "id": str(area_id), "geometry": row.shape, "properties": {
        "name": row.name, "corners": row.corners}}
