"""Words anywhere in a feature's texts. Personal fields are not searched, whoever asks."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func

from gisapp.layers import Layer

_CASED = re.compile(r"[^\W\d_]", re.ASCII)


def text_fields(layer: Layer) -> list[str]:
    """The naming field, then every field that is declared searchable; never a personal one."""
    named = [layer.name_field, *(one.id for one in layer.fields if one.searchable)]
    return [name for name in dict.fromkeys(named) if not layer.field(name).personal]


def texts(layer: Layer, table: FromClause) -> ColumnElement[Any]:
    """The texts of a feature in one."""
    return func.concat_ws("\n", *(table.c[name] for name in text_fields(layer)))


def has_word(text: ColumnElement[Any], word: str, *, start: bool = False) -> ColumnElement[bool]:
    """Whether the word stands in the text. Only letters that have a case pay for ignoring it."""
    pattern = ("" if start else "%") + re.sub(r"([\\%_])", r"\\\1", word) + "%"
    return text.ilike(pattern) if _CASED.search(word) else text.like(pattern)
