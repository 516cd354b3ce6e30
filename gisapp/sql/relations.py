"""Features held against those of another layer. Distances are geodesic metres on WGS 84.

Near or not is decided in three steps. The Web Mercator geometry, which both tables keep and index, is longer than
the ground by a factor between two that follow from the latitude: outside the larger no pair is near, inside the
smaller every pair is, and only for the few between them is the ellipsoid asked. History keeps no such geometry and
is asked by degrees and ellipsoid alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from geoalchemy2 import Geography, Geometry
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Table,
    Uuid,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    not_,
    or_,
    select,
    table,
)

from gisapp.census import PIECES, known
from gisapp.cql2.tree import Related
from gisapp.sql.areas import shape_of
from gisapp.sql.shapes import shown
from gisapp.tables import LAYERS

if TYPE_CHECKING:
    from gisapp.sql.cql2 import Writer

Clause = ColumnElement[Any]
RADIUS_M = 6378137.0
#: Web Mercator is longer than the ground by these factors times 1 / cos latitude: east-west at a pole, north-south
#: at the equator, each rounded away from the other.
_LEAST, _MOST = 0.9966, 1.0068
#: A pair may reach towards the pole by the distance itself; at the edge of Web Mercator that is 11.6 times as long.
_REACH = 12.0
#: Degrees of latitude are at least so many metres long.
_DEGREE_M = 110_500.0
#: So many more are looked at by drawn distance than are asked for, since the last of them are decided on the ground.
_SPARE = 8


def write(writer: Writer, node: Related) -> Clause:
    """The SQL of a function about another layer, or about a place."""
    if node.function == "around":
        return _around(writer, *node.values)
    if node.function == "in_area":
        return _in_area(writer, shape_of(*node.values))
    assert node.layer is not None  # noqa: S101
    return _WRITERS[node.function](_Pair(writer, node))


class _Pair:
    """This layer's feature and one of the other layer's: tables, geometries, what is asked of the other one."""

    def __init__(self, writer: Writer, node: Related) -> None:
        assert node.layer is not None  # noqa: S101
        self.writer, self.node, self.mine, self.layer = writer, node, writer.table, writer.layer
        #: Whether it is looked up from the other feature.
        self.turned = False
        self.as_of = writer.as_of
        self.theirs = table_of(writer.table, node.layer.id, past=writer.as_of is not None).alias()
        self.other = type(writer)(node.layer, self.theirs, writer.as_of)
        self.drawn = "geom_3857" in self.mine.c and "geom_3857" in self.theirs.c

    @property
    def shapes(self) -> tuple[Clause, Clause]:
        return shown(self.layer, self.mine), shown(self.other.layer, self.theirs)

    @property
    def boxes(self) -> tuple[Clause, Clause]:
        """What has an index, of the same system on both sides."""
        return (self.mine.c.geom_3857, self.theirs.c.geom_3857) if self.drawn else self.shapes

    def asked(self) -> list[Clause]:
        """What the other feature must be."""
        found = [] if self.node.where is None else [self.other.write(self.node.where)]
        if self.as_of is not None:
            found += [self.theirs.c.valid_from <= self.as_of, self.theirs.c.valid_to > self.as_of]
        if self.other.layer.id == self.layer.id:
            found.append(self.theirs.c.id != self.mine.c.id)
        return found

    def rows(self, what: Clause, *conditions: Clause) -> Select[Any]:
        """A look at the other layer from this feature."""
        return select(what).select_from(self.theirs).where(*conditions, *self.asked()).correlate(self.mine)

    def some(self, conditions: Callable[[_Pair], list[Clause]]) -> Clause:
        """Whether there is one: looked up from this feature, or, where the others are the fewer, from them."""
        if not self.fewer_others:
            return self.rows(literal(1), *conditions(self)).exists()
        own = _Pair(type(self.writer)(self.layer, source_of(self.mine).alias()), self.node)
        own.turned = True
        ids = select(own.mine.c.id).select_from(own.theirs).join(own.mine, and_(*conditions(own))).where(*own.asked())
        return self.mine.c.id.in_(ids)

    @property
    def pieces(self) -> bool:
        """Whether the other layer's lines are kept in pieces beside."""
        return self.drawn and self.other.layer.id in known(source_of(self.mine).metadata).pieces

    @property
    def fewer_others(self) -> bool:
        """By the planner's estimates; a condition is taken to leave a tenth of them. Of a place, features are few."""
        if self.writer.local:
            return False
        sizes = known(source_of(self.mine).metadata).sizes
        mine, theirs = (sizes.get(layer.id, -1) for layer in (self.layer, self.other.layer))
        return self.drawn and 0 <= theirs / (1 if self.node.where is None else 10) < mine / 4

    def meet(self) -> Clause:
        mine, theirs = self.boxes
        return mine.bool_op("&&")(theirs)

    def overlap(self) -> list[Clause]:
        return [self.meet(), func.ST_Intersects(*self.shapes, type_=Boolean),
                not_(func.ST_Touches(*self.shapes, type_=Boolean))]


def table_of(near: FromClause, layer_id: str, *, past: bool) -> Table:
    """The other layer's table, or its history, of the same database as a table or a subquery."""
    found: Table = source_of(near).metadata.tables[f"{LAYERS}.{layer_id}{'_history' if past else ''}"]
    return found


def source_of(found: FromClause) -> Table:
    """The table itself behind an alias or a subquery."""
    source = next(iter(found.c.id.base_columns)).table
    assert isinstance(source, Table)  # noqa: S101
    return source


def ground(shape: Clause) -> Clause:
    """A geometry on the ellipsoid."""
    return cast(shape, Geography(srid=4326))


def _stretch(drawn: Clause, metres: float, *, most: bool) -> Clause:
    """What `metres` on the ground are at most, or at least, in the Web Mercator around a feature."""
    edges = func.abs(func.ST_YMin(drawn)), func.abs(func.ST_YMax(drawn))
    margin = metres * _REACH
    if most:
        return metres * _MOST * func.cosh((func.greatest(*edges) + margin) / RADIUS_M, type_=Double)
    apart = func.ST_YMin(drawn) * func.ST_YMax(drawn) <= 0
    least = case((apart, 0.0), else_=func.greatest(func.least(*edges) - margin, 0.0))
    return metres * _LEAST * func.cosh(least / RADIUS_M, type_=Double)


def _within(pair: _Pair, metres: float) -> list[Clause]:
    mine, theirs = pair.shapes
    if not pair.drawn:
        exact = func.ST_DWithin(ground(mine), ground(theirs), metres, type_=Boolean)
        return [_near_in_degrees(mine, theirs, metres), exact]
    mine, theirs = pair.boxes
    if pair.turned:
        return _close(theirs, mine, metres, pair.shapes)
    return _close(mine, theirs, metres, pair.shapes)


def _close(a: Clause, b: Clause, metres: float, shapes: tuple[Clause, Clause]) -> list[Clause]:
    """Within a distance, by drawn geometries and, where these leave it open, by the shapes in degrees; looked up by
    the index of `b`."""
    exact = func.ST_DWithin(ground(shapes[0]), ground(shapes[1]), metres, type_=Boolean)
    farthest = _stretch(a, metres, most=True)
    return [b.bool_op("&&")(func.ST_Expand(a, farthest)),
            # First what puts most pairs off.
            func.ST_DWithin(a, b, farthest, type_=Boolean),
            or_(func.ST_DWithin(a, b, _stretch(a, metres, most=False), type_=Boolean), exact)]


def _near_in_degrees(mine: Clause, theirs: Clause, metres: float) -> Clause:
    """Boxes that lie apart by more than the distance in degrees are not near; 12 times as many along a parallel."""
    degrees = metres / _DEGREE_M
    return theirs.bool_op("&&")(func.ST_Expand(mine, degrees * _REACH, degrees))


def _near(pair: _Pair) -> Clause:
    if pair.pieces and not pair.fewer_others:
        return _near_pieces(pair)
    return pair.some(lambda one: _within(one, one.node.values[0]))


def _near_pieces(pair: _Pair) -> Clause:
    """Near a layer of lines that is kept in short pieces, too: a long line's box says little."""
    piece = table(pair.other.layer.id, column("id", Uuid), column("piece", Geometry(srid=3857)), schema=PIECES).alias()
    near = _close(pair.mine.c.geom_3857, piece.c.piece, pair.node.values[0],
                  (pair.shapes[0], func.ST_Transform(piece.c.piece, 4326)))
    looked = select(literal(1)).select_from(piece).where(*near)
    if pair.node.where is not None:
        looked = looked.join(pair.theirs, pair.theirs.c.id == piece.c.id).where(pair.other.write(pair.node.where))
    if pair.other.layer.id == pair.layer.id:
        looked = looked.where(piece.c.id != pair.mine.c.id)
    return looked.correlate(pair.mine).exists()


def _count_within(pair: _Pair) -> Clause:
    return pair.rows(func.count(), *_within(pair, pair.node.values[0])).scalar_subquery()


def _around(writer: Writer, shape: Any, metres: float) -> Clause:
    """Within a distance of a place that the user names."""
    mine, theirs = shown(writer.layer, writer.table), writer.write(shape)
    exact = func.ST_DWithin(ground(mine), ground(theirs), metres, type_=Boolean)
    if "geom_3857" not in writer.table.c:
        return and_(mine.bool_op("&&")(func.ST_Expand(theirs, metres / _DEGREE_M * _REACH, metres / _DEGREE_M)), exact)
    drawn = func.ST_Transform(theirs, 3857)
    reach = func.ST_Expand(drawn, _stretch(drawn, metres, most=True))
    return and_(writer.table.c.geom_3857.bool_op("&&")(reach), exact)


def _in_area(writer: Writer, area: Clause) -> Clause:
    """Meets an area that is kept: the index is asked with its box, looked up once."""
    exact = func.ST_Intersects(shown(writer.layer, writer.table), area, type_=Boolean)
    if "geom_3857" not in writer.table.c:
        return and_(shown(writer.layer, writer.table).bool_op("&&")(area), exact)
    return and_(writer.table.c.geom_3857.bool_op("&&")(func.ST_Transform(area, 3857)), exact)


def _inside(pair: _Pair) -> Clause:
    return pair.some(lambda one: [one.meet(), func.ST_Covers(
        one.shapes[1], func.gisapp.place_of(one.shapes[0]), type_=Boolean)])


def _overlaps(pair: _Pair) -> Clause:
    return pair.some(lambda one: one.overlap())


def _overlap_area(pair: _Pair) -> Clause:
    mine, theirs = pair.shapes
    # As one area, so that what two of the others share is not counted twice.
    shared = func.ST_Union(func.ST_CollectionExtract(func.ST_Intersection(mine, theirs), 3))
    area = func.coalesce(func.ST_Area(ground(shared)), 0.0, type_=Double)
    return pair.rows(area, *pair.overlap()).scalar_subquery()


def _overlap_share(pair: _Pair) -> Clause:
    whole = func.nullif(func.ST_Area(ground(pair.shapes[0])), 0.0, type_=Double)
    return func.least(_overlap_area(pair) / whole, 1.0, type_=Double)


def _crosses(pair: _Pair) -> Clause:
    return pair.some(lambda one: [one.meet(), func.ST_Crosses(*one.shapes, type_=Boolean)])


def _distance(pair: _Pair) -> Clause:
    """To the nearest by drawn distance and its next neighbours, measured on the ground."""
    a, b = pair.boxes
    some = pair.rows(shown(pair.other.layer, pair.theirs).label("shape")).order_by(
        b.op("<->")(a)).limit(_SPARE).subquery()
    metres = func.ST_Distance(ground(pair.shapes[0]), ground(some.c.shape), type_=Double)
    return select(func.min(metres)).select_from(some).correlate(pair.mine).scalar_subquery()


def _nearest(pair: _Pair) -> Clause:
    """Looked up from the other layer, whose features are as a rule the fewer."""
    past, k = pair.as_of is not None, pair.node.values[0]
    own = table_of(pair.mine, pair.layer.id, past=past).alias()
    looked = _Pair(type(pair.other)(pair.layer, own, pair.as_of), pair.node)
    mine, theirs = looked.boxes
    valid = [own.c.valid_from <= pair.as_of, own.c.valid_to > pair.as_of] if pair.as_of is not None else []
    apart = [own.c.id != looked.theirs.c.id] if pair.layer.id == looked.other.layer.id else []
    some = select(own.c.id, shown(pair.layer, own).label("shape")).select_from(own).where(*valid, *apart).order_by(
        mine.op("<->")(theirs)).limit(k + _SPARE).correlate(looked.theirs).subquery()
    metres = func.ST_Distance(ground(some.c.shape), ground(looked.shapes[1]), type_=Double)
    best = select(some.c.id).select_from(some).order_by(metres, some.c.id).limit(k).correlate(
        looked.theirs).lateral()
    asked = [one for one in looked.asked() if one not in apart] if not apart else _without_self(looked)
    ids = select(best.c.id).select_from(looked.theirs).join(best, literal(True)).where(*asked)
    return pair.mine.c.id.in_(ids)


def _without_self(pair: _Pair) -> list[Clause]:
    return pair.asked()[:-1]


_WRITERS = {"near": _near, "inside": _inside, "overlaps": _overlaps, "overlap_area": _overlap_area,
            "overlap_share": _overlap_share, "crosses": _crosses, "nearest": _nearest, "distance": _distance,
            "count_within": _count_within}
