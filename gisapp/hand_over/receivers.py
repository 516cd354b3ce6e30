"""Departments that files go to: how they want them, and what of a person they may be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from gisapp import params
from gisapp.accounts.log import record
from gisapp.crs import parse_crs
from gisapp.errors import Problem
from gisapp.hand_over.orders import file_format
from gisapp.house import House
from gisapp.permissions import Actor, require
from gisapp.sql import deliveries as sql_deliveries
from gisapp.sql.deliveries import Row

LONGEST_NAME, LONGEST_CONTACT = 100, 500
#: What the receiver decides, whatever a request says.
_DECIDED = ("crs", "encoding", "properties", "f")


def listed(house: House, actor: Actor, *, all_: bool = False) -> list[Row]:
    """The receivers in use, to choose from; with `all_` the others too."""
    require(actor, "export")
    with house.db.read() as connection:
        return list(sql_deliveries.receivers(connection, all_=all_))


def get(house: House, actor: Actor, receiver_id: UUID) -> Row:
    """One receiver. Problem `receiver_unknown` (404)."""
    require(actor, "export")
    with house.db.read() as connection:
        row = sql_deliveries.receiver(connection, receiver_id)
    if row is None:
        raise Problem("receiver_unknown")
    return row


def may_change(actor: Actor) -> None:
    """Refuse whoever may not look after receivers."""
    require(actor, "manage_receivers")


def create(house: House, actor: Actor, given: Mapping[str, Any], address: str | None = None) -> UUID:
    """A new receiver. Problems: those of `_checked`, `receiver_taken` (409)."""
    require(actor, "manage_receivers")
    values, made = _checked(house, given), uuid4()
    with house.db.begin(actor.username, actor.request_id) as connection:
        if sql_deliveries.receiver_named(connection, values["name"]) is not None:
            raise Problem("receiver_taken", name=values["name"])
        sql_deliveries.add_receiver(connection, values | {
            "id": made, "created_by": actor.username, "updated_by": actor.username})
        record(connection, "receiver_made", actor, address=address, detail=_told(made, values))
    return made


def change(house: House, actor: Actor, receiver_id: UUID, version: int, given: Mapping[str, Any],
           address: str | None = None) -> None:
    """The receiver anew, from the version that was looked at. Problems: as for `create`, `receiver_changed` (409)."""
    require(actor, "manage_receivers")
    get(house, actor, receiver_id)
    values = _checked(house, given) | {"active": bool(given.get("active", True)), "updated_by": actor.username}
    with house.db.begin(actor.username, actor.request_id) as connection:
        if sql_deliveries.receiver_named(connection, values["name"]) not in (None, receiver_id):
            raise Problem("receiver_taken", name=values["name"])
        if not sql_deliveries.change_receiver(connection, receiver_id, version, values):
            raise Problem("receiver_changed")
        record(connection, "receiver_changed", actor, address=address, detail=_told(receiver_id, values))


def _told(receiver_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"receiver": values["name"], "id": str(receiver_id), "format": values["format"], "crs": values["crs"],
            "personal": values["personal"], "active": values.get("active", True)}


def _checked(house: House, given: Mapping[str, Any]) -> dict[str, Any]:
    name, contact = (str(given.get(key) or "").strip() for key in ("name", "contact"))
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise params.invalid("name", f"1–{LONGEST_NAME} 个字符", f"has 1 to {LONGEST_NAME} characters")
    if len(contact) > LONGEST_CONTACT or "\0" in contact:
        raise params.invalid("contact", f"最多 {LONGEST_CONTACT} 个字符", f"has at most {LONGEST_CONTACT} characters")
    chosen, personal = file_format(str(given.get("format") or "")), bool(given.get("personal"))
    crs, encoding = str(given.get("crs") or ""), str(given.get("encoding") or "")
    if encoding and encoding not in chosen.encodings:
        encoding = ""
    columns = _columns(house, given.get("columns") or {}, personal)
    return {"name": name, "contact": contact, "format": chosen.name, "crs": parse_crs(crs).name if crs else "",
            "encoding": encoding, "personal": personal, "columns": columns}


def _columns(house: House, given: Mapping[str, Sequence[str]], personal: bool) -> dict[str, list[str]]:
    """By layer the fields that the receiver gets; all that are not personal where nothing is chosen."""
    found: dict[str, list[str]] = {}
    for layer_id, names in given.items():
        layer = house.layer(layer_id)
        known = {field.id: field for field in layer.all_fields}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise Problem("parameter_invalid", name="columns", reason=", ".join(unknown)[:100])
        if not personal and any(known[name].personal for name in names):
            raise Problem("receiver_no_personal")
        if names:
            found[layer_id] = list(dict.fromkeys(names))
    return found


def as_wanted(row: Row, layer_id: str, args: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, list[str]]]:
    """Format and arguments of a file as the receiver wants it: what is asked, in the receiver's own shape.

    Problems: `receiver_retired` (409), `receiver_no_personal` (403) when personal fields are asked for.
    """
    if not row["active"]:
        raise Problem("receiver_retired", name=row["name"])
    if not row["personal"] and any(given.strip() for given in args.get("personal-reason", ())):
        raise Problem("receiver_no_personal")
    kept = {name: list(given) for name, given in args.items() if name not in _DECIDED}
    wanted = {"crs": row["crs"], "encoding": row["encoding"], "properties": ",".join(row["columns"].get(layer_id, ()))}
    return row["format"], kept | {name: [value] for name, value in wanted.items() if value}


def require_welcome(house: House, order: Mapping[str, Any]) -> None:
    """Refuse to go on with an order for a receiver that is no longer in use, or that may no longer have the personal
    fields in it. Problems: `receiver_unknown`, `receiver_retired`, `receiver_no_personal`."""
    if not order.get("receiver"):
        return
    with house.db.read() as connection:
        row = sql_deliveries.receiver(connection, UUID(order["receiver"]["id"]))
    if row is None:
        raise Problem("receiver_unknown")
    if not row["active"]:
        raise Problem("receiver_retired", name=row["name"])
    if order.get("personal") and not row["personal"]:
        raise Problem("receiver_no_personal")


def narrowed(row: Row, further: Mapping[str, Any]) -> dict[str, Any]:
    """A further layer of an order with the receiver's columns of it."""
    columns = ",".join(row["columns"].get(further["layer"], ()))
    return {**further, "args": {**further["args"], **({"properties": [columns]} if columns else {})}}
