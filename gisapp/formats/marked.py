"""Reads a table in XML back, row by row and cell by cell, and compares it with columns a batch at a time.

The parser is expat with as little Python as can be between it and the arrays: memory stays flat, and a million rows
of thirty cells take half a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from gisapp.formats.job import NotFaithful
from gisapp.formats.pieces import Ints, there

_CHUNK = 2**18
#: The longest text that comes in one piece.
_LONGEST = 2**24
#: What is kept of an element, from its tag and attributes, before its text; None to pass it over.
Mark = Callable[[str, dict[str, str]], Any]


class MarkedRows:
    """The rows of a file: `row` is the tag that begins one, `mark` tells the cells."""

    def __init__(self, file: IO[bytes], row: str, mark: Mark) -> None:
        self._file = file
        self._events: list[Any] = []
        #: Where each row begins among the events.
        self._begins: list[int] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.buffer_size = _LONGEST
        self._parser.CharacterDataHandler = self._events.append
        self._parser.StartElementHandler = self._starting(row, mark)
        self._over = False

    def _starting(self, row: str, mark: Mark) -> Callable[[str, dict[str, str]], None]:
        events, begins = self._events, self._begins

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == row:
                begins.append(len(events))
            kept = mark(name, attributes)
            if kept is not None:
                events.append(kept)

        return start

    def take(self, count: int) -> list[Any]:
        """Marks and texts of the next rows in turn, `count` of them or what is left."""
        while len(self._begins) <= count and not self._over:
            chunk = self._file.read(_CHUNK)
            self._over = not chunk
            self._parser.Parse(chunk, self._over)
        first = self._begins[0] if self._begins else 0
        stop = self._begins[count] if len(self._begins) > count else len(self._events)
        found = self._events[first:stop]
        del self._events[:stop], self._begins[:count]
        self._begins[:] = [begin - stop for begin in self._begins]
        return found

    def more(self) -> bool:
        """Whether there are further rows."""
        self.take(0)
        return bool(self._begins)


def apart(events: list[Any]) -> tuple[list[Any], pa.Array]:
    """Marks and texts; an element without text has an empty one. Marks are no texts."""
    marks, texts = events[::2], events[1::2]
    if len(marks) != len(texts) or str in set(map(type, marks)) or {str} != set(map(type, texts)) | {str}:
        marks, texts = [], []
        for event in events:
            if type(event) is str:
                texts[-1] += event
            else:
                marks.append(event)
                texts.append("")
    return marks, pa.array(texts, pa.string())


def cells_of(columns: Sequence[pa.Array]) -> tuple[Ints, Ints]:
    """Row and column of each cell that has a value, row by row."""
    rows, numbers = np.nonzero(np.column_stack([there(column) for column in columns]))
    return rows, numbers


def compare_cells(file: str, columns: Sequence[pa.Array], numbers: Ints, texts: pa.Array) -> None:
    """Raise NotFaithful unless the texts are the values of the columns that `cells_of` tells, which `numbers` are.

    A number is told by any text that reads as exactly it.
    """
    sizes = np.bincount(numbers, minlength=len(columns))
    by_column = texts.take(pa.array(np.argsort(numbers.astype(np.uint16), kind="stable")))
    at = 0
    for column, size in zip(columns, sizes.tolist(), strict=True):
        if size and not _same(column.drop_null(), by_column.slice(at, size)):
            raise NotFaithful(f"{file}: {by_column[at].as_py()[:80]}")
        at += size


def _same(wanted: pa.Array, found: pa.Array) -> bool:
    if pa.types.is_string(wanted.type):
        return bool(wanted.equals(found))
    try:
        return bool(wanted.cast(pa.float64()).equals(found.cast(pa.float64())))
    except pa.ArrowInvalid:  # no number
        return False
