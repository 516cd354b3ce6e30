"""The sentences of the search box: features by exact number or id, then by words anywhere in their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, Text, case, cast, func, literal, or_, select, union_all

from gisapp.layers import Layer
from gisapp.sql.shapes import shown
from gisapp.sql.words import has_word

#: So many matches are ranked; a word that fits more is no search.
RANKED = 200


def limit_time(milliseconds: int) -> Select[Any]:
    """Let the statements of this transaction take so long at most."""
    return select(func.set_config("statement_timeout", f"{milliseconds}ms", True))


def names(table: Table, name_field: str) -> Select[Any]:
    """Code and name of every territory of a reference layer."""
    return select(table.c.code, table.c[name_field]).order_by(table.c.code).limit(2000)


def search(layer: Layer, table: Table, texts: Sequence[str], words: Sequence[str], whole: str, key: UUID | None,
           most: int) -> Select[Any]:
    """At most `most` features, best first: id, status, rank (0 the very name, 1 begins with it, 2 has it in the
    name, 3 elsewhere), x0, y0, x1, y1 (degrees, EPSG:4326), then the values of `texts` in their order."""
    exact = select(table.c.id).where(_is_it(table, layer.name_field, whole, key)).limit(most)
    anywhere = func.concat_ws("\n", *(table.c[name] for name in texts))
    some = select(table.c.id).where(*(has_word(anywhere, word) for word in words)).limit(RANKED)
    found = union_all(exact.subquery().select(), some.subquery().select()).subquery("found")
    ids = select(found.c.id).distinct()
    name = cast(table.c[layer.name_field], Text)
    rank = case((_is_it(table, layer.name_field, whole, key), 0), (has_word(name, whole, start=True), 1),
                (has_word(name, words[0]), 2), else_=3).label("rank")
    box = [function(shown(layer, table)).label(label) for function, label in (
        (func.ST_XMin, "x0"), (func.ST_YMin, "y0"), (func.ST_XMax, "x1"), (func.ST_YMax, "y1"))]
    status = table.c.status if layer.states else literal(None)
    return select(table.c.id, status.label("status"), rank, *box, *(table.c[one] for one in texts)).where(
        table.c.id.in_(ids)).order_by(rank, name, table.c.id).limit(most)


def _is_it(table: Table, name_field: str, whole: str, key: UUID | None) -> ColumnElement[bool]:
    same = table.c[name_field].in_(list(dict.fromkeys((whole, whole.upper()))))
    return or_(same, table.c.id == key) if key else same
