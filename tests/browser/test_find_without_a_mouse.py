"""Search, filter and list by keyboard and screen reader: axe finds nothing in any of them, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, settled
from tests.browser.test_use_without_a_mouse import _findings

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)])
def test_nothing_is_found_fault_with(visit: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    page = visit(size=size, dark=dark)
    page.locator("#search-text").fill("路")
    page.locator("#search-list .found").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert _findings(page) == []
    page.locator("#search-text").fill("甲乙丙丁没有")
    page.locator("#search-list .found-note").first.wait_for()  # a busy server says besides that it did not search all
    assert _findings(page) == []
    page.keyboard.press("Escape")
    if size == PHONE:
        page.locator("#side-button").click()
    page.locator("#tab-filter").click()
    page.locator("[data-part=vendor_points] summary").click()
    page.locator("input[name='vendor_points.status'][value='02']").check()
    expect(page.locator("#note-filter")).to_be_visible()
    assert _findings(page) == []
    page.locator("#tab-list").click()
    page.select_option("#list-layer", "vendor_points")
    page.locator(".list-row[data-layer=vendor_points]").first.focus()
    assert _findings(page) == []


def test_the_page_of_the_list(visit: Callable[..., Page]) -> None:
    page = visit("/list/vendor_points")
    assert _findings(page) == []


def test_tabs_and_rows_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    page.locator("#tab-layers").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-filter")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="List")).to_have_attribute("aria-selected", "true")
    page.locator(".list-row").nth(1).wait_for()
    settled(page)
    row = page.locator(".list-row").nth(1)
    name = row.locator(".name").inner_text().splitlines()[0]  # photos are told below it
    row.press("Enter")
    expect(page.locator("#panel h2")).to_have_text(name)
