"""Count builds by state and month: charts, tables, file, keyboard and phone; the numbers are those of the list."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, poll, until

pytestmark = pytest.mark.browser

MATCHED = """async ([layer, query]) => (await (await fetch(
    `/collections/${layer}/items?f=json&limit=1&${query}`)).json()).numberMatched"""


def _drawn(page: Page, charts: int = 1) -> None:
    """Wait until the charts are there, each with more than one colour on it."""
    poll(page, """(charts) => document.querySelectorAll('[data-chart] canvas').length >= charts""", charts)
    poll(page, """() => [...document.querySelectorAll('[data-chart] canvas')].every((one) => {
        const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height);
        const seen = new Set();
        for (let at = 0; at < data.length; at += 4 * 13) seen.add(data.slice(at, at + 4).join());
        return seen.size > 2; })""")


def _choose(page: Page, name: str, value: str) -> None:
    """Choose in the form, and wait until the page has followed."""
    with page.expect_response(lambda answer: f"{name}={value}" in answer.url):
        page.select_option(f"#st-{name}", value)
    poll(page, "([name, value]) => window.location.search.includes(`${name}=${value}`)"
               " && !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')", [name, value])


def _wrong(page: Page) -> list[str]:
    return [f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for one in Axe().run(page).response["violations"] for node in one["nodes"]]


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("GISAPP_TEST_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (PHONE, "en", True)])
def test_builds_by_state_and_month(visit: Callable[..., Page], size: tuple[int, int], language: str,
                                   dark: bool) -> None:
    page = visit("/statistics", size=size, language=language, dark=dark)
    for name, value in (("layer", "illegal_builds"), ("then", "found_at"), ("sum", "geom_area_m2")):
        _choose(page, name, value)
    expect(page.locator("[data-chart]")).to_have_count(2)
    _drawn(page, 2)
    rows = page.locator("[data-numbers] tbody tr")
    key = (rows.first.get_attribute("data-key") or "").split("|")
    assert len(key) == 2
    total = page.evaluate(MATCHED, ["illegal_builds", ""])
    expect(page.locator("[data-numbers] tfoot td").first).to_have_text(f"{total:,}")
    assert _wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    _picture(page, f"state_month_{language}")
    address = page.locator("a[href*='f=csv']").get_attribute("href")
    text = page.evaluate("async (url) => await (await fetch(url)).text()", address)
    lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert int(lines[-1][-2]) == total == sum(int(line[-2]) for line in lines[1:-1])


def test_the_map_carries_layer_and_filter(visit: Callable[..., Page]) -> None:
    page = visit("/map#where=vendor_points.status:02,03")
    page.locator("#tab-list").click()
    page.select_option("#list-layer", "vendor_points")
    link = page.locator("[data-statistics]")
    link.focus()
    until(page, lambda: parse_qs(urlsplit(link.get_attribute("href") or "").query) == {
        "layer": ["vendor_points"], "status": ["02,03"]})
    link.click()
    page.wait_for_url("**/statistics?**")
    _drawn(page)
    wanted = page.evaluate(MATCHED, ["vendor_points", "status=02,03"])
    expect(page.locator("[data-numbers] tfoot td").first).to_have_text(f"{wanted:,}")
    assert {row.split("|")[0] for row in page.locator("[data-numbers] tbody tr").evaluate_all(
        "(all) => all.map((one) => one.dataset.key)")} == {"02", "03"}


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_trend_hot_spots_and_keys(visit: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    page = visit("/statistics?layer=rooftop_signs&group=created_at&until=removed_at", size=size, language=language)
    _drawn(page)
    _picture(page, f"trend_{language}")
    expect(page.locator("#st-trend")).to_be_visible()
    chart = page.locator("[data-chart]").first
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_attribute("data-at", "0")
    _choose(page, "group", "hexagon")
    expect(page.locator("#st-side")).to_be_visible()
    _choose(page, "order", "-count")
    counts = poll(page, """() => {
        const cells = [...document.querySelectorAll('[data-numbers] tbody .number')];
        const found = cells.map((one) => Number(one.textContent));
        return found.every((one, place) => !place || one <= found[place - 1]) && found; }""")
    assert counts[0] > counts[-1]
    _drawn(page)
    expect(page.locator("[data-numbers] tbody a").first).to_have_attribute("href", re.compile(r"/map#z=17&at=113\.\d+"))
    _picture(page, f"hexagons_{language}")
    assert _wrong(page) == []


def test_a_refusal_stands_on_the_page(visit: Callable[..., Page]) -> None:
    page = visit("/account", role="viewer")
    answer = page.goto("/statistics?layer=illegal_builds&party_name=x")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("[role=alert]")).to_contain_text("party_name")
    page.watch.errors.clear()  # type: ignore[attr-defined]
