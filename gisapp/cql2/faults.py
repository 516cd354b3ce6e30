"""How a filter is refused."""

from __future__ import annotations

from gisapp.errors import Problem


def refused(zh: str, en: str) -> Problem:
    """`filter_invalid` (400) with the reason in both languages."""
    return Problem("filter_invalid", reason=f"{zh} / {en}")


def too_large(zh: str, en: str) -> Problem:
    """`filter_too_large` (400) with the limit that was passed."""
    return Problem("filter_too_large", reason=f"{zh} / {en}")
