"""Names of columns as files give them."""

from __future__ import annotations

from collections.abc import Iterable


def unique(names: Iterable[str]) -> list[str]:
    """Names fit for a heading: none empty, none twice, none longer than 120 characters."""
    made: list[str] = []
    for n, name in enumerate(names, 1):
        plain = " ".join(str(name).split())[:120] or f"column_{n}"
        made.append(plain if plain not in made else f"{plain}_{n}")
    return made
