"""Somebody marks what is marked already: sees it while drawing and before saving, opens it, or saves anyway."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, any_feature, click_at, hash_holds, look_at
from tests.browser.test_mark_a_sign import begin, filled_sign

pytestmark = pytest.mark.browser


def beside(page: Page, size: tuple[int, int], order: str = "sign_no") -> dict[str, Any]:
    """A sign, and a new one drawn six metres from it."""
    sign = any_feature(page, "rooftop_signs", f"sortby={order}")
    lon, lat = sign["geometry"]["coordinates"]
    look_at(page, lon, lat, 20)
    begin(page, "rooftop_signs", size)
    click_at(page, lon + 0.00006, lat)
    expect(page.locator("#f-geom-lon")).not_to_have_value("")
    return sign


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (PHONE, "en", True)])
def test_the_neighbour_is_seen_and_the_sign_is_saved_anyway(
        visit: Callable[..., Page], size: tuple[int, int], language: str, dark: bool) -> None:
    page = visit("/map", size=size, language=language, dark=dark)
    sign = beside(page, size, "sign_no" if size == DESKTOP else "-found_at")
    expect(page.locator("#draw-bar [data-doubts] li").first).to_contain_text(sign["properties"]["sign_no"])
    number = filled_sign(page)
    page.click("#panel-body .form-actions [type=submit]")
    expect(page.locator("#panel-body .near-list")).to_contain_text(sign["properties"]["sign_no"])
    expect(page.locator("path.near-mark").first).to_be_attached()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.click("#panel-body button[name=known]")
    expect(page.locator("#panel-body [data-feature] h2")).to_have_text(number)
    expect(page.locator("path.near-mark")).to_have_count(0)


def test_the_neighbour_is_opened_instead(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    sign = beside(page, DESKTOP, "-area_m2")
    filled_sign(page)
    page.click("#panel-body .form-actions [type=submit]")
    page.locator("#panel-body .near-list").get_by_role("link", name=sign["properties"]["sign_no"]).click()
    expect(page.locator("#panel-body [data-feature] h2")).to_have_text(sign["properties"]["sign_no"])
    hash_holds(page, f"open=rooftop_signs/{sign['id']}")
    expect(page.locator("#draw-bar")).to_be_hidden()
