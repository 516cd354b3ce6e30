"""Files handed over: who may take what, the work in a child process, the line in the access log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from gisapp import features, params
from gisapp.children import Limits, Slots, Watch, run, work_folder
from gisapp.crs import Crs, parse_crs
from gisapp.formats import FILE_FORMATS, Format
from gisapp.hand_over import deliveries, receivers
from gisapp.hand_over.orders import make_order
from gisapp.house import House
from gisapp.permissions import Actor, may, require
from gisapp.photos import attachments, files as attachment_files

LIMITS = Limits(seconds=600, memory_mb=3072, file_mb=16384)
#: Of a job, which nobody waits for.
LONG = Limits(seconds=4 * 3600, memory_mb=3072, file_mb=65536)
SLOTS = Slots(2)


@dataclass(frozen=True)
class HandOver:
    """A finished file: `file` is open for reading and already without a name on disk. `datum` is GCJ-02 or BD-09 where
    the coordinates are shifted, else empty.

    `losses` counts values that the format could not hold as they were, by kind; report.csv in the pack lists them.
    """

    file: IO[bytes]
    size: int
    format: Format
    crs: Crs
    datum: str
    rows: int
    losses: Mapping[str, int]
    made_at: datetime
    ascii_name: str
    name: str
    media_type: str


@dataclass(frozen=True)
class Made:
    """A file that was made and lies at `path`; `question` is what was asked for, in words (zh, en).

    `losses` are counts by kind (gisapp.formats.losses.LOSSES), `shown` their first lines in report.csv; `files` are
    name, bytes and sha256 of each data file; `withheld` the personal fields (id, zh, en) that stayed
    at home; `changes` count what a difference added, changed and removed.
    """

    path: Path
    size: int
    format: Format
    crs: Crs
    rows: int
    losses: Mapping[str, int]
    question: Mapping[str, str]
    made_at: datetime
    ascii_name: str
    name: str
    media_type: str
    shown: Sequence[Mapping[str, str]]
    files: Sequence[Mapping[str, Any]]
    withheld: Sequence[Mapping[str, str]]
    changes: Mapping[str, int] | None = None


def formats_for(actor: Actor) -> dict[str, Format]:
    """The file formats that the actor may take, by short name."""
    return FILE_FORMATS if may(actor, "export") else {}


def hand_over(house: House, actor: Actor, layer_id: str, format_name: str, args: Mapping[str, Sequence[str]],
              language: str, address: str | None = None) -> HandOver:
    """The features that `args` (those of an items request) ask for, all of them, as a file.

    Needs the right to export; personal fields only with the right to read them. Problems: those of
    `params.parse`, `format_unknown`, `busy`, `export_not_faithful`, `export_too_large`, `work_failed`.
    """
    order = make_order(house, actor, layer_id, format_name, args, language)
    with SLOTS.one(), work_folder(house.settings.instance / "exports", LIMITS.seconds + 600) as folder:
        made = deliver(house, actor, order, folder, address)
        file = made.path.open("rb")  # stays readable after the folder is gone
    return HandOver(file, made.size, made.format, made.crs, order["datum"], made.rows, made.losses, made.made_at,
                    made.ascii_name, made.name, made.media_type)


def deliver(house: House, actor: Actor, order: Mapping[str, Any], folder: Path, address: str | None = None,
            watch: Watch | None = None) -> Made:
    """The file of a planned order in `folder`, logged as made and taken. Problems as for `hand_over`."""
    made = make(house, actor, order, folder, watch, LONG if watch else LIMITS)
    with house.db.begin(actor.username, actor.request_id) as connection:
        delivery = deliveries.record(house, connection, actor, made, order, folder, address)
        deliveries.note_taking(connection, delivery, actor, address)
    return made


def plan(house: House, actor: Actor, layer_id: str, format_name: str, args: Mapping[str, Sequence[str]],
         language: str) -> dict[str, Any]:
    """The order for a file: JSON without a secret or an account, so that it can be kept and made later, by others.

    Rights and arguments are checked here, and the rights again when it is made. Problems as for `hand_over`.
    """
    return make_order(house, actor, layer_id, format_name, args, language)


def count(house: House, actor: Actor, order: Mapping[str, Any]) -> int:
    """How many features a planned order asks for, in all its layers."""
    return sum(features.count_features(house, actor, one["layer"],
                                       params.parse(one["args"], house.layer(one["layer"]), house.catalogue).plain())
               for one in (order, *order.get("further", ())))


def photos(house: House, actor: Actor, order: Mapping[str, Any]) -> tuple[int, int]:
    """How many photos go along with a planned order, and their bytes as they came."""
    found = [attachments.weight(house, actor, one["layer"],
                                params.parse(one["args"], house.layer(one["layer"]), house.catalogue).plain())
             for one in (order, *order.get("further", ()))] if order.get("photos") else []
    return sum(number for number, _ in found), sum(size for _, size in found)


def make(house: House, actor: Actor, order: Mapping[str, Any], folder: Path, watch: Watch | None = None,
         limits: Limits = LIMITS) -> Made:
    """The file of a planned order, in `folder`, which is fresh; the rights are asked anew, the receiver's too.

    `watch` hears of the progress and may raise to stop the work. Problems as for `hand_over`, and those of
    `receivers.require_welcome`.
    """
    require(actor, "export")
    receivers.require_welcome(house, order)
    made_at = datetime.now(UTC)
    work = dict(order) | {
        "actor": asdict(actor), "made_at": made_at.isoformat(), "folder": str(folder), "temporary": True,
        "attachments": str(attachment_files.root(house)), "database_url": house.db.url,
        "layers": str(house.settings.layers),
        "time_zone": house.settings.time_zone, "statement_timeout_s": limits.seconds,
        "filter_length": house.settings.filter_length, "filter_depth": house.settings.filter_depth,
    }
    return _made(house, order, made_at, run("gisapp.formats.work", work, folder, limits, watch))


def _made(house: House, order: Mapping[str, Any], made_at: datetime, answer: Mapping[str, Any]) -> Made:
    path, chosen = Path(answer["path"]), FILE_FORMATS[order["format"]]
    media_type, extension = ("application/zip", "zip") if answer["packed"] else (chosen.media_type, chosen.extension)
    ending = "_".join(filter(None, (
        order["datum"], f"{made_at.astimezone(ZoneInfo(house.settings.time_zone)):%Y%m%d_%H%M%S}"))) + f".{extension}"
    layers = list(dict.fromkeys((order["layer"], *(one["layer"] for one in order["further"]))))
    title = house.layer(layers[0]).title.zh + (f"等{len(layers)}个图层" if layers[1:] else "")
    return Made(path, path.stat().st_size, chosen, parse_crs(order["crs"]), answer["rows"], answer["losses"],
                answer["question"], made_at, "_".join((layers[0], *(["more"] if layers[1:] else []), ending)),
                f"{title}_{ending}", media_type, answer["shown"], answer["files"], answer["withheld"],
                answer["changes"])
