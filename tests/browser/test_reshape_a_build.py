"""Somebody corrects the shape of what is on the map, sets its state, deletes it and brings it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Axe, any_feature, poll, ready, settled, until
from tests.browser.test_mark_a_sign import press, save

pytestmark = pytest.mark.browser


def flat(coordinates: Any) -> list[float]:
    """All numbers of nested coordinates."""
    return [number for one in coordinates for number in flat(one)] if isinstance(coordinates, list) else [coordinates]


def open_on_map(page: Page, layer: str, feature: dict[str, Any]) -> None:
    """The map with the feature's panel, near enough to draw."""
    point = feature["geometry"]["coordinates"]
    while isinstance(point[0], list):
        point = point[0]
    if urlsplit(page.url).path == "/map":
        page.goto("about:blank")  # from there the map is loaded anew
    page.goto(f"/map#z=18&at={point[0]},{point[1]}&layers={layer}&open={layer}/{feature['id']}")
    ready(page)
    expect(page.locator("#panel-body [data-feature]")).to_be_visible()


def pull(page: Page, handle: Locator, x: int, y: int) -> None:
    """Drag a handle by so many pixels."""
    box = handle.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y, steps=5)
    page.mouse.up()


def edit(page: Page) -> None:
    """Open the form beside the map."""
    page.locator("#panel-body .panel-actions a:has-text('编辑')").click()
    expect(page.locator("#panel-body [data-feature-form]")).to_be_visible()
    poll(page, "() => Boolean(window.gisapp.draw.draft.shape())")
    settled(page)


def some_build(page: Page, skip: int = 0) -> dict[str, Any]:
    """A build with an outline."""
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await (await fetch('/collections/illegal_builds/items?limit=50&f=json')).json()).features")
    return [one for one in found if one["geometry"]["type"] == "MultiPolygon"][skip]


def _outline(page: Page) -> Any:
    return json.loads(page.input_value("#f-geom"))


def now(page: Page, layer: str, feature: dict[str, Any]) -> dict[str, Any]:
    return any_feature(page, layer, f"ids={feature['id']}")


def test_a_build_is_reshaped(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    build = some_build(page)
    open_on_map(page, "illegal_builds", build)
    edit(page)
    pull(page, page.locator(".leaflet-marker-icon.marker-icon:not(.marker-icon-middle)").first, 30, 18)
    until(page, lambda: _outline(page) != build["geometry"])
    shape = _outline(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    press(page, "undo")
    until(page, lambda: _outline(page) == build["geometry"])
    press(page, "redo")
    until(page, lambda: _outline(page) == shape)
    save(page)
    after = now(page, "illegal_builds", build)
    assert flat(after["geometry"]["coordinates"]) == pytest.approx(flat(shape["coordinates"]), abs=2e-7)
    assert after["properties"]["version"] == build["properties"]["version"] + 1


def test_a_sign_is_moved_by_typing(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    sign = any_feature(page, "rooftop_signs", "sortby=sign_no")
    open_on_map(page, "rooftop_signs", sign)
    edit(page)
    lon = round(sign["geometry"]["coordinates"][0] + 0.0003, 7)
    page.fill("#f-geom-lon", str(lon))
    page.keyboard.press("Tab")
    poll(page, "(lon) => window.gisapp.draw.draft.shape().coordinates[0] === lon", lon)
    save(page)
    assert now(page, "rooftop_signs", sign)["geometry"]["coordinates"][0] == lon


def test_giving_up_changes_nothing(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    build = some_build(page, 1)
    open_on_map(page, "illegal_builds", build)
    edit(page)
    pull(page, page.locator(".leaflet-marker-icon.marker-icon:not(.marker-icon-middle)").first, 30, 18)
    page.click("#panel-body [data-act=leave-form]")
    expect(page.locator("#panel-body [data-feature]")).to_be_visible()
    expect(page.locator("#draw-bar")).to_be_hidden()
    assert now(page, "illegal_builds", build) == build


def test_a_crossing_outline_shows_where(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    build = some_build(page, 2)
    open_on_map(page, "illegal_builds", build)
    edit(page)
    west, south = build["geometry"]["coordinates"][0][0][0]
    ring = [[west, south], [west + 0.001, south + 0.001], [west + 0.001, south], [west, south + 0.001], [west, south]]
    page.fill("#f-geom", json.dumps({"type": "Polygon", "coordinates": [ring]}))
    page.click("#panel-body .form-actions [type=submit]")
    expect(page.locator("#panel-body .alert-error")).to_be_visible()
    expect(page.locator("path.fault-mark")).to_be_visible()


def test_one_click_sets_the_state(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    build = any_feature(page, "illegal_builds", "status=01&sortby=-case_no")
    open_on_map(page, "illegal_builds", build)
    button = page.locator("#panel-body [data-act=state]").first
    state = button.get_attribute("data-state")
    button.click()
    expect(page.locator(f"#panel-body [data-version='{build['properties']['version'] + 1}']")).to_be_visible()
    assert now(page, "illegal_builds", build)["properties"]["status"] == state
