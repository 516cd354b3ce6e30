"""A title in the two languages of the house."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    zh: str
    en: str

    def get(self, language: str) -> str:
        """The words in "zh"; English for any other language."""
        return self.zh if language == "zh" else self.en
