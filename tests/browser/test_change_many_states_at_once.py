"""Somebody chooses records in the list, on the map or within an area, and gives them all one state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, any_feature, click_at, look_at, poll
from tests.browser.test_mark_a_sign import press

pytestmark = pytest.mark.browser


def open_list(page: Page, layer: str, size: tuple[int, int] = DESKTOP) -> None:
    if size == PHONE:
        page.click("#side-button")
    page.click("#tab-list")
    page.select_option("#list-layer", layer)
    expect(page.locator(f"#list-body [data-layer={layer}]").first).to_be_visible()


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (PHONE, "en", True)])
def test_rows_get_one_state_and_refusals_are_listed(
        visit: Callable[..., Page], size: tuple[int, int], language: str, dark: bool) -> None:
    page = visit("/map", size=size, language=language, dark=dark)
    open_list(page, "illegal_builds", size)
    boxes = page.locator("#list-body [data-pick]")
    boxes.nth(0).check()
    boxes.nth(5).click(modifiers=["Shift"])
    expect(page.locator("#pick-bar [data-number]")).to_contain_text("6")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    states = {one["properties"]["status"] for one in page.evaluate(
        "async () => (await (await fetch('/collections/illegal_builds/items?f=json&sortby=case_no&limit=6'))"
        ".json()).features")}
    if size == PHONE:
        page.click("[data-close-side]")
    page.select_option("#pick-bar select", "02")
    page.click("#pick-bar [data-pick-act=state]")
    expect(page.locator("#panel-body h2")).to_be_visible()
    assert page.locator("#panel-body .batch-refused li").count() > 0 or states <= {"01", "02"}
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator("#panel-body .alert button").click()
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("#pick-bar")).to_be_hidden()


def test_signs_are_chosen_by_shift_on_the_map_and_by_area(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    sign = any_feature(page, "rooftop_signs", "sortby=-sign_no")
    lon, lat = sign["geometry"]["coordinates"]
    look_at(page, lon, lat, 19)
    page.keyboard.down("Shift")
    click_at(page, lon, lat)
    page.keyboard.up("Shift")
    expect(page.locator("#pick-bar [data-number]")).to_contain_text("1")
    expect(page.locator("path.pick-mark")).to_have_count(1)
    expect(page.locator("#panel")).to_be_hidden()
    page.click("#pick-bar [data-pick-act=clear]")
    expect(page.locator("#pick-bar")).to_be_hidden()
    open_list(page, "rooftop_signs")
    page.click(".list-head [data-pick-act=area]")
    for x, y in ((-.0002, -.0002), (.0002, -.0002), (.0002, .0002), (-.0002, .0002)):
        click_at(page, lon + x, lat + y)
        page.wait_for_timeout(350)
    press(page, "finish")
    expect(page.locator("#pick-bar [data-number]")).to_be_visible()
    poll(page, "(id) => window.gisapp.draw.picks.chosen().includes(id)", sign["id"])
