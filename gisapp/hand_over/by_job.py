"""Files asked for as jobs: by hand or for a receiver, whole or what is new since the last delivery, or once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gisapp import jobs, params, published
from gisapp.errors import Problem
from gisapp.hand_over import deliveries, exports, receivers
from gisapp.house import House
from gisapp.permissions import Actor, require
from gisapp.sql import deliveries as sql_deliveries
from gisapp.sql.deliveries import Row
from gisapp.words import Words

MODES = ("full", "difference")
Args = Mapping[str, Sequence[str]]


def ask(house: House, actor: Actor, layer_id: str, format_name: str, args: Args, language: str, *,
        receiver_id: UUID | None = None, mode: str = "full", address: str | None = None) -> UUID:
    """A job that makes the file of an items request, of any size. Problems: those of `plan`, `jobs_too_many`."""
    order = plan(house, actor, layer_id, format_name, args, language, receiver_id=receiver_id, mode=mode)
    return jobs.ask_planned(house, actor, order, address)


def plan(house: House, actor: Actor, layer_id: str, format_name: str, args: Args, language: str, *,
         receiver_id: UUID | None = None, mode: str = "full") -> dict[str, Any]:
    """The order for a file; for a receiver in the receiver's own shape.

    `mode` "difference" sends what was added or changed since the receiver's last delivery of the same question, and
    lists what was removed; its job fails as `difference_overtaken` when another one is quicker. Problems: those of
    `exports.plan`, `receiver_unknown`, `receiver_no_personal`, `receiver_retired`, `difference_nothing` (409),
    `difference_shape` (409), `difference_one_layer` (422).
    """
    require(actor, "export")
    if mode not in MODES:
        raise params.invalid("mode", "、".join(MODES), f"is one of {', '.join(MODES)}")
    receiver = receivers.get(house, actor, receiver_id) if receiver_id else None
    if receiver is not None:
        layer = published.find(house, actor, layer_id, language).layer
        format_name, args = receivers.as_wanted(receiver, layer.id, args)
    order = exports.plan(house, actor, layer_id, format_name, args, language)
    if receiver is not None:
        order |= {"receiver": {"id": str(receiver["id"]), "name": receiver["name"]},
                  "further": [receivers.narrowed(receiver, one) for one in order["further"]]}
    if mode == "difference":
        last = _last(house, receiver, order)
        _require_shape(house, order, last["asked"])
        order |= {"difference": str(last["id"]), "pack": True}
    # What the file is made from, for the next one like it.
    return order | {"wish": {"layer": layer_id, "format": format_name,
                             "args": {name: list(values) for name, values in args.items()}}}


def _last(house: House, receiver: Row | None, order: Mapping[str, Any]) -> Row:
    """The delivery that a difference begins from."""
    if receiver is None:
        raise Problem("difference_nothing")
    if order.get("further"):
        raise Problem("difference_one_layer")
    with house.db.read() as connection:
        found = sql_deliveries.last_of(connection, receiver["id"], deliveries.key_of(order))
    if found is None:
        raise Problem("difference_nothing")
    return found


def _require_shape(house: House, order: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """A difference goes on with what the receiver has: the same datum, and no column that the rest of it lacks."""
    if order["datum"] != (before.get("datum") or ""):
        raise Problem("difference_shape", what=Words("坐标基准", "the datum"))
    if _columns(house, order) - _columns(house, before):
        raise Problem("difference_shape", what=Words("字段", "the columns"))


def _columns(house: House, order: Mapping[str, Any]) -> set[str]:
    """The fields of an order's main layer that go along, as far as the layer has them today."""
    layer = house.layer(order["layer"])
    asked = {name.strip() for given in order["args"].get("properties", ()) for name in given.split(",")}
    return {field.id for field in layer.all_fields if (not asked or field.id in asked)
            and (order.get("personal") or not field.personal)}


def again(house: House, actor: Actor, delivery_id: UUID, mode: str, language: str, reason: str = "",
          address: str | None = None) -> UUID:
    """The same as a delivery, with the data and the receiver's wishes of today, whole or what is new.

    Personal fields go along only with a new `reason`.
    """
    row = deliveries.get(house, actor, delivery_id)
    wish = row["asked"].get("wish") or {"layer": row["layer"], "format": row["format"], "args": row["asked"]["args"]}
    args = {name: given for name, given in wish["args"].items() if name != "personal-reason"}
    if reason.strip():
        args["personal-reason"] = [reason]
    return ask(house, actor, wish["layer"], wish["format"], args, language, receiver_id=row["receiver_id"], mode=mode,
               address=address)

