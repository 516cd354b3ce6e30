"""The pages of docs/ that are made from the code, so that they cannot lag behind it.

Whole pages: settings, errors, commands, formats, layers. In pages written by hand, a part between
`<!-- made: NAME -->` and `<!-- end -->` is made too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from gisapp import settings_page
from gisapp.docs import commands, errors, formats, functions, layer_files, layers, roles
from gisapp.layers import Catalogue

_PART = re.compile(r"(<!-- made: ([a-z0-9_]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: Parts of hand-written pages.
PARTS: dict[str, Callable[[], str]] = {
    "roles": roles.table_of_roles,
    "vocabulary": layer_files.keys,
    "rules": layer_files.rules,
    "field_types": layer_files.field_types,
    "functions": functions.table_of_functions,
    "cql2_classes": functions.list_of_classes,
    "questions": functions.table_of_questions,
}


def pages(folder: Path, catalogue: Catalogue, group: click.Group) -> Iterator[tuple[Path, str]]:
    """Every made page, and every page of `folder` with its made parts anew: path and text."""
    whole = {
        "settings.md": settings_page.markdown(), "errors.md": errors.page(), "commands.md": commands.page(group),
        "formats.md": formats.page(), "layers.md": layers.page(catalogue),
    }
    for name, text in whole.items():
        yield folder / name, text
    for path in sorted(folder.glob("*.md")):
        if path.name not in whole:
            yield path, fill(path.read_text("utf-8"))


def fill(text: str) -> str:
    """The page with its made parts anew. KeyError for a part that nobody makes."""
    return _PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}{found[3]}", text)


def stale(folder: Path, catalogue: Catalogue, group: click.Group) -> list[Path]:
    """The pages that are not what the code says now."""
    return [path for path, text in pages(folder, catalogue, group)
            if not path.exists() or path.read_text("utf-8") != text]


def write(folder: Path, catalogue: Catalogue, group: click.Group) -> list[Path]:
    """Bring the pages to what the code says; returns those that changed."""
    changed = []
    for path, text in pages(folder, catalogue, group):
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed
