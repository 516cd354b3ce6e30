"""Sheets and atlases handed over: who may, the child, the line in the access log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from gisapp import features
from gisapp.accounts.log import record
from gisapp.children import Limits, Slots, run, work_folder
from gisapp.house import House
from gisapp.permissions import Actor, require
from gisapp.printing.order import read_order

LIMITS = Limits(seconds=120, memory_mb=3072, file_mb=512)
SLOTS = Slots(2)


@dataclass(frozen=True)
class Printed:
    """A finished document; `title` is what its file may be called."""

    content: bytes
    title: str
    pages: int


def printed(house: House, actor: Actor, args: Mapping[str, Sequence[str]], file_format: str, language: str,
            address: str | None = None) -> Printed:
    """The sheet as `pdf` or `png`; an atlas as `png` is its first page. A sheet needs the right to read, an atlas the
    right to export; personal data is on neither. Problems: those of `read_order`, `act_not_allowed`, `busy`,
    `print_too_many`, `print_nothing`, `print_atlas_size`, `print_font_missing`, `work_failed`."""
    order = read_order(house, actor, args)
    require(actor, "export" if order.atlas else "read")
    for entry in order.selection.layers:
        features.open_layer(house, actor, entry.layer.id, "read", order.selection.query(entry))
    spec = {"args": {name: list(given) for name, given in args.items()}, "format": file_format, "language": language,
            "actor": asdict(actor), "made_at": datetime.now(UTC).isoformat(), "database_url": house.db.url,
            "layers": str(house.settings.layers), "time_zone": house.settings.time_zone,
            "statement_timeout_s": house.settings.statement_timeout_s}
    with SLOTS.one(), work_folder(house.settings.instance / "prints", LIMITS.seconds + 600) as folder:
        answer = run("gisapp.printing.work", spec | {"folder": str(folder)}, folder, LIMITS)
        made = Path(answer["path"]).read_bytes()
    detail = {"layers": [entry.id for entry in order.selection.missions], "format": file_format, "printed": True,
              "pages": answer["pages"], "question": answer["question"]}
    with house.db.begin(actor.id, actor.request_id) as connection:
        record(connection, "export", actor, address=address, detail=detail)
    return Printed(made, answer["title"], answer["pages"])
