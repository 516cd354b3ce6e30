"""Loading the demo city: once, whole, with territory, history and counts; growing it keeps codes apart."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gisapp.demo import load_demo
from gisapp.demo.grow import BASE, shares, tile_count, tiles
from gisapp.demo.load import ORDER
from gisapp.house import House
from gisapp.migrate import compare


@pytest.fixture(scope="module")
def loaded(owner: House) -> dict[str, int]:
    return load_demo(owner)


def ask(house: House, question: str) -> list[Any]:
    with house.db.read() as connection:
        return [tuple(row) for row in connection.execute(text(question))]


def test_every_layer_comes_in_once(owner: House, loaded: dict[str, int]) -> None:
    assert set(loaded) == set(ORDER)
    assert load_demo(owner) == {}
    for layer, count in loaded.items():
        [row] = ask(owner, f"SELECT count(*), bool_and(synthetic), min(version) FROM layers.{layer}")
        assert row == (count, True, 1)


def test_totals_in_the_database(owner: House, loaded: dict[str, int]) -> None:
    [(signs, area)] = ask(owner, "SELECT count(*), sum(area_m2) FROM layers.rooftop_signs")
    assert (signs, float(area)) == (145, 12073.0)
    [(removed,)] = ask(owner, "SELECT sum(removed_area_m2) FROM layers.illegal_builds")
    assert 1800 < removed < 1900


@pytest.mark.parametrize("layer", ["illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes",
                                   "buildings", "school_gates"])
def test_territory_is_what_the_trigger_would_set(owner: House, loaded: dict[str, int], layer: str) -> None:
    shown = "coalesce(f.geom, f.mark_point)" if layer == "illegal_builds" else "f.geom"
    codes = "{0}.district_code, {0}.street_code, {0}.community_code, {0}.grid_code, {0}.squadron_code"
    wrong = ask(owner, f"SELECT f.id FROM layers.{layer} AS f, gisapp.territory(gisapp.place_of({shown})) AS t"
                       f" WHERE ({codes.format('f')}) IS DISTINCT FROM ({codes.format('t')}) OR f.grid_code IS NULL")
    assert wrong == []


def test_history_and_counts_are_kept(owner: House, loaded: dict[str, int]) -> None:
    for layer, count in loaded.items():
        [row] = ask(owner, f"SELECT count(*), min(operation), min(changed_by) FROM layers.{layer}_history")
        assert row == (count, "insert", "system")
    [(counted,)] = ask(owner, "SELECT sum(n) FROM gisapp.tile_counts WHERE layer = 'buildings' AND zoom = 12")
    assert counted == loaded["buildings"]


def test_growing_fills_further_tiles(owner: House, loaded: dict[str, int]) -> None:
    wanted = {"illegal_builds": 800, "rooftop_signs": 250, "truck_routes": 120}
    grown = load_demo(owner, only=wanted)
    for layer, count in wanted.items():
        assert grown[layer] == count - BASE[layer]
        assert ask(owner, f"SELECT count(*), count(grid_code) FROM layers.{layer}") == [(count, count)]
    assert ask(owner, "SELECT count(*) FROM layers.districts") == [(4,)]
    assert load_demo(owner, only=wanted) == {}


def test_putting_indexes_aside_leaves_the_tables_as_declared(owner: House, loaded: dict[str, int]) -> None:
    from gisapp.sql import bulk as sql_bulk


    pair = (owner.tables.layers["school_gates"], owner.tables.history["school_gates"])
    with owner.db.begin("system") as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert sql_bulk.copy_in(driver, owner.layer("school_gates"), pair, "system", [], many=True) == 0
    with owner.db.engine.connect() as connection:
        assert compare(connection, owner.catalogue, owner.tables) == []


def test_further_features_are_shared_out_exactly() -> None:
    for count, base, laid in ((999_576, 424, 98), (848, 424, 3), (0, 145, 1), (5, 80, 4)):
        assert sum(shares(count, base, laid)) == count
        assert min(shares(count, base, laid)) >= 0


def test_tiles_lie_edge_to_edge_around_the_first() -> None:
    laid = tiles(tile_count(2360))
    assert laid[0].east == laid[0].north == 0
    assert len({(t.east, t.north) for t in laid}) == len(laid) == 98
    assert max(abs(t.east) for t in laid) <= 36_000
