"""Files received: kept, looked at, shown with a suggested mapping, forgotten. `gisapp.desk` does the rest.

GDAL and everything that a sender controls stay in a child process; what comes back is rows ready for COPY.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from gisapp.children import Limits, Slots, Watch, run
from gisapp.desk import memory
from gisapp.doctor import examine
from gisapp.errors import DISK_FULL, Problem
from gisapp.formats.storable import storable
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, may, require
from gisapp.sql import imports as sql_imports, jobs as sql_jobs, stage as sql_stage

LOOK = Limits(seconds=25, memory_mb=4096, file_mb=4096, data_mb=500)
#: A large upload may be looked at for longer: a second more for so many bytes.
_LOOK_PACE = 8 * 2**20
READ = Limits(seconds=900, memory_mb=4096, file_mb=8192, data_mb=500)
#: Of an upload that says it has at most `FEW` rows: it is read while somebody waits, and no hostile file may keep them.
READ_FEW = Limits(seconds=25, memory_mb=4096, file_mb=8192, data_mb=500)
FEW = 2000
SLOTS = Slots(2)
KEPT = timedelta(hours=24)
MAX_FILES = 40
#: How much larger than the upload its unpacked content may be.
UNPACKED = 4
LISTED = 1000

Document = dict[str, Any]


class File(Protocol):
    """An uploaded file, as werkzeug hands it over."""

    filename: str | None

    def save(self, dst: Path) -> None: ...


def room(house: House, actor: Actor) -> int:
    """How many bytes an upload may have. Asked before the body is read: only who may import sends more than a page."""
    require(actor, "import")
    return house.settings.max_upload_mb * 2**20


def receive(house: House, actor: Actor, layer_id: str, files: Sequence[File]) -> Document:
    """Keep the files, look into them, and answer with what lies there and how it would be mapped.

    Problems: `upload_missing`, `file_unsupported`, `archive_refused`, `upload_too_large`, `file_unreadable`, `busy`,
    `storage_full`.
    """
    require(actor, "import")
    layer = house.layer(layer_id)
    if not files or len(files) > MAX_FILES:
        raise Problem("upload_missing")
    forget_expired(house)
    number = uuid4()
    folder = folder_of(house, number)
    folder.mkdir(parents=True, mode=0o700)
    try:
        for place, file in enumerate(files):
            file.save(folder / f"u{place}")
        names = [storable(file.filename or "") for file in files]
        summary = _look(house, layer, folder, names)
        summary["layers"] = memory.recall(house, actor, layer, summary["layers"])
        with house.db.begin(actor.username, actor.request_id) as connection:
            sql_imports.add(connection, {"id": number, "account_id": actor.id, "layer": layer.id, "state": "ready",
                                         "file_name": _called(names), "folder": number.hex,
                                         "summary": summary | {"names": names}})
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise Problem("storage_full") from error
        raise
    return show(house, actor, number)


def _called(names: Sequence[str]) -> str:
    """What an upload is called: the files beside a .shp go without saying."""
    shapes = tuple(name[:-3].casefold() for name in names if name.casefold().endswith(".shp"))
    alone = [name for name in names
             if name.casefold().endswith(".shp") or not (shapes and name.casefold().startswith(shapes))]
    return ", ".join(alone)[:400]


def _look(house: House, layer: Layer, folder: Path, names: Sequence[str], encoding: str | None = None) -> Document:
    order = order_of(house, layer, folder, names) | {"op": "look", "encoding": encoding}
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    limits = replace(LOOK, seconds=max(LOOK.seconds, size // _LOOK_PACE))
    with SLOTS.one():
        found: Document = storable(run("gisapp.formats.intake", order, folder, limits))
    examine(house, found["layers"])
    return found


def order_of(house: House, layer: Layer, folder: Path, names: Sequence[str]) -> Document:
    settings, rules = house.settings, {rule for one in house.catalogue.layers.values() for rule in one.rules}
    return {"folder": str(folder), "names": list(names), "layer": layer.id, "layers": str(settings.layers),
            "rules": sorted(rules),  # by name: the child has no use for SQLAlchemy, which takes long to load
            "time_zone": settings.time_zone, "limit_mb": settings.max_upload_mb * UNPACKED}


def folder_of(house: House, number: UUID) -> Path:
    return house.settings.instance / "imports" / number.hex


def show(house: House, actor: Actor, number: UUID, encoding: str | None = None) -> Document:
    """The import as a document; with `encoding` its texts are read anew in that one, for a look."""
    row = own(house, actor, number)
    found = dict(row["summary"])
    names = found.pop("names", [])
    if encoding and row["state"] == "ready":
        found |= _look(house, house.layer(row["layer"]), folder_of(house, number), names, encoding)
    return {"id": str(number), "layer": row["layer"], "state": row["state"], "file": row["file_name"],
            "created_at": row["created_at"].isoformat(),
            "expires_at": (row["created_at"] + KEPT).isoformat() if row["state"] == "ready" else None, **found}


def own(house: House, actor: Actor, number: UUID) -> sql_imports.Row:
    """The import's row; those of others are not told of, but to an administrator."""
    require(actor, "import")
    with house.db.read() as connection:
        row = sql_imports.one(connection, number)
    if row is None or (row["account_id"] != actor.id and not may(actor, "manage_accounts")):
        raise Problem("import_unknown")
    return row


def list_imports(house: House, actor: Actor) -> list[Document]:
    """The newest imports: one's own, or all for an administrator."""
    require(actor, "import")
    with house.db.read() as connection:
        rows = sql_imports.recent(connection, None if may(actor, "manage_accounts") else actor.id)
    return [{"id": str(row["id"]), "layer": row["layer"], "state": row["state"], "file": row["file_name"],
             "created_at": row["created_at"].isoformat(), "result": row["summary"].get("result")} for row in rows]


def desk(house: House, actor: Actor) -> list[Document]:
    """What the page of hand-over lists: the imports, none for who may only take files; refuses all others."""
    if may(actor, "export") and not may(actor, "import"):
        return []
    return list_imports(house, actor)


def discard(house: House, actor: Actor, number: UUID) -> None:
    """Forget an import that was not committed; its files go."""
    row = own(house, actor, number)
    if row["state"] != "ready":
        raise Problem("import_done")
    with house.db.begin(actor.username, actor.request_id) as connection:
        waits = sql_jobs.active_with(connection, "import", "import", str(number))
        if waits or sql_imports.hold(connection, number) is None:
            raise Problem("import_busy")
        sql_imports.forget(connection, [number])
        sql_stage.drop(connection, number)
    shutil.rmtree(folder_of(house, number), ignore_errors=True)


def forget_expired(house: House) -> None:
    """Imports that nobody let enter in time go, with their files."""
    with house.db.begin("system") as connection:
        old = sql_imports.expired(connection, KEPT)
        sql_imports.forget(connection, old)
        for number in old:
            sql_stage.drop(connection, number)
    for number in old:
        shutil.rmtree(folder_of(house, number), ignore_errors=True)


def done_before(house: House, actor: Actor, number: UUID) -> Document | None:
    """What a commit that went through answered, None for an import that was not committed."""
    result: Document | None = own(house, actor, number)["summary"].get("result")
    return result


def undone_before(house: House, actor: Actor, number: UUID) -> Document | None:
    """What an undoing that went through answered, None for an import that was not undone."""
    result: Document | None = own(house, actor, number)["summary"].get("undone")
    return result


def commit(house: House, actor: Actor, number: UUID, choices: Document, address: str | None = None,
           watch: Watch | None = None) -> Document:
    """What `desk.commit.commit` does, for jobs, which know an import by this module."""
    from gisapp.desk.commit import commit as enter  # late: the desk is built on this module

    return enter(house, actor, number, choices, address, watch)
