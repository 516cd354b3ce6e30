"""What the question builder holds, as rows, and the CQL2 text that they say.

A row is one condition; rows stand in groups (all, any, none of them), groups are joined by "and" or "or". A row that
is not filled in yet says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gisapp.layers import Layer

#: Relations to another layer: function → whether it takes metres.
RELATIONS = {"near": True, "inside": False, "overlaps": False, "crosses": False, "count_within": True}
#: Operators by type of field, in the order in which they are offered.
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": ("has", "begins", "eq", "ne", "empty", "filled"),
    "code": ("in", "notin", "empty", "filled"),
    "codes": ("any", "every", "empty", "filled"),
    "number": ("ge", "le", "gt", "lt", "eq", "ne", "between", "empty", "filled"),
    "date": ("since", "until", "between", "last", "next", "empty", "filled"),
    "moment": ("after", "before", "last", "empty", "filled"),
    "boolean": ("yes", "no", "empty"),
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TYPES = {"integer": "number", "datetime": "moment"}
COMPARED = {"eq": "=", "ne": "<>", "ge": ">=", "le": "<=", "gt": ">", "lt": "<", "since": ">=", "until": "<="}
BARE = ("empty", "filled", "yes", "no")
AREAS = ("district", "street", "grid", "box", "circle", "shape", "area")
_AREA_LAYERS = {"district": "districts", "street": "streets", "grid": "unit_grids"}


@dataclass(frozen=True)
class Row:
    """`field` is a field's id, or a relation's name after @; `layer`, `metres`, `count` and `inner`, conditions on
    the other layer (`inner_kind`: all or any of them), belong to relations."""

    field: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    to: str = ""
    layer: str = ""
    metres: str = ""
    count: str = ""
    inner: tuple[Row, ...] = ()
    inner_kind: str = "all"

    @property
    def relation(self) -> str:
        """The relation's name, or nothing."""
        return self.field[1:] if self.field.startswith("@") else ""


@dataclass(frozen=True)
class Group:
    """`kind` is all, any or none."""

    kind: str = "all"
    rows: tuple[Row, ...] = (Row(),)


@dataclass(frozen=True)
class Sheet:
    """Everything that the builder shows. `area` is one of AREAS or nothing; `place` its code, or numbers behind
    commas (degrees, longitude first; metres last of a circle; the corners of a shape in turn) or the id of an
    area out of a file."""

    groups: tuple[Group, ...] = field(default=(Group(),))
    join: str = "and"
    area: str = ""
    place: str = ""


def kind_of(layer: Layer, name: str) -> str:
    """The kind by which a field's operators are chosen."""
    found = layer.field(name).type
    return _TYPES.get(found, found)


def quoted(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def pattern(text: str) -> str:
    """The text with the wildcards of LIKE made plain."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def write(sheet: Sheet, layer: Layer, layers: Mapping[str, Layer]) -> str:
    """The filter in CQL2 text; nothing when no row is filled in."""
    area = write_area(sheet)
    found = [text for group in sheet.groups if (text := _group(group, layer, layers))]
    if sheet.join == "or" and len(found) > 1:
        joined = " OR ".join(f"({text})" for text in found)
        return f"{area} AND ({joined})" if area else joined
    return " AND ".join([*([area] if area else []), *found])


def _group(group: Group, layer: Layer, layers: Mapping[str, Layer]) -> str:
    rows = [text for row in group.rows if (text := write_row(row, layer, layers))]
    if not rows:
        return ""
    if group.kind == "none":
        return f"NOT ({' OR '.join(rows)})"
    if group.kind == "any" and len(rows) > 1:
        return f"({' OR '.join(rows)})"
    return " AND ".join(rows)


def numbers_of(place: str) -> list[float]:
    """The numbers behind commas; none when one of them is no number."""
    try:
        found = [float(one) for one in place.split(",")]
    except ValueError:
        return []
    return found if all(abs(one) < 1e6 for one in found) else []


def write_area(sheet: Sheet) -> str:
    """The sheet's area in CQL2 text; nothing while it is not filled in."""
    if sheet.area in _AREA_LAYERS and sheet.place:
        return f"inside({quoted(_AREA_LAYERS[sheet.area])}, {quoted(sheet.place)})"
    if sheet.area == "area":
        return f"in_area({quoted(sheet.place)})" if _UUID.fullmatch(sheet.place) else ""
    given = numbers_of(sheet.place)
    numbers = [f"{one:g}" if one.is_integer() else repr(one) for one in given]
    if sheet.area == "circle" and len(numbers) == 3:
        return f"around(POINT({numbers[0]} {numbers[1]}), {numbers[2]})"
    corners = list(zip(numbers[::2], numbers[1::2], strict=False))
    if sheet.area == "box" and len(numbers) == 4:
        west, south, east, north = numbers
        corners = [(west, south), (east, south), (east, north), (west, north)]
    elif sheet.area != "shape" or len(numbers) % 2 or len(corners) < 3:
        return ""
    ring = ", ".join(f"{lon} {lat}" for lon, lat in [*corners, corners[0]])
    return f"S_INTERSECTS(geometry, POLYGON(({ring})))"


def write_row(row: Row, layer: Layer, layers: Mapping[str, Layer]) -> str:
    """One condition in CQL2 text; nothing while it is not filled in."""
    if row.relation:
        return _relation(row, layers)
    if not row.field or not layer.has_field(row.field):
        return ""
    kind = kind_of(layer, row.field)
    return _condition(row, kind) if row.op in OPERATORS.get(kind, ()) else ""


def _relation(row: Row, layers: Mapping[str, Layer]) -> str:
    name, other = row.relation, layers.get(row.layer)
    if name not in RELATIONS or other is None or (RELATIONS[name] and not _number(row.metres)):
        return ""
    inner = {"all": " AND ", "any": " OR "}[row.inner_kind].join(
        text for one in row.inner if not one.relation and (text := write_row(one, other, layers)))
    parts = [quoted(row.layer), *([_number(row.metres)] if RELATIONS[name] else []), *([inner] if inner else [])]
    call = f"{name}({', '.join(parts)})"
    return f"{call} >= {_number(row.count) or '1'}" if name == "count_within" else call


def _number(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return ""
    return (f"{value:.0f}" if value.is_integer() else repr(value)) if abs(value) < 1e15 else ""


def _condition(row: Row, kind: str) -> str:
    name, first = row.field, row.values[0] if row.values else ""
    if row.op in BARE:
        return {"empty": f"{name} IS NULL", "filled": f"{name} IS NOT NULL",
                "yes": f"{name} = TRUE", "no": f"{name} = FALSE"}[row.op]
    chosen = tuple(one for one in row.values if one)
    if not chosen:
        return ""
    if row.op in ("in", "notin", "any", "every"):
        listed = ", ".join(quoted(one) for one in chosen)
        return {"in": f"{name} IN ({listed})", "notin": f"{name} NOT IN ({listed})",
                "any": f"A_OVERLAPS({name}, ({listed}))", "every": f"A_CONTAINS({name}, ({listed}))"}[row.op]
    if row.op in ("has", "begins"):
        return f"CASEI({name}) LIKE CASEI({quoted(('%' if row.op == 'has' else '') + pattern(first) + '%')})"
    if kind in ("date", "moment"):
        return _dated(row, first) if kind == "date" else _timed(row, first)
    value = _number(first) if kind == "number" else quoted(first)
    if row.op == "between":
        last = _number(row.to)
        return f"{name} BETWEEN {value} AND {last}" if value and last else ""
    return f"{name} {COMPARED[row.op]} {value}" if value else ""


def _dated(row: Row, first: str) -> str:
    if row.op in ("last", "next"):
        days = _number(first)
        if not days.isdigit():
            return ""
        ends = (f"today(-{days})", "today()") if row.op == "last" else ("today()", f"today({days})")
        return f"{row.field} BETWEEN {ends[0]} AND {ends[1]}"
    if row.op == "between":
        return f"{row.field} BETWEEN {quoted(first)} AND {quoted(row.to)}" if row.to else ""
    return f"{row.field} {COMPARED[row.op]} {quoted(first)}"


def _timed(row: Row, first: str) -> str:
    """A moment beside days: a day lasts from its first to its last instant."""
    if row.op == "last":
        days = _number(first)
        return f"T_AFTER({row.field}, today(-{days}))" if days.isdigit() else ""
    return f"{'T_AFTER' if row.op == 'after' else 'T_BEFORE'}({row.field}, DATE({quoted(first)}))"
