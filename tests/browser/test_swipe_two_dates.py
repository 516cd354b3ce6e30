"""A handle between two dates or two layers: moved by pointer, touch and keyboard; each side is its own map."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, City, click_at, hash_holds, look_at, poll, ready, settled
from tests.browser.past import Since, day, end_of, since_yesterday

pytestmark = pytest.mark.browser

KNOB = "#swipe [role=slider]"
#: Where each canvas is cut: [left edge, right edge] of the twin and of the map's own, px of the map.
CUTS = """() => [...document.querySelectorAll('.leaflet-tile-pane > .leaflet-layer')].map((one) => {
    const shift = window.gisapp.map.containerPointToLayerPoint([0, 0]).x;
    const [left, right] = one.style.clipPath.match(/-?[\\d.]+px/g).map(parseFloat);
    return [left, one.style.clipPath.match(/-?[\\d.]+px/g).map(parseFloat)[2]].map((x) => Math.round(x - shift));
}).sort((a, b) => a[0] - b[0])"""


@pytest.fixture
def since(city: City) -> Since:
    return since_yesterday(city, __name__)


def _knob(page: Page) -> tuple[float, float]:
    box = page.locator(KNOB).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def _at(page: Page) -> int:
    return int(page.locator(KNOB).get_attribute("aria-valuenow") or "")


def _tiles(page: Page) -> list[str]:
    return [url for url in page.watch.requests if "/tiles/" in url]  # type: ignore[attr-defined]


def _look(since: Since, left: str, right: str, layers: str = "rooftop_signs,roads", zoom: int = 19) -> str:
    sign = since.removed
    return f"/map#z={zoom}&at={sign.lon},{sign.lat}&layers={layers}&time=swipe:{left}/{right}&split=0.60"


def test_yesterday_left_and_today_right(visit: Callable[..., Page], since: Since) -> None:
    page = visit(_look(since, f"@{day(-1)}", "@"), language="en", role="admin")
    assert _at(page) == 60
    sign, roads = ([parse_qs(urlsplit(url).query) for url in _tiles(page) if f"/{layer}/" in url]
                   for layer in ("rooftop_signs", "roads"))
    assert {tuple(one.get("as_of", [])) for one in sign} == {(), (end_of(day(-1)),)}
    assert len(_tiles(page)) == len(set(_tiles(page)))
    assert roads
    click_at(page, since.removed.lon, since.removed.lat)
    expect(page.locator("#panel h2")).to_have_text(since.removed.name)
    page.evaluate("window.gisapp.panel.close()")
    page.locator(KNOB).focus()
    for _ in range(2):
        page.keyboard.press("PageDown")
    expect(page.locator(KNOB)).to_have_attribute("aria-valuenow", "40")
    look_at(page, since.removed.lon, since.removed.lat, 19)
    click_at(page, since.removed.lon, since.removed.lat)
    expect(page.locator("#panel h2")).to_be_visible()
    expect(page.locator("#panel h2")).not_to_have_text(since.removed.name)
    expect(page.locator(".swipe-left")).to_have_text(day(-1))
    expect(page.locator(".swipe-right")).to_have_text("now")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_handle_is_dragged(visit: Callable[..., Page], since: Since, size: tuple[int, int]) -> None:
    page = visit(_look(since, f"@{day(-1)}", "@"), size=size)
    width = page.evaluate("window.gisapp.map.getSize().x")
    centre = page.evaluate("window.gisapp.map.getCenter().lng")
    x, y = _knob(page)
    if size == PHONE:
        touch = page.context.new_cdp_session(page)
        for kind, moved in (("touchStart", 0), ("touchMove", -30), ("touchMove", -80), ("touchEnd", None)):
            points = [] if moved is None else [{"x": x + moved, "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        moved_by = -80
    else:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x - 100, y, steps=4)
        page.mouse.move(x - 200, y, steps=4)
        page.mouse.up()
        moved_by = -200
    wanted = round(width * 0.6) + moved_by
    poll(page, "(wanted) => Math.abs(document.getElementById('swipe').offsetLeft - wanted) <= 2", wanted)
    twin, own = page.evaluate(CUTS)
    assert twin == [0, pytest.approx(wanted, abs=2)]
    assert own == [pytest.approx(wanted, abs=2), width]
    assert page.evaluate("window.gisapp.map.getCenter().lng") == centre  # the map itself stays
    poll(page, "(share) => window.location.hash.includes(`split=${share}`)", f"{wanted / width:.2f}")


def test_two_layers_side_by_side(visit: Callable[..., Page], since: Since) -> None:
    page = visit(role="inspector")
    page.locator("#tab-times").click()
    page.locator("input[name=mode][value=swipe]").check()
    expect(page.locator("#times-left-day")).to_have_value(day(-1))  # two sides alike would show nothing
    page.locator("#times-left-day").fill("")
    page.select_option("#times-left-layer", "rooftop_signs")
    page.select_option("#times-right-layer", "illegal_builds")
    ready(page)
    hash_holds(page, "time=swipe:rooftop_signs@/illegal_builds@")
    expect(page.locator("#note-times")).to_be_visible()
    before = len(_tiles(page))
    page.locator(KNOB).focus()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    settled(page)
    assert len(_tiles(page)) == before  # the handle fetches nothing
    page.evaluate("window.gisapp.map.panBy([260, 0], {animate: false})")
    ready(page)
    new = _tiles(page)[before:]
    assert new
    assert len(new) == len(set(new))
    assert not set(new) & set(_tiles(page)[:before])
    page.locator("[data-back-to-now]").click()
    expect(page.locator(KNOB)).to_be_hidden()
    expect(page.locator(".leaflet-tile-pane > .leaflet-layer")).to_have_count(1)
    hash_holds(page, "split=", there=False)


@pytest.mark.parametrize("wrong", ["time=day:2024-02-31", "time=days:2025-01-02/2025-01-01", "time=swipe:a",
                                   "time=swipe:<b>@x/..@9", "time=:::&split=abc&slide=x/y/z", "slide=rooftop_signs//",
                                   "slide=rooftop_signs/removed_at/hour&split=-3"])
def test_nonsense_in_the_link_does_no_harm(visit: Callable[..., Page], wrong: str) -> None:
    page = visit(f"/map#{wrong}")
    expect(page.locator("canvas.leaflet-tile").first).to_be_attached()
    expect(page.locator("#time-bar")).to_be_hidden()
