"""A look at a source: what a person needs to see whether encoding and place are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gisapp.formats.source import Source, batches
from gisapp.formats.wkb import without_curves

#: How many rows are shown, how many are looked at for shapes, and how many and how large shapes there may be.
_SAMPLES = 5
_LOOKED_AT = 20_000
_SHAPES, _SHAPE_BYTES, _LABEL = 1000, 400_000, 30


@dataclass
class Sample:
    """What is shown of a source: its first rows; shapes from all over the beginning, as hexadecimal WKB in the
    file's own coordinates; and by column the words beside these shapes, where they are few and come again."""

    rows: list[list[Any]] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    labels: dict[str, list[str | None]] = field(default_factory=dict)


def sample(source: Source) -> Sample:
    """A look at a source, for a person to see whether the encoding is right, and for the datum doctor."""
    found = Sample()
    shapes: list[tuple[bytes, list[Any]]] = []
    for batch in batches(source):
        meant = np.flatnonzero(source.mine(batch.shapes)).tolist()
        found.rows += [[_short(column[n]) for column in batch.columns] for n in meant[:_SAMPLES - len(found.rows)]]
        shapes += [(batch.shapes[n], [column[n] for column in batch.columns]) for n in meant if batch.shapes[n]]
        if batch.first + len(batch.shapes) > _LOOKED_AT:
            break
    kept = list(_spread(shapes))
    found.shapes = [wkb.hex() for wkb, _ in kept]
    found.labels = dict(_labels(source, [row for _, row in kept]))
    return found


def _spread(shapes: list[tuple[bytes, list[Any]]]) -> Iterator[tuple[bytes, list[Any]]]:
    """Shapes at even steps, so many that they stay small."""
    left = _SHAPE_BYTES
    for given, row in shapes[::max(1, len(shapes) // _SHAPES)]:
        wkb = without_curves(given) if len(given) <= left else None
        if wkb is not None and len(wkb) <= left:
            left -= len(wkb)
            yield wkb, row


def _labels(source: Source, rows: list[list[Any]]) -> Iterator[tuple[str, list[str | None]]]:
    """Columns of words that come again and again: one of them may name the area that each row lies in."""
    for place, name in enumerate(source.fields):
        words = [row[place] if isinstance(row[place], str) and len(row[place]) <= _LABEL else None for row in rows]
        different = len(set(words) - {None})
        if different > 1 and different <= max(30, len(rows) // 4):
            yield name, words


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else str(value)[:80]
