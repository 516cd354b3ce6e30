"""Names that others give the fields of layers, for imports: `layers/aliases/<layer or field set>.toml`.

They stand beside the layer files, not in them: a sender's habits are no part of what a layer is. Each line is a field's
id and its names: `case_no = ["案件号", "案号"]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gisapp.layer_files import LayerFileError, read_toml
from gisapp.layers import Layer


@dataclass(frozen=True)
class Aliases:
    """Names by field: of layers by their id, and of field sets, each with all its fields."""

    layers: dict[str, tuple[Path, dict[str, list[str]]]]
    fieldsets: list[tuple[set[str], dict[str, list[str]]]]


def load_aliases(folder: Path, fieldsets: Mapping[str, list[dict[str, Any]]]) -> Aliases:
    """Every file of the folder; those of a field set are checked against it. LayerFileError for a wrong one."""
    found = Aliases({}, [])
    for path in sorted(folder.glob("*.toml")):
        names = _read(path)
        if path.stem in fieldsets:
            fields = {field["id"] for field in fieldsets[path.stem]}
            _check(path, names, fields)
            found.fieldsets.append((fields, names))
        else:
            found.layers[path.stem] = path, names
    return found


def _read(path: Path) -> dict[str, list[str]]:
    table = read_toml(path)
    for field, names in table.items():
        if not (isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)):
            raise LayerFileError(path, field, "wants a list of texts")
    return table


def _check(path: Path, names: Mapping[str, list[str]], known: set[str]) -> None:
    for field in names:
        if field not in known:
            raise LayerFileError(path, field, f"is no field there; known: {', '.join(sorted(known))}")


def with_aliases(layer: Layer, aliases: Aliases) -> Layer:
    """The layer with the names that its own file and those of its field sets give its fields."""
    own = {field.id for field in layer.fields}
    given: dict[str, list[str]] = {}
    sets = [names for fields, names in aliases.fieldsets if fields <= own]
    if layer.id in aliases.layers:
        _check(*aliases.layers[layer.id], own)
        sets.append(aliases.layers[layer.id][1])
    for names in sets:
        for field, words in names.items():
            given.setdefault(field, []).extend(words)
    fields = tuple(replace(f, aliases=tuple(given[f.id])) if f.id in given else f for f in layer.fields)
    return replace(layer, fields=fields) if given else layer
