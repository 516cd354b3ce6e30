"""Somebody cuts a build in two by a line, and takes it back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, click_at, settled
from tests.browser.test_mark_a_sign import press
from tests.browser.test_reshape_a_build import flat, now, open_on_map, some_build

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "skip"), [(DESKTOP, 8), (PHONE, 9)])
def test_a_build_is_split_and_whole_again(visit: Callable[..., Page], size: tuple[int, int], skip: int) -> None:
    page = visit("/account", size=size)
    build = some_build(page, skip)
    open_on_map(page, "illegal_builds", build)
    numbers = flat(build["geometry"]["coordinates"])
    west, east, south, north = min(numbers[::2]), max(numbers[::2]), min(numbers[1::2]), max(numbers[1::2])
    page.evaluate("([w, s, e, n]) => window.gisapp.map.fitBounds([[s, w], [n, e]], {animate: false, maxZoom: 20,"
                  "paddingBottomRight: [0, window.innerWidth < 700 ? 400 : 0]})", [west, south, east, north])
    settled(page)
    page.click("#panel-body [data-act=split]")
    expect(page.locator("#draw-bar [data-hint]")).to_contain_text("画一条线")
    expect(page.locator("#panel")).to_be_visible(visible=size == DESKTOP)  # on a phone it makes room
    middle, reach = (west + east) / 2, (north - south) / 2
    for lat in (south - reach, north + reach):
        click_at(page, middle, lat)
        page.wait_for_timeout(350)
    press(page, "finish")
    expect(page.locator("#panel-body .alert-success")).to_contain_text("已分割为 2 块")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert now(page, "illegal_builds", build)["properties"]["version"] == build["properties"]["version"] + 1
    page.locator("#panel-body .alert-success").get_by_role("button", name="撤销").click()
    expect(page.locator(f"#panel-body [data-version='{build['properties']['version'] + 2}']")).to_be_visible()
    assert now(page, "illegal_builds", build)["geometry"] == build["geometry"]


def test_giving_up_keeps_the_panel(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    build = some_build(page, 10)
    open_on_map(page, "illegal_builds", build)
    page.click("#panel-body [data-act=split]")
    expect(page.locator("#draw-bar")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#draw-bar")).to_be_hidden()
    expect(page.locator("#panel-body [data-feature]")).to_be_visible()
