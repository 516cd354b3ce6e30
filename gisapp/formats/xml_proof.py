"""Reads the fields of an XML format back with a parser of its own and flat memory.

GDAL would guess types, drop line ends in the texts of a GPX, and hold all of a KML in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from gisapp.formats.job import NotFaithful

_CHUNK = 2**18
#: The name under which an element's text is kept, from its tag and attributes; None to pass it over.
Naming = Callable[[str, dict[str, str]], str | None]


def prove_fields(path: Path, expected: Iterable[dict[str, str]], objects: frozenset[str], naming: Naming) -> None:
    """Raise NotFaithful unless the elements called `objects` carry the expected texts, in their order."""
    with path.open("rb") as file:
        found = read_fields(file, objects, naming)
        for row in expected:
            if next(found, None) != row:
                raise NotFaithful(f"{path.name}: {row.get('id')}")
        if next(found, None) is not None:
            raise NotFaithful(f"{path.name}: number of objects")


def read_fields(file: Any, objects: frozenset[str], naming: Naming) -> Iterator[dict[str, str]]:
    """The texts of each object by name; those of one name follow each other behind a semicolon."""
    gathered = _Objects(objects, naming)
    while chunk := file.read(_CHUNK):
        gathered.parser.Parse(chunk, False)
        while gathered.done:
            yield gathered.done.popleft()
    gathered.parser.Parse(b"", True)
    yield from gathered.done


class _Objects:
    """What expat tells of the file, gathered into objects."""

    def __init__(self, objects: frozenset[str], naming: Naming) -> None:
        self.done: deque[dict[str, str]] = deque()
        self._objects, self._naming = objects, naming
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._fields: dict[str, str] = {}
        self._field: str | None = None
        self._text = ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name in self._objects:
            self._fields = {}
        self._field = self._naming(name, attributes)
        if self._field is not None:
            self._text = ""
            self.parser.CharacterDataHandler = self._characters

    def _characters(self, text: str) -> None:
        self._text += text

    def _end(self, name: str) -> None:
        if self._field is not None:
            before = self._fields.get(self._field)
            self._fields[self._field] = self._text if before is None else f"{before};{self._text}"
            self._field = None
            self.parser.CharacterDataHandler = None
        if name in self._objects:
            self.done.append(self._fields)
