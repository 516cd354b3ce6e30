"""Act: open a map full of things. Tiles are drawn once, names lie over them, each thing where it is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import any_feature, look_at, poll, ready

PAINTS = """(() => {
    window.paints = new Map();
    const { set, get } = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, 'width');
    Object.defineProperty(HTMLCanvasElement.prototype, 'width', { get, set(value) {
        const isTile = this.classList.contains('leaflet-tile');
        if (value && isTile) window.paints.set(this, (window.paints.get(this) || 0) + 1);
        set.call(this, value);
    } });
})()"""
NAMES = """() => {
    const { width, height } = document.querySelector('canvas.map-names');
    if (!width || window.gisapp.stack.isBusy()) return 0;
    const { data } = document.querySelector('canvas.map-names').getContext('2d').getImageData(0, 0, width, height);
    let inked = 0;
    for (let at = 3; at < data.length; at += 4) inked += data[at] > 128;
    return inked;
}"""
#: The tile around a place, read by the page's own decoder: features with their corners in degrees.
READ = """async ([layer, lon, lat, z]) => {
    const { decode } = await import(document.querySelector('link[href*="/mvt."], link[href*="js/mvt"]').href);
    const world = window.gisapp.map.project([lat, lon], z);
    const [x, y] = [Math.floor(world.x / 256), Math.floor(world.y / 256)];
    const response = await fetch(`/collections/${layer}/tiles/WebMercatorQuad/${z}/${y}/${x}`);
    const features = decode(await response.arrayBuffer(), 256).get(layer);
    const corner = (ring, at) => {
        const { lng, lat } = window.gisapp.map.unproject([x * 256 + ring[2 * at], y * 256 + ring[2 * at + 1]], z);
        return [lng, lat];
    };
    const corners = (ring) => Array.from({ length: ring.length / 2 }, (_, at) => corner(ring, at));
    return features.map(({ geomType, geom, props }) => ({ geomType, props, rings: geom.map(corners) }));
}"""


def test_each_tile_is_drawn_once_with_names_over_all(visit: Callable[..., Page]) -> None:
    page = visit("/account")
    page.add_init_script(PAINTS)
    page.goto("/map")
    ready(page)
    poll(page, f"() => ({NAMES})() > 200")
    assert page.evaluate("[...window.paints.values()].every((times) => times === 1)")
    assert page.evaluate("window.paints.size") >= page.locator("canvas.leaflet-tile").count()


def test_names_follow_a_pan_a_zoom_and_the_layers(visit: Callable[..., Page]) -> None:
    page = visit("/map#z=15&at=113.38,31.69&layers=roads")
    poll(page, NAMES)
    page.evaluate("window.gisapp.map.panBy([300, 0], { animate: false })")
    ready(page)
    moved = page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('.map-names')).transform).m41")
    pane = page.evaluate("window.gisapp.map.containerPointToLayerPoint([0, 0]).x")
    assert poll(page, NAMES) > 0
    assert moved < pane  # it reaches beyond the view, on the left
    page.evaluate("window.gisapp.map.setZoom(16, { animate: false })")
    ready(page)
    assert poll(page, NAMES) > 0
    page.uncheck("input[data-layer=roads]")
    poll(page, f"() => !window.gisapp.stack.isBusy() && ({NAMES})() === 0")


def test_points_and_areas_arrive_where_they_are(visit: Callable[..., Page]) -> None:
    page = visit()
    sign = any_feature(page, "rooftop_signs", "synthetic=true")
    lon, lat = sign["geometry"]["coordinates"]
    found = [one for one in page.evaluate(READ, ["rooftop_signs", lon, lat, 17]) if one["props"]["id"] == sign["id"]]
    assert len(found) == 1
    assert found[0]["geomType"] == 1
    assert found[0]["props"]["status"] == sign["properties"]["status"]
    [[[x, y]]] = found[0]["rings"]
    assert abs(x - lon) < 2e-6
    assert abs(y - lat) < 2e-6

    site = any_feature(page, "waste_sites", "synthetic=true")
    ring = site["geometry"]["coordinates"][0][0]
    found = [one for one in page.evaluate(READ, ["waste_sites", *ring[0], 12]) if one["props"].get("id") == site["id"]]
    assert found[0]["geomType"] == 3
    assert found[0]["rings"][0][0] == found[0]["rings"][0][-1]
    xs, ys = zip(*found[0]["rings"][0], strict=True)
    assert abs(min(xs) - min(lon for lon, _ in ring)) < 3e-4
    assert abs(max(ys) - max(lat for _, lat in ring)) < 3e-4


def test_a_zoom_there_and_back_leaves_no_tile_blank(visit: Callable[..., Page]) -> None:
    page = visit()
    look_at(page, 113.38, 31.69, 15)
    page.evaluate("""() => { const { map } = window.gisapp; map.setZoom(16, { animate: false });
        for (const zoom of [14, 16, 15]) map.setZoom(zoom, { animate: false }); }""")
    ready(page)
    poll(page, "() => !window.gisapp.stack.isBusy()")
    assert page.evaluate("""() => [...document.querySelectorAll('canvas.leaflet-tile-loaded')].every((tile) =>
        tile.getContext('2d').getImageData(0, 0, tile.width, tile.height).data.some(Boolean))""")


@pytest.mark.parametrize("path", ["/map", "/map#z=16&at=113.38000,31.69000"])
def test_opening_asks_for_the_view_and_nothing_else(visit: Callable[..., Page], path: str) -> None:
    page = visit(path)
    zoom = page.evaluate("window.gisapp.map.getZoom()")
    asked = re.findall(r"/tiles/WebMercatorQuad/(\d+)/", " ".join(page.watch.requests))  # type: ignore[attr-defined]
    assert asked
    assert {int(one) for one in asked} <= {zoom, zoom - 1}  # the ground's tiles are twice as wide
    assert len(asked) == len(set(re.findall(r"/collections/\S+/tiles/\S+", " ".join(page.watch.requests))))  # type: ignore[attr-defined]
