"""A reviewer deletes a record on the map and brings it back with the next click; an inspector has no such button."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature
from tests.browser.test_reshape_a_build import now, open_on_map

pytestmark = pytest.mark.browser


def test_a_deleted_sign_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("/account", role="reviewer")
    sign = any_feature(page, "rooftop_signs", "sortby=sign_no")
    open_on_map(page, "rooftop_signs", sign)
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#panel-body [data-act=delete]")
    expect(page.locator("#panel-body .alert")).to_contain_text("已删除")
    assert page.evaluate("(id) => fetch(`/collections/rooftop_signs/items?ids=${id}&f=json`)"
                         ".then((answer) => answer.json()).then((found) => found.numberReturned)", sign["id"]) == 0
    page.click("#panel-body .alert button")
    expect(page.locator("#panel-body [data-feature]")).to_be_visible()
    assert now(page, "rooftop_signs", sign)["geometry"] == sign["geometry"]


def test_an_inspector_cannot_delete(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    open_on_map(page, "rooftop_signs", any_feature(page, "rooftop_signs"))
    assert page.locator("#panel-body [data-act=delete]").count() == 0
