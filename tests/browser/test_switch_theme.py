"""Switch between light, dark and the system's choice; the map follows at once and the browser remembers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gisapp.config import ROOT
from tests.browser.conftest import Axe, poll, ready

pytestmark = pytest.mark.browser
SHEET = (ROOT / "static/css/app.css").read_text("utf-8")
_BACK = "getComputedStyle(document.body).backgroundColor"


def _choose(page: Page, name: str) -> None:
    page.locator(".bar [data-menu] summary").click()
    page.locator(".themes").get_by_text(name, exact=True).click()


def test_the_two_dark_blocks_are_alike() -> None:
    system = re.search(r"prefers-color-scheme: dark\) \{\s*:root:not\(\[data-theme\]\) \{(.*?)\}", SHEET, re.DOTALL)
    chosen = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', SHEET, re.DOTALL)
    assert system
    assert chosen
    assert system[1].split() == chosen[1].split()


def test_dark_on_a_light_system_and_back(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    light = page.evaluate(_BACK)
    _choose(page, "Dark")
    poll(page, f"(light) => {_BACK} !== light", light)
    poll(page, """() => {
        const tile = document.querySelector('canvas.leaflet-tile-loaded');
        const { data } = tile.getContext('2d').getImageData(0, 0, 64, 64);
        return data[0] + data[1] + data[2] < 330;
    }""")
    assert Axe().run(page).response["violations"] == []
    page.reload()
    ready(page)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/account")
    expect(page.locator("html")).to_have_css("color-scheme", "dark")
    _choose(page, "As the system")
    poll(page, f"(light) => {_BACK} === light", light)
    page.reload()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_light_on_a_dark_system(visit: Callable[..., Page]) -> None:
    page = visit("/account", dark=True)
    _choose(page, "浅色")
    expect(page.locator("html")).to_have_css("color-scheme", "light")


def test_nonsense_in_the_cookie_is_the_system(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    page.evaluate("document.cookie = 'theme=\"><script>; Path=/'")
    page.reload()
    assert page.locator("html").get_attribute("data-theme") is None
