"""A large KML cut into small ones with a folder each, so that a reader that holds a file as a whole can read it.

Only what `markup.checked_xml` let through comes here: well-formed, no entities. So `<` begins a tag, a comment, a
CDATA section or an instruction, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import IO
from xml.parsers import expat

#: Of a part, in bytes; a placemark that is larger than the most is more than the reader should hold.
PART_BYTES, MOST_BYTES = 12 * 2**20, 60 * 2**20
_BEHIND = 16 * 2**20
#: Of the fields that a file declares, all together: they stand in every part.
MOST_SCHEMA_BYTES = 2**20
#: Folders that are read, as in a small file.
MOST_FOLDERS = 50
_TOKEN = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>"
                    rb"|<(?P<end>/?)(?P<prefix>(?:[\w.-]+:)?)(?P<name>Placemark|Folder|Document|Schema|kml)(?=[\s/>])",
                    re.DOTALL)
_DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?<\?xml.*?\?>", re.DOTALL)
_SPACE = re.compile(rb"""\sxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""")
_QUOTED = re.compile(rb"""[^"'>]*(?:"[^"]*"[^"'>]*|'[^']*'[^"'>]*)*>""")


class TooLarge(Exception):
    """A placemark, or what the file declares, is larger than a part may be."""


@dataclass
class _Folder:
    """A folder or document that is open: its number once it has placemarks, where its tag ends, its name."""

    begin: int
    number: int | None = None
    name: bytes = b""
    named: bool = False


@dataclass
class _State:
    """What is known of the file so far."""

    spaces: dict[bytes, None] = field(default_factory=dict)
    schemas: bytes = b""
    folders: list[_Folder] = field(default_factory=list)
    count: int = 0


def split(path: Path, folder: Path) -> None:
    """Write the parts of a KML into `folder`: `FFF-NNNNN.kml`, the numbers of the KML's folder and of the part, and
    `FFF.name`. Raises TooLarge."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as source:
        writer = _Parts(folder, _declaration(source))
        state = _State()
        try:
            done = 0
            for open_folder, begin, end, prefix in _placemarks(source, state):
                writer.add(state, open_folder, source[begin:end], prefix)
                if begin - done > _BEHIND:  # need not stay in memory
                    source.madvise(MADV_DONTNEED, done, _BEHIND)
                    done += _BEHIND
        finally:
            writer.close()


def _declaration(source: mmap) -> bytes:
    found = _DECLARATION.match(source)
    return found[0] if found else b""


def _placemarks(source: mmap, state: _State) -> Iterator[tuple[_Folder, int, int, bytes]]:
    """Each placemark: the folder it is in, where it begins and ends, the prefix of its tag."""
    begin = 0
    for token in _TOKEN.finditer(source):
        name = token["name"]
        if name is None:
            continue
        tag_end = _QUOTED.match(source, token.end()).end()  # type: ignore[union-attr]
        empty, closes = source[tag_end - 2] == 0x2F, bool(token["end"])
        if name in (b"Folder", b"Document", b"kml"):
            _container(source, state, token.start(), tag_end, opens=not closes and not empty, closes=closes)
        elif not closes and not empty:
            begin = token.start()
            _name(source, state, begin, token["prefix"])
        elif closes and name == b"Schema":
            state.schemas += source[begin:tag_end]
            if len(state.schemas) > MOST_SCHEMA_BYTES:
                raise TooLarge
            if state.folders and not state.folders[-1].named:
                state.folders[-1].begin = tag_end
        elif closes and state.folders:
            yield state.folders[-1], begin, tag_end, token["prefix"]


def _container(source: mmap, state: _State, begin: int, end: int, *, opens: bool, closes: bool) -> None:
    if opens:
        state.spaces |= dict.fromkeys(_SPACE.findall(source[begin:end]))
        if state.folders:
            _name(source, state, begin, b"")
        state.folders.append(_Folder(end))
    elif closes and state.folders:
        state.folders.pop()


def _name(source: mmap, state: _State, stop: int, prefix: bytes) -> None:
    """The name of the innermost folder, which stands before its first child."""
    if not state.folders or state.folders[-1].named:
        return
    inner = state.folders[-1]
    found = re.compile(rb"<((?:[\w.-]+:)?)name\s*>(.*?)</\1name\s*>", re.DOTALL).search(source, inner.begin, stop)
    if found:
        inner.name, inner.named = found[2], True


def _text(declaration: bytes, inner: bytes) -> str:
    """What stands in an element."""
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = found.append
    parser.Parse(b"%b<name>%b</name>" % (declaration, inner), True)
    return "".join(found).strip()


class _Parts:
    """Writes the parts; one is open for each folder that is."""

    def __init__(self, folder: Path, declaration: bytes) -> None:
        self._folder, self._declaration = folder, declaration
        self._file: IO[bytes] | None = None
        self._owner: _Folder | None = None
        self._tail, self._size, self._number = b"", 0, 0

    def add(self, state: _State, owner: _Folder, placemark: bytes, prefix: bytes) -> None:
        """A placemark of a folder."""
        if len(placemark) > MOST_BYTES:
            raise TooLarge
        if owner.number is None:
            owner.number = state.count
            state.count += 1
            (self._folder / f"{owner.number:03}.name").write_text(_text(self._declaration, owner.name), "utf-8")
        if owner.number >= MOST_FOLDERS:
            return
        if owner is not self._owner or self._size > PART_BYTES or self._file is None:
            self.close()
            self._begin(state, owner, prefix)
        assert self._file is not None  # noqa: S101  (told to mypy)
        self._file.write(placemark)
        self._size += len(placemark)

    def _begin(self, state: _State, owner: _Folder, prefix: bytes) -> None:
        path = self._folder / f"{owner.number:03}-{self._number:05}.kml"
        self._file, self._owner = path.open("wb"), owner
        self._number, self._size = self._number + 1, 0
        name = b"<%bname>%b</%bname>" % (prefix, owner.name, prefix) if owner.name else b""
        self._file.write(b"%b<%bkml%b><%bDocument>%b<%bFolder>%b" % (
            self._declaration, prefix, b"".join(state.spaces), prefix, state.schemas, prefix, name))
        self._tail = b"</%bFolder></%bDocument></%bkml>" % (prefix, prefix, prefix)

    def close(self) -> None:
        """The part that is open has all that it will have."""
        if self._file is not None:
            self._file.write(self._tail)
            self._file.close()
            self._file = None
