"""A link holds zoom, place, layers and the open feature; nonsense in it does no harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import hash_holds, poll, ready

pytestmark = pytest.mark.browser


def test_a_link_restores_place_and_layers(visit: Callable[..., Page]) -> None:
    page = visit("/map#z=16&at=113.39000,31.69500&layers=roads,truck_routes")
    assert page.evaluate("window.gisapp.map.getZoom()") == 16
    centre = page.evaluate("[window.gisapp.map.getCenter().lng, window.gisapp.map.getCenter().lat]")
    assert centre == pytest.approx([113.39, 31.695], abs=1e-4)
    assert page.evaluate("window.gisapp.tree.shown()") == ["truck_routes", "roads"]


def test_switching_a_layer_is_written_into_the_link(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("label", has=page.locator("input[data-layer=vendor_points]")).click()
    hash_holds(page, "vendor_points", there=False)
    page.locator("label", has=page.locator("input[data-layer=unit_grids]")).click()
    hash_holds(page, "unit_grids")
    page.reload()
    ready(page)
    assert page.locator("input[data-layer=unit_grids]").is_checked()
    assert not page.locator("input[data-layer=vendor_points]").is_checked()


def test_an_edited_link_is_followed(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("window.location.hash = '#z=18&at=113.38000,31.69000&layers=roads'")
    poll(page, "() => window.gisapp.map.getZoom() === 18")
    ready(page)
    assert page.evaluate("window.gisapp.tree.shown()") == ["roads"]


@pytest.mark.parametrize("wrong", [
    "#z=abc&at=1,2", "#z=14&at=999,999", "#at=,&z=&layers=", "#layers=<script>&open=../../x/1", "#%E0%A4%A",
    "#where=datetime:2024-99-99/..;x.y:1;rooftop_signs.status:<b>;:;datetime:2025-01-01/2024-01-01;",
    "#open=no_such_layer/7c9e6679-7425-40de-944b-e07fc1f90ae7",
])
def test_nonsense_opens_the_map_all_the_same(visit: Callable[..., Page], wrong: str) -> None:
    page = visit("/map" + wrong, language="en")
    expect(page.locator("canvas.leaflet-tile").first).to_be_attached()
    if "no_such_layer" in wrong:
        expect(page.locator("#panel .alert")).to_be_visible()
        page.watch.errors.clear()  # type: ignore[attr-defined]


def test_a_link_restores_the_filter(visit: Callable[..., Page]) -> None:
    where = "where=datetime:2020-01-01/..;rooftop_signs.status:02,03"
    page = visit(f"/map#z=15&at=113.38000,31.69000&layers=rooftop_signs&{where}")
    assert page.evaluate("window.gisapp.filter.pairs()") == [
        ["datetime", "2020-01-01/.."], ["rooftop_signs.status", "02,03"]]
    tiles = [url for url in page.watch.requests if "/rooftop_signs/tiles/" in url]  # type: ignore[attr-defined]
    assert tiles
    assert all(url.endswith("?datetime=2020-01-01%2F..&status=02%2C03") for url in tiles)
    hash_holds(page, where)
    page.locator("#tab-filter").click()
    expect(page.locator("#filter-from")).to_have_value("2020-01-01")
    ticked = page.locator("#filter-form input:checked")
    assert ticked.evaluate_all("(all) => all.map((one) => one.value)") == ["02", "03"]
    page.evaluate("window.location.hash = '#z=15&at=113.38000,31.69000&layers=rooftop_signs'")
    poll(page, "() => window.gisapp.filter.pairs().length === 0")
    expect(page.locator("#filter-form input:checked")).to_have_count(0)
