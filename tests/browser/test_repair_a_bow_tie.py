"""Somebody draws an outline that crosses itself, sees where and what a repair makes of it, and agrees."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe
from tests.browser.test_reshape_a_build import edit, now, open_on_map, some_build

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "skip"), [(DESKTOP, 5), (PHONE, 6)])
def test_a_bow_tie_is_repaired(visit: Callable[..., Page], size: tuple[int, int], skip: int) -> None:
    page = visit("/account", size=size)
    build = some_build(page, skip)
    open_on_map(page, "illegal_builds", build)
    edit(page)
    west, south = build["geometry"]["coordinates"][0][0][0]
    ring = [[west, south], [west + .0005, south + .0005], [west + .0005, south], [west, south + .0005], [west, south]]
    page.fill("#f-geom", json.dumps({"type": "Polygon", "coordinates": [ring]}))
    page.keyboard.press("Tab")
    expect(page.locator("#draw-bar [data-doubts] li")).to_contain_text("自相交")
    expect(page.locator("path.fault-mark")).to_be_visible()
    page.click("#panel-body .form-actions [type=submit]")
    expect(page.locator("#panel-body .alert-error")).to_contain_text("m²")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.click("#panel-body button[name=repair]")
    expect(page.locator("#panel-body .alert-success")).to_contain_text("已修复")
    assert len(now(page, "illegal_builds", build)["geometry"]["coordinates"]) == 2
    expect(page.locator("path.fault-mark")).to_have_count(0)
