"""How a parameter is refused."""

from __future__ import annotations

from gisapp.errors import Problem


def invalid(name: str, zh: str, en: str) -> Problem:
    """`parameter_invalid` with the reason in both languages."""
    return Problem("parameter_invalid", name=name, reason=f"{zh} / {en}")
