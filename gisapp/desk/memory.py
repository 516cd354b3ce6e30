"""How a sender's columns were mapped the last time, so that nobody maps them twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, require
from gisapp.sql import imports as sql_imports

Document = dict[str, Any]
_KEPT = ("mapping", "codes", "role", "crs", "columns", "repair")


def signature(fields: Sequence[str]) -> str:
    """What a source is known by: its column names, in any order."""
    return hashlib.sha256(json.dumps(sorted(fields), ensure_ascii=False).encode()).hexdigest()[:32]


def save(connection: Connection, actor: Actor, layer: Layer, sources: Sequence[Document],
         choices: Mapping[str, Any]) -> None:
    """Keep what was chosen for each source, under the name that the person gave the sender ('' for none)."""
    for source in sources:
        chosen = {**{name: choices[name] for name in _KEPT if name in choices},
                  **choices.get("layers", {}).get(source["name"], {})}
        kept = {name: value for name, value in chosen.items() if name in _KEPT and value is not None}
        if source.get("crs"):
            kept.pop("crs", None)  # the file says it itself
        if kept:
            sql_imports.save_mapping(connection, layer.id, signature(source["fields"]),
                                     (choices.get("save_as") or "").strip(), kept, actor.username)


def recall(house: House, actor: Actor, layer: Layer, sources: Sequence[Document]) -> list[Document]:
    """The sources with `remembered`: what was chosen for the same columns before, the newest first. The newest one
    takes the place of the suggestions."""
    require(actor, "import")
    with house.db.read() as connection:
        return [_with(source, sql_imports.mappings(connection, layer.id, signature(source["fields"])))
                for source in sources]


def _with(source: Document, kept: Sequence[Any]) -> Document:
    remembered = [{"name": one["name"], "saved_at": one["saved_at"].isoformat(), "saved_by": one["saved_by"],
                   "choices": one["choices"]} for one in kept]
    if not remembered:
        return source | {"remembered": []}
    newest = remembered[0]["choices"]
    mapping = source["mapping"] | {name: target for name, target in newest.get("mapping", {}).items()
                                   if name in source["mapping"]}
    return source | {"remembered": remembered, "mapping": mapping, "role": newest.get("role", source["role"]),
                     "codes": newest.get("codes", {})}
