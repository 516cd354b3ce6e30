"""Plain shapes of a file as EWKB: the bytes that they came in are taken as they are, but never what is odd."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import shapely

from gisapp.formats.outlines import ewkb

_SHAPES = {
    0: ["POINT (1 2)", "POINT (-0.5 80)"],
    4: ["POINT (1 2)", "MULTIPOINT (1 2, 3 4)"],
    5: ["LINESTRING (0 0, 1 1)", "MULTILINESTRING ((0 0, 1 1), (3 3, 4 4, 5 5))"],
    6: ["POLYGON ((0 0, 1 0, 1 1, 0 0))",
        "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0), (1 .5, 2 .5, 2 1, 1 .5)), ((10 10, 11 10, 11 11, 10 10)))"],
}
_MANY: dict[int, Callable[..., object]] = {
    4: shapely.multipoints, 5: shapely.multilinestrings, 6: shapely.multipolygons}


def _wanted(shape: shapely.Geometry, kind: int) -> str:
    whole = shape if shapely.get_type_id(shape) == kind else _MANY[kind]([shape])
    return str(shapely.to_wkb(shapely.set_srid(whole, 4326), hex=True, include_srid=True))


def _marked(shapes: object) -> object:
    return shapely.to_wkb(shapely.set_srid(shapes, 4326), include_srid=True)


@pytest.mark.parametrize("kind", _SHAPES)
@pytest.mark.parametrize("given", ["none", "plain", "big_endian", "with_srid", "longer", "high"])
def test_the_stored_bytes_are_those_of_the_shape(kind: int, given: str) -> None:
    shapes = np.array(shapely.from_wkt(_SHAPES[kind]), object)
    ways: dict[str, Callable[[], object]] = {
        "none": lambda: None, "plain": lambda: shapely.to_wkb(shapes),
        "big_endian": lambda: shapely.to_wkb(shapes, byte_order=0), "with_srid": lambda: _marked(shapes),
        "longer": lambda: np.array([one + b"\x00more" for one in shapely.to_wkb(shapes)], object),
        "high": lambda: shapely.to_wkb(shapely.force_3d(shapes, 7.0))}
    bytes_of = ways[given]()
    made = ewkb(shapes, kind, None if bytes_of is None else np.array(bytes_of, object))
    assert [one.upper() for one in made] == [_wanted(one, kind) for one in shapes]


def test_parts_marked_within_a_whole_are_written_anew() -> None:
    """A part that names a system of its own would be refused by the database, or moved there."""
    part = shapely.from_wkt("POLYGON ((0 0, 1 0, 1 1, 0 0))")
    whole = shapely.multipolygons([part])
    odd = shapely.to_wkb(whole)[:9] + bytes(_marked(part))  # type: ignore[call-overload]
    assert ewkb(np.array([whole], object), 6, np.array([odd], object))[0].upper() == _wanted(whole, 6)
