"""CQL2 text back into the rows of the question builder, where rows can say it. What they cannot say stays text.

Each reading is checked by writing it again: only a sheet that says the very same is shown.
"""

from __future__ import annotations

import json
from typing import Any

from gisapp.asking.rows import COMPARED, RELATIONS, Group, Row, Sheet, kind_of, write
from gisapp.cql2.language import read
from gisapp.layers import Catalogue, Layer

_AREA_OF = {"districts": "district", "streets": "street", "unit_grids": "grid"}
_SAID = {sign: name for name, sign in COMPARED.items() if name not in ("since", "until")}
_AT = {">=": "since", "<=": "until", ">": "after", "<": "before", "t_after": "after", "t_before": "before"}
_DATED = {">=": "since", "<=": "until"}


class _Other(Exception):
    """Something that rows cannot say."""


def sheet_of(text: str, layer: Layer, catalogue: Catalogue) -> Sheet | None:
    """The sheet that says what the text says; None when none does. Problems: `filter_invalid`, `filter_too_large`."""
    if not text.strip():
        return Sheet()
    tree = _flat(read(text, None, catalogue.filter_limits))
    wanted = _in_order(tree)
    try:
        sheet = _sheet(tree, layer, catalogue)
        again = write(sheet, layer, catalogue.layers)
        return sheet if again and _in_order(_flat(read(again, None, catalogue.filter_limits))) == wanted else None
    except (_Other, KeyError, ValueError, TypeError, IndexError, AttributeError):
        return None


def rows_with_moments(text: str, layer: Layer, catalogue: Catalogue) -> tuple[Row, ...] | None:
    """The rows of a filter whose parts all must hold and some of which compare with an instant (RFC 3339), which no
    sheet takes; None for every other filter. Problems as for `sheet_of`."""
    parts = _parts(_flat(read(text, None, catalogue.filter_limits)), "and")
    try:
        rows = tuple(_moment(part) or _row(part, layer, catalogue) for part in parts)
    except (_Other, KeyError, ValueError, TypeError, IndexError, AttributeError):
        return None
    return rows if any(_moment(part) for part in parts) else None


def _moment(tree: Any) -> Row | None:
    value = tree["args"][1] if tree.get("op") in _AT and len(tree["args"]) == 2 else None
    if not isinstance(value, dict) or "timestamp" not in value:
        return None
    return Row(tree["args"][0]["property"], _AT[tree["op"]], (value["timestamp"],))


def _flat(tree: Any) -> Any:
    """The tree with nested and/or made one."""
    if isinstance(tree, list):
        return [_flat(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    found = {name: _flat(one) for name, one in tree.items()}
    if found.get("op") in ("and", "or"):
        found["args"] = [part for one in found["args"] for part in _parts(one, found["op"])]
    return found


def _in_order(tree: Any) -> Any:
    """The tree with the parts of and/or in one order, to be compared."""
    if isinstance(tree, list):
        return [_in_order(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    found = {name: _in_order(one) for name, one in tree.items()}
    if found.get("op") in ("and", "or"):
        found["args"].sort(key=lambda one: json.dumps(one, sort_keys=True))
    return found


def _parts(tree: Any, op: str) -> list[Any]:
    return list(tree["args"]) if isinstance(tree, dict) and tree.get("op") == op else [tree]


def _sheet(tree: Any, layer: Layer, catalogue: Catalogue) -> Sheet:
    parts = _parts(tree, "and")
    areas = [(area, part) for part in parts if (area := _area(part))]
    rest = [part for part in parts if not areas or part is not areas[0][1]]
    kind, place = areas[0][0] if areas else ("", "")
    if len(rest) == 1 and _is(rest[0], "or") and any(_is(one, "and") for one in rest[0]["args"]):
        groups = [_group(one, layer, catalogue) for one in rest[0]["args"]]
        return Sheet(tuple(groups), "or", kind, place)
    plain = [part for part in rest if not _is_group(part)]
    groups = [Group("all", tuple(_row(one, layer, catalogue) for one in plain))] if plain else []
    groups += [_group(one, layer, catalogue) for one in rest if _is_group(one)]
    return Sheet(tuple(groups) or (Group(),), "and", kind, place)


def _is(tree: Any, op: str) -> bool:
    return isinstance(tree, dict) and tree.get("op") == op


def _is_group(tree: Any) -> bool:
    return _is(tree, "or") or (_is(tree, "not") and not _is_plain_not(tree))


def _is_plain_not(tree: Any) -> bool:
    return bool(tree["args"][0].get("op") in ("in", "isNull"))


def _group(tree: Any, layer: Layer, catalogue: Catalogue) -> Group:
    if _is(tree, "not") and not _is_plain_not(tree):
        return Group("none", tuple(_row(one, layer, catalogue) for one in _parts(tree["args"][0], "or")))
    kind = "any" if _is(tree, "or") else "all"
    return Group(kind, tuple(_row(one, layer, catalogue) for one in _parts(tree, {"any": "or", "all": "and"}[kind])))


def _area(tree: Any) -> tuple[str, str] | None:
    if not isinstance(tree, dict):
        return None
    op, args = tree.get("op"), tree.get("args", [])
    if op == "inside" and len(args) == 2 and args[0] in _AREA_OF and isinstance(args[1], str):
        return _AREA_OF[args[0]], args[1]
    if op == "in_area" and isinstance(args[0], str):
        return "area", args[0]
    if op == "around" and args[0].get("type") == "Point":
        return "circle", ",".join(_text(one) for one in (*args[0]["coordinates"], args[1]))
    if op == "s_intersects" and args[0] == {"property": "geometry"} and args[1].get("type") == "Polygon":
        return _drawn(args[1]["coordinates"])
    return None


def _drawn(rings: Any) -> tuple[str, str] | None:
    """A box, or a shape by its corners; nothing of one with holes."""
    if len(rings) != 1 or len(rings[0]) < 4 or any(len(one) != 2 for one in rings[0]):
        return None
    *corners, _ = rings[0]
    (west, south), (east, north) = corners[0], corners[2 % len(corners)]
    if corners == [[west, south], [east, south], [east, north], [west, north]] and west < east and south < north:
        return "box", ",".join(_text(one) for one in (west, south, east, north))
    return "shape", ",".join(_text(one) for corner in corners for one in corner)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        raise _Other
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _row(tree: Any, layer: Layer, catalogue: Catalogue) -> Row:
    op, args = tree["op"], tree["args"]
    if op in RELATIONS or (op == ">=" and isinstance(args[0], dict) and args[0].get("op") == "count_within"):
        return _relation(tree, catalogue)
    if op == "not":
        inner = _row(args[0], layer, catalogue)
        return Row(inner.field, {"in": "notin", "empty": "filled"}[inner.op], inner.values)
    if op == "like":
        return _like(args)
    name = args[0]["property"]
    kind = kind_of(layer, name)
    if op == "isNull":
        return Row(name, "empty")
    if op in ("t_after", "t_before"):
        return _timed(name, op, args[1])
    if op in ("in", "a_overlaps", "a_contains"):
        return Row(name, {"in": "in", "a_overlaps": "any", "a_contains": "every"}[op], tuple(args[1]))
    if op == "between":
        return _between(name, args[1], args[2])
    if isinstance(args[1], bool) and op == "=":
        return Row(name, "yes" if args[1] else "no")
    return _compared(name, kind, op, args[1])


def _compared(name: str, kind: str, op: str, value: Any) -> Row:
    if kind == "code" and op == "=":
        return Row(name, "eq", (_text(value),))
    return Row(name, _DATED[op] if kind == "date" else _SAID[op], (_text(value),))


def _like(args: Any) -> Row:
    name, text = args[0]["args"][0]["property"], args[1]["args"][0]
    if not text.endswith("%"):
        raise _Other
    begins = not text.startswith("%")
    body = text[:-1] if begins else text[1:-1]
    plain = body.replace("\\%", "%").replace("\\_", "_").replace("\\\\", "\\")
    return Row(name, "begins" if begins else "has", (plain,))


def _between(name: str, first: Any, last: Any) -> Row:
    if isinstance(first, dict) and isinstance(last, dict):
        ends = [_text(one["args"][0]) if one["args"] else "" for one in (first, last) if one["op"] == "today"]
        if ends[1] == "":
            return Row(name, "last", (ends[0].removeprefix("-"),))
        return Row(name, "next", (ends[1],))
    return Row(name, "between", (_text(first),), _text(last))


def _relation(tree: Any, catalogue: Catalogue) -> Row:
    count = ""
    if tree["op"] == ">=":
        count, tree = _text(tree["args"][1]), tree["args"][0]
    name, args = tree["op"], list(tree["args"])
    other = catalogue.layers[args.pop(0)]
    metres = _text(args.pop(0)) if RELATIONS[name] else ""
    kind = "any" if args and _is(args[0], "or") else "all"
    inside = _parts(args[0], {"all": "and", "any": "or"}[kind]) if args else ()
    inner = tuple(_row(one, other, catalogue) for one in inside)
    return Row(f"@{name}", "", (), "", other.id, metres, count, inner, kind)


def _timed(name: str, op: str, value: Any) -> Row:
    if "date" in value:
        return Row(name, op.removeprefix("t_"), (value["date"],))
    return Row(name, "last", (_text(value["args"][0]).removeprefix("-"),))
