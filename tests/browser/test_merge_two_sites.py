"""A reviewer unites two waste sites in one, and takes it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, until
from tests.browser.test_change_many_states_at_once import open_list

pytestmark = pytest.mark.browser


def _there(page: Page, feature: dict[str, Any]) -> int:
    status: int = page.evaluate("async (id) => (await fetch(`/collections/waste_sites/items/${id}?f=json`)).status",
                                feature["id"])
    return status


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_two_sites_become_one_and_two_again(visit: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    page = visit("/map", role="reviewer", size=size, language=language)
    open_list(page, "waste_sites", size)
    boxes = page.locator("#list-body [data-pick]")
    for at in (0, 1):
        boxes.nth(at).check()
    ids = page.evaluate("window.gisapp.draw.picks.chosen()")
    if size == PHONE:
        page.click("[data-close-side]")
    page.click("#pick-bar [data-pick-act=merge]")
    expect(page.locator("#panel-body .merge-form h2")).to_be_focused()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator("#panel-body input[name=keep]").nth(1).check()
    page.click("#panel-body .merge-form [type=submit]")
    expect(page.locator(f"#panel-body [data-feature='{ids[1]}']")).to_be_visible()
    expect(page.locator("#panel-body .alert-success")).to_be_visible()
    expect(page.locator("#pick-bar")).to_be_hidden()
    gone = {"id": ids[0]}
    page.watch.errors.clear()  # type: ignore[attr-defined]
    until(page, lambda: _there(page, gone) == 404)
    page.watch.errors.clear()  # type: ignore[attr-defined]
    page.locator("#panel-body .alert-success button").click()
    expect(page.locator("#panel-body .alert-success")).to_have_count(0)
    until(page, lambda: _there(page, gone) == 200)
    page.watch.errors[:] = [one for one in page.watch.errors if "404" not in one]  # type: ignore[attr-defined]


def test_an_inspector_cannot_merge(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    open_list(page, "waste_sites")
    for at in (0, 1):
        page.locator("#list-body [data-pick]").nth(at).check()
    expect(page.locator("#pick-bar [data-pick-act=state]")).to_be_visible()
    expect(page.locator("#pick-bar [data-pick-act=merge]")).to_be_hidden()
