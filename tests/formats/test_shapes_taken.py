"""Shapes of files: right ones pass unharmed, wrong ones are repaired on request or refused with a reason."""

from __future__ import annotations

import math
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, strategies as st

from gisapp.crs import MENU
from gisapp.datums import FROM_WGS84
from gisapp.errors import Problem
from gisapp.formats.frames import Frame, parse_frame
from gisapp.formats.geometry import Shaped, Shaper
from gisapp.formats.wkb import straightened
from gisapp.layers import Catalogue
from gisapp.repairs import MOST_CROSSINGS, crossings, repair

ROOT = Path(__file__).resolve().parent.parent.parent
BOW_TIE = shapely.Polygon([(113, 31), (113.001, 31.001), (113.001, 31), (113, 31.001)])
AREA = shapely.box(113, 31, 113.001, 31.001)


def taken(catalogue: Catalogue, layer: str, *shapes: Any, frame: str = "EPSG:4490", mend: bool = False,
          notes: Counter[str] | None = None) -> list[Shaped]:
    given = np.array([shapely.to_wkb(s) if isinstance(s, shapely.Geometry) else s for s in shapes], dtype=object)
    return Shaper(catalogue.layers[layer], parse_frame(frame), Counter() if notes is None else notes, mend).batch(given)


def shape_of(one: Shaped) -> Any:
    assert one.ewkb is not None, one.fault
    return shapely.from_wkb(one.ewkb)


def test_right_shapes_become_what_the_layer_stores(catalogue: Catalogue) -> None:
    area, multi, point = taken(catalogue, "illegal_builds", AREA, shapely.MultiPolygon([AREA]), shapely.Point(113, 31))
    assert [one.column for one in (area, multi, point)] == ["geom", "geom", "mark_point"]
    assert shape_of(area).equals_exact(shapely.MultiPolygon([AREA]), 0) and shape_of(area) == shape_of(multi)
    assert shapely.get_srid(shape_of(area)) == 4326 and not area.repairs and area.original is None


def test_an_invalid_area_is_refused_and_shown_or_repaired(catalogue: Catalogue) -> None:
    [refused] = taken(catalogue, "buildings", BOW_TIE)
    assert refused.fault and refused.fault.code == "geometry_invalid" and refused.ewkb is None
    assert refused.fault.more["geometry"]["type"] == "MultiPolygon"
    assert refused.fault.more["repair"]["area_after_m2"] > 0
    [done] = taken(catalogue, "buildings", BOW_TIE, mend=True)
    assert shape_of(done).is_valid and done.fault is None
    told = done.repairs[0]
    assert told["code"] == "geometry_repaired" and told["area_after_m2"] != told["area_before_m2"]
    assert str(told["area_after_m2"]) in told["zh"]


@pytest.mark.parametrize(("shape", "code"), [
    (shapely.Point(500, 31), "coordinates_outside"), (shapely.Point(113, 89), "coordinates_outside"),
    (shapely.Point(1e308, 31), "coordinates_outside"), (shapely.Point(math.inf, 31), "coordinates_outside"),
    (AREA, "geometry_type"), (shapely.MultiPoint([(113, 31), (113, 32)]), "geometry_type"),
    (b"", "geometry_unreadable"), (b"\x01\x63\x00\x00\x00", "geometry_unreadable"),
    (b"\x01\x09\x00\x00\x00\xff\xff\xff\xff", "geometry_unreadable"), (b"nonsense", "geometry_unreadable"),
])
def test_wrong_points_are_refused_with_a_reason(catalogue: Catalogue, shape: Any, code: str) -> None:
    good, bad, other = taken(catalogue, "rooftop_signs", shapely.Point(113, 31), shape, shapely.Point(114, 32))
    assert (bad.ewkb, bad.fault and bad.fault.code) == (None, code) and bad.fault.zh and bad.fault.en
    assert (shape_of(good).x, shape_of(other).x) == (113, 114)


def test_no_shape_is_no_fault_of_the_shaper(catalogue: Catalogue) -> None:
    for one in taken(catalogue, "rooftop_signs", None, shapely.Point()):
        assert (one.ewkb, one.fault) == (None, None)


def test_heights_are_dropped_and_counted(catalogue: Catalogue) -> None:
    notes = Counter[str]()
    [one] = taken(catalogue, "rooftop_signs", shapely.Point(113, 31, 55), notes=notes)
    assert not shape_of(one).has_z and notes == {"heights_dropped": 1}


def test_closed_lines_become_areas_and_open_ones_do_not(catalogue: Catalogue) -> None:
    ring = shapely.LineString(AREA.exterior.coords)
    closed, both, opened = taken(catalogue, "buildings", ring, shapely.MultiLineString([ring]),
                                 shapely.LineString(AREA.exterior.coords[:-1]))
    assert [one.repairs[0]["code"] for one in (closed, both)] == ["lines_closed"] * 2
    assert shape_of(closed).equals(AREA)
    assert opened.fault and opened.fault.code == "geometry_type"


def test_mixed_collections_are_refused_or_parted_on_request(catalogue: Catalogue) -> None:
    mixed = shapely.GeometryCollection([AREA, shapely.LineString([(0, 0), (1, 1)]), shapely.Point(1, 2)])
    [refused] = taken(catalogue, "buildings", mixed)
    assert refused.fault and refused.fault.code == "geometry_mixed" and "LineString, Point" in refused.fault.en
    [parted] = taken(catalogue, "buildings", mixed, mend=True)
    assert [told["code"] for told in parted.repairs] == ["parts_dropped"] and shape_of(parted).equals(AREA)
    [only] = taken(catalogue, "buildings", shapely.GeometryCollection([AREA]))
    assert not only.repairs and shape_of(only).equals(AREA)


def test_a_million_vertices_are_refused_by_number(catalogue: Catalogue) -> None:
    line = shapely.LineString(np.column_stack([np.linspace(113, 114, 1_000_000), np.full(1_000_000, 31.0)]))
    good, large = taken(catalogue, "truck_routes", shapely.LineString([(113, 31), (114, 32)]), line)
    assert large.fault and large.fault.code == "geometry_too_large" and "1000000" in large.fault.en
    assert shape_of(good).geom_type == "MultiLineString"


def test_a_tangle_is_refused_in_no_time() -> None:
    points = np.random.default_rng(1).random((5000, 2))
    tangle = shapely.Polygon(points)
    assert crossings(tangle) > MOST_CROSSINGS and repair(tangle) is None
    assert crossings(BOW_TIE) == 1 and crossings(AREA) == 0 and crossings(shapely.Point(1, 2)) == 0


def test_tangles_by_the_thousand_use_up_a_budget(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisapp.formats.geometry._TELLING_S", 0.0)
    monkeypatch.setattr("gisapp.formats.geometry._MENDING_S", -1.0)
    for mend in (False, True):
        [one] = taken(catalogue, "buildings", BOW_TIE, mend=mend)
        assert one.fault and one.fault.code == "geometry_invalid" and "repair" not in one.fault.more


# ------------------------------------------------------------------------------------------------------- frames

FRAMES = [Frame(crs, datum, swapped) for crs in (MENU[4490], MENU[4547], MENU[4526], MENU[3857])
          for datum in ("", "GCJ-02", "BD-09") for swapped in (False, True)]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_every_frame_leads_back_to_the_place(catalogue: Catalogue, frame: Frame) -> None:
    assert parse_frame(frame.name) == (Frame(MENU[4326], *((frame.datum, frame.swapped))) if frame.datum
                                       and not frame.crs.projected else frame)
    lon, lat = np.array([113.38, 113.41]), np.array([31.69, 31.72])
    x, y = FROM_WGS84[frame.datum](lon, lat) if frame.datum else (lon, lat)
    if frame.crs.projected:
        x, y = pyproj.Transformer.from_crs(4326, frame.crs.srid, always_xy=True).transform(x, y)
    pairs = np.column_stack([y, x] if frame.swapped else [x, y])
    found = taken(catalogue, "rooftop_signs", *shapely.points(pairs), frame=frame.name)
    stored = shapely.get_coordinates([shape_of(one) for one in found])
    assert np.abs(stored - np.column_stack([lon, lat])).max() < 1e-8  # a millimetre
    kept = [one.original and tuple(shapely.from_wkb(one.original).coords[0]) for one in found]
    assert kept == ([tuple(pair) for pair in pairs] if frame.datum else [None, None])


@pytest.mark.parametrize("name", ["", "@", "GCJ-02@GCJ-02", "EPSG:2383", "EPSG:4547@x", "swapped", "@swapped",
                                  "x@swapped"])
def test_other_names_are_no_frames(name: str) -> None:
    with pytest.raises(Problem, match="crs_unsupported"):
        parse_frame(name)


def test_hong_kong_is_not_shifted() -> None:
    there = np.array([[114.17, 22.30]])
    assert (parse_frame("GCJ-02").to_stored(there) == there).all()


# ------------------------------------------------------------------------------------------------------- curves

def run(kind: int, *points: tuple[float, float]) -> bytes:
    return struct.pack("<BII", 1, kind, len(points)) + np.array(points, dtype="<f8").tobytes()


def many(kind: int, *parts: bytes) -> bytes:
    return struct.pack("<BII", 1, kind, len(parts)) + b"".join(parts)


def test_a_circle_is_as_large_as_a_circle() -> None:
    circle = run(8, (-1, 0), (0, 1), (1, 0), (0, -1), (-1, 0))
    whole = run(8, (1, 0), (-1, 0), (1, 0))
    for ring in (circle, whole, many(9, run(8, (-1, 0), (0, 1), (1, 0)), run(8, (1, 0), (0, -1), (-1, 0)))):
        shape = shapely.from_wkb(straightened(many(10, ring)))
        assert shape.is_valid and shape.area == pytest.approx(math.pi, rel=2e-3)
        assert np.abs(np.hypot(*shapely.get_coordinates(shape).T) - 1).max() < 1e-12


def test_curves_of_every_kind_are_straightened(catalogue: Catalogue) -> None:
    arc, line = run(8, (113, 31), (113.05, 31.05), (113.1, 31)), run(2, (113.1, 31), (113, 31))
    surface = many(12, many(10, many(9, arc, line)), shapely.to_wkb(AREA, byte_order=1))
    notes = Counter[str]()
    [one] = taken(catalogue, "buildings", many(10, many(9, arc, line)), notes=notes)
    assert shape_of(one).is_valid and notes == {"curves_straightened": 1}
    assert shapely.from_wkb(straightened(surface)).geom_type == "MultiPolygon"
    assert shapely.from_wkb(straightened(many(11, arc, line))).geom_type == "MultiLineString"
    straight = shapely.from_wkb(straightened(run(8, (0, 0), (1, 1), (2, 2))))
    assert list(straight.coords) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize("text", [
    "POINT Z (1 2 3)", "LINESTRING M (1 2 3, 4 5 6)", "POLYGON ZM ((0 0 1 2, 1 0 1 2, 1 1 1 2, 0 0 1 2))",
    "MULTIPOINT ((1 2), (3 4))", "GEOMETRYCOLLECTION (POINT (1 2), MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0))))"])
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("flavor", ["iso", "extended"])
def test_straight_shapes_stay_as_they_are(text: str, order: int, flavor: str) -> None:
    shape = shapely.from_wkt(text)
    made = shapely.from_wkb(straightened(shapely.to_wkb(shape, byte_order=order, flavor=flavor)))
    assert made.equals_exact(shapely.force_2d(shape), 0)


@given(st.binary(max_size=200), st.sampled_from(range(18)))
def test_no_bytes_make_it_crash(raw: bytes, kind: int) -> None:
    try:
        made = straightened(struct.pack("<BI", 1, kind) + raw)
    except (ValueError, struct.error, IndexError):
        return
    assert made[:1] == b"\x01"
