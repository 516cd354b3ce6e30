"""Act: give the map the whole screen. What lies on it comes along, a click still tells what is there, Escape leaves."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature, click_at, look_at, poll, ready

FULL = "() => document.fullscreenElement?.id === 'map-shell'"


def test_notes_handle_and_panel_come_along(visit: Callable[..., Page]) -> None:
    page = visit("/map#time=swipe:@2026-01-01/@")
    sign = any_feature(page, "rooftop_signs", "synthetic=true")
    page.click(".leaflet-control-zoom-fullscreen")
    poll(page, FULL)
    expect(page.locator("#note-times")).to_be_visible()
    expect(page.locator("#swipe [role=slider]")).to_be_visible()
    expect(page.locator("#side")).to_be_hidden()
    poll(page, "() => document.querySelector('.folium-map').getBoundingClientRect().width === window.innerWidth")
    page.click("#note-times [data-back-to-now]")
    look_at(page, *sign["geometry"]["coordinates"], 18)
    click_at(page, *sign["geometry"]["coordinates"])
    expect(page.locator("#panel h2")).to_be_visible()
    page.click(".leaflet-control-zoom-fullscreen")
    poll(page, "() => !document.fullscreenElement")
    expect(page.locator("#side")).to_be_visible()


def test_left_by_escape_it_can_be_filled_again(visit: Callable[..., Page]) -> None:
    page = visit()
    button = page.locator(".leaflet-control-zoom-fullscreen")
    title = button.get_attribute("title")
    button.click()
    poll(page, FULL)
    page.evaluate("document.exitFullscreen()")  # as the browser does at Escape
    poll(page, "() => !document.fullscreenElement")
    expect(page.locator("#side")).to_be_visible()
    expect(button).to_have_attribute("title", title or "")
    ready(page)
    button.click()
    poll(page, FULL)
