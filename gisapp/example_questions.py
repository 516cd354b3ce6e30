"""The questions that ship with the application: what planners and inspectors ask, as filters in CQL2."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gisapp.words import Words

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Example:
    """A question about one layer. `group_by` and `sum` are fields behind commas, `compute` calls of functions."""

    number: int
    id: str
    title: Words
    layer: str
    filter: str
    compute: str = ""
    group_by: str = ""
    sum: str = ""
    sortby: str = ""
    properties: str = ""

    @property
    def args(self) -> dict[str, list[str]]:
        """The parameters of an items request."""
        given = {"filter": self.filter, "compute": self.compute, "sortby": self.sortby, "properties": self.properties}
        return {name: [value] for name, value in given.items() if value}


@cache
def examples() -> tuple[Example, ...]:
    """The questions in the order of their numbers."""
    return tuple(Example(**one | {"title": Words(**one["title"])}) for one in _read()["questions"])


def absent() -> dict[int, Words]:
    """Numbers of the list that cannot be asked, and why."""
    return {number: Words(**one["reason"]) for one in _read()["absent"] for number in one["numbers"]}


def _read() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))
