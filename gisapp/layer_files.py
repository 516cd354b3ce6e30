"""Read layer files: a closed vocabulary, data only, and a sentence for every mistake.

`VOCABULARY` names every key once with the impact of changing it; `SHAPES` says which table of a file takes
which keys. Nothing here knows what a layer is for: `gisapp.catalogue` builds the objects.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What must follow a change: `table` a migration, `schema` other clients' forms, `style` a redraw, `words` nothing.
VOCABULARY: dict[str, str] = {
    "id": "table", "title": "words", "description": "words", "group": "words", "geometry": "table",
    "second_geometry": "table", "stands_in": "table", "fieldsets": "table", "fields": "table",
    "assigned": "table", "name_field": "style", "detail_zoom": "style", "rules": "schema",
    "type": "table", "required": "table", "max_length": "table", "decimals": "table", "unit": "words",
    "min": "table", "max": "table", "codelist": "table", "export": "schema", "personal": "schema",
    "unique": "table", "searchable": "table", "indexed": "table",
    "states": "schema", "next": "schema", "style": "style", "colour": "style", "stroke": "style",
    "width": "style", "opacity": "style", "radius": "style", "dash": "style", "colour_by": "style",
    "codes": "schema", "code": "words", "retired": "schema", "standards": "words",
}

ID = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
CODE_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}\Z")
_COLOUR = re.compile(r"#[0-9a-f]{6}\Z")


class LayerFileError(Exception):
    """A wrong layer file: which file, which key, and what is wanted there."""

    def __init__(self, path: Path, key: str, message: str) -> None:
        super().__init__(f"{path.name}: {key}: {message}" if key else f"{path.name}: {message}")
        self.path, self.key, self.message = path, key, message


def _words(value: Any) -> str | None:
    if isinstance(value, dict) and set(value) == {"zh", "en"} and all(
            isinstance(v, str) and v.strip() for v in value.values()):
        return None
    return 'wants words in both languages: { zh = "…", en = "…" }'


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "wants a text"


def _pattern(pattern: re.Pattern[str], wanted: str) -> Any:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and pattern.match(value) else wanted
    return check


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "wants true or false"


def _number(value: Any) -> str | None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
    return None if good else "wants a number"


def _whole(low: int, high: int) -> Any:
    def check(value: Any) -> str | None:
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if good else f"wants a whole number from {low} to {high}"
    return check


def _list_of(check_item: Any, wanted: str) -> Any:
    def check(value: Any) -> str | None:
        good = isinstance(value, list) and all(check_item(item) is None for item in value)
        return None if good else f"wants a list of {wanted}"
    return check


def _table(value: Any) -> str | None:
    return None if isinstance(value, dict) else "wants a table"


def _tables(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    return None if good else "wants a list of tables"


_id = _pattern(ID, "wants an id: lower-case letters, digits and _, a letter first, at most 40")
_code_id = _pattern(CODE_ID, "wants a code: letters, digits, _ . -, at most 40")
_colour = _pattern(_COLOUR, "wants a colour such as #c0392b")
_export = _pattern(re.compile(r"[A-Z][A-Z0-9_]{0,9}\Z"), "wants a short name of at most 10 bytes: A–Z, 0–9, _")
_ids = _list_of(_id, "ids")
_codes = _list_of(_code_id, "codes")


@dataclass(frozen=True)
class Shape:
    """The keys that one kind of table takes: key → (check, is it required)."""

    name: str
    keys: dict[str, tuple[Any, bool]]


SHAPES = {
    "layer": Shape("layer", {
        "id": (_id, True), "title": (_words, True), "description": (_words, False), "group": (_code_id, True),
        "geometry": (_text, True), "second_geometry": (_table, False), "fieldsets": (_ids, False),
        "fields": (_tables, True), "assigned": (_boolean, False), "name_field": (_id, True),
        "detail_zoom": (_whole(0, 22), False), "rules": (_ids, False), "states": (_tables, False),
        "style": (_table, True)}),
    "fieldset": Shape("field set", {"id": (_id, True), "title": (_words, True), "fields": (_tables, True)}),
    "second_geometry": Shape("second_geometry", {
        "id": (_id, True), "geometry": (_text, True), "title": (_words, True), "stands_in": (_boolean, False)}),
    "field": Shape("field", {
        "id": (_id, True), "title": (_words, True), "description": (_words, False), "type": (_text, True),
        "required": (_boolean, False), "max_length": (_whole(1, 10000), False),
        "decimals": (_whole(0, 8), False), "unit": (_text, False), "min": (_number, False),
        "max": (_number, False), "codelist": (_id, False), "export": (_export, True),
        "personal": (_boolean, False), "unique": (_boolean, False), "searchable": (_boolean, False),
        "indexed": (_boolean, False)}),
    "state": Shape("state", {
        "id": (_code_id, True), "title": (_words, True), "colour": (_colour, True), "next": (_codes, False)}),
    "style": Shape("style", {
        "colour": (_colour, True), "stroke": (_colour, False), "width": (_number, False),
        "opacity": (_number, False), "radius": (_number, False),
        "dash": (_list_of(_number, "numbers"), False), "colour_by": (_id, False)}),
    "codelist": Shape("code list", {"id": (_id, True), "title": (_words, True), "codes": (_tables, True)}),
    "code": Shape("code", {
        "id": (_code_id, True), "title": (_words, True), "colour": (_colour, False),
        "retired": (_boolean, False), "standards": (_tables, False)}),
    "standard": Shape("standard", {"id": (_text, True), "code": (_code_id, True)}),
}


def read_toml(path: Path) -> dict[str, Any]:
    """The file's content; LayerFileError with line and column when it is not TOML in UTF-8."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise LayerFileError(path, "", f"is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise LayerFileError(path, "", "is not UTF-8 text") from error


def check_table(path: Path, where: str, shape_name: str, table: dict[str, Any]) -> dict[str, Any]:
    """The table itself when it has all the keys it needs, none it does not take, and fitting values."""
    shape = SHAPES[shape_name]
    prefix = f"{where}." if where else ""
    for key, value in table.items():
        if key not in shape.keys:
            allowed = ", ".join(sorted(shape.keys))
            raise LayerFileError(path, prefix + key, f"is not a key of a {shape.name}; allowed: {allowed}")
        fault = shape.keys[key][0](value)
        if fault:
            raise LayerFileError(path, prefix + key, fault)
    for key, (_, required) in shape.keys.items():
        if required and key not in table:
            raise LayerFileError(path, prefix + key, f"is missing; every {shape.name} needs it")
    return table


def check_unique(path: Path, where: str, tables: list[dict[str, Any]], key: str = "id") -> None:
    """LayerFileError when two tables of a list carry the same value under `key`."""
    seen: set[str] = set()
    for table in tables:
        value = table[key]
        if value in seen:
            raise LayerFileError(path, f"{where}.{value}", f"stands twice; each {key} may stand once")
        seen.add(value)
