"""Files taken in: received and looked at, shown with a suggested mapping, then committed in one transaction.

GDAL and everything that a sender controls stay in a child process; what comes back is rows ready for COPY.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Connection

from gisapp import sql_imports
from gisapp.accounts.log import record
from gisapp.changes import insert_many, writing
from gisapp.children import Limits, Slots, Watch, run, sweep
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, may, require, require_territory
from gisapp.rules import require_rules

LOOK = Limits(seconds=25, memory_mb=2048, file_mb=4096)
READ = Limits(seconds=600, memory_mb=2048, file_mb=8192)
SLOTS = Slots(2)
KEPT = timedelta(hours=24)
MAX_FILES = 40
#: How much larger than the upload its unpacked content may be.
UNPACKED = 4
LISTED = 1000
_CHUNK = 2000

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

    Problems: `upload_missing`, `file_unsupported`, `archive_refused`, `upload_too_large`, `file_unreadable`, `busy`.
    """
    require(actor, "import")
    layer = house.layer(layer_id)
    if not files or len(files) > MAX_FILES:
        raise Problem("upload_missing")
    _forget_expired(house)
    number = uuid4()
    folder = _folder(house, number)
    folder.mkdir(parents=True, mode=0o700)
    try:
        for place, file in enumerate(files):
            file.save(folder / f"u{place}")
        names = [file.filename or "" for file in files]
        summary = _look(house, layer, folder, names)
        with house.db.begin(actor.username, actor.request_id) as connection:
            sql_imports.add(connection, {"id": number, "account_id": actor.id, "layer": layer.id, "state": "ready",
                                         "file_name": ", ".join(names)[:400], "folder": number.hex,
                                         "summary": summary | {"names": names}})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return show(house, actor, number)


def _look(house: House, layer: Layer, folder: Path, names: Sequence[str], encoding: str | None = None) -> Document:
    order = _order(house, layer, folder, names) | {"op": "look", "encoding": encoding}
    with SLOTS.one():
        return run("gisapp.formats.intake", order, folder, LOOK)


def _order(house: House, layer: Layer, folder: Path, names: Sequence[str]) -> Document:
    settings = house.settings
    return {"folder": str(folder), "names": list(names), "layer": layer.id, "layers": str(settings.layers),
            "time_zone": settings.time_zone, "limit_mb": settings.max_upload_mb * UNPACKED}


def _folder(house: House, number: UUID) -> Path:
    return house.settings.instance / "imports" / number.hex


def show(house: House, actor: Actor, number: UUID, encoding: str | None = None) -> Document:
    """The import as a document; with `encoding` its texts are read anew in that one, for a look."""
    row = _own(house, actor, number)
    found = dict(row["summary"])
    names = found.pop("names", [])
    if encoding and row["state"] == "ready":
        found |= _look(house, house.layer(row["layer"]), _folder(house, number), names, encoding)
    return {"id": str(number), "layer": row["layer"], "state": row["state"], "file": row["file_name"],
            "created_at": row["created_at"].isoformat(),
            "expires_at": (row["created_at"] + KEPT).isoformat() if row["state"] == "ready" else None, **found}


def _own(house: House, actor: Actor, number: UUID) -> sql_imports.Row:
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
    row = _own(house, actor, number)
    if row["state"] != "ready":
        raise Problem("import_done")
    with house.db.begin(actor.username, actor.request_id) as connection:
        sql_imports.forget(connection, [number])
    shutil.rmtree(_folder(house, number), ignore_errors=True)


def _forget_expired(house: House) -> None:
    with house.db.begin("system") as connection:
        old = sql_imports.expired(connection, KEPT)
        sql_imports.forget(connection, old)
    for number in old:
        shutil.rmtree(_folder(house, number), ignore_errors=True)
    # Folders without a row were left by a process that was killed.
    sweep(house.settings.instance / "imports", 2 * KEPT.total_seconds())


@dataclass
class Verdict:
    """What became of the rows. `faults` lists the first of them; `left_out` are line numbers of rows.ndjson."""

    path: Path
    accepted: int
    refused: int
    notes: dict[str, int]
    faults: list[Document] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)

    def refuse(self, line: int, fault: Document) -> None:
        """Take an accepted row back."""
        if line not in self.left_out:
            self.left_out.add(line)
            self.accepted -= 1
            self.refused += 1
        if len(self.faults) < LISTED:
            self.faults.append(fault)

    def rows(self) -> Iterator[tuple[int, Document]]:
        """Number and content of the accepted lines."""
        with self.path.open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                if number not in self.left_out:
                    yield number, json.loads(line)


def done_before(house: House, actor: Actor, number: UUID) -> Document | None:
    """What a commit that went through answered, None for an import that was not committed."""
    result: Document | None = _own(house, actor, number)["summary"].get("result")
    return result


def commit(house: House, actor: Actor, number: UUID, choices: Document, address: str | None = None,
           watch: Watch | None = None) -> Document:
    """Check every row, then store all of them, or with `accept` = "valid" the good ones, in one transaction.

    `choices` may hold `mapping`, `crs`, `encoding`, `mode` ("append"), and by source name under `layers` a
    mapping, CRS and role. Problems: `import_refused` (422, rows in `errors`), `mapping_invalid`, `crs_needed`,
    `import_done`, `value_conflict`, `rule_broken`, `outside_territory`. `watch` hears how far it is and may raise to
    stop it.
    """
    row = _own(house, actor, number)
    if row["state"] != "ready":
        raise Problem("import_done")
    layer = house.layer(row["layer"])
    verdict = _read(house, layer, _folder(house, number), row["summary"]["names"], choices, watch)
    _refuse_taken(house, layer, verdict)
    if verdict.refused and (choices.get("accept") != "valid" or not verdict.accepted):
        raise Problem("import_refused", count=verdict.refused, errors=verdict.faults)
    result = {"accepted": verdict.accepted, "refused_count": verdict.refused, "notes": verdict.notes}
    _store(house, actor, layer, number, verdict, result, address)
    shutil.rmtree(_folder(house, number), ignore_errors=True)
    return result | {"id": str(number), "layer": layer.id, "refused": verdict.faults}


def _read(house: House, layer: Layer, folder: Path, names: Sequence[str], choices: Document,
          watch: Watch | None = None) -> Verdict:
    order = _order(house, layer, folder, names) | {"op": "read", "encoding": choices.get("encoding"),
                                                   "choices": choices}
    with SLOTS.one():
        answer = run("gisapp.formats.intake", order, folder, READ, watch)
    with (folder / "faults.ndjson").open(encoding="utf-8") as file:
        faults = [json.loads(line) for line in islice(file, LISTED)]
    return Verdict(folder / "rows.ndjson", answer["accepted"], answer["refused"], answer["notes"], faults)


def _refuse_taken(house: House, layer: Layer, verdict: Verdict) -> None:
    """Refuse the rows whose id or unique value the layer has already."""
    table = house.tables.layers[layer.id]
    names = ["id", *(f.id for f in layer.fields if f.unique)]
    rows = verdict.rows()
    with house.db.read() as connection:
        while chunk := list(islice(rows, _CHUNK)):
            for name in names:
                given = [line["values"][name] for _, line in chunk if line["values"][name] is not None]
                given = [UUID(value) for value in given] if name == "id" else given
                taken = {str(value) for value in sql_imports.existing(connection, table, name, given)}
                for place, line in chunk:
                    if str(line["values"][name]) in taken:
                        verdict.refuse(place, _taken(line, name))


def _taken(line: Document, name: str) -> Document:
    value = line["values"][name]
    return {"source": line["source"], "row": line["row"], "field": name, "code": "value_taken",
            "zh": f"图层中已有该值：{value}", "en": f"the layer has this value already: {value}"}


def _store(house: House, actor: Actor, layer: Layer, number: UUID, verdict: Verdict, result: Document,
           address: str | None) -> None:
    table = house.tables.layers[layer.id]
    with writing(house, actor, layer) as connection:
        sql_imports.no_hurry(connection, READ.seconds)
        if not sql_imports.finish(connection, number, result):
            raise Problem("import_done")
        insert_many(connection, layer, table, _columns(layer, (line for _, line in verdict.rows())))
        _check_rules(connection, actor, layer, table, verdict)
        detail = {"layer": layer.id, "import": str(number), **result}
        record(connection, "import", actor, address=address, detail=detail)


def _columns(layer: Layer, lines: Iterable[Document]) -> Iterator[Document]:
    """Column values for COPY: everything is text by now but for geometry, which is bytes."""
    shapes = ["geom"] + ([layer.second_geometry.id] if layer.second_geometry else [])
    for line in lines:
        values = line["values"]
        yield values | {name: bytes.fromhex(values[name]) if values[name] else None for name in shapes}


def _check_rules(connection: Connection, actor: Actor, layer: Layer, table: Any, verdict: Verdict) -> None:
    """The rules and the territory hold for imported rows as for any other; a breach undoes the import."""
    if not layer.rules and actor.squadron_code is None:
        return
    for _, line in verdict.rows():
        feature = UUID(line["values"]["id"])
        if layer.assigned:
            require_territory(actor, sql_imports.squadron(connection, table, feature))
        require_rules(connection, layer, table, feature)
