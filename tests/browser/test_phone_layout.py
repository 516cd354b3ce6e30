"""On a phone: sheets from below, one at a time, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, any_feature, click_at, look_at, poll

pytestmark = pytest.mark.browser


def _box(page: Page, selector: str) -> dict[str, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return {side: box[side] for side in ("x", "y", "width", "height")}


def test_nothing_is_wider_than_the_screen(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert _box(page, ".folium-map")["width"] == PHONE[0]


def test_the_layers_are_a_sheet(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE)
    expect(page.locator("#side")).to_be_hidden()
    page.locator("#side-button").click()
    expect(page.locator("#side")).to_be_visible()
    sheet = _box(page, "#side")
    assert sheet["width"] == PHONE[0]
    assert sheet["y"] + sheet["height"] == pytest.approx(PHONE[1], abs=1)
    assert _box(page, ".layer-line label >> nth=0")["height"] >= 44
    page.locator("[data-close-side]").click()
    expect(page.locator("#side")).to_be_hidden()


def test_the_selection_stays_above_the_sheet(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE)
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    lon, lat = any_feature(page, "rooftop_signs")["geometry"]["coordinates"]
    look_at(page, lon, lat, 18)
    page.evaluate("window.gisapp.map.panBy([0, -250], {animate: false})")  # now near the lower edge
    click_at(page, lon, lat)
    expect(page.locator("#panel h2")).to_be_visible()
    poll(page, """([lon, lat]) => {
        const { map } = window.gisapp;
        const y = map.latLngToContainerPoint([lat, lon]).y + map.getContainer().getBoundingClientRect().y;
        return y < document.getElementById('panel').getBoundingClientRect().y;
    }""", [lon, lat])


def test_the_panel_keeps_its_actions_at_the_foot(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE)
    build = any_feature(page, "illegal_builds")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'illegal_builds', id})", build["id"])
    expect(page.locator(".panel-actions")).to_be_visible()
    poll(page, "() => Math.abs(document.querySelector('.panel-actions').getBoundingClientRect().bottom"
               " - window.innerHeight) <= 2")
    page.locator("#side-button").click()
    expect(page.locator("#panel")).to_be_hidden()


def test_the_pages_are_in_the_account_menu(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE, role="admin", language="en")
    expect(page.locator(".tabs")).to_be_hidden()
    page.locator(".bar [data-menu] summary").click()
    expect(page.get_by_role("link", name="Administration")).to_be_visible()


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/admin/accounts", "/nowhere"])
def test_other_pages_fit_too(visit: Callable[..., Page], path: str) -> None:
    page = visit(path, size=PHONE, role=None if path == "/sign-in" else "admin")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.watch.errors[:] = [one for one in page.watch.errors if "404" not in one]  # type: ignore[attr-defined]
