"""The first view: how long a browser that has nothing kept waits for the map, and what a pan asks for."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserType, Page, sync_playwright

from benchmarks import servers, session
from benchmarks.ground import Ground

TIMES = 7
SIZE = {"width": 1440, "height": 900}
PAN = 256  # px, a tile
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]
#: Interactive: the page's script has run, no tile is asked for any more, every tile and every name is drawn.
WATCH = """
    performance.setResourceTimingBufferSize(5000);
    const watch = window.setInterval(() => {
        if (document.documentElement.dataset.mapReady !== 'yes') return;
        window.scriptsDone ??= performance.now();
        const { stack, tree } = window.gisapp;
        if (!document.querySelector('canvas.leaflet-tile-loaded')) return;
        if (document.querySelector('canvas.leaflet-tile:not(.leaflet-tile-loaded)')) return;
        if (stack.isBusy() || tree.shown().some((id) => stack.isFetching(id))) return;
        window.interactive = performance.now();
        window.clearInterval(watch);
    }, 10);
"""
COST = """() => {
    const [page] = performance.getEntriesByType('navigation');
    const all = performance.getEntriesByType('resource');
    const tiles = all.filter((one) => one.name.includes('/tiles/'));
    const assets = all.filter((one) => one.name.includes('/assets/'));
    const sum = (some) => some.reduce((total, one) => total + one.transferSize, 0) / 1024;
    const ends = (some) => some.map((one) => one.responseEnd).filter((end) => end <= window.interactive);
    const last = (some) => Math.max(0, ...ends(some));
    return { interactive: window.interactive, scripts: window.scriptsDone, page: page.responseEnd,
             assets: last(assets), tiles: last(tiles), requests: all.length + 1, tileCount: tiles.length,
             kib: sum(all) + page.transferSize / 1024, tileKib: sum(tiles) };
}"""


@dataclass(frozen=True)
class View:
    name: str
    path: str


def first_view(ground: Ground) -> Iterator[tuple[str, str]]:
    """A cold browser before a warm server: the view that opens by itself, and the busiest place at zoom 16."""
    place = session.places(ground, "illegal_builds")[0]
    [(lon, lat)] = ground.rows(
        "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Transform(ST_Centroid(ST_TileEnvelope(%s, %s, %s)), 4326) AS p) AS q",
        [place.z, place.x, place.y])
    views = (View("the view that opens", "/map"),
             View("the busiest place, zoom 16", f"/map#z=16&at={lon:.5f},{lat:.5f}"))
    with servers.gisapp(ground) as (port, _), sync_playwright() as playwright:
        base = f"http://127.0.0.1:{port}"
        name, value = ground.sign_in(port).split("=", 1)
        cookie = {"name": name, "value": value.split(";")[0], "url": base}
        for view in views:
            _visit(playwright.chromium, base, view, cookie)  # warms the server
            found = [_visit(playwright.chromium, base, view, cookie) for _ in range(TIMES)]
            yield from _lines(view, found)


def _visit(kind: BrowserType, base: str, view: View, cookie: dict[str, Any]) -> dict[str, Any]:
    """One visit by a browser started for it, then a pan."""
    path = os.environ.get("GISAPP_TEST_CHROMIUM") or "/usr/bin/chromium"
    browser: Browser = kind.launch(executable_path=path, args=ARGUMENTS)
    context = browser.new_context(base_url=base, viewport=SIZE, locale="zh-CN")
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(view.path)
    while page.evaluate("window.interactive") is None:
        page.wait_for_timeout(20)
    found: dict[str, Any] = page.evaluate(COST)
    page.wait_for_load_state("networkidle")
    found["pan"] = _pan(page)
    browser.close()
    return found


def _pan(page: Page) -> tuple[int, int, int]:
    """Tiles asked for by a pan, those of them asked for before, other requests."""
    before, asked = set(page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")), []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("(px) => window.gisapp.map.panBy([px, 0], { animate: false })", PAN)
    page.wait_for_timeout(300)
    page.wait_for_load_state("networkidle")
    tiles = [url for url in asked if "/tiles/" in url]
    again = [url for url in tiles if url in before] + [url for url in tiles if tiles.count(url) > 1]
    return len(tiles), len(again), len(asked) - len(tiles)


def _lines(view: View, found: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    def middle(key: str) -> float:
        return statistics.median(one[key] for one in found)

    times = sorted(one["interactive"] / 1000 for one in found)
    yield (f"first view, {view.name}: interactive, median of {len(found)} (fastest, slowest)",
           f"{statistics.median(times):.2f} s ({times[0]:.2f}, {times[-1]:.2f})")
    yield (f"first view, {view.name}: page there, scripts and sheets there, scripts run, last tile there",
           ", ".join(f"{middle(key) / 1000:.2f} s" for key in ("page", "assets", "scripts", "tiles")))
    yield (f"first view, {view.name}: requests, bytes",
           f"{middle('requests'):.0f} ({middle('tileCount'):.0f} of them tiles), {middle('kib'):.0f} KiB "
           f"({middle('tileKib'):.0f} of tiles)")
    tiles, again, others = found[0]["pan"]
    yield (f"a pan by {PAN} px, {view.name}", f"{tiles} new tiles, {again} asked for again, {others} other requests")
