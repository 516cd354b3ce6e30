"""Shapes of every arrangement for hypothesis: holes, many parts, none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import shapely
from hypothesis import strategies as st

PLACES = st.tuples(st.floats(-170, 150, width=32), st.floats(-80, 70, width=32))


def _area(place: tuple[float, float], size: float, holes: int, turn: bool) -> Any:
    shape = shapely.box(*place, place[0] + size * 4, place[1] + size * 4)
    for hole in range(holes):
        low = (place[0] + size * (hole + 0.25), place[1] + size * (hole + 0.25))
        shape = shape.difference(shapely.box(*low, low[0] + size / 2, low[1] + size / 2))
    return shapely.reverse(shape) if turn else shape


AREAS = st.builds(_area, PLACES, st.floats(0.5, 3), st.integers(0, 3), st.booleans())
PARTED = st.lists(AREAS, min_size=1, max_size=3).map(
    lambda parts: shapely.MultiPolygon([shapely.affinity.translate(p, 0, 20 * n) for n, p in enumerate(parts)]))
LINE = st.lists(PLACES, min_size=2, max_size=6, unique=True).map(shapely.LineString)
#: Shapes by the kind of geometry of a layer; some are missing.
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "MultiPolygon": st.one_of(PARTED, PARTED, st.none()),
    "Polygon": st.one_of(AREAS, st.none()),
    "MultiLineString": st.one_of(st.lists(LINE, min_size=1, max_size=3).map(shapely.MultiLineString), st.none()),
    "LineString": st.one_of(LINE, st.none()),
    "Point": st.one_of(PLACES.map(shapely.Point), st.none()),
    "MultiPoint": st.one_of(st.lists(PLACES, min_size=1, max_size=5).map(shapely.MultiPoint), st.none()),
    "Unknown": st.one_of(PARTED, PLACES.map(shapely.Point), LINE, st.none()),
}


def wkb(shapes: Sequence[Any], byte_order: int = 1) -> pa.Array:
    """The shapes as a column."""
    return pa.array([None if s is None else shapely.to_wkb(s, byte_order=byte_order) for s in shapes], pa.binary())


def alike(one: Any, other: Any) -> bool:
    """Whether a shape was read as it was, rings turned or not; nothing for an empty one is right."""
    if one is None or one.is_empty:
        return other is None or bool(other.is_empty)
    return bool(one.geom_type == other.geom_type
                and shapely.get_num_coordinates(one) == shapely.get_num_coordinates(other)
                and shapely.normalize(one).equals_exact(shapely.normalize(other), 0))
