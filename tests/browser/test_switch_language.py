"""Switch the language: the view stays, every word changes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import hash_holds, look_at, poll, ready

pytestmark = pytest.mark.browser
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_the_view_is_kept(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("label", has=page.locator("input[data-layer=roads]")).click()
    look_at(page, 113.385, 31.692, 16)
    hash_holds(page, "z=16")
    before = page.evaluate("window.location.hash")
    page.locator("a.language").click()
    page.wait_for_url("**lang=en*")
    ready(page)
    poll(page, "(before) => window.location.hash === before", before)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("input[data-layer=roads]")).not_to_be_checked()


def forget_questions(page: Page) -> None:
    """Their names are in whatever language who asked them wrote."""
    page.locator("[data-layer-row^='q-']").evaluate_all("rows => rows.forEach((row) => row.remove())")


def test_english_is_english_and_is_remembered(visit: Callable[..., Page]) -> None:
    page = visit()
    page.locator("a.language").click()
    page.wait_for_url("**lang=en*")
    page.goto("/map")
    ready(page)
    forget_questions(page)
    words = page.locator("body").inner_text().replace("中", "", 1)  # the switch names the other language
    assert not CHINESE.search(words), CHINESE.findall(words)


def test_chinese_is_chinese(visit: Callable[..., Page]) -> None:
    page = visit()
    expect(page).to_have_title("地图 · 城管一张图")
    forget_questions(page)
    words = page.locator("#side").inner_text()
    assert not re.search("[A-Za-z]{4,}", words), words


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere"])
def test_other_pages_too(visit: Callable[..., Page], path: str) -> None:
    page = visit(path, role=None, language="en")
    assert not CHINESE.search(page.locator("main").inner_text())
    page.locator("a.language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert CHINESE.search(page.locator("main h1").inner_text())
    page.watch.errors[:] = [one for one in page.watch.errors if "404" not in one]  # type: ignore[attr-defined]
