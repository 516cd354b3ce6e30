"""Slide through the days on which signs were removed: tiles, counts and link follow; by hand, step and by itself."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, hash_holds, poll, ready, until
from tests.browser.test_use_without_a_mouse import _findings

pytestmark = pytest.mark.browser

MATCHED = """async ([layer, query]) => (await (await fetch(
    `/collections/${layer}/items?f=json&limit=1&${query}`)).json()).numberMatched"""


def _open_slider(page: Page, size: tuple[int, int] = DESKTOP, layer: str = "rooftop_signs",
                 field: str = "removed_at", unit: str = "month") -> None:
    if size == PHONE:
        page.locator("#side-button").click()
    page.locator("#tab-times").click()
    page.select_option("#slide-layer", layer)
    page.select_option(f"[data-slide-field={layer}]", field)
    page.select_option("#slide-unit", unit)
    page.locator("#slide-open").click()
    page.locator("#time-bar rect").first.wait_for(state="attached")
    if size == PHONE:
        page.locator("[data-close-side]").click()


def _asked(page: Page, layer: str = "rooftop_signs") -> dict[str, list[str]]:
    asked = [urlsplit(url) for url in page.watch.requests]  # type: ignore[attr-defined]
    return [parse_qs(one.query) for one in asked if f"/{layer}/tiles/" in one.path][-1]


def _where(page: Page) -> dict[str, str]:
    return dict(page.evaluate("window.gisapp.filter.pairs()"))


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_a_step_narrows_tiles_counts_and_link(visit: Callable[..., Page], size: tuple[int, int],
                                              language: str) -> None:
    page = visit(size=size, language=language)
    _open_slider(page, size)
    assert _where(page) == {}
    page.locator("[data-slide=forth]").click()
    page.locator("[data-slide=forth]").click()
    ready(page)
    days = _where(page)["rooftop_signs.removed_at"]
    assert days[8:10] == "01"
    until(page, lambda: _asked(page) == {"removed_at": [days]})
    assert _asked(page, "illegal_builds") == {}
    wanted = page.evaluate(MATCHED, ["rooftop_signs", f"removed_at={days}"])
    expect(page.locator("[data-slide-count]")).to_contain_text(str(wanted))
    poll(page, "(count) => document.querySelector('[data-count=rooftop_signs]').textContent === String(count)", wanted)
    hash_holds(page, "slide=rooftop_signs/removed_at/month")
    page.reload()
    ready(page)
    expect(page.locator("[data-slide-window]")).to_have_text(days[:7])
    assert _where(page) == {"rooftop_signs.removed_at": days}
    page.locator("[data-slide=close]").click()
    expect(page.locator("#time-bar")).to_be_hidden()
    until(page, lambda: _where(page) == {})
    hash_holds(page, "slide=", there=False)


def test_thumbs_are_moved_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    _open_slider(page, unit="quarter")
    first = page.locator("input[data-slide=first]")
    first.focus()
    first.press("ArrowRight")
    poll(page, "() => window.gisapp.filter.pairs().length === 1")
    last = page.locator("input[data-slide=last]")
    last.focus()
    last.press("ArrowLeft")
    poll(page, "() => !window.gisapp.filter.pairs()[0][1].endsWith('..')")
    low, high = _where(page)["rooftop_signs.removed_at"].split("/")
    assert low < high
    assert _findings(page) == []
    page.get_by_role("button", name="All", exact=True).click()
    until(page, lambda: _where(page) == {})


def test_it_plays_by_itself_and_stops(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    _open_slider(page, unit="year")
    play = page.get_by_role("button", name="Play")
    # The page keeps the steps itself: who looks at it from outside may come too late.
    page.evaluate("""() => { window.steps = []; window.gisapp.filter.onChange(() => window.steps.push(
        [window.gisapp.filter.pairs()[0][1], document.querySelector('[data-slide=play]').ariaPressed])); }""")
    play.click()
    poll(page, "() => window.steps.length > 1")
    expect(play).to_have_attribute("aria-pressed", "false")  # at the end of all dates it stops
    steps = page.evaluate("window.steps")
    assert len({period for period, _ in steps}) == len(steps) == int(
        page.locator("input[data-slide=last]").get_attribute("max") or 0) + 1
    assert {pressed for _, pressed in steps} == {"true"}


def test_an_instant_is_asked_by_the_clock_of_the_office(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    _open_slider(page, field="found_at", unit="quarter")
    page.locator("[data-slide=forth]").click()
    first, last = _where(page)["rooftop_signs.found_at"].split("/")
    assert first.endswith("T16:00:00Z")
    assert last.endswith("T15:59:59Z")
    wanted = page.evaluate(MATCHED, ["rooftop_signs", f"found_at={first}/{last}"])
    assert wanted > 0
    expect(page.locator("[data-slide-count]")).to_contain_text(str(wanted))
    shown = page.locator("[data-slide-window]").inner_text()
    page.reload()
    ready(page)
    expect(page.locator("[data-slide-window]")).to_have_text(shown)


def test_permits_that_were_valid(visit: Callable[..., Page]) -> None:
    page = visit()
    _open_slider(page, layer="waste_sites", field="effective_from-effective_to", unit="quarter")
    page.locator("[data-slide=forth]").click()
    page.locator("[data-slide=forth]").click()
    where = _where(page)
    until, since = where["waste_sites.effective_from"], where["waste_sites.effective_to"]
    assert until.startswith("../")
    assert since.endswith("/..")
    wanted = page.evaluate(MATCHED, ["waste_sites", f"effective_from={until}&effective_to={since}"])
    assert wanted > 0
    expect(page.locator("[data-slide-count]")).to_contain_text(str(wanted))


def test_a_pan_loads_only_what_is_new(visit: Callable[..., Page]) -> None:
    page = visit("/map#z=16&at=113.38000,31.69000&layers=rooftop_signs,roads"
                 "&where=rooftop_signs.removed_at:2024-01-01/..&slide=rooftop_signs/removed_at/month")
    page.evaluate("window.gisapp.map.panBy([300, 0], {animate: false})")
    ready(page)
    page.evaluate("window.gisapp.map.panBy([-300, 0], {animate: false})")
    ready(page)
    tiles = [url for url in page.watch.requests if "/tiles/" in url]  # type: ignore[attr-defined]
    assert len(tiles) == len(set(tiles))
