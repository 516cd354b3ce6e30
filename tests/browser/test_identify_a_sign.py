"""Click a feature: its panel opens, it is outlined, and the link leads back to it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature, click_at, hash_holds, look_at, poll, ready

pytestmark = pytest.mark.browser


def _click_a_sign(page: Page) -> dict[str, object]:
    """Click a sign that stands alone, with only the signs' layer on."""
    page.evaluate("window.gisapp.tree.show(['rooftop_signs'])")
    sign = any_feature(page, "rooftop_signs")
    lon, lat = sign["geometry"]["coordinates"]
    look_at(page, lon, lat, 19)
    click_at(page, lon, lat)
    expect(page.locator("#panel")).to_be_visible()
    return sign


def test_the_panel_tells_titles_units_codes_and_places(visit: Callable[..., Page]) -> None:
    page = visit()
    sign = _click_a_sign(page)
    panel = page.locator("#panel")
    expect(panel.locator("h2")).to_have_text(sign["properties"]["sign_no"])  # type: ignore[index]
    text = panel.inner_text()
    assert "楼顶广告牌" in text  # a code's title, not the code
    assert "m²" in text
    assert "街道" in text
    assert "模拟数据" in text
    assert "undefined" not in text


def test_the_feature_is_outlined_and_in_the_link(visit: Callable[..., Page]) -> None:
    page = visit()
    sign = _click_a_sign(page)
    poll(page, "() => [...document.querySelectorAll('.leaflet-overlay-pane path')]"
               ".some((path) => path.getAttribute('stroke') === '#c1121f')")
    hash_holds(page, f"open=rooftop_signs/{sign['id']}")
    page.reload()
    ready(page)
    expect(page.locator("#panel h2")).to_have_text(sign["properties"]["sign_no"])  # type: ignore[index]


def test_escape_and_the_button_close_it(visit: Callable[..., Page]) -> None:
    page = visit()
    _click_a_sign(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    hash_holds(page, "open=", there=False)
    expect(page.locator(".leaflet-overlay-pane path")).to_have_count(0)


def test_several_features_are_listed_and_one_is_chosen(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    build = any_feature(page, "buildings")
    lon, lat = build["geometry"]["coordinates"][0][0][0]
    look_at(page, lon, lat, 18)
    click_at(page, lon, lat)
    hits = page.locator("#panel .hits button")
    expect(hits.first).to_be_visible()
    assert hits.count() > 1
    wanted = hits.filter(has_text="Sub-districts")
    name = wanted.locator(".name").inner_text()
    wanted.click()
    expect(page.locator("#panel h2")).to_have_text(name)
    page.get_by_role("button", name="All here").click()
    expect(hits.first).to_be_visible()


def test_nothing_there_is_said_with_the_coordinates(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    look_at(page, 110.0, 30.0, 15)
    click_at(page, 110.0, 30.0)
    panel = page.locator("#panel")
    expect(panel.locator("h2")).to_have_text("Nothing here")
    expect(panel.locator(".place")).to_contain_text("110.0")


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("inspector", True)])
def test_personal_data_is_shown_by_role(visit: Callable[..., Page], role: str, sees: bool) -> None:
    page = visit(role=role)
    build = any_feature(page, "illegal_builds")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'illegal_builds', id})", build["id"])
    expect(page.locator("#panel h2")).to_have_text(build["properties"]["case_no"])
    assert ("当事人电话" in page.locator("#panel").inner_text()) is sees


def test_zoom_to_it_and_the_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    route = any_feature(page, "truck_routes")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'truck_routes', id})", route["id"])
    expect(page.locator("#panel h2")).to_be_focused()
    poll(page, "() => document.querySelector('.leaflet-overlay-pane path')")
    page.get_by_role("button", name="Zoom to it").press("Enter")
    lon, lat = route["geometry"]["coordinates"][0][0]
    poll(page, "([lon, lat]) => window.gisapp.map.getBounds().contains([lat, lon])", [lon, lat])


def test_markup_in_a_value_stays_text(visit: Callable[..., Page]) -> None:
    page = visit(role="reviewer")
    sign = any_feature(page, "rooftop_signs")
    fid, name = str(uuid4()), "<img src=x onerror=hacked=1>"
    status = page.evaluate("""async (feature) => (await fetch('/collections/rooftop_signs/items', {
        method: 'POST', body: JSON.stringify(feature), headers: {
            'Content-Type': 'application/geo+json', 'X-CSRFToken': document.querySelector('[name=csrf_token]').value },
        })).status""", {
        "type": "Feature", "id": fid, "geometry": {"type": "Point", "coordinates": [113.36, 31.7]},
        "properties": sign["properties"] | {"sign_no": name, "address": f"<b>{name}</b>"}})
    assert status == 201
    look_at(page, 113.36, 31.7, 19)
    click_at(page, 113.36, 31.7)
    expect(page.locator("#panel h2")).to_have_text(name)
    expect(page.locator("#panel")).to_contain_text(f"<b>{name}</b>")
    assert page.locator("#panel img, #panel b").count() == 0
    assert page.evaluate("window.hacked") is None
    page.evaluate("""async (id) => fetch(`/collections/rooftop_signs/items/${id}`, { method: 'DELETE', headers: {
        'If-Match': '"1"', 'X-CSRFToken': document.querySelector('[name=csrf_token]').value } })""", fid)
