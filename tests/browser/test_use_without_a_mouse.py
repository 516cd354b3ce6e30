"""Everything outside the canvas works by keyboard and screen reader: axe finds nothing, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, any_feature, look_at, moved, poll

pytestmark = pytest.mark.browser


def _findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for one in found for node in one["nodes"]]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_map_page(visit: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    page = visit(size=size, dark=dark)
    assert _findings(page) == []
    build = any_feature(page, "illegal_builds")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'illegal_builds', id})", build["id"])
    expect(page.locator("#panel h2")).to_be_visible()
    assert _findings(page) == []


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/admin/accounts", "/imports", "/nowhere"])
@pytest.mark.parametrize("dark", [False, True])
def test_other_pages(visit: Callable[..., Page], path: str, dark: bool) -> None:
    page = visit(path, role=None if path == "/sign-in" else "admin", dark=dark)
    assert _findings(page) == []
    page.watch.errors[:] = [one for one in page.watch.errors if "404" not in one]  # type: ignore[attr-defined]


def test_the_first_tab_leads_to_the_content(visit: Callable[..., Page]) -> None:
    page = visit("/account", language="en")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_layer_is_switched_by_the_space_bar(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("input[data-layer=communities]").focus()
    page.keyboard.press("Space")
    poll(page, "() => window.gisapp.tree.shown().includes('communities')")


def test_the_map_moves_by_arrow_keys(visit: Callable[..., Page]) -> None:
    page = visit()
    before = page.evaluate("window.gisapp.map.getCenter().lng")
    page.locator(".folium-map").focus()
    page.keyboard.press("ArrowRight")
    moved(page, before)
    assert page.evaluate("window.gisapp.map.getCenter().lng") > before


def test_enter_tells_what_lies_in_the_middle(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    sign = any_feature(page, "rooftop_signs")
    look_at(page, *sign["geometry"]["coordinates"], 19)
    page.locator(".folium-map").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text(sign["properties"]["sign_no"])
    expect(page.locator("#panel h2")).to_be_focused()
