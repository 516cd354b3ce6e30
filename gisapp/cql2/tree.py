"""What a filter is made of, typed. Every node knows what it yields (`kind`); none holds text of the user's but as a
value to bind.

Kinds: boolean number text date timestamp interval geometry array.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Union

from gisapp.layers import Layer


@dataclass(frozen=True)
class Literal:
    """A value: bool, int, Decimal, str, date, datetime (UTC)."""

    value: Any
    kind: str


@dataclass(frozen=True)
class Column:
    """A property of the layer that is asked."""

    name: str
    kind: str


@dataclass(frozen=True)
class Place:
    """A geometry of the layer that is asked: `geom`, or the id of its second geometry."""

    name: str
    kind: str = "geometry"


@dataclass(frozen=True)
class Shape:
    """A geometry of the user's as WKB, EPSG:4326, longitude first; `collection` for one of mixed kinds."""

    wkb: bytes
    collection: bool = False
    kind: str = "geometry"


@dataclass(frozen=True)
class Span:
    """An interval; None is an open end."""

    first: Node | None
    last: Node | None
    kind: str = "interval"


@dataclass(frozen=True)
class Items:
    """A list of values of one kind."""

    items: tuple[Node, ...]
    kind: str = "array"


@dataclass(frozen=True)
class Call:
    """An operator or a function of the standard, by its name in lower case."""

    op: str
    args: tuple[Node, ...]
    kind: str


@dataclass(frozen=True)
class Related:
    """A function of ours: `layer` and `where` are the other layer and the condition on it, where it takes them."""

    function: str
    values: tuple[Any, ...]
    kind: str
    layer: Layer | None = None
    where: Node | None = None


Node = Union[Literal, Column, Place, Shape, Span, Items, Call, Related]  # noqa: UP007  (names are declared above)


@dataclass(frozen=True)
class Uses:
    """What a filter leans on: fields by the layer's id, other layers among them; `moment` when it asks the clock."""

    fields: frozenset[tuple[str, str]] = frozenset()
    layers: frozenset[str] = frozenset()
    moment: bool = False

    @property
    def fleeting(self) -> bool:
        """Whether the answer may change while the layer itself does not."""
        return self.moment or bool(self.layers)


@dataclass(frozen=True)
class Filter:
    """A condition on the features of one layer, as it was written and as it is understood. Two are equal when they
    were written alike for one layer."""

    text: str
    language: str
    crs: str
    layer_id: str
    root: Node = field(compare=False, repr=False)
    uses: Uses = field(compare=False, repr=False)


@dataclass(frozen=True)
class Computed:
    """A column that is reckoned for the answer: `name` is the property it becomes."""

    name: str
    text: str
    root: Node = field(compare=False, repr=False)
    uses: Uses = field(compare=False, repr=False)
