"""The map as it was yesterday, and what differs between yesterday and today: banner, counts, list, map and link."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, City, click_at, hash_holds, look_at, poll, ready, settled, until
from tests.browser.past import Sign, Since, day, end_of, since_yesterday
from tests.browser.test_use_without_a_mouse import _findings

pytestmark = pytest.mark.browser

COUNTS = """async ([layer, first, last]) => (await (await fetch(
    `/collections/${layer}/changes?from=${first}&to=${last}&limit=1`)).json()).counts"""


@pytest.fixture
def since(city: City) -> Since:
    return since_yesterday(city, __name__)


def _open_dates(page: Page, size: tuple[int, int] = DESKTOP) -> None:
    if size == PHONE:
        page.locator("#side-button").click()
    page.locator("#tab-times").click()


def _tiles(page: Page, layer: str) -> list[dict[str, list[str]]]:
    """Questions of the layer's tiles, in the order that they were asked."""
    asked = [urlsplit(url) for url in page.watch.requests]  # type: ignore[attr-defined]
    return [parse_qs(one.query) for one in asked if f"/{layer}/tiles/" in one.path]


def _found_at(page: Page, sign: Sign) -> str:
    """The heading of the panel after a click on the sign's place."""
    page.evaluate("window.gisapp.panel.close()")
    click_at(page, sign.lon, sign.lat)
    page.locator("#panel h2").wait_for()
    settled(page)
    return page.locator("#panel h2").inner_text()


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_the_map_as_of_yesterday(visit: Callable[..., Page], since: Since, size: tuple[int, int],
                                 language: str) -> None:
    page = visit(size=size, language=language, role="admin")
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    look_at(page, since.removed.lon, since.removed.lat, 19)
    _open_dates(page, size)
    page.locator("input[name=mode][value=day]").check()
    expect(page.locator("#times-day")).to_have_value(day(-1))
    expect(page.locator("#note-times")).to_contain_text(day(-1))
    if size == PHONE:
        page.locator("[data-close-side]").click()
    ready(page)
    until(page, lambda: _tiles(page, "rooftop_signs")[-1] == {"as_of": [end_of(day(-1))]})
    assert _found_at(page, since.removed) == since.removed.name
    expect(page.locator("#panel [data-act=delete]")).to_have_count(0)
    expect(page.locator("#panel a[href*='/forms/']")).to_have_count(0)
    expect(page.locator(".chip-past")).to_be_visible()
    look_at(page, since.added.lon, since.added.lat, 19)
    assert _found_at(page, since.added) != since.added.name
    page.evaluate("window.gisapp.panel.close()")
    page.locator("[data-back-to-now]").click()
    expect(page.locator("#note-times")).to_be_hidden()
    ready(page)
    until(page, lambda: _tiles(page, "rooftop_signs")[-1] == {})
    assert _found_at(page, since.added) == since.added.name


def test_editing_is_off_on_a_past_day(visit: Callable[..., Page], since: Since) -> None:
    page = visit(f"/map#time=day:{day(-1)}", role="admin")
    expect(page.locator("#note-times")).to_be_visible()
    expect(page.locator(".add-button:visible")).to_have_count(0)
    page.evaluate("(id) => window.gisapp.panel.history({layer: 'rooftop_signs', id})", since.changed.id)
    expect(page.locator("#panel .history")).to_be_visible()
    expect(page.locator("#panel .history form:visible")).to_have_count(0)


def test_days_are_stepped_through_and_counted(visit: Callable[..., Page], since: Since) -> None:
    page = visit(f"/map#time=day:{day(-2)}&layers=rooftop_signs", language="en")
    before = page.locator("[data-count=rooftop_signs]").inner_text()
    page.get_by_role("button", name="Day after").click()
    expect(page.locator("#note-times")).to_contain_text(day(-1))
    hash_holds(page, f"time=day:{day(-1)}")
    expect(page.locator("[data-count=rooftop_signs]")).to_have_text(before)
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'rooftop_signs', id})", since.changed.id)
    expect(page.locator("#panel")).to_contain_text("12.00")
    page.get_by_role("button", name="Back to now").click()
    expect(page.locator("#panel")).to_contain_text("13.00")  # the same sign as it is today
    hash_holds(page, "time=", there=False)


def test_the_sheet_is_of_the_same_day(visit: Callable[..., Page], since: Since) -> None:
    page = visit(f"/map#time=day:{day(-1)}&layers=rooftop_signs,roads")
    link = page.locator("a[data-carry]").first
    link.evaluate("(one) => one.addEventListener('click', (event) => event.preventDefault())")
    link.click()
    asked = parse_qs(urlsplit(link.get_attribute("href") or "").query)
    assert asked["as_of"] == [end_of(day(-1))]
    assert not [name for name in asked if "." in name]


def test_a_day_before_all_records_says_so_and_keeps_the_ground(visit: Callable[..., Page]) -> None:
    page = visit("/map#time=day:2001-05-01&layers=rooftop_signs,roads", language="en")
    expect(page.locator("#note-times")).to_contain_text("Nothing was recorded before")
    until(page, lambda: _tiles(page, "rooftop_signs")[-1] == {"as_of": [end_of("2001-05-01")]})
    assert _tiles(page, "roads")[-1] == {}


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_what_differs_since_yesterday(visit: Callable[..., Page], since: Since, size: tuple[int, int],
                                      language: str) -> None:
    page = visit(size=size, language=language)
    look_at(page, since.changed.lon, since.changed.lat, 17)
    _open_dates(page, size)
    page.locator("input[name=mode][value=days]").check()
    expect(page.locator("#times-first")).to_have_value(day(-1))
    page.locator(f"[data-row='rooftop_signs/{since.removed.id}']").wait_for()
    counts = page.evaluate(COUNTS, ["rooftop_signs", end_of(day(-1)), end_of(day())])
    for kind, count in counts.items():
        assert count > 0
        expect(page.locator(f"[data-changes='rooftop_signs.{kind}']")).to_have_text(str(count))
    rows = {kind: page.locator(f"[data-row='rooftop_signs/{getattr(since, kind).id}']")
            for kind in ("added", "changed", "removed")}
    for kind, row in rows.items():
        expect(row.locator(f".change-chip.change-{kind}")).to_be_visible()
        expect(row).to_contain_text(getattr(since, kind).name)
    page.locator("[data-kind=changed]").click()
    expect(rows["changed"]).to_have_count(0)
    page.locator("[data-kind=changed]").click()
    rows["removed"].click()
    expect(page.locator("#panel h2")).to_contain_text(since.removed.name)
    hash_holds(page, f"time=days:{day(-1)}/{day()}")


def test_list_and_map_of_differences_are_tied(visit: Callable[..., Page], since: Since) -> None:
    page = visit(f"/map#z=18&at={since.changed.lon},{since.changed.lat}&layers=roads&time=days:{day(-1)}/{day()}")
    page.locator("#tab-times").click()
    row = page.locator(f"[data-row='rooftop_signs/{since.changed.id}']")
    row.wait_for()
    settled(page)
    x, y = page.evaluate(
        "([lon, lat]) => { const p = window.gisapp.map.latLngToContainerPoint([lat, lon]);"
        "const box = window.gisapp.map.getContainer().getBoundingClientRect(); return [p.x + box.x, p.y + box.y]; }",
        [since.changed.lon, since.changed.lat])
    page.mouse.move(x, y)
    poll(page, "(id) => document.querySelector(`[data-row='rooftop_signs/${id}']`).classList.contains('is-near')",
         since.changed.id)
    page.mouse.click(x, y)
    expect(page.locator("#panel h2")).to_contain_text(since.changed.name)
    page.locator("#times-in-view").check()
    poll(page, "() => !document.querySelector('#times-body[aria-busy]')")
    expect(row).to_have_count(1)
    look_at(page, since.changed.lon + 0.02, since.changed.lat, 18)
    expect(row).to_have_count(0)


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)])
def test_nothing_is_found_fault_with(visit: Callable[..., Page], since: Since, size: tuple[int, int],
                                     dark: bool) -> None:
    page = visit(size=size, dark=dark, language="en")
    _open_dates(page, size)
    assert _findings(page) == []
    page.locator("input[name=mode][value=day]").check()
    expect(page.locator("#note-times")).to_be_visible()
    assert _findings(page) == []
    page.locator("input[name=mode][value=days]").check()
    page.locator("#times-split").check()
    page.locator(f"[data-row='rooftop_signs/{since.added.id}']").wait_for()
    page.locator("[data-kind=changed]").click()
    assert _findings(page) == []
    page.locator("input[name=mode][value=swipe]").check()
    expect(page.locator("#swipe [role=slider]")).to_be_visible()
    assert _findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
