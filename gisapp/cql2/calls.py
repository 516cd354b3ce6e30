"""Calls of our own functions: arguments by their kind, the other layer's condition in the other layer's fields."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from gisapp.cql2.faults import refused
from gisapp.cql2.functions import (
    FUNCTIONS,
    MOST_METRES,
    MOST_NEAREST,
    MOST_OFFSET,
    SEASON_FIELDS,
    SLOT_FIELDS,
    WEEKDAYS,
    Function,
)
from gisapp.cql2.tree import Call, Column, Literal, Node, Related
from gisapp.layers import Layer

if TYPE_CHECKING:
    from gisapp.cql2.check import Reader


def read(reader: Reader, name: str, args: list[Any]) -> Related:
    """A call of a function of ours; `filter_invalid` for a name that there is none of."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise refused(f"没有函数 {name[:40]}，可用函数见 /functions",
                      f"there is no function {name[:40]}; see /functions")
    _count(function, args)
    if function.arguments[0].kind == "layer":
        return _relation(reader, function, args)
    if function.name == "around":
        place = reader.of_kind(args[0], "geometry")
        return Related(function.name, (place, _number(function, "metres", args[1])), function.returns)
    if function.name == "in_area":
        return Related(function.name, (_area(args[0]),), function.returns)
    if function.returns == "date":
        reader.moment = True
        return Related(function.name, (_offset(function, args[0] if args else 0),), function.returns)
    return _opening(reader, function, args)


def _area(given: Any) -> UUID:
    try:
        return UUID(given)
    except (ValueError, TypeError, AttributeError):
        raise refused("in_area 的参数应为范围的编号（UUID）", "in_area takes the id (UUID) of an area") from None


def _offset(function: Function, given: Any) -> int:
    # The parser writes -1 * n for a negative number.
    if isinstance(given, dict) and given.get("op") == "*" and given.get("args", [None])[0] == -1:
        return -_offset(function, given["args"][-1])
    if isinstance(given, bool) or not isinstance(given, (int, float)) or int(given) != given or (
            abs(given) > MOST_OFFSET):
        raise refused(f"{function.name} 的参数应为整数", f"{function.name} takes a whole number")
    return int(given)


def _count(function: Function, args: list[Any]) -> None:
    least = sum(not one.optional for one in function.arguments)
    most = 50 if function.arguments[-1].many else len(function.arguments)
    if not least <= len(args) <= most:
        wanted = ", ".join(one.name + ("?" if one.optional else "") for one in function.arguments)
        raise refused(f"{function.name} 的参数应为（{wanted}）", f"{function.name} takes ({wanted})")


def _relation(reader: Reader, function: Function, args: list[Any]) -> Related:
    other = reader.catalogue.layers.get(args[0]) if isinstance(args[0], str) else None
    if other is None:
        raise refused(f"{function.name} 的第一个参数应为图层编号，没有图层 {str(args[0])[:40]}",
                      f"the first argument of {function.name} is a layer's id; there is no layer {str(args[0])[:40]}")
    _require_shapes(reader.layer, other, function)
    reader.layers.add(other.id)
    values, where = [], None
    for declared, given in zip(function.arguments[1:], args[1:], strict=False):
        if declared.kind == "filter" or (declared.kind == "key" and not isinstance(given, str)):
            where = _other_condition(reader, other, given)
        elif declared.kind == "key":
            where = _key(other, given)
        else:
            values.append(_number(function, declared.kind, given))
    return Related(function.name, tuple(values), function.returns, other, where)


def _require_shapes(layer: Layer, other: Layer, function: Function) -> None:
    areal = function.name in ("inside", "overlaps", "overlap_area", "overlap_share")
    if areal and "Polygon" not in other.geometry:
        raise refused(f"{function.name} 只能用于面图层，{other.id} 不是", f"{function.name} wants a layer of areas; "
                      f"{other.id} is none")
    if function.name in ("overlap_area", "overlap_share") and "Polygon" not in layer.geometry:
        raise refused(f"图层 {layer.id} 没有面积", f"layer {layer.id} has no areas")


def _other_condition(reader: Reader, other: Layer, tree: Any) -> Node:
    """The condition on the other layer; guards and what is leaned on are counted together."""
    inner = replace(reader, layer=other)
    found = inner.condition(tree)
    reader.moment = reader.moment or inner.moment
    return found


def _key(other: Layer, text: str) -> Node:
    """One feature by its code, else by its id."""
    try:
        UUID(text)
        return Call("=", (Column("id", "text"), Literal(text, "text")), "boolean")
    except ValueError:
        pass
    if not other.has_field("code"):
        raise refused(f"图层 {other.id} 没有 code 字段，请写条件", f"layer {other.id} has no code; write a condition")
    return Call("=", (Column("code", "text"), Literal(text, "text")), "boolean")


def _number(function: Function, kind: str, given: Any) -> Any:
    most = MOST_METRES if kind == "metres" else MOST_NEAREST
    number = None if isinstance(given, bool) or not isinstance(given, (int, float)) else float(given)
    if number is None or not 0 <= number <= most or (kind == "count" and (number < 1 or not number.is_integer())):
        raise refused(f"{function.name} 的 {kind} 应为不超过 {most} 的数",
                      f"{kind} of {function.name} is a number up to {most}")
    return int(number) if kind == "count" else number


def _opening(reader: Reader, function: Function, args: list[Any]) -> Related:
    names = opening_fields(reader.layer)
    if not any(names):
        raise refused(f"图层 {reader.layer.id} 没有经营日、时段或期限",
                      f"layer {reader.layer.id} has no weekdays, time slots or season")
    reader.fields.update((reader.layer.id, name) for name in names if name)
    read_one = _day if function.name == "open_days" else _moment
    values = tuple(read_one(reader, one) for one in args)
    reader.moment = reader.moment or (function.name == "open_now" and not values)
    return Related(function.name, values, function.returns, reader.layer)


def opening_fields(layer: Layer) -> tuple[str, str, str, str]:
    """Fields of weekdays, time slots, first and last day; "" where the layer has none."""
    days = next((one.id for one in layer.fields if one.type == "codes" and one.codelist == WEEKDAYS), "")
    slots = next((name for name in SLOT_FIELDS if layer.has_field(name)), "")
    season = next((pair for pair in SEASON_FIELDS if all(map(layer.has_field, pair))), ("", ""))
    return (days, slots, *season)


def _day(reader: Reader, tree: Any) -> date | str:
    if isinstance(tree, str) and tree in reader.catalogue.codelists[WEEKDAYS].by_id:
        return tree
    found = reader.node(tree)
    if isinstance(found, Literal) and isinstance(found.value, date) and found.kind == "date":
        return found.value
    raise refused("应为日期或星期代码", "wants a date or the code of a weekday")


def _moment(reader: Reader, tree: Any) -> datetime:
    found = reader.node(tree)
    if isinstance(found, Literal) and isinstance(found.value, datetime):
        return found.value
    raise refused("应为 TIMESTAMP", "wants a TIMESTAMP")
