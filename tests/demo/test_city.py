"""The demo city: made from its seed it equals the files; totals, topology and places hold."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from gisapp.demo.city import City, make_city
from gisapp.demo.files import read, records
from gisapp.demo.load import FOLDER, ORDER
from gisapp.demo.plan import WIDTHS
from gisapp.layers import Catalogue, Layer

ROOT = Path(__file__).resolve().parent.parent.parent
Records = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def files() -> Records:
    return {layer: read(FOLDER / f"{layer}.geojson") for layer in ORDER}


@pytest.fixture(scope="module")
def city() -> City:
    return make_city()


def shapes(found: list[dict[str, Any]]) -> Any:
    return shapely.from_geojson([json.dumps(f["geometry"]) if f["geometry"] else None for f in found])


def metres(geometries: Any) -> Any:
    """In EPSG:4547, easting and northing."""
    turn = Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True)
    return shapely.transform(geometries, lambda p: np.column_stack(turn.transform(p[:, 0], p[:, 1])))


def values(found: list[dict[str, Any]], field: str) -> list[Any]:
    return [f["properties"].get(field) for f in found]


@pytest.mark.parametrize("layer", ORDER)
def test_the_files_are_what_the_seed_gives(files: Records, city: City, layer: str) -> None:
    made = records(city.features[layer])
    assert [f["id"] for f in made] == [f["id"] for f in files[layer]]
    assert shapely.equals_exact(shapes(made), shapes(files[layer]), tolerance=2e-7).sum() == _drawn(made)
    for new, old in zip(made, files[layer], strict=True):
        plain = {k: v for k, v in new["properties"].items() if not isinstance(v, dict)}
        assert plain == {k: v for k, v in old["properties"].items() if not isinstance(v, dict)}


def _drawn(found: list[dict[str, Any]]) -> int:
    return sum(f["geometry"] is not None for f in found)


def test_signs_are_145_and_12073_square_metres(files: Records) -> None:
    signs = files["rooftop_signs"]
    assert len(signs) == 145
    assert sum(round(area * 100) for area in values(signs, "area_m2")) == 1_207_300
    assert set(values(signs, "status")) == {"07"}
    for p in (f["properties"] for f in signs):
        assert p["area_m2"] == pytest.approx(p["width_m"] * p["height_m"] * p["faces"], abs=0.006)
        assert p["found_at"][:10] <= p["removed_at"]


def test_vendor_points_are_21_with_the_kinds_of_the_reports(files: Records) -> None:
    names = values(files["vendor_points"], "name")
    assert len(names) == 21
    for word in ("京泰夜市", "宫涵疏导点", "钟楼巷小修小补"):
        assert any(name.startswith(word) and name.endswith("（虚构）") for name in names)
    assert {"01", "03", "06"} <= set(values(files["vendor_points"], "kind"))


def test_40_construction_sites_of_82_companies(files: Records) -> None:
    sites = files["waste_sites"]
    assert Counter(values(sites, "site_kind"))["01"] == 40
    firms = {name for field in ("builder", "contractor", "operator") for name in values(sites, field)}
    firms |= set(values(files["truck_routes"], "company_name"))
    assert len(firms - {None}) == 82
    assert all(name.endswith("（虚构）") for name in firms - {None})


def test_a_good_1800_square_metres_were_demolished(files: Records) -> None:
    removed = [area for area in values(files["illegal_builds"], "removed_area_m2") if area]
    assert 1800 < sum(removed) < 1900
    for p in (f["properties"] for f in files["illegal_builds"]):
        assert ("removed_at" in p) == ("removed_area_m2" in p) == ("removal_method" in p)
        assert p["status"] in {"07", "11"} or "removed_at" not in p
        assert p["status"] != "07" or "removed_at" in p


def test_unmeasured_builds_are_marked_by_a_point(files: Records) -> None:
    bare = [f for f in files["illegal_builds"] if f["geometry"] is None]
    assert 20 < len(bare) < 100
    assert all(f["properties"]["mark_point"]["type"] == "Point" for f in bare)


def test_everything_says_that_it_is_synthetic(files: Records) -> None:
    assert all(f["properties"]["synthetic"] is True for found in files.values() for f in found)
    ids = [f["id"] for found in files.values() for f in found]
    assert len(ids) == len(set(ids))


def test_persons_and_phones_cannot_exist(files: Records, catalogue: Catalogue) -> None:
    for layer in ORDER:
        personal = [field.id for field in catalogue.layers[layer].fields if field.personal]
        for field in personal:
            for value in values(files[layer], field):
                assert value is None or value.startswith(("演示", "000-")), (layer, field, value)


@pytest.mark.parametrize("layer", ORDER)
def test_properties_fit_the_layer_file(files: Records, catalogue: Catalogue, layer: str) -> None:
    declared = catalogue.layers[layer]
    for feature in files[layer]:
        _check(declared, catalogue, feature["properties"])
        if feature["geometry"] is not None:
            assert feature["geometry"]["type"] == declared.geometry


def _check(layer: Layer, catalogue: Catalogue, given: dict[str, Any]) -> None:
    second = {layer.second_geometry.id} if layer.second_geometry else set()
    assert set(given) <= {f.id for f in layer.fields} | {"status", "synthetic"} | second
    if layer.states:
        assert given["status"] in {s.id for s in layer.states}
    for field in layer.fields:
        value = given.get(field.id)
        assert value is not None or not field.required, field.id
        if value is not None and field.codelist:
            codes = {code.id for code in catalogue.codelists[field.codelist].codes}
            assert set(value if isinstance(value, list) else [value]) <= codes, (field.id, value)
        if isinstance(value, str) and field.max_length:
            assert len(value) <= field.max_length, (field.id, value)


@pytest.mark.parametrize("layer", ORDER)
def test_geometries_are_valid(files: Records, layer: str) -> None:
    found = shapes(files[layer])
    found = found[~shapely.is_missing(found)]
    assert shapely.is_valid(found).all()
    assert not shapely.is_empty(found).any()


@pytest.mark.parametrize("layer", ["districts", "streets", "communities", "unit_grids"])
def test_territories_leave_no_gap_and_no_overlap(files: Records, layer: str) -> None:
    parts = shapely.get_parts(shapes(files[layer]))
    assert shapely.coverage_is_valid(parts)
    whole = shapely.coverage_union_all(shapely.get_parts(shapes(files["districts"])))
    assert shapely.coverage_union_all(parts).equals(whole)


def test_grids_make_up_communities_exactly(files: Records) -> None:
    below = list(zip(values(files["unit_grids"], "code"), shapes(files["unit_grids"]), strict=True))
    for code, shape in zip(values(files["communities"], "code"), shapes(files["communities"]), strict=True):
        parts = [shapely.get_parts(s)[0] for c, s in below if c.startswith(code)]
        assert shapely.coverage_union_all(parts).equals(shape), code


def test_grids_are_numbered_north_to_south_and_west_to_east(files: Records) -> None:
    codes = values(files["unit_grids"], "code")
    assert all(len(code) == 15 for code in codes) and len(set(codes)) == len(codes)
    groups: dict[str, list[int]] = {}
    for code in codes:
        groups.setdefault(code[:12], []).append(int(code[12:]))
    assert all(sorted(serials) == list(range(1, len(serials) + 1)) for serials in groups.values())


def test_grids_in_town_have_about_a_hectare(files: Records, city: City) -> None:
    areas = np.array(values(files["unit_grids"], "area_m2"))
    assert 8_000 < np.median(areas) < 16_000


def test_buildings_keep_off_roads_water_and_each_other(city: City) -> None:
    built = [b.shape for b in city.built]
    roads = shapely.union_all([
        shapely.LineString(e.points).buffer(WIDTHS[e.kind] / 2 - 0.1) for e in city.net.edges
    ])  # fmt: skip
    shapely.prepare(roads)
    assert not shapely.intersects(roads, built).any()
    assert not shapely.intersects(city.plan.river, built).any()
    pairs = shapely.STRtree(built).query(built, predicate="intersects")
    assert (pairs[0] == pairs[1]).all()


def test_routes_follow_the_roads_point_by_point(files: Records) -> None:
    steps = {step for line in shapely.get_parts(shapes(files["roads"])) for step in _steps(line)}
    for route in shapely.get_parts(shapes(files["truck_routes"])):
        assert all(step in steps for step in _steps(route))


def _steps(line: Any) -> list[frozenset[tuple[float, float]]]:
    points = [tuple(p) for p in shapely.get_coordinates(line)]
    return [frozenset(pair) for pair in itertools.pairwise(points)]


def test_routes_lead_from_their_site_to_a_disposal_site_and_back(files: Records) -> None:
    numbers = values(files["waste_sites"], "site_no")
    sites = dict(zip(numbers, metres(shapes(files["waste_sites"])), strict=True))
    for feature, line in zip(files["truck_routes"], metres(shapes(files["truck_routes"])), strict=True):
        p = feature["properties"]
        ends = [sites[p["origin_site_no"]], sites[p["disposal_site_no"]]]
        points = shapely.points(shapely.get_coordinates(line)[[0, -1]])
        for site, point in zip(ends if p["leg"] == "01" else ends[::-1], points, strict=True):
            assert site.distance(point) < 60


def test_signs_stand_on_roofs_and_vendors_off_buildings(files: Records) -> None:
    roofs = shapely.STRtree(shapes(files["buildings"]))
    signs = shapes(files["rooftop_signs"])
    assert len(np.unique(roofs.query(signs, predicate="within")[0])) == len(signs)
    assert len(roofs.query(shapes(files["vendor_points"]), predicate="within")[0]) == 0
