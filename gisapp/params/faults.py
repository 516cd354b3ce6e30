"""How a parameter is refused."""

from __future__ import annotations

from gisapp.errors import Problem
from gisapp.words import Words


def invalid(name: str, zh: str, en: str) -> Problem:
    """`parameter_invalid` with the reason in the reader's language."""
    return Problem("parameter_invalid", name=name, reason=Words(zh, en))
