"""Tick two states: map, counts, list, clicks and the link follow, and clearing brings everything back."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import (
    DESKTOP,
    PHONE,
    any_feature,
    click_at,
    hash_holds,
    look_at,
    poll,
    ready,
    settled,
    until,
)

pytestmark = pytest.mark.browser

MATCHED = """async ([layer, query]) => (await (await fetch(
    `/collections/${layer}/items?f=json&limit=1&${query}`)).json()).numberMatched"""


def _matched(page: Page, layer: str, query: str = "") -> int:
    count: int = page.evaluate(MATCHED, [layer, query])
    return count


def _open_filter(page: Page, size: tuple[int, int]) -> None:
    if size == PHONE:
        page.locator("#side-button").click()
    page.locator("#tab-filter").click()
    page.locator("#filter-form").wait_for()


def _tick(page: Page, name: str, *values: str) -> None:
    part = page.locator(f"[data-part={name.split('.')[0]}]")
    if not part.evaluate("(one) => one.open"):
        part.locator("summary").click()
    for value in values:
        part.locator(f"input[name='{name}'][value='{value}']").check()
        settled(page)  # the form may be made anew


def _asked_of(page: Page, layer: str) -> list[dict[str, list[str]]]:
    """Questions of the layer's tiles, in the order that they were asked."""
    paths = [urlsplit(url) for url in page.watch.requests]  # type: ignore[attr-defined]
    return [parse_qs(one.query) for one in paths if f"/{layer}/tiles/" in one.path]


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_two_states_narrow_tiles_counts_and_link(visit: Callable[..., Page], size: tuple[int, int],
                                                 language: str) -> None:
    page = visit(size=size, language=language)
    whole = _matched(page, "vendor_points")
    _open_filter(page, size)
    _tick(page, "vendor_points.status", "02", "03")
    ready(page)
    wanted = _matched(page, "vendor_points", "status=02,03")
    assert 0 < wanted < whole
    page.locator("#tab-layers").click()
    expect(page.locator("[data-count=vendor_points]")).to_have_text(str(wanted))
    until(page, lambda: _asked_of(page, "vendor_points")[-1] == {"status": ["02,03"]})
    assert _asked_of(page, "illegal_builds")[-1] == {}
    hash_holds(page, "where=vendor_points.status:02,03")
    expect(page.locator("#filter-count")).to_have_text("1")
    if size == PHONE:
        page.locator("[data-close-side]").click()
    page.locator("#note-filter button").click()
    expect(page.locator("#note-filter")).to_be_hidden()
    ready(page)
    until(page, lambda: _asked_of(page, "vendor_points")[-1] == {})
    hash_holds(page, "where", there=False)
    expect(page.locator("[data-count=vendor_points]")).to_have_text(str(whole))


def test_a_click_finds_only_what_the_filter_leaves(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    sign = any_feature(page, "rooftop_signs", "status=07")
    lon, lat = sign["geometry"]["coordinates"]
    page.evaluate("window.gisapp.filter.set([['rooftop_signs.status', '01,02']])")
    look_at(page, lon, lat, 19)
    click_at(page, lon, lat)
    expect(page.locator("#panel h2")).to_be_visible()
    settled(page)
    expect(page.locator("#panel h2")).not_to_have_text(sign["properties"]["sign_no"])
    page.evaluate("window.gisapp.filter.set([])")
    settled(page)
    click_at(page, lon, lat)
    expect(page.locator("#panel h2")).to_have_text(sign["properties"]["sign_no"])


def test_district_street_and_period_narrow_every_business_layer(visit: Callable[..., Page]) -> None:
    page = visit()
    _open_filter(page, DESKTOP)
    district = page.locator("#filter-district option").nth(1).get_attribute("value") or ""
    page.select_option("#filter-district", district)
    streets = page.locator("#filter-street option:not([disabled])").evaluate_all("(all) => all.map((one) => one.value)")
    assert all(code.startswith(district) for code in streets if code)
    page.select_option("#filter-street", streets[1])
    page.locator("#filter-from").fill("2024-01-01")
    ready(page)
    for layer in ("rooftop_signs", "illegal_builds", "vendor_points"):
        wanted = {"district_code": [district], "street_code": [streets[1]], "datetime": ["2024-01-01/.."]}
        until(page, lambda layer=layer, wanted=wanted: _asked_of(page, layer)[-1] == wanted)
    assert _asked_of(page, "roads")[-1] == {}


def test_the_list_follows_the_filter(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("#tab-list").click()
    page.select_option("#list-layer", "vendor_points")
    expect(page.locator(".list-count")).to_have_attribute("data-matched", str(_matched(page, "vendor_points")))
    page.locator("#tab-filter").click()
    _tick(page, "vendor_points.status", "02")
    page.locator("#tab-list").click()
    expect(page.locator(".list-count")).to_have_attribute(
        "data-matched", str(_matched(page, "vendor_points", "status=02")))
    poll(page, "() => new Set("
               "[...document.querySelectorAll('.list-row .chip')].map((one) => one.textContent)).size === 1")
