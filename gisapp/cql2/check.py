"""The JSON tree of a filter against the properties of a layer: names that it has, kinds that fit. Typed nodes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gisapp.cql2 import calls, language
from gisapp.cql2.faults import refused, too_large
from gisapp.cql2.operators import ARRAYS, COMPARISONS, OPERATORS, SPATIAL, TEMPORAL
from gisapp.cql2.tree import Call, Column, Computed, Filter, Items, Literal, Node, Place, Shape, Span, Uses
from gisapp.cql2.values import GEOMETRIES, instant, literal, read_instant, shape
from gisapp.crs import CRS84, Crs
from gisapp.layers import Catalogue, Layer

_KINDS = {"integer": "number", "number": "number", "text": "text", "code": "text", "boolean": "boolean",
          "date": "date", "datetime": "timestamp", "codes": "array"}
_EVERY_LAYER = {"id": "text"}
MOST_COMPUTED = 8
MOST_ITEMS = 1000


def parse_filter(text: str, lang: str | None, crs: Crs, layer: Layer, catalogue: Catalogue) -> Filter:
    """The filter of a request, whose coordinates are in `crs`. Problems: `filter_invalid`, `filter_too_large`."""
    reader = Reader(layer, catalogue, crs)
    root = reader.condition(language.read(text, lang, catalogue.filter_limits))
    return Filter(text, lang or "", crs.name, layer.id, root, reader.uses())


def parse_computed(text: str, layer: Layer, catalogue: Catalogue) -> tuple[Computed, ...]:
    """The columns of `compute=`: calls behind commas, such as `overlap_area('control_lines')`."""
    # As the arguments of one call, so that commas within brackets are no ends.
    tree = language.read(f"columns({text})", language.LANGUAGES[0], catalogue.filter_limits)
    if tree.get("op") != "columns" or len(tree["args"]) > MOST_COMPUTED:
        raise refused(f"compute 最多 {MOST_COMPUTED} 个表达式", f"compute takes at most {MOST_COMPUTED} expressions")
    return tuple(_computed(part, layer, catalogue) for part in tree["args"])


def _computed(tree: Any, layer: Layer, catalogue: Catalogue) -> Computed:
    reader = Reader(layer, catalogue, CRS84)
    root = reader.node(tree)
    if not isinstance(tree, dict) or root.kind not in ("number", "boolean") or "op" not in tree:
        raise refused("compute 只接受结果为数或真假的函数", "compute takes functions that yield a number or a truth")
    other = next((f"_{part}" for part in tree["args"] if isinstance(part, str) and part in catalogue.layers), "")
    return Computed(f"{tree['op']}{other}", str(tree), root, reader.uses())


@dataclass
class Reader:
    """Reads the trees of one filter. `places` is the layer whose properties are meant."""

    layer: Layer
    catalogue: Catalogue
    crs: Crs
    fields: set[tuple[str, str]] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)
    moment: bool = False
    depth: int = 0

    def uses(self) -> Uses:
        """What has been read so far leans on."""
        return Uses(frozenset(self.fields), frozenset(self.layers), self.moment)

    def condition(self, tree: Any) -> Node:
        """A tree that must yield true or false."""
        return self.of_kind(tree, "boolean")

    def of_kind(self, tree: Any, *kinds: str) -> Node:
        """A tree that must yield one of the kinds."""
        found = self.node(tree)
        if found.kind not in kinds:
            raise refused(f"这里需要 {'/'.join(kinds)}，得到 {found.kind}",
                          f"wants {' or '.join(kinds)} here, has {found.kind}")
        return found

    def node(self, tree: Any) -> Node:
        """Any tree."""
        self.depth += 1
        if self.depth > self.catalogue.filter_limits.depth:
            raise too_large(f"最多 {self.catalogue.filter_limits.depth} 层",
                            f"at most {self.catalogue.filter_limits.depth} levels deep")
        found = self._node(tree)
        self.depth -= 1
        return found

    def _node(self, tree: Any) -> Node:
        if isinstance(tree, list):
            return self._items(tree)
        if not isinstance(tree, dict):
            return literal(tree)
        if "op" in tree:
            return self._call(tree)
        if "property" in tree:
            return self.property(tree["property"])
        if "interval" in tree:
            return self._interval(tree["interval"])
        if tree.get("type") in GEOMETRIES or "bbox" in tree:
            return shape(tree, self.crs)
        if len(tree) == 1 and next(iter(tree)) in ("date", "timestamp"):
            return instant(tree)
        raise refused(f"不认识的成员 {', '.join(map(str, tree))[:60]}", f"unknown: {', '.join(map(str, tree))[:60]}")

    def _items(self, tree: list[Any]) -> Items:
        if len(tree) > MOST_ITEMS:
            raise refused(f"列表最多 {MOST_ITEMS} 项", f"a list has at most {MOST_ITEMS} entries")
        return Items(tuple(self.node(one) for one in tree))

    def property(self, name: Any) -> Column | Place:
        """A property or a geometry of the layer."""
        second = self.layer.second_geometry
        if name in ("geom", "geometry"):
            return Place("geom")
        if second is not None and name == second.id:
            return Place(name)
        if name in _EVERY_LAYER:
            return Column(name, _EVERY_LAYER[name])
        if not isinstance(name, str) or not self.layer.has_field(name):
            raise refused(f"图层“{self.layer.title.zh}”没有字段 {str(name)[:60]}，可用字段见 queryables",
                          f"layer “{self.layer.title.en}” has no property {str(name)[:60]}; see its queryables")
        self.fields.add((self.layer.id, name))
        return Column(name, _KINDS[self.layer.field(name).type])

    def _interval(self, ends: Any) -> Span:
        if not isinstance(ends, list) or len(ends) != 2:
            raise refused("INTERVAL 需要两端", "an interval has two ends")
        first, last = (self._end(one) for one in ends)
        if first is None and last is None:
            raise refused("INTERVAL 至少要有一端", "an interval needs one end at least")
        if first and last and first.kind != last.kind:
            raise refused("INTERVAL 两端应同为日期或同为时间", "both ends of an interval are dates, or both timestamps")
        return Span(first, last)

    def _end(self, tree: Any) -> Node | None:
        if tree == "..":
            return None
        return read_instant(tree) if isinstance(tree, str) else self.of_kind(tree, "date", "timestamp")

    def _call(self, tree: Mapping[str, Any]) -> Node:
        op, args = tree["op"], tree.get("args", [])
        if not isinstance(op, str) or not isinstance(args, list):
            raise refused("运算写法不正确", "an operation wants op and args")
        name = op.lower()
        for names, read in _OPERATIONS:
            if name in names:
                return read(self, name, args)
        return calls.read(self, name, args)

    def comparison(self, name: str, args: list[Any]) -> Call:
        """= <> < > <= >=, between, in: values of one kind."""
        nodes = [self.node(one) for one in self.exactly(name, args, 3 if name == "between" else 2)]
        if name == "in":
            if not isinstance(nodes[1], Items):
                raise refused("IN 需要列表", "IN wants a list")
            nodes = [nodes[0], *nodes[1].items]
        alike = self.alike(nodes)
        if alike[0].kind not in ("number", "text", "boolean", "date", "timestamp"):
            raise refused(f"{alike[0].kind} 不能比较", f"{alike[0].kind} cannot be compared")
        return Call(name, tuple(alike), "boolean")

    def alike(self, nodes: list[Node]) -> list[Node]:
        """The same nodes, all of one kind: a plain text beside a date or a timestamp is read as one."""
        wanted = next((node.kind for node in nodes if node.kind in ("date", "timestamp")), None)
        found = [read_instant(node.value, wanted) if wanted and isinstance(node, Literal) and node.kind == "text"
                 else node for node in nodes]
        kinds = {node.kind for node in found}
        if len(kinds) > 1:
            raise refused(f"不能比较 {' 与 '.join(sorted(kinds))}", f"cannot compare {' with '.join(sorted(kinds))}")
        return found

    def exactly(self, name: str, args: list[Any], count: int) -> list[Any]:
        """The arguments, if there are so many."""
        if len(args) != count:
            raise refused(f"{name} 需要 {count} 个参数，得到 {len(args)} 个",
                          f"{name} takes {count} arguments, has {len(args)}")
        return args

    def plain(self, name: str, args: list[Any]) -> Call:
        """An operator whose arguments are all of fixed kinds."""
        kinds, returns, most = OPERATORS[name]
        if not (len(kinds) <= len(args) <= most):
            raise refused(f"{name} 的参数个数不对", f"{name} has a wrong number of arguments")
        wanted = [*kinds, *[kinds[-1]] * (len(args) - len(kinds))]
        return Call(name, tuple(self.of_kind(one, *kind.split()) for one, kind in zip(args, wanted, strict=True)),
                    returns)

    def is_null(self, name: str, args: list[Any]) -> Call:
        """IS NULL of anything that a property or an expression yields."""
        return Call(name, (self.node(self.exactly(name, args, 1)[0]),), "boolean")

    def like(self, name: str, args: list[Any]) -> Call:
        """LIKE with a pattern that the user wrote out."""
        text, pattern = (self.of_kind(one, "text") for one in self.exactly(name, args, 2))
        inner = pattern
        while isinstance(inner, Call) and inner.op in ("casei", "accenti"):
            inner = inner.args[0]
        if not isinstance(inner, Literal):
            raise refused("LIKE 的模式应为文字", "the pattern of LIKE is a written text")
        return Call(name, (text, pattern), "boolean")

    def spatial(self, name: str, args: list[Any]) -> Call:
        """s_…: two geometries; mixed collections only where the database takes them."""
        nodes = tuple(self.of_kind(one, "geometry") for one in self.exactly(name, args, 2))
        if name not in ("s_intersects", "s_disjoint") and any(isinstance(n, Shape) and n.collection for n in nodes):
            raise refused(f"{name} 不支持 GEOMETRYCOLLECTION", f"{name} takes no GEOMETRYCOLLECTION")
        return Call(name, nodes, "boolean")

    def temporal(self, name: str, args: list[Any]) -> Call:
        """t_…: instants or intervals."""
        nodes = tuple(self._time(one) for one in self.exactly(name, args, 2))
        return Call(name, nodes, "boolean")

    def _time(self, tree: Any) -> Node:
        return read_instant(tree) if isinstance(tree, str) else self.of_kind(tree, "date", "timestamp", "interval")

    def array(self, name: str, args: list[Any]) -> Call:
        """a_…: two lists of codes."""
        nodes = tuple(self.of_kind(one, "array") for one in self.exactly(name, args, 2))
        for node in nodes:
            if isinstance(node, Items) and any(one.kind != "text" for one in node.items):
                raise refused("列表只能含文字（代码）", "a list holds texts (codes) only")
        return Call(name, nodes, "boolean")


_Read = Callable[[Reader, str, list[Any]], Node]
_OPERATIONS: tuple[tuple[Any, _Read], ...] = (
    (COMPARISONS, Reader.comparison), (("like",), Reader.like), (("isnull",), Reader.is_null),
    (SPATIAL, Reader.spatial), (TEMPORAL, Reader.temporal), (ARRAYS, Reader.array), (OPERATORS, Reader.plain))
