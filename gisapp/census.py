"""How large each layer is, and which keep their lines in pieces: what decides from which side two layers are joined.

Estimates of the planner's own, read again every minute; they change the way to an answer and never the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from sqlalchemy import MetaData, text

from gisapp.db import Database
from gisapp.tables import LAYERS

KEEP_S = 60.0
PIECES = "tiles"
_SIZES = text("SELECT n.nspname, c.relname, c.reltuples FROM pg_class AS c JOIN pg_namespace AS n"
              " ON n.oid = c.relnamespace WHERE n.nspname IN (:layers, :pieces) AND c.relkind = 'r'")


@dataclass(frozen=True)
class Census:
    """`sizes` are numbers of features by layer, below 0 where nobody has counted; `pieces` the layers of lines that
    have a table of short pieces."""

    sizes: Mapping[str, float]
    pieces: frozenset[str]
    taken_at: float = field(default_factory=monotonic, compare=False)


def take(database: Database, metadata: MetaData) -> None:
    """Look again, if the last look is too old, and leave what was seen with the tables."""
    last = metadata.info.get("census")
    if last is not None and monotonic() - last.taken_at < KEEP_S:
        return
    with database.read() as connection:
        rows = connection.execute(_SIZES, {"layers": LAYERS, "pieces": PIECES}).all()
    metadata.info["census"] = Census({name: size for schema, name, size in rows if schema == LAYERS},
                                     frozenset(name for schema, name, _ in rows if schema == PIECES))


def known(metadata: MetaData) -> Census:
    """What was last seen; nothing at all before the first look."""
    found: Census = metadata.info.get("census", Census({}, frozenset()))
    return found
