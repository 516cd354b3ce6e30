"""Type a number, a name or coordinates into the bar: the map goes there and the panel opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, any_feature, poll, ready, until

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_a_sign_is_found_by_its_number(visit: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    page = visit(size=size, language=language)
    sign = any_feature(page, "rooftop_signs")
    lon, lat = sign["geometry"]["coordinates"]
    number = sign["properties"]["sign_no"]
    page.get_by_role("combobox", name="搜索" if language == "zh" else "Search").fill(number)
    page.locator("#search-list .found").first.wait_for()
    expect(page.locator("#search-list .found .name").first).to_have_text(number)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text(number)
    expect(page.locator("#search-list")).to_be_hidden()
    poll(page, "([lon, lat]) => window.gisapp.map.getBounds().contains([lat, lon])", [lon, lat])
    poll(page, "() => window.gisapp.map.getZoom() >= 17")


def test_a_result_of_a_layer_that_is_off_switches_it_on(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("window.gisapp.tree.show(['roads'])")
    area = any_feature(page, "squadron_territories")
    page.locator("#search-text").fill(area["properties"]["name"])
    page.locator("#search-list .found[data-layer=squadron_territories]").first.click()
    expect(page.locator("#panel h2")).to_have_text(area["properties"]["name"])
    until(page, lambda: sorted(page.evaluate("window.gisapp.tree.shown()")) == ["roads", "squadron_territories"])


@pytest.mark.parametrize("text", ["113.38000, 31.69000", "31.69 113.38", "441217.48, 3507645.44"])
def test_coordinates_lead_to_their_place(visit: Callable[..., Page], text: str) -> None:
    page = visit(language="en")
    page.locator("#search-text").fill(text)
    page.get_by_role("option", name="Go to this place").wait_for()
    page.keyboard.press("Enter")
    poll(page, "() => window.gisapp.map.getCenter().distanceTo([31.69, 113.38]) < 20")


def test_nothing_found_is_said_and_escape_closes(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#search-text").fill("没有这样的东西甲乙丙")
    expect(page.locator("#search-list")).to_contain_text("没有找到")
    page.keyboard.press("Escape")
    expect(page.locator("#search-list")).to_be_hidden()


def test_markup_that_is_searched_stays_text(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#search-text").fill("<img src=x onerror=hacked=1>")
    expect(page.locator("#search-list")).to_be_visible()
    assert page.locator("#search-list img").count() == 0
    assert page.evaluate("window.hacked") is None
    ready(page)
