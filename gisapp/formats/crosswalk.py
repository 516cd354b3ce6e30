"""Matters by the codes of the older and the newer national standard: one is told by the other.

The rule was seen on all 14 comparable matters: new major = old major + 5, the minor number in three digits (01-01 →
06001). What a code list says in its `standards` goes before the rule: that is the table of exceptions.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gisapp.layers import CodeList

OLD, NEW = "GB/T 30428.2-2013", "GB/T 47678.5-2026"
_SHIFT = 5
#: Six digits of a region may stand before the class.
_OLD_CODE = re.compile(r"(?:\d{6})?[-. ]?(\d{2})[-. ]?(\d{2})\Z")
_NEW_CODE = re.compile(r"(?:\d{6})?[-. ]?(\d{2})[-. ]?(\d{3})\Z")


def translate(given: str, codes: CodeList) -> str | None:
    """The code of the list that a code of either standard stands for; None when the list names neither standard,
    does not hold the matter, or `given` is no such code."""
    known = _by_standard(codes)
    if not known:
        return None
    for pattern, own, other, turn in ((_NEW_CODE, NEW, OLD, _older), (_OLD_CODE, OLD, NEW, _newer)):
        match = pattern.match(given.strip())
        if match is None:
            continue
        found = known.get((own, "".join(match.groups())))
        if found is not None:
            return found
        turned = turn(*match.groups())
        # A code that the list gives another number in this standard is an exception to the rule.
        found = known.get((other, turned)) if turned else None
        if found is not None and not any(standard == own and code == found for (standard, _), code in known.items()):
            return found
    return None


def _newer(major: str, minor: str) -> str | None:
    return f"{int(major) + _SHIFT:02}{int(minor):03}"


def _older(major: str, minor: str) -> str | None:
    return f"{int(major) - _SHIFT:02}{int(minor):02}" if int(major) > _SHIFT and int(minor) < 100 else None


@lru_cache(maxsize=256)
def _by_standard(codes: CodeList) -> dict[tuple[str, str], str]:
    """Code of the list by standard and code there, in digits only."""
    return {(standard, re.sub(r"\D", "", there)): code.id
            for code in codes.codes for standard, there in code.standards if standard in (OLD, NEW)}
