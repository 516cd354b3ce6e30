"""A link holds zoom, place, layers and the open feature; nonsense in it does no harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ready

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
    assert "vendor_points" not in page.evaluate("window.location.hash")
    page.locator("label", has=page.locator("input[data-layer=unit_grids]")).click()
    page.reload()
    ready(page)
    assert page.locator("input[data-layer=unit_grids]").is_checked()
    assert not page.locator("input[data-layer=vendor_points]").is_checked()


def test_an_edited_link_is_followed(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("window.location.hash = '#z=18&at=113.38000,31.69000&layers=roads'")
    ready(page)
    assert page.evaluate("window.gisapp.map.getZoom()") == 18
    assert page.evaluate("window.gisapp.tree.shown()") == ["roads"]


@pytest.mark.parametrize("wrong", [
    "#z=abc&at=1,2", "#z=14&at=999,999", "#at=,&z=&layers=", "#layers=<script>&open=../../x/1", "#%E0%A4%A",
    "#open=no_such_layer/7c9e6679-7425-40de-944b-e07fc1f90ae7",
])
def test_nonsense_opens_the_map_all_the_same(visit: Callable[..., Page], wrong: str) -> None:
    page = visit("/map" + wrong, language="en")
    expect(page.locator("canvas.leaflet-tile").first).to_be_attached()
    if "no_such_layer" in wrong:
        expect(page.locator("#panel .alert")).to_be_visible()
        page.watch.errors.clear()  # type: ignore[attr-defined]
