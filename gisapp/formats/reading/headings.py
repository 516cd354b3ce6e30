"""Names of columns as files give them."""

from __future__ import annotations

from collections.abc import Sequence

from gisapp.errors import Problem
from gisapp.formats.storable import storable

MAX_COLUMNS = 1000


def unique(names: Sequence[str]) -> list[str]:
    """Names fit for a heading: none empty, none twice, none longer than 120 characters. Problem `file_unreadable`
    for more than a thousand."""
    if len(names) > MAX_COLUMNS:
        raise Problem("file_unreadable", reason=f"超过 {MAX_COLUMNS} 列 / over {MAX_COLUMNS} columns")
    made: list[str] = []
    for n, name in enumerate(names, 1):
        plain = " ".join(storable(str(name)).split())[:120] or f"column_{n}"
        made.append(plain if plain not in made else f"{plain}_{n}")
    return made


def above(rows: Sequence[Sequence[object]]) -> int:
    """How many of the first rows stand above the heading: a title and who made the table fill few of its columns."""
    filled = [sum(cell is not None and str(cell).strip() != "" for cell in row) for row in rows]
    wide = max(filled, default=0)
    return next((n for n, count in enumerate(filled) if count * 4 >= wide * 3), 0)


def completed(heading: Sequence[str], over: Sequence[str]) -> list[str]:
    """A heading whose columns without a name have the one right above them, as in headings of two rows that nobody
    merged; a row of one cell is a title and names nothing."""
    if sum(name != "" for name in over) < 2:
        return list(heading)
    return [name or (over[n] if n < len(over) else "") for n, name in enumerate(heading)]
