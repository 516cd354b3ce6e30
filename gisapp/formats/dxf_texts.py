"""Texts as DXF writes them: on one line, in GBK, every other character as \\U+XXXX."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

APPLICATION, CODE_PAGE = "GISAPP", "ANSI_936"
#: A group of extended data holds 255 bytes, all of an entity 16 383.
GROUP_BYTES, ENTITY_BYTES = 250, 16_000
#: Ends a line.
END = "\r\n"

#: Texts that stand in a line as they are.
_PLAIN = re.compile(r"[^\x00-\x1f^\\]*")
_CODED = re.compile(r"\\U\+([0-9A-F]{4})")


def _as_codes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_code, error.object[error.start:error.end])), error.end


codecs.register_error("gisapp.dxf", _as_codes)


def _code(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\U+{units[n:n + 2].hex().upper()}" for n in range(0, len(units), 2))


def _token(character: str) -> str:
    """A character as it stands in a line: control characters behind a caret, the caret itself before a space."""
    if character < " ":
        return f"^{chr(ord(character) + 64)}"
    if character == "^":
        return "^ "
    return character.encode("gbk", "gisapp.dxf").decode("gbk")


def line_of(text: str) -> str:
    """A text as one line of a DXF."""
    # A text that has \U+ in itself must not be taken for a code.
    return "".join(map(_token, text)) if "\\U+" not in text else "".join(
        _code(character) if character == "\\" else _token(character) for character in text)


def text_of(line: str) -> str:
    """The text of a line as `line_of` wrote it."""
    raw = _CODED.sub(lambda found: chr(int(found[1], 16)), line)
    raw = raw.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return re.sub(r"\^(.)", lambda found: "^" if found[1] == " " else chr(ord(found[1]) - 64), raw, flags=re.S)


def groups_of(name: str, text: str) -> list[str]:
    """`name=value` as lines of at most GROUP_BYTES, going on as `name+=value`; no character is divided."""
    if _PLAIN.fullmatch(text) and len(text) * 2 + len(name) < GROUP_BYTES and _in_gbk(text):
        return [f"{name}={text}"]
    lines, line, size = [], f"{name}=", len(name) + 1
    coded = "\\U+" in text
    for character in text:
        token = _code(character) if coded and character == "\\" else _token(character)
        width = len(token.encode("gbk"))
        if size + width > GROUP_BYTES:
            lines.append(line)
            line, size = f"{name}+=", len(name) + 2
        line, size = line + token, size + width
    return [*lines, line]


def _in_gbk(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def values_of(lines: Iterable[str]) -> dict[str, str]:
    """The texts by name of lines as `groups_of` wrote them."""
    found: dict[str, str] = {}
    for name, rest in _parted(lines):
        if name.endswith("+"):
            found[name[:-1]] += rest
        else:
            found[name] = rest
    return {name: text_of(raw) for name, raw in found.items()}


def _parted(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, rest = line.partition("=")
        yield name, rest
