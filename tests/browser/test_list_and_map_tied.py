"""The list beside the map: point at a row and the map shows it; point at the map and the row is marked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, click_at, poll, settled

pytestmark = pytest.mark.browser

MARKS = "() => document.querySelectorAll('.leaflet-overlay-pane path[stroke=\"#c1121f\"]').length"


def _list(page: Page, layer: str = "rooftop_signs", size: tuple[int, int] = DESKTOP) -> None:
    if size == PHONE:
        page.locator("#side-button").click()
    page.locator("#tab-list").click()
    page.select_option("#list-layer", layer)
    page.locator(f".list-row[data-layer={layer}]").first.wait_for()
    settled(page)


def _place(page: Page, number: int) -> list[float]:
    text = page.locator(".list-row").nth(number).get_attribute("data-point") or ""
    return [float(part) for part in text.split(",")]


def test_a_row_is_shown_on_the_map_while_pointed_at(visit: Callable[..., Page]) -> None:
    page = visit()
    _list(page)
    assert page.evaluate(MARKS) == 0
    page.locator(".list-row").nth(1).hover()
    poll(page, f"() => ({MARKS})() === 1")
    page.locator(".brand").hover()
    poll(page, "() => document.querySelectorAll('.leaflet-overlay-pane path').length === 0")
    page.locator(".list-row").nth(2).focus()
    poll(page, f"() => ({MARKS})() === 1")


def test_the_row_under_the_pointer_on_the_map_is_marked(visit: Callable[..., Page]) -> None:
    page = visit()
    _list(page)
    lon, lat = _place(page, 3)
    page.evaluate("([lon, lat]) => window.gisapp.map.setView([lat, lon], 19, { animate: false })", [lon, lat])
    settled(page)
    x, y = page.evaluate("() => { const box = window.gisapp.map.getContainer().getBoundingClientRect();"
                         "return [box.x + box.width / 2, box.y + box.height / 2]; }")
    page.mouse.move(x - 120, y - 120)
    page.mouse.move(x, y)
    expect(page.locator(".list-row.is-near")).to_have_count(1)
    expect(page.locator(".list-row.is-near")).to_have_attribute(
        "data-row", page.locator(".list-row").nth(3).get_attribute("data-row") or "")


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "en"), (PHONE, "zh")])
def test_a_chosen_row_is_opened_and_seen(visit: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    page = visit(size=size, language=language)
    _list(page, "illegal_builds", size)
    row = page.locator(".list-row").nth(4)
    name, place = row.locator(".name").inner_text().splitlines()[0], _place(page, 4)
    row.click()
    expect(page.locator("#panel h2")).to_have_text(name)
    poll(page, "([lon, lat]) => window.gisapp.map.getBounds().contains([lat, lon])", place)
    expect(page.locator(".list-row[aria-current=true] .name")).to_contain_text(name)


def test_a_click_on_the_map_marks_the_row(visit: Callable[..., Page]) -> None:
    page = visit()
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    _list(page)
    lon, lat = _place(page, 0)
    page.evaluate("([lon, lat]) => window.gisapp.map.setView([lat, lon], 19, { animate: false })", [lon, lat])
    settled(page)
    click_at(page, lon, lat)
    expect(page.locator(".list-row[aria-current=true]")).to_have_count(1)


def test_sorting_paging_and_only_what_is_in_view(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    _list(page)
    names = page.locator(".list-row .name")
    first = names.all_inner_texts()
    assert first == sorted(first)
    count = len(first)
    page.get_by_role("button", name="Show more").click()
    poll(page, "(count) => document.querySelectorAll('.list-row').length > count", count)
    assert len(set(names.all_inner_texts())) == names.count()
    page.select_option("[data-sort]", "-sign_no")
    poll(page, "(count) => document.querySelectorAll('.list-row').length === count", count)
    settled(page)
    assert names.all_inner_texts() == sorted(names.all_inner_texts(), reverse=True)
    lon, lat = _place(page, 0)
    before = int(page.locator(".list-count").get_attribute("data-matched") or 0)
    page.get_by_label("Only what the map shows now").check()
    settled(page)
    page.evaluate("([lon, lat]) => window.gisapp.map.setView([lat, lon], 17, { animate: false })", [lon, lat])
    poll(page, "(before) => { const count = document.querySelector('.list-count');"
               "return count && Number(count.dataset.matched) > 0 && Number(count.dataset.matched) < before; }", before)


def test_the_list_on_a_page_of_its_own(visit: Callable[..., Page]) -> None:
    page = visit("/list/truck_routes?status=01", language="en")
    expect(page.locator("h1")).to_have_text("Approved muck-truck routes")
    page.locator("thead a").first.click()
    expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
