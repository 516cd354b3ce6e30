"""Tables whose columns are parted by spaces: surveyors' lists, aligned columns, whatever a program has printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: One blank or more, for lists without any within a value; two or more, for columns set out beneath each other.
NARROW, WIDE = " ", "  "
#: What the reader of separated texts is given in their place: a character that no text holds.
SIGN = "\x1d"
_BLANKS = " \t\xa0\u3000"
#: Blanks within quotation marks part nothing. A mark within a word, such as that of seconds, opens none.
_GAPS = {spaces: re.compile(rf'(?<!\S)"(?:[^"]|"")*"(?!\S)|[{_BLANKS}]{{{len(spaces)},}}') for spaces in (NARROW, WIDE)}
#: Lines of such tables are short: a longer one holds a whole shape.
_LONGEST = 10_000
#: So many of the lines must have the same number of values, and so many lines there must be at the least.
_SHARE, _LEAST = 0.8, 2


def parted(lines: Iterable[str], spaces: str) -> Iterator[str]:
    """The lines with `SIGN` in the place of each gap."""
    gap = _GAPS[spaces]
    for line in lines:
        yield gap.sub(_kept, line.strip(_BLANKS + "\r\n")) + "\n"


def _kept(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else SIGN


def width(lines: Iterable[str], spaces: str) -> tuple[int, bool]:
    """Into how many values such gaps part nearly all of the lines below a title, and whether all lines; 1 where they
    surely part nothing."""
    lines = list(lines)
    if any(len(line) > _LONGEST for line in lines):
        return 1, False
    counts = [line.count(SIGN) + 1 for line in parted(lines, spaces) if line.strip()]
    usual = max(counts, key=lambda count: (counts.count(count), count), default=1)
    below = counts[counts.index(usual):] if counts else []
    alike = below.count(usual)
    if alike < _LEAST or alike < _SHARE * len(below):
        return 1, False
    return usual, alike == len(counts)
