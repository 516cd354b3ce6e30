"""What a GeoPackage says of its layers: read and written by SQLite, which it is a file of."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """The pages where a layer's tables begin, the number of its system of coordinates, and the size of a node of its
    tree."""

    root: int
    tree: dict[str, int]
    system: int
    node_bytes: int


def place_of(path: Path, name: str) -> Place:
    """Where a layer with a tree of boxes lies in the file."""
    kinds = ("rowid", "node", "parent")
    with closing(sqlite3.connect(path)) as file:
        roots = dict(file.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
        tree = {kind: f"rtree_{name}_geom_{kind}" for kind in kinds}
        [(system,)] = file.execute("SELECT srs_id FROM gpkg_geometry_columns WHERE table_name = ?", [name])
        nodes = '"' + tree["node"].replace('"', '""') + '"'
        [(size,)] = file.execute(f"SELECT length(data) FROM {nodes} WHERE nodeno = 1")  # noqa: S608
    return Place(roots[name], {kind: roots[table] for kind, table in tree.items()}, system, size)


def tell(path: Path, name: str, rows: int, box: Sequence[float]) -> None:
    """Number of rows, box of all (west, south, east, north) and last id: what programs read instead of looking."""
    limits = [one if math.isfinite(one) else None for one in box]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
                     [*limits, name])
        file.execute("UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", [rows, name])
        file.execute("DELETE FROM sqlite_sequence WHERE name = ?", [name])
        file.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [name, rows])
