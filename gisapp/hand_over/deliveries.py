"""The log of files that went out: who made them for whom, what they held, who took them. Lines are only added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from gisapp.accounts.log import record as log
from gisapp.errors import Problem
from gisapp.formats.ledger import ledger_path
from gisapp.house import House
from gisapp.permissions import Actor, may, require
from gisapp.sql import deliveries as sql_deliveries
from gisapp.sql.deliveries import Row

if TYPE_CHECKING:
    from gisapp.hand_over.exports import Made

LISTED = 100
#: Seconds that the ids of a large file may take to be kept.
_IDS_S = 900
#: Arguments that say how a file looks, not what it answers.
_LOOKS = frozenset({"crs", "properties", "sortby", "encoding", "f", "lang", "limit", "after"})


def key_of(order: Mapping[str, Any]) -> str:
    """What tells that two orders answer the same question, whatever their format."""
    parts = [(one["layer"], {name: given for name, given in one["args"].items() if name not in _LOOKS})
             for one in (order, *order.get("further", ()))]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def record(house: House, connection: Connection, actor: Actor, made: Made, order: Mapping[str, Any], folder: Path,
           address: str | None, job_id: UUID | None = None) -> UUID:
    """Log a finished file and the ids in it (from the ledger in `folder`), in the caller's transaction.

    Problem `difference_overtaken` (409), when the receiver has had another delivery of the question since the one that
    a difference was counted from.
    """
    delivery_id, receiver = uuid4(), order.get("receiver") or {}
    sql_deliveries.no_hurry(connection, _IDS_S)
    if receiver:
        _take_turns(connection, receiver["id"], order)
    sql_deliveries.add_delivery(connection, {
        "id": delivery_id, "account_id": _account(actor), "username": actor.username,
        "receiver_id": receiver.get("id"), "receiver_name": receiver.get("name"), "layer": order["layer"],
        "key": key_of(order), "kind": "difference" if order.get("difference") else "full",
        "since": order.get("difference"), "asked": dict(order), "question": dict(made.question),
        "format": order["format"], "crs": order.get("datum") or order["crs"], "encoding": order["encoding"],
        "rows": made.rows,
        "changes": made.changes, "bytes": made.size, "file_name": made.name, "files": list(made.files),
        "personal": _personal(house, actor, order, made), "reason": order.get("reason") or "", "address": address,
        "request_id": actor.request_id or None, "job_id": job_id})
    for layer_id in dict.fromkeys((order["layer"], *(one["layer"] for one in order.get("further", ())))):
        _keep_ids(connection, delivery_id, layer_id, ledger_path(folder, layer_id))
    log(connection, "export", actor, address=address, detail=_log_line(order, made, delivery_id, job_id))
    return delivery_id


def _take_turns(connection: Connection, receiver_id: str, order: Mapping[str, Any]) -> None:
    """What a receiver has is told by its deliveries in their order: each builds on the last one, or is whole."""
    sql_deliveries.hold_receiver(connection, UUID(receiver_id))
    if order.get("difference"):
        last = sql_deliveries.last_of(connection, UUID(receiver_id), key_of(order))
        if last is None or str(last["id"]) != order["difference"]:
            raise Problem("difference_overtaken")


def _keep_ids(connection: Connection, delivery_id: UUID, layer_id: str, path: Path) -> None:
    from gisapp.formats import ledger  # numpy: only where a file is made

    sql_deliveries.add_delivered(connection, delivery_id, layer_id, ledger.read(path))


def _personal(house: House, actor: Actor, order: Mapping[str, Any], made: Made) -> list[str]:
    """The personal fields that went out."""
    if not (order.get("personal") and may(actor, "read_personal")):
        return []
    layers = [house.layer(one["layer"]) for one in (order, *order.get("further", ()))]
    there = {field.id for layer in layers for field in layer.all_fields if field.personal}
    return sorted(there - {one["id"] for one in made.withheld})


def _log_line(order: Mapping[str, Any], made: Made, delivery_id: UUID, job_id: UUID | None) -> dict[str, Any]:
    further = [one["layer"] for one in order.get("further", ())]
    receiver = (order.get("receiver") or {}).get("name")
    more = {"datum": order.get("datum"), "reason": order.get("reason"), "layers": further, "receiver": receiver,
            "job": job_id and str(job_id)}
    return {"layer": order["layer"], "format": order["format"], "crs": order["crs"], "rows": made.rows,
            "question": dict(made.question), "bytes": made.size, "encoding": order["encoding"],
            "delivery": str(delivery_id), **{name: value for name, value in more.items() if value}}


def note_taking(connection: Connection, delivery_id: UUID, actor: Actor, address: str | None) -> None:
    """Log that an account took the file."""
    sql_deliveries.add_taking(connection, delivery_id, address, account_id=_account(actor), username=actor.username)


def took(connection: Connection, delivery_id: UUID, actor: Actor) -> bool:
    """Whether an account took the file within the last day: who goes on with a download is not noted again."""
    return sql_deliveries.taken_lately(connection, delivery_id, account_id=_account(actor))


def _account(actor: Actor) -> UUID | None:
    try:
        return UUID(actor.id)
    except ValueError:  # the system itself
        return None


def listed(house: House, actor: Actor, *, before: int | None = None, receiver_id: UUID | None = None,
           feature: UUID | None = None) -> list[Row]:
    """The newest deliveries: all for those who look after receivers, else one's own."""
    require(actor, "export")
    with house.db.read() as connection:
        return list(sql_deliveries.deliveries(connection, _seen(actor), LISTED, before=before, receiver_id=receiver_id,
                                              feature=feature))


def _seen(actor: Actor) -> UUID | None:
    """The account whose deliveries the actor sees; None for all."""
    return None if may(actor, "manage_receivers") else _account(actor)


def standing_questions(house: House, actor: Actor, receiver_id: UUID) -> list[Row]:
    """The last delivery of each question that a receiver was given, newest first; of those that the actor may see."""
    require(actor, "export")
    with house.db.read() as connection:
        found = sql_deliveries.latest(connection, receiver_id, _seen(actor))
    return sorted(found, key=lambda row: row["number"], reverse=True)


def require_personal(actor: Actor, personal: object) -> None:
    """Refuse a file with personal fields to whoever may not see them any longer."""
    if personal:
        require(actor, "read_personal")


def get(house: House, actor: Actor, delivery_id: UUID) -> Row:
    """One delivery. Problem `delivery_unknown` (404), for those of others too."""
    require(actor, "export")
    with house.db.read() as connection:
        row = sql_deliveries.delivery(connection, delivery_id)
    if row is None or (str(row["account_id"]) != actor.id and not may(actor, "manage_receivers")):
        raise Problem("delivery_unknown")
    return row


def takings(house: House, actor: Actor, delivery_id: UUID) -> list[Row]:
    """Who took a delivery, newest first."""
    get(house, actor, delivery_id)
    with house.db.read() as connection:
        return list(sql_deliveries.takings(connection, delivery_id))


def features_of(house: House, actor: Actor, delivery_id: UUID) -> Iterator[tuple[str, UUID, int]]:
    """Change, id and version of every feature in a delivery."""
    get(house, actor, delivery_id)
    with house.db.snapshot() as connection:
        for change, ids, versions in sql_deliveries.delivered(connection, delivery_id):
            for key, version in zip(ids, versions, strict=True):
                yield change, key, version
