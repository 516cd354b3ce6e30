"""A filter's tree as SQL: every name is the catalogue's, every value is bound.

Text is compared by code points, so that the same filter finds the same features whatever the database's collation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any
from uuid import UUID

import shapely
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    FromClause,
    LargeBinary,
    Numeric,
    Text,
    and_,
    cast,
    func,
    literal,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.dialects.postgresql import array

from gisapp.cql2.operators import ARITHMETIC, ARRAYS, SPATIAL, TEMPORAL
from gisapp.cql2.tree import Call, Column, Items, Literal, Node, Place, Related, Shape
from gisapp.layers import Layer
from gisapp.sql import opening as sql_opening, relations as sql_relations, times as sql_times
from gisapp.sql.shapes import SRID, in_drawn_box, shown

Clause = ColumnElement[Any]
_COMPARE = {"=": eq, "<>": ne, "<": lt, ">": gt, "<=": le, ">=": ge}
#: Marks that stand above and below letters once they are taken apart.
_MARKS = "[\u0300-\u036f]"


@dataclass(frozen=True)
class Writer:
    """Writes conditions on the features of `layer` in `table`, live ones or those of the moment `as_of`; `local` when
    few of them are asked, those of a place."""

    layer: Layer
    table: FromClause
    as_of: datetime | None = None
    local: bool = False

    def write(self, node: Node) -> Clause:
        """The SQL of a node."""
        match node:
            case Literal():
                return _literal(node)
            case Column():
                return cast(self.table.c.id, Text) if node.name == "id" else self.table.c[node.name]
            case Place():
                return self.place(node)
            case Shape():
                return func.ST_GeomFromWKB(literal(node.wkb, LargeBinary), SRID)
            case Items():
                return self.items(node)
            case Call():
                return self._call(node)
            case Related():
                opening = node.function.startswith("open_") or node.kind == "date"
                write = sql_opening.write if opening else sql_relations.write
                return write(self, node)
        raise TypeError(node)

    def items(self, node: Items) -> Clause:
        """A list of texts: one value where all of them were written out."""
        written = [one.value for one in node.items if isinstance(one, Literal)]
        if len(written) == len(node.items):
            return literal(written, ARRAY(Text))
        return array([cast(self.write(one), Text) for one in node.items])

    def place(self, node: Place) -> Clause:
        """The geometry that is meant; the main one may be stood in for."""
        return shown(self.layer, self.table) if node.name == "geom" else self.table.c[node.name]

    def _call(self, node: Call) -> Clause:
        for names, write in _OPERATIONS:
            if node.op in names:
                return write(self, node)
        raise KeyError(node.op)

    def all(self, node: Call) -> list[Clause]:
        return [self.write(one) for one in node.args]

    def compare(self, node: Call) -> Clause:
        by_id = _id_compared(self.table, node)
        if by_id is not None:
            return by_id
        left, right = self.all(node)
        if node.op not in ("=", "<>") and node.args[0].kind == "text":
            left, right = left.collate("C"), right.collate("C")
        compared: Clause = _COMPARE[node.op](left, right)
        return compared

    def between(self, node: Call) -> Clause:
        value, low, high = (one.collate("C") if node.args[0].kind == "text" else one for one in self.all(node))
        return and_(value >= low, value <= high)

    def among(self, node: Call) -> Clause:
        value, *items = self.all(node)
        return value.in_(items)

    def like(self, node: Call) -> Clause:
        text, pattern = self.write(node.args[0]), self.write(_safe_pattern(node.args[1]))
        return text.like(pattern)

    def is_null(self, node: Call) -> Clause:
        return self.write(node.args[0]).is_(None)

    def both(self, node: Call) -> Clause:
        return (and_ if node.op == "and" else or_)(*self.all(node))

    def negated(self, node: Call) -> Clause:
        return not_(self.write(node.args[0]))

    def folded(self, node: Call) -> Clause:
        """Text without its case, as Unicode folds it."""
        inner = self.write(node.args[0]).collate("und-x-icu")
        return func.lower(func.upper(inner), type_=Text).collate("C")

    def bared(self, node: Call) -> Clause:
        """Text without accents."""
        apart = func.normalize(self.write(node.args[0]), literal_column("NFD"))
        return func.regexp_replace(apart, _MARKS, "", "g", type_=Text)

    def reckoned(self, node: Call) -> Clause:
        """Arithmetic in double precision; a division by zero has no value."""
        left, right = (cast(one, Double) for one in self.all(node))
        if node.op in ("+", "-", "*"):
            return {"+": left + right, "-": left - right, "*": left * right}[node.op]
        if node.op == "^":
            return func.power(left, right, type_=Double)
        divisor = func.nullif(right, 0.0, type_=Double)
        if node.op == "%":
            return cast(func.mod(cast(left, Numeric), cast(divisor, Numeric)), Double)
        return func.trunc(left / divisor, type_=Double) if node.op == "div" else left / divisor

    def spatial(self, node: Call) -> Clause:
        found: Clause = getattr(func, f"ST_{node.op[2:].capitalize()}")(*self.all(node), type_=Boolean)
        if node.op == "s_disjoint":
            return found
        drawn = [self._near_by(*pair) for pair in (node.args, node.args[::-1])]
        return and_(*(one for one in drawn if one is not None), found)

    def _near_by(self, place: Node, shape: Node) -> Clause | None:
        """What the index of the drawn geometry can say where two geometries stand in for each other."""
        mine = isinstance(place, Place) and place.name == "geom" and self.layer.stand_in is not None
        if not mine or not isinstance(shape, Shape) or "geom_3857" not in self.table.c:
            return None
        return in_drawn_box(self.table, func.ST_MakeEnvelope(*shapely.from_wkb(shape.wkb).bounds, SRID))

    def temporal(self, node: Call) -> Clause:
        return sql_times.relation(node.op, *(sql_times.ends(self.write, one, node.args) for one in node.args))

    def array(self, node: Call) -> Clause:
        left, right = self.all(node)
        contains, contained = left.bool_op("@>")(right), left.bool_op("<@")(right)
        return {"a_contains": contains, "a_containedby": contained, "a_overlaps": left.bool_op("&&")(right),
                "a_equals": and_(contains, contained)}[node.op]


def _literal(node: Literal) -> Clause:
    if node.kind == "number":
        whole = isinstance(node.value, int) and abs(node.value) < 2**63
        return literal(node.value, BigInteger if whole else Numeric)
    kinds: dict[str, Any] = {"text": Text, "boolean": Boolean, "date": Date, "timestamp": DateTime(timezone=True)}
    return literal(node.value, kinds[node.kind])


def _id_compared(table: FromClause, node: Call) -> Clause | None:
    """`id = '…'` by the key's index; None for any other comparison."""
    column, value = node.args
    if node.op != "=" or not (isinstance(column, Column) and column.name == "id" and isinstance(value, Literal)):
        return None
    try:
        return table.c.id == UUID(value.value)
    except ValueError:
        return literal(False)


def _safe_pattern(node: Node) -> Node:
    """A pattern that ends in a lone backslash means the backslash."""
    if isinstance(node, Call):
        return Call(node.op, (_safe_pattern(node.args[0]),), node.kind)
    assert isinstance(node, Literal)  # noqa: S101
    text = str(node.value)
    odd = (len(text) - len(text.rstrip("\\"))) % 2
    return Literal(text + "\\" * odd, "text")


_OPERATIONS: tuple[tuple[Any, Callable[[Writer, Call], Clause]], ...] = (
    (_COMPARE, Writer.compare), (("between",), Writer.between), (("in",), Writer.among), (("like",), Writer.like),
    (("isnull",), Writer.is_null), (("and", "or"), Writer.both), (("not",), Writer.negated),
    (("casei",), Writer.folded), (("accenti",), Writer.bared), (ARITHMETIC, Writer.reckoned),
    (SPATIAL, Writer.spatial), (TEMPORAL, Writer.temporal), (ARRAYS, Writer.array))
