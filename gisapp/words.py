"""A title in the two languages of the house."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

#: A text in both languages, as words that cross processes are written; no other stroke may make it doubtful.
_BOTH = re.compile(r"(?P<zh>(?=(?:(?! / ).)*[\u4e00-\u9fff])(?:(?! / ).)+) / (?P<en>(?:(?! / ).)+)", re.DOTALL)


@dataclass(frozen=True)
class Words:
    zh: str
    en: str

    def get(self, language: str) -> str:
        """The words in "zh"; English for any other language."""
        return self.zh if language == "zh" else self.en


def spoken(value: Any, language: str, both: bool) -> Any:
    """A parameter in the reader's language: of `Words`, with `both` of a text "中文 / English"; others as they are."""
    if isinstance(value, Words):
        return value.get(language)
    found = _BOTH.fullmatch(value) if both and isinstance(value, str) else None
    return found["zh" if language == "zh" else "en"] if found else value
