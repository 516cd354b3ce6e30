"""Somebody marks a new feature on the map: draws it, takes a step back, fills the form beside it, sees it drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, any_feature, click_at, hash_holds, look_at, poll

pytestmark = pytest.mark.browser


def begin(page: Page, layer: str, size: tuple[int, int] = DESKTOP) -> None:
    """Press the layer's plus; on a phone the one on the map."""
    if size == PHONE:
        page.click("#mark-menu summary")
    page.locator(f"{'#mark-menu' if size == PHONE else '#tree'} a[data-draw={layer}]").click()
    expect(page.locator("#mark-menu")).to_be_hidden()
    expect(page.locator("#draw-bar")).to_be_visible()


def press(page: Page, act: str) -> None:
    page.click(f"#draw-bar [data-draw-act={act}]")


def save(page: Page) -> None:
    """Save; a neighbour of the demo city is no reason not to."""
    page.click("#panel-body .form-actions [type=submit]")
    expect(page.locator("#panel-body [data-feature], #panel-body .near-list").first).to_be_visible()
    if page.locator("#panel-body .near-list").count():
        page.click("#panel-body button[name=known]")
    expect(page.locator("#panel-body [data-feature]")).to_be_visible()


def middle(page: Page) -> tuple[float, float]:
    """A place in the city, with the map on it."""
    place = any_feature(page, "school_gates")["geometry"]["coordinates"]
    look_at(page, place[0], place[1], 18)
    return place[0], place[1]


def filled_sign(page: Page) -> str:
    number = f"标绘-{uuid4().hex[:8]}"
    page.fill("#f-sign_no", number)
    page.select_option("#f-sign_kind", index=1)
    page.fill("#f-area_m2", "12.50")
    return number


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_sign_is_marked(visit: Callable[..., Page], size: tuple[int, int]) -> None:
    page = visit("/map", size=size)
    lon, lat = middle(page)
    begin(page, "rooftop_signs", size)
    click_at(page, lon + 0.0002, lat + 0.0002)
    expect(page.locator("#f-geom-lon")).not_to_have_value("")
    number = filled_sign(page)
    save(page)
    expect(page.locator("#panel h2")).to_contain_text(number)
    hash_holds(page, "open=rooftop_signs/")
    found = any_feature(page, "rooftop_signs", f"sign_no={number}")
    assert found["geometry"]["coordinates"] == pytest.approx([lon + 0.0002, lat + 0.0002], abs=1e-4)  # it may snap
    expect(page.locator("#draw-bar")).to_be_hidden()
    expect(page.locator(".draft-pin")).to_have_count(0)


def test_a_waste_site_is_drawn_with_steps_back(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    lon, lat = middle(page)
    begin(page, "waste_sites")
    corners = [(0, 0), (0.0004, 0), (0.0008, 0.0006), (0.0004, 0.0004)]
    for x, y in corners[:3]:
        click_at(page, lon + x, lat + y)
    press(page, "undo")
    click_at(page, lon + corners[3][0], lat + corners[3][1])
    press(page, "undo")
    press(page, "redo")
    press(page, "finish")
    area = page.locator("#f-geom")
    expect(area).not_to_have_value("")
    shape = json.loads(area.input_value())
    assert shape["type"] == "Polygon"
    ring = shape["coordinates"][0]
    assert len(ring) == 4
    assert ring[2] == pytest.approx([lon + 0.0004, lat + 0.0004], abs=1e-4)  # it may snap


def test_escape_gives_up(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    middle(page)
    begin(page, "rooftop_signs")
    page.keyboard.press("Escape")
    expect(page.locator("#draw-bar")).to_be_hidden()
    assert poll(page, "() => !window.gisapp.map.pm.globalDrawModeEnabled()")


def test_a_new_sign_is_taken_back(visit: Callable[..., Page]) -> None:
    page = visit("/map")
    lon, lat = middle(page)
    begin(page, "rooftop_signs")
    click_at(page, lon - 0.0003, lat + 0.0002)
    expect(page.locator("#f-geom-lon")).not_to_have_value("")
    number = filled_sign(page)
    save(page)
    page.click("#panel-body .alert-success [data-act=undo]")
    expect(page.locator("#panel")).to_be_hidden()
    poll(page, "async (number) => (await (await fetch(`/collections/rooftop_signs/items?f=json&sign_no="
               "${encodeURIComponent(number)}`)).json()).numberMatched === 0", number)
