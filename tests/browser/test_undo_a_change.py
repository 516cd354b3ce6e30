"""Somebody reads who changed a record, goes back to what it was, and brings back what was deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature, ready

pytestmark = pytest.mark.browser

_SEND = """async ([method, path, headers, body]) => {
    const { csrf_token } = await (await fetch('/session', { headers: { Accept: 'application/json' } })).json();
    const answer = await fetch(path, { method, body: body && JSON.stringify(body), headers: {
        'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': csrf_token, ...headers } });
    return answer.status;
}"""


def _send(page: Page, method: str, path: str, version: int, body: Any = None) -> int:
    status: int = page.evaluate(_SEND, [method, path, {"If-Match": f'"{version}"'}, body])
    return status


def _open_history(page: Page, layer: str, feature_id: str) -> None:
    page.goto(f"/map#open={layer}/{feature_id}")
    ready(page)
    page.locator("#panel").get_by_role("button", name=re.compile("历史|History")).click()
    expect(page.locator("#panel [data-history]")).to_be_visible()


def test_a_change_is_read_and_undone(visit: Callable[..., Page]) -> None:
    page = visit("/account", role="reviewer")
    sign = any_feature(page, "rooftop_signs")
    version, address = sign["properties"]["version"], f"/collections/rooftop_signs/items/{sign['id']}"
    assert _send(page, "PATCH", address, version, {"properties": {"remark": "改错了"}}) == 200
    _open_history(page, "rooftop_signs", sign["id"])
    newest = page.locator("#panel .history > li").first
    expect(newest).to_contain_text("改错了")
    expect(newest).to_contain_text("reviewer")
    page.get_by_role("button", name=f"回到版本 {version}", exact=True).click()
    expect(page.locator(f"#panel li[data-version='{version + 2}']")).to_be_visible()
    now = any_feature(page, "rooftop_signs", f"ids={sign['id']}")["properties"]
    assert (now["remark"], now["version"]) == (sign["properties"]["remark"], version + 2)


def test_a_deleted_record_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("/account", role="reviewer")
    sign = any_feature(page, "rooftop_signs", "sortby=-sign_no")
    version, address = sign["properties"]["version"], f"/collections/rooftop_signs/items/{sign['id']}"
    assert _send(page, "DELETE", address, version) == 204
    page.goto(f"/panel/rooftop_signs/{sign['id']}/history")
    expect(page.locator(".alert-warning")).to_be_visible()
    page.get_by_role("button", name=f"恢复版本 {version}", exact=True).click()
    expect(page.locator("main h2")).to_have_text(sign["properties"]["sign_no"])
    assert any_feature(page, "rooftop_signs", f"ids={sign['id']}")["geometry"] == sign["geometry"]


@pytest.mark.parametrize(("size", "dark"), [((1440, 900), False), ((390, 844), True)])
def test_it_fits_the_panel(visit: Callable[..., Page], size: tuple[int, int], dark: bool) -> None:
    page = visit("/account", role="inspector", size=size, dark=dark, language="en")
    build = any_feature(page, "illegal_builds")
    _open_history(page, "illegal_builds", build["id"])
    box = page.locator("#panel-body")
    assert box.evaluate("(e) => e.scrollWidth <= e.clientWidth")
