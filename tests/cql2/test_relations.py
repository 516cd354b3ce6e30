"""Functions across layers hold what they say: distances on the ellipsoid, areas, order, and the index of both sides."""

from __future__ import annotations

import itertools
import random
from typing import Any
from urllib.parse import quote

import numpy
import pyproj
import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select, text

from gisapp import census
from gisapp.house import House
from gisapp.params import parse
from gisapp.sql import statements as sql
from gisapp.sql.tiles import WORLD_M
from tests.conftest import Role
from tests.samples import sample_rows, store

GEOD = pyproj.Geod(ellps="WGS84")
CITY = (113.30, 31.60, 113.46, 31.78)
#: Enough for the planner to want an index.
MANY = 400


def ewkb(shape: BaseGeometry) -> bytes:
    return bytes(shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True))


def put(house: House, layer_id: str, shapes: list[BaseGeometry], **values: Any) -> list[str]:
    """Features of these shapes; returns their ids in order."""
    rows = sample_rows(house, layer_id, len(shapes))
    layer = house.layer(layer_id)
    for row, shape in zip(rows, shapes, strict=True):
        row["geom"] = ewkb(shape)
        if layer.second_geometry:
            row[layer.second_geometry.id] = None
        row |= values
    store(house, layer_id, rows)
    return [str(row["id"]) for row in rows]


def points(count: int, seed: int) -> list[BaseGeometry]:
    draw = random.Random(seed)
    return [shapely.Point(draw.uniform(CITY[0], CITY[2]), draw.uniform(CITY[1], CITY[3])) for _ in range(count)]


def lines(count: int, seed: int) -> list[BaseGeometry]:
    draw, found = random.Random(seed), []
    for _ in range(count):
        x, y = draw.uniform(CITY[0], CITY[2]), draw.uniform(CITY[1], CITY[3])
        path = [(x, y)]
        for _ in range(60):
            path.append((path[-1][0] + draw.uniform(-4e-4, 5e-4), path[-1][1] + draw.uniform(-4e-4, 5e-4)))
        found.append(shapely.MultiLineString([path]))
    return found


def squares(count: int, seed: int, side: float) -> list[BaseGeometry]:
    return [shapely.MultiPolygon([shapely.box(p.x, p.y, p.x + side, p.y + side)]) for p in points(count, seed)]


@pytest.fixture(scope="module")
def city(house: House) -> dict[str, tuple[list[str], list[BaseGeometry]]]:
    """Random features of five layers."""
    shapes = {
        "vendor_points": points(MANY, 1), "school_gates": points(300, 2), "truck_routes": lines(60, 3),
        "illegal_builds": squares(MANY, 4, 3e-3), "control_lines": squares(40, 5, 1.5e-2)}
    found = {name: (put(house, name, some), some) for name, some in shapes.items()}
    with house.db.engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    return found


@pytest.fixture(scope="module")
def analysed(owner: House, city: Any) -> None:
    """Statistics for the planner."""
    with owner.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in city:
            connection.execute(text(f"ANALYZE layers.{name}"))


def ids(admin: Role, layer_id: str, condition: str, **more: Any) -> set[str]:
    """Ids of the features that answer a filter."""
    asked = "".join(f"&{name}={quote(str(value))}" for name, value in more.items())
    answer = admin.get(f"/collections/{layer_id}/items?limit=10000&properties=&filter={quote(condition)}{asked}")
    assert answer.status_code == 200, answer.json
    found = {feature["id"] for feature in answer.json["features"]}
    assert answer.json["numberMatched"] == len(found)
    return found


def flat(shapes: list[BaseGeometry]) -> Any:
    """The shapes in metres, in a projection around the city that is off by less than a millionth there."""
    plane = pyproj.Transformer.from_crs(4326, "+proj=aeqd +lat_0=31.69 +lon_0=113.38 +ellps=WGS84", always_xy=True)
    return shapely.transform(shapely.segmentize(shapes, 1e-3), lambda xy: numpy.column_stack(
        plane.transform(xy[:, 0], xy[:, 1])))


def matrix(mine: list[BaseGeometry], theirs: list[BaseGeometry]) -> Any:
    """Geodesic metres from each point to each of the others."""
    a, b = (numpy.array([(p.x, p.y) for p in some]) for some in (mine, theirs))
    n, m = len(a), len(b)
    pairs = [numpy.repeat(a[:, i], m) for i in (0, 1)] + [numpy.tile(b[:, i], n) for i in (0, 1)]
    return GEOD.inv(*pairs)[2].reshape(n, m)


@pytest.mark.parametrize("metres", [0, 50, 500, 2000])
def test_near_points_are_those_that_the_ellipsoid_says(admin: Role, city: Any, metres: int) -> None:
    mine, theirs = city["vendor_points"], city["school_gates"]
    expected = {key for key, row in zip(mine[0], matrix(mine[1], theirs[1]), strict=True) if row.min() <= metres}
    assert ids(admin, "vendor_points", f"near('school_gates', {metres})") == expected
    assert metres < 500 or expected


@pytest.mark.parametrize("metres", [50, 500])
def test_near_lines_and_areas_agree_with_a_projection(admin: Role, city: Any, metres: int) -> None:
    for mine, other in itertools.permutations(("vendor_points", "truck_routes", "illegal_builds"), 2):
        keys, shapes = city[mine]
        theirs = flat(city[other][1])
        close = {key: float(shapely.distance(shape, theirs).min()) for key, shape in
                 zip(keys, flat(shapes), strict=True)}
        found = ids(admin, mine, f"near('{other}', {metres})")
        unsure = {key for key, distance in close.items() if abs(distance - metres) < metres / 1000}
        assert {key for key, distance in close.items() if distance <= metres} - unsure == found - unsure


def test_near_takes_a_condition_on_the_other_layer_and_leaves_the_feature_itself_out(admin: Role, city: Any) -> None:
    everything = ids(admin, "vendor_points", "near('school_gates', 2000)")
    some = ids(admin, "vendor_points", "near('school_gates', 2000, guard_post = true)")
    none = ids(admin, "vendor_points", "near('school_gates', 2000, name = 'nobody')")
    assert none == set() < some <= everything
    keys, shapes = city["vendor_points"]
    distances = matrix(shapes, shapes)
    numpy.fill_diagonal(distances, numpy.inf)
    expected = {key for key, row in zip(keys, distances, strict=True) if row.min() <= 300}
    assert ids(admin, "vendor_points", "near('vendor_points', 300)") == expected


def test_counts_within_are_those_of_the_ellipsoid(admin: Role, city: Any) -> None:
    keys, shapes = city["vendor_points"]
    distances = matrix(shapes, city["school_gates"][1])
    counts = dict(zip(keys, (distances <= 1500).sum(axis=1).tolist(), strict=True))
    nearest = dict(zip(keys, distances.min(axis=1).tolist(), strict=True))
    assert ids(admin, "vendor_points", "count_within('school_gates', 1500) >= 3") == {
        key for key, count in counts.items() if count >= 3}
    answer = admin.get("/collections/vendor_points/items?limit=1000&properties=&compute=" + quote(
        "count_within('school_gates', 1500), distance('school_gates')"))
    for feature in answer.json["features"]:
        properties = feature["properties"]
        assert properties["count_within_school_gates"] == counts[feature["id"]]
        assert properties["distance_school_gates"] == pytest.approx(nearest[feature["id"]], rel=1e-3, abs=0.05)


def test_around_a_place(admin: Role, city: Any) -> None:
    expected = {key for key, p in zip(*city["vendor_points"], strict=True)
                if GEOD.inv(p.x, p.y, 113.38, 31.69)[2] <= 3000}
    assert ids(admin, "vendor_points", "around(POINT(113.38 31.69), 3000)") == expected != set()


def test_nearest_of_each(admin: Role, city: Any) -> None:
    keys, shapes = city["vendor_points"]
    order = matrix(city["school_gates"][1], shapes).argsort(axis=1)[:, :2]
    expected = {keys[place] for place in order.ravel()}
    assert ids(admin, "vendor_points", "nearest('school_gates', 2)") == expected


def test_inside_goes_by_the_representative_point_and_overlaps_by_the_shape(admin: Role, city: Any) -> None:
    builds, zones = city["illegal_builds"], city["control_lines"][1]
    pairs = list(zip(*builds, strict=True))
    inside = {key for key, shape in pairs if any(zone.covers(shape.representative_point()) for zone in zones)}
    overlaps = {key for key, shape in pairs if any(zone.intersection(shape).area > 0 for zone in zones)}
    assert ids(admin, "illegal_builds", "inside('control_lines')") == inside
    assert ids(admin, "illegal_builds", "overlaps('control_lines')") == overlaps
    assert inside < overlaps
    assert ids(admin, "illegal_builds", f"inside('control_lines', '{city['control_lines'][0][0]}')") == {
        key for key, shape in pairs if zones[0].covers(shape.representative_point())}


def test_overlap_is_measured_without_counting_twice(admin: Role, city: Any) -> None:
    whole = shapely.union_all(city["control_lines"][1])
    answer = admin.get("/collections/illegal_builds/items?limit=1000&properties=&compute=" + quote(
        "overlap_area('control_lines'), overlap_share('control_lines')"))
    assert answer.status_code == 200, answer.json
    shares, shapes = {}, dict(zip(*city["illegal_builds"], strict=True))
    for feature in answer.json["features"]:
        shape = shapes[feature["id"]]  # the answer's coordinates are rounded
        shared = shape.intersection(whole)
        area = sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in getattr(shared, "geoms", [shared])
                   if part.area)
        own = abs(sum(GEOD.geometry_area_perimeter(part)[0] for part in shape.geoms))
        properties = feature["properties"]
        assert properties["overlap_area_control_lines"] == pytest.approx(area, rel=1e-4, abs=1)
        assert properties["overlap_share_control_lines"] == pytest.approx(area / own, rel=1e-4, abs=1e-4)
        shares[feature["id"]] = area / own
    assert ids(admin, "illegal_builds", "overlap_share('control_lines') > 0.5") == {
        key for key, share in shares.items() if share > 0.5}


def test_crosses(admin: Role, city: Any) -> None:
    zones = city["control_lines"][1]
    assert ids(admin, "truck_routes", "crosses('control_lines')") == {
        key for key, shape in zip(*city["truck_routes"], strict=True) if any(shape.crosses(zone) for zone in zones)}


def test_the_same_of_a_past_moment(admin: Role, city: Any) -> None:
    for layer, condition in (("vendor_points", "near('school_gates', 500)"),
                             ("illegal_builds", "overlaps('control_lines')"),
                             ("illegal_builds", "inside('control_lines')"),
                             ("vendor_points", "nearest('school_gates', 1)"),
                             ("vendor_points", "count_within('school_gates', 900) > 1"),
                             ("vendor_points", "distance('school_gates') < 400"),
                             ("vendor_points", "around(POINT(113.38 31.69), 3000)")):
        now = ids(admin, layer, condition)
        assert ids(admin, layer, condition, as_of="2099-01-01") == now != set()
        assert ids(admin, layer, condition, as_of="2001-01-01") == set()


@pytest.mark.parametrize(("layer", "condition"), [
    ("vendor_points", "near('school_gates', 500)"), ("vendor_points", "near('truck_routes', 300)"),
    ("truck_routes", "near('truck_routes', 100)"), ("vendor_points", "near('vendor_points', 300, kind <> '01')"),
    ("illegal_builds", "overlaps('control_lines')"), ("illegal_builds", "inside('control_lines', area_m2 > 0)"),
    ("truck_routes", "crosses('control_lines')"),
])
def test_it_does_not_matter_from_which_side_it_is_asked(admin: Role, house: House, city: Any, layer: str,
                                                        condition: str) -> None:
    info, before = house.tables.metadata.info, house.tables.metadata.info.get("census")
    pieces = before.pieces if before else frozenset()
    found = []
    for mine, theirs, kept in ((1, 10**6, frozenset()), (1, 10**6, pieces), (10**6, 1, pieces)):
        sizes = dict.fromkeys(house.catalogue.layers, theirs) | {layer: mine}
        info["census"] = census.Census(sizes, kept, taken_at=float("inf"))
        found.append(ids(admin, layer, condition))
    info["census"] = before
    assert found[0] == found[1] == found[2] != set()


def plan(house: House, layer_id: str, condition: str, mine: float, theirs: float) -> list[dict[str, Any]]:
    """Every node of the plan of a count, as it is where the layer and the others are so large."""
    info = house.tables.metadata.info
    info.pop("census", None)
    census.take(house.db, house.tables.metadata)
    sizes = dict.fromkeys(house.catalogue.layers, theirs) | {layer_id: mine}
    info["census"] = census.Census(sizes, info["census"].pieces)
    layer, table = house.layer(layer_id), house.tables.layers[layer_id]
    query = parse({"filter": [condition]}, layer, house.catalogue)
    statement = select(func.count()).select_from(table).where(*sql.conditions(layer, table, query))
    compiled = statement.compile(house.db.engine, compile_kwargs={"render_postcompile": True})
    with house.db.raw() as driver:
        driver.execute("SET LOCAL enable_seqscan = off")
        row = driver.execute("EXPLAIN (FORMAT JSON) " + str(compiled), compiled.params).fetchone()
    assert row is not None
    found, waiting = [], [row[0][0]["Plan"]]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.get("Plans", [])
    return found


@pytest.mark.parametrize(("layer", "condition", "other"), [
    ("vendor_points", "near('school_gates', 50)", "school_gates"),
    ("vendor_points", "near('truck_routes', 50)", "truck_routes"),
    ("illegal_builds", "overlaps('control_lines')", "control_lines"),
    ("illegal_builds", "inside('control_lines')", "control_lines"),
    ("truck_routes", "crosses('control_lines')", "control_lines"),
    ("vendor_points", "count_within('school_gates', 50) > 1", "school_gates"),
    ("vendor_points", "distance('school_gates') < 50", "school_gates"),
])
def test_the_other_layers_index_is_used(house: House, analysed: None, layer: str, condition: str, other: str) -> None:
    used = {node.get("Index Name", "") for node in plan(house, layer, condition, 1e3, 1e6)}
    assert any(name.startswith((f"gx_{other}", f"{other}_piece")) for name in used), used


@pytest.mark.parametrize(("layer", "condition"), [
    ("vendor_points", "near('school_gates', 50, code = 'x')"),
    ("illegal_builds", "overlaps('control_lines', code = 'x')"),
    ("illegal_builds", "inside('control_lines', code = 'x')"),
    ("truck_routes", "crosses('control_lines', code = 'x')"),
    ("vendor_points", "nearest('school_gates', 1)"),
    ("illegal_builds", "S_INTERSECTS(geom, POINT(113.38 31.69))"),
    ("vendor_points", "S_INTERSECTS(geom, BBOX(113.38, 31.69, 113.39, 31.70))"),
    ("vendor_points", "around(POINT(113.38 31.69), 300)"),
])
def test_the_layers_own_index_is_used(house: House, analysed: None, layer: str, condition: str) -> None:
    used = {node.get("Index Name", "") for node in plan(house, layer, condition, 1e6, 1e3)}
    assert any(name.startswith(f"gx_{layer}") for name in used), used


def test_a_tile_of_a_question_about_another_layer_follows_that_layer(admin: Role, house: House, city: Any) -> None:
    shape = city["vendor_points"][1][7]
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(shape.x, shape.y)
    row, column = (int((0.5 + side / WORLD_M) * 2 ** 14) for side in (-y, x))
    address = f"/collections/vendor_points/tiles/WebMercatorQuad/14/{row}/{column}?filter=" + quote(
        "near('school_gates', 5, gate_name = 'new')")
    assert admin.get(address).status_code == 204
    rows = sample_rows(house, "school_gates", 301)[300:]
    rows[0] |= {"geom": ewkb(shape), "gate_name": "new"}
    store(house, "school_gates", rows)
    assert admin.get(address).status_code == 200
