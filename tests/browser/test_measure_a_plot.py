"""Measure a way and a plot: by pointer, by touch, by keyboard; the figures are those of the ellipsoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pyproj import Geod

from tests.browser.conftest import PHONE, Axe, City, click_at, look_at, moved, until

pytestmark = pytest.mark.browser
PLOT = [(113.3850, 31.6920), (113.3870, 31.6920), (113.3870, 31.6940), (113.3850, 31.6940)]
WGS84 = Geod(ellps="WGS84")

RINGS = [
    PLOT,
    [(113.0, 31.0), (113.9, 31.1), (113.7, 31.8), (113.2, 31.7)],
    [(73.5, 39.5), (87.0, 49.0), (122.0, 53.0), (131.0, 47.5), (110.0, 20.5), (98.0, 25.0)],
    [(179.5, -10.0), (-179.5, -10.0), (-179.5, -10.5), (179.5, -10.5)],
]


def _geodesy(page: Page, name: str, points: list[tuple[float, float]]) -> float:
    found: float = page.evaluate("""async ([name, points]) => {
        const base = document.querySelector('script[src$="js/shell.js"]').src.replace('shell.js', 'geodesy.js');
        return (await import(base))[name](points);
    }""", [name, points])
    return found


def _start(page: Page, mode: str) -> None:
    page.locator(".measure-button").click()
    page.locator(f"[data-measure-mode={mode}]").click()


def _drawn(page: Page) -> list[Any]:
    points: list[Any] = page.evaluate("window.gisapp.measure.value().points")
    return points


def test_figures_are_those_of_the_ellipsoid(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    for ring in RINGS:
        lons, lats = zip(*ring, strict=True)
        assert _geodesy(page, "length", ring) == pytest.approx(WGS84.line_length(lons, lats), abs=0.001, rel=1e-9)
        # Long sides bend a little otherwise on the sphere of equal area: nothing within a city.
        assert _geodesy(page, "area", ring) == pytest.approx(
            abs(WGS84.polygon_area_perimeter(lons, lats)[0]), rel=1e-8 if ring is PLOT else 2e-4)
    assert _geodesy(page, "crosses", PLOT) is False
    assert _geodesy(page, "crosses", [PLOT[0], PLOT[2], PLOT[1], PLOT[3]]) is True


def test_a_way_is_measured_and_nothing_is_identified(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    look_at(page, 113.3860, 31.6930, 17)
    _start(page, "distance")
    for place in PLOT[:3]:
        click_at(page, *place)
    page.mouse.move(700, 800)
    page.locator(".measure-point").last.click()  # ends the way
    lons, lats = zip(*_drawn(page), strict=True)
    expect(page.locator("[data-measure=value]")).to_have_text(f"{WGS84.line_length(lons, lats):.1f} m")
    expect(page.locator("[data-measure=more]")).to_contain_text("Last leg 22")
    expect(page.locator("#panel")).to_be_hidden()
    page.locator("[data-measure=undo]").click()
    until(page, lambda: len(_drawn(page)) == 2)
    page.keyboard.press("Escape")
    expect(page.locator("#measure-bar")).to_be_hidden()
    expect(page.locator(".measure-point")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_plot_is_measured_in_square_metres_and_mu(visit: Callable[..., Page], language: str) -> None:
    page = visit(language=language)
    look_at(page, 113.3860, 31.6930, 17)
    _start(page, "area")
    for place in PLOT:
        click_at(page, *place)
    lons, lats = zip(*_drawn(page), strict=True)
    area = abs(WGS84.polygon_area_perimeter(lons, lats)[0])
    expect(page.locator("[data-measure=value]")).to_have_text(f"{area:,.1f} m²")
    hectare, mu = ("公顷", "亩") if language == "zh" else ("ha", "mu")
    expect(page.locator("[data-measure=more]")).to_contain_text(
        f"{area / 10_000:.3f} {hectare} · {area * 3 / 2000:.2f} {mu}")
    assert Axe().run(page).response["violations"] == []


def test_a_crossing_outline_has_no_area(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    look_at(page, 113.3860, 31.6930, 17)
    _start(page, "area")
    for place in (PLOT[0], PLOT[2], PLOT[1], PLOT[3]):
        click_at(page, *place)
    expect(page.locator("[data-measure=problem]")).to_contain_text("crosses itself")
    expect(page.locator("[data-measure=value]")).to_have_text("–")


def test_a_point_is_pulled(visit: Callable[..., Page]) -> None:
    page = visit()
    look_at(page, 113.3860, 31.6930, 17)
    _start(page, "distance")
    for place in PLOT[:2]:
        click_at(page, *place)
    before = page.locator("[data-measure=value]").inner_text()
    page.locator(".measure-point").last.drag_to(page.locator(".folium-map"), target_position={"x": 800, "y": 300})
    expect(page.locator("[data-measure=value]")).not_to_have_text(before)
    expect(page.locator("[data-measure=value]")).to_be_visible()


def test_by_keyboard_alone(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    page.locator(".measure-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".folium-map")).to_be_focused()
    page.keyboard.press("Enter")
    before = page.evaluate("window.gisapp.map.getCenter().lng")
    page.keyboard.press("ArrowRight")
    moved(page, before)
    page.keyboard.press("Enter")
    until(page, lambda: len(_drawn(page)) == 2)
    expect(page.locator("[data-measure=value]")).not_to_have_text("–")
    page.keyboard.press("Backspace")
    until(page, lambda: len(_drawn(page)) == 1)
    expect(page.locator("#panel")).to_be_hidden()


def test_by_touch_on_a_phone(visit: Callable[..., Page], city: City) -> None:
    page = visit(size=PHONE)
    page.locator(".measure-button").tap()
    for x, y in ((120, 520), (250, 520)):
        page.touchscreen.tap(x, y)
        page.wait_for_timeout(450)  # two taps, not a double one
    until(page, lambda: len(_drawn(page)) == 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_drawing_ends_measuring(visit: Callable[..., Page]) -> None:
    page = visit()
    _start(page, "distance")
    page.locator("#tree a[data-draw=rooftop_signs]").dispatch_event("click")
    expect(page.locator("#measure-bar")).to_be_hidden()
    expect(page.locator("#draw-bar")).to_be_visible()
