"""Open the map: everything on it comes from this server and is what the layer files say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.maps import OFF_AT_FIRST
from gisapp.rules import RULES
from tests.browser.conftest import PHONE, City, any_feature, drawn_colours, look_at, poll, ready, until

pytestmark = pytest.mark.browser
CATALOGUE = load_catalogue(ROOT / "layers", RULES)


def test_every_layer_stands_in_the_tree(visit: Callable[..., Page]) -> None:
    page = visit()
    for layer in CATALOGUE.layers.values():
        box = page.locator(f"input[data-layer={layer.id}]")
        assert box.is_checked() is (layer.id not in OFF_AT_FIRST)
        assert box.locator("xpath=..").inner_text().startswith(layer.title.zh)
    assert page.locator(".group > summary").all_inner_texts() == [
        code.title.zh for code in CATALOGUE.codelists["layer_groups"].codes]


def test_the_city_is_drawn(visit: Callable[..., Page]) -> None:
    page = visit()
    assert drawn_colours(page) > 20


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_follows_the_theme(visit: Callable[..., Page], dark: bool) -> None:
    page = visit(dark=dark)
    look_at(page, 113.38, 31.69, 16)
    light = page.evaluate("""() => {
        const tile = document.querySelector('canvas.leaflet-tile-loaded');
        const { data } = tile.getContext('2d').getImageData(0, 0, tile.width, tile.height);
        let sum = 0; let count = 0;
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) { sum += data[at]; count += 1; }
        return sum / count;
    }""")
    assert (light < 110) is dark


def test_counts_and_the_mark_of_synthetic_data_are_shown(visit: Callable[..., Page]) -> None:
    page = visit()
    signs = page.locator("[data-count=rooftop_signs]")
    expect(signs).to_be_visible()
    until(page, lambda: int(signs.inner_text() or 0) >= 145)  # other tests may have added some
    expect(page.locator("#note-synthetic")).to_be_visible()
    expect(page.locator("#note-synthetic")).to_contain_text("模拟数据")


def test_the_legend_shows_each_state_in_its_colour(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    states = CATALOGUE.layers["illegal_builds"].states
    lines = page.locator("#legend-illegal_builds li")
    assert lines.all_inner_texts() == [state.title.en for state in states]
    assert [line.locator("[fill]").first.get_attribute("fill") for line in lines.all()] == [
        state.colour for state in states]
    button = page.locator("[aria-controls=legend-vendor_points]")
    button.click()
    expect(page.locator("#legend-vendor_points")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")


@pytest.fixture
def crowd(city: City) -> Iterator[tuple[float, float]]:
    """Three thousand signs outside the town, around the lon, lat that is given."""
    lon, lat = 113.60, 31.90
    with city.owner.db.begin("test") as connection:
        connection.execute(text("""
            INSERT INTO layers.rooftop_signs (sign_no, sign_kind, status, synthetic, geom)
            SELECT 'CROWD-' || n, '01', '01', true, ST_SetSRID(ST_MakePoint(
                   :lon + 0.0002 * (n % 60 - 30), :lat + 0.0002 * (n / 60 - 25)), 4326)
              FROM generate_series(0, 2999) AS n"""), {"lon": lon, "lat": lat})
    yield lon, lat
    with city.owner.db.begin("test") as connection:
        connection.execute(text("DELETE FROM layers.rooftop_signs WHERE sign_no LIKE 'CROWD-%'"))


def test_what_would_be_confetti_is_counted_and_said(
        visit: Callable[..., Page], crowd: tuple[float, float]) -> None:
    page = visit(language="en")
    note = page.locator("#note-thinned")
    look_at(page, *crowd, 12)
    expect(note).to_be_visible()
    expect(note).to_contain_text("Outdoor and rooftop signs are shown as counts at this scale")
    look_at(page, *crowd, 16)
    expect(note).to_be_hidden()
    look_at(page, *crowd, 12)
    expect(note).to_be_visible()
    page.locator("label", has=page.locator("input[data-layer=rooftop_signs]")).click()
    expect(note).to_be_hidden()


def test_coordinates_and_a_metric_scale(visit: Callable[..., Page]) -> None:
    page = visit()
    page.mouse.move(720, 450)
    poll(page, "() => /^WGS 84 113\\.\\d{5}, 31\\.\\d{5}$/"
               ".test(document.querySelector('.leaflet-control-mouseposition').innerText)")
    scale = page.locator(".leaflet-control-scale-line").all_inner_texts()
    assert len(scale) == 1
    assert scale[0].endswith(" m") or scale[0].endswith(" km")


def test_controls_have_names_in_the_readers_language(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    for name in ("Zoom in", "Zoom out", "Full screen", "Show where I am"):
        expect(page.get_by_role("button", name=name)).to_be_visible()


def test_tiles_are_asked_for_the_view_only(visit: Callable[..., Page]) -> None:
    page = visit()
    tiles = [url for url in page.watch.requests if "/tiles/" in url]  # type: ignore[attr-defined]
    page.reload()
    ready(page)
    hidden = [url for url in tiles if any(f"/{name}/" in url for name in OFF_AT_FIRST)]
    assert tiles
    assert hidden == []


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_the_view(
        visit: Callable[..., Page], city: City) -> None:
    page = visit("/map#z=17&at=113.38500,31.69200&layers=roads", role=None)
    page.fill("[name=username]", city.accounts["viewer"]["username"])
    page.fill("[name=password]", city.accounts["viewer"]["password"])
    page.click("main [type=submit]")
    ready(page)
    assert page.evaluate("window.gisapp.map.getZoom()") == 17
    assert page.evaluate("window.gisapp.tree.shown()") == ["roads"]


def test_only_pages_of_the_role_are_offered(visit: Callable[..., Page]) -> None:
    assert visit(role="viewer", language="en").locator(".tabs a").all_inner_texts() == ["Map", "Ask", "Statistics"]
    assert visit(role="admin", language="en").locator(".tabs a").all_inner_texts() == [
        "Map", "Ask", "Statistics", "Import and hand-over", "Administration"]


def test_sign_out_from_the_menu(visit: Callable[..., Page]) -> None:
    page = visit(language="en", fresh=True)
    page.locator(".bar [data-menu] summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    page.goto("/map")
    page.wait_for_url("**/sign-in*")


def test_a_session_that_ended_is_said(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    sign = any_feature(page, "rooftop_signs")
    page.context.clear_cookies()
    page.evaluate("(id) => { window.gisapp.panel.open({layer: 'rooftop_signs', id}); }", sign["id"])
    page.wait_for_url("**/sign-in*")
    page.watch.errors.clear()  # type: ignore[attr-defined]


def test_phone_controls_are_large_enough(visit: Callable[..., Page]) -> None:
    page = visit(size=PHONE)
    for control in page.locator(".bar-button:visible, .leaflet-bar a:visible, .avatar").all():
        box = control.bounding_box()
        assert box is not None
        assert box["width"] >= 36
        assert box["height"] >= 36
