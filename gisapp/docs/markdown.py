"""Tables and headings in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Stands under the title of each made page.
MADE = "This page is made by `gisapp docs`. · 本页由 `gisapp docs` 生成。"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, with a line break at its end."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in lines)


def cell(text: str) -> str:
    """The text as it may stand in a cell."""
    return text.replace("|", "\\|").replace("\n", "<br>")


def code(text: str) -> str:
    """The text as code."""
    return f"`{text}`"
