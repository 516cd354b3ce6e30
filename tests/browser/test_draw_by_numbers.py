"""Somebody draws by coordinates, by bearing and distance, and takes the shape of a building."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, any_feature, click_at, look_at, poll
from tests.browser.test_mark_a_sign import begin, middle, press

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (PHONE, "en", True)])
def test_a_site_is_drawn_by_bearing_and_distance(
        visit: Callable[..., Page], size: tuple[int, int], language: str, dark: bool) -> None:
    page = visit("/map", size=size, language=language, dark=dark)
    lon, lat = middle(page)
    begin(page, "waste_sites", size)
    press(page, "numbers")
    page.check(".numbers input[value=legs]")
    page.fill("#numbers-start", f"{lon}, {lat}")
    page.fill("#numbers-legs", "0 40\n90 30\n180 40\n270 29.5")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.click(".numbers [type=submit]")
    area = page.locator("#f-geom")
    expect(area).not_to_have_value("")
    ring = json.loads(area.input_value())["coordinates"][0]
    assert len(ring) == 5
    assert ring[0] == pytest.approx([lon, lat], abs=1e-6)
    expect(page.locator("#draw-bar [data-hint]")).to_contain_text("0.500")


def test_a_list_of_coordinates_is_pasted_and_a_wrong_line_is_named(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    middle(page)
    begin(page, "illegal_builds")
    press(page, "numbers")
    page.fill("#numbers-points", "J1 113.38, 31.69\nJ2 here\nJ3 113.3803, 31.6902")
    page.click(".numbers [type=submit]")
    expect(page.locator(".numbers [data-told]")).to_contain_text("第 2 行")
    page.watch.errors.clear()  # type: ignore[attr-defined]
    page.select_option("#numbers-crs", "EPSG:4547")
    page.fill("#numbers-points", "J1 3507506.1 441200.2\nJ2 3507506.1 441230.2\nJ3 3507530.1 441230.2")
    page.click(".numbers [type=submit]")
    expect(page.locator("#f-geom")).not_to_have_value("")
    lon, lat = json.loads(page.input_value("#f-geom"))["coordinates"][0][0]
    assert 113 < lon < 114
    assert 31 < lat < 32


def test_a_building_lends_its_outline(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    building = any_feature(page, "buildings")
    ring = building["geometry"]["coordinates"][0][0]
    lon, lat = (sum(one[at] for one in ring[:-1]) / (len(ring) - 1) for at in (0, 1))
    look_at(page, lon, lat, 19)
    begin(page, "waste_sites")
    press(page, "copy")
    expect(page.locator("#draw-bar [data-hint]")).to_contain_text("点击要复制")
    click_at(page, lon, lat)
    expect(page.locator("#f-geom")).not_to_have_value("")
    poll(page, "() => Boolean(window.gisapp.draw.draft.shape())")
    assert json.loads(page.input_value("#f-geom"))["type"] == "MultiPolygon"
    expect(page.locator("#draw-bar [data-hint]")).to_contain_text("图形")
