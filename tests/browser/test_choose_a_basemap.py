"""Choose a basemap: XYZ, WMTS and PMTiles of a tile server of the test, drawn where they belong, GCJ-02 ones too.

The tiles show red dots at known places of WGS 84. Those of the GCJ-02 set are painted where that datum puts them;
on the map they have to appear at their place of WGS 84 all the same.
"""

from __future__ import annotations

import io
import math
import re
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from gisapp import create_app
from tests.browser.conftest import DESKTOP, PHONE, Axe, City, Watch, _Quiet, hash_holds, new_page, poll, ready, until

pytestmark = pytest.mark.browser
LON, LAT, ZOOM = 113.3850, 31.6920, 18
#: Dots every 60 m or so, 1.2 km around.
DOTS = [(LON + 0.0006 * i, LAT + 0.0005 * j) for i in range(-14, 15) for j in range(-14, 15)]
RADIUS, FINE = 4.0, 8
Move = Callable[[float, float], tuple[float, float]]


def _gcj(lon: float, lat: float) -> tuple[float, float]:
    """The published formula, written apart from the one under test."""
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    shared = (20.0 * math.sin(6.0 * x * pi) + 20.0 * math.sin(2.0 * x * pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + shared
    d_lat += (20.0 * math.sin(y * pi) + 40.0 * math.sin(y / 3.0 * pi)) * 2.0 / 3.0
    d_lat += (160.0 * math.sin(y / 12.0 * pi) + 320.0 * math.sin(y * pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + shared
    d_lon += (20.0 * math.sin(x * pi) + 40.0 * math.sin(x / 3.0 * pi)) * 2.0 / 3.0
    d_lon += (150.0 * math.sin(x / 12.0 * pi) + 300.0 * math.sin(x / 30.0 * pi)) * 2.0 / 3.0
    a, ee, rad = 6378245.0, 0.00669342162296594323, lat / 180.0 * pi
    magic = 1.0 - ee * math.sin(rad) ** 2
    root = math.sqrt(magic)
    return (lon + d_lon * 180.0 / (a / root * math.cos(rad) * pi),
            lat + d_lat * 180.0 / (a * (1.0 - ee) / (magic * root) * pi))


MOVES: dict[str, Move] = {"plain": lambda lon, lat: (lon, lat), "gcj": _gcj}


def _pixel(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    size = 256 * 2**zoom
    y = math.asinh(math.tan(math.radians(lat)))
    return (lon + 180) / 360 * size, (1 - y / math.pi) / 2 * size


@cache
def tile(kind: str, zoom: int, x: int, y: int) -> bytes:
    """A white PNG with red dots, their edges smooth so that the middle of a dot is known to a part of a pixel."""
    image = Image.new("RGB", (256 * FINE, 256 * FINE), "white")
    pen = ImageDraw.Draw(image)
    for place in DOTS:
        px, py = _pixel(*MOVES[kind](*place), zoom)
        px, py = (px - 256 * x) * FINE, (py - 256 * y) * FINE
        reach = RADIUS * FINE
        pen.ellipse((px - reach, py - reach, px + reach, py + reach), fill="red")
    out = io.BytesIO()
    image.resize((256, 256), Image.Resampling.BOX).save(out, "PNG")
    return out.getvalue()


# ---------------------------------------------------------------- a PMTiles archive, version 3
def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(zoom: int, x: int, y: int) -> int:
    """Where the tile stands on the Hilbert curve, after all tiles of smaller zooms."""
    found = (4**zoom - 1) // 3
    for power in range(zoom - 1, -1, -1):
        side = 2**power
        right, low = int(bool(x & side)), int(bool(y & side))
        found += side * side * ((3 * right) ^ low)
        if not low:
            if right:
                x, y = side - 1 - (x & (side - 1)), side - 1 - (y & (side - 1))
            x, y = y, x
    return found


def archive(kind: str) -> bytes:
    """The tiles around the middle at ZOOM."""
    column, row = (int(one // 256) for one in _pixel(*MOVES[kind](LON, LAT), ZOOM))
    tiles = sorted((_number(ZOOM, x, y), tile(kind, ZOOM, x, y))
                   for x in range(column - 4, column + 5) for y in range(row - 3, row + 4))
    numbers = [number for number, _ in tiles]
    directory = _varint(len(tiles))
    directory += b"".join(_varint(one - before) for one, before in zip(numbers, [0, *numbers], strict=False))
    directory += _varint(1) * len(tiles)
    directory += b"".join(_varint(len(data)) for _, data in tiles)
    directory += _varint(1) + _varint(0) * (len(tiles) - 1)  # each right after the one before
    start, meta, data = 127 + len(directory), b"{}", b"".join(data for _, data in tiles)
    head = b"PMTiles\x03" + struct.pack(
        "<11Q", 127, len(directory), start, len(meta), start + 2, 0, start + 2, len(data), *[len(tiles)] * 3)
    head += struct.pack("<6B4iB2i", 1, 1, 1, 2, ZOOM, ZOOM, *[int(1e7 * one) for one in (113, 31, 114, 32)],
                        ZOOM, int(LON * 1e7), int(LAT * 1e7))
    return head + directory + meta + data


class _Tiles(BaseHTTPRequestHandler):
    """Another host's tile server."""

    protocol_version = "HTTP/1.1"
    asked: list[str] = []  # noqa: RUF012  (shared on purpose)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        parts, values = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        if parts.path == "/far.pmtiles":
            first, last = (int(one) for one in re.findall(r"\d+", self.headers["Range"]))
            whole = archive("gcj")
            self._answer(206, whole[first:last + 1], f"bytes {first}-{min(last, len(whole) - 1)}/{len(whole)}")
        elif found := re.match(r"/(plain|gcj)/(\d+)/(\d+)/(\d+)\.png$", parts.path):
            self._answer(200, tile(found[1], *(int(one) for one in found.groups()[1:])))
        elif found := re.match(r"/rest/img/default/w/(\d+)/(\d+)/(\d+)\.png$", parts.path):
            zoom, row, column = (int(one) for one in found.groups())
            self._answer(200, tile("plain", zoom, column, row))
        elif values.get("REQUEST") == ["GetTile"] and values["TILEMATRIXSET"] == ["w"] and values["LAYER"] == ["img"]:
            zoom, column, row = (int(values[name][0]) for name in ("TILEMATRIX", "TILECOL", "TILEROW"))
            self._answer(200, tile("plain", zoom, column, row))
        else:
            self._answer(404, b"")

    def do_OPTIONS(self) -> None:
        self._answer(204, b"")

    def _answer(self, status: int, body: bytes, range_: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        if range_:
            self.send_header("Content-Range", range_)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def offered(city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo city with six basemaps to choose from."""
    far = ThreadingHTTPServer(("127.0.0.1", 0), _Tiles)
    threading.Thread(target=far.serve_forever, daemon=True).start()
    host, folder = f"http://127.0.0.1:{far.server_port}", tmp_path_factory.mktemp("basemaps")
    (folder / "near.pmtiles").write_bytes(archive("plain"))
    (folder / "basemaps.toml").write_text("".join(_table(*one) for one in (
        ("plain", "xyz", "WGS84", f'url = "{host}/plain/{{z}}/{{x}}/{{y}}.png"'),
        ("gcj", "xyz", "GCJ-02", f'url = "{host}/gcj/{{z}}/{{x}}/{{y}}.png"'),
        ("kvp", "wmts", "CGCS2000", f'url = "{host}/wmts"\nlayer = "img"\nmatrix_set = "w"'),
        ("rest", "wmts", "WGS84", f'url = "{host}/rest/{{Layer}}/{{Style}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}'
         '/{TileCol}.png"\nlayer = "img"\nmatrix_set = "w"'),
        ("near", "pmtiles", "WGS84", 'file = "near.pmtiles"'),
        ("far", "pmtiles", "GCJ-02", f'url = "{host}/far.pmtiles"'),
        ("lost", "xyz", "WGS84", f'url = "{host}/lost/{{z}}/{{x}}/{{y}}.png"'))), "utf-8")
    app = create_app(replace(city.owner.settings, basemaps=folder / "basemaps.toml"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    for one in (server, far):
        one.shutdown()
        one.server_close()
    app.extensions["gisapp"].db.close()


def _table(name: str, kind: str, datum: str, where: str) -> str:
    return (f'[[basemaps]]\nid = "{name}"\ntitle = {{ zh = "底图 {name}", en = "Map {name}" }}\nkind = "{kind}"\n'
            f'datum = "{datum}"\n{where}\nattribution = "© <b>{name}</b>"\nattribution_url = "https://example.org/"\n')


@pytest.fixture
def look(chromium: Browser, signed_in: Callable[[str], Any], offered: str) -> Iterator[Callable[..., Page]]:
    """The map of the offering server with nothing on it but the basemap of the link."""
    contexts, pages = [], []

    def go(base: str, size: tuple[int, int] = DESKTOP, layers: str = "", language: str = "en") -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=offered, has_touch=size == PHONE,
            storage_state=signed_in("viewer"), locale="zh-CN" if language == "zh" else "en-US")
        contexts.append(context)
        page = new_page(context)
        Watch(urlsplit(offered).netloc).on(page)
        pages.append(page)
        page.goto(f"/map#z={ZOOM}&at={LON},{LAT}&layers={layers}{base and '&base='}{base}")
        if base != "lost":
            ready(page)
        return page

    yield go
    for page in pages:
        assert page.evaluate("window.violations") == []
    for context in contexts:
        context.close()


def _misses(page: Page) -> list[float]:
    """How far each dot in the free middle of the map is from its place, in px."""
    poll(page, """() => [...document.querySelectorAll('img.leaflet-tile, .leaflet-tile-container, .leaflet-layer')]
        .every((one) => getComputedStyle(one).opacity === '1')""")  # pictures fade in
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(float)
    red = np.clip((picture[:, :, 0] - picture[:, :, 1]) / 255, 0, 1)
    places = page.evaluate("""(dots) => dots.map(([lon, lat]) => {
        const { map } = window.gisapp;
        const box = map.getContainer().getBoundingClientRect();
        const p = map.project([lat, lon], map.getZoom()).subtract(map.getPixelBounds().min);
        return [p.x + box.x, p.y + box.y];
    })""", DOTS)
    found = []
    for x, y in places:
        if not (340 < x < 1300 and 140 < y < 760):
            continue
        left, top = round(x) - 14, round(y) - 14
        window = red[top:top + 28, left:left + 28]
        assert window.sum() > math.pi * RADIUS**2 * 0.8, f"no dot at {x}, {y}"
        rows, columns = np.mgrid[0:28, 0:28] + 0.5
        found.append(math.hypot((window * columns).sum() / window.sum() + left - x,
                                (window * rows).sum() / window.sum() + top - y))
    assert len(found) > 30
    return found


@pytest.mark.parametrize("base", ["plain", "gcj", "kvp", "rest", "near", "far"])
def test_every_kind_is_drawn_in_its_place(look: Callable[..., Page], base: str) -> None:
    page = look(base)
    assert max(_misses(page)) < 1
    assert page.locator("input[name=basemap]:checked").get_attribute("value") == base


def test_the_place_holds_while_the_map_moves_and_zooms(look: Callable[..., Page]) -> None:
    page = look("gcj")
    page.evaluate("window.gisapp.map.panBy([-333, 217], {animate: false})")
    ready(page)
    assert max(_misses(page)) < 1
    page.evaluate("window.gisapp.map.setZoom(17, {animate: false})")
    ready(page)
    assert max(_misses(page)) < 1


def test_a_wrong_datum_would_be_seen(look: Callable[..., Page]) -> None:
    """The test can fail: without the shift the dots lie half a kilometre away."""
    x, y = _pixel(*_gcj(LON, LAT), ZOOM)
    plain_x, plain_y = _pixel(LON, LAT, ZOOM)
    assert math.hypot(x - plain_x, y - plain_y) > 500
    page = look("gcj")
    shifted = page.evaluate("""async ([lng, lat]) => {
        const base = document.querySelector('script[src$="js/shell.js"]').src.replace('shell.js', 'datum.js');
        const { toGcj, fromGcj } = await import(base);
        const there = toGcj({ lng, lat });
        const back = fromGcj(there);
        return [there.lng, there.lat, Math.abs(back.lng - lng), Math.abs(back.lat - lat),
                toGcj({ lng: 2, lat: 48 }).lng];
    }""", [LON, LAT])
    assert shifted[:2] == pytest.approx(_gcj(LON, LAT), abs=1e-10)
    assert max(shifted[2:4]) < 1e-9
    assert shifted[4] == 2


def test_choosing_by_hand_makes_room_and_gives_it_back(look: Callable[..., Page]) -> None:
    page = look("", layers="blocks,buildings,roads,rooftop_signs")
    expect(page.locator("#map-credit")).to_be_hidden()
    page.locator("#basemaps-button").click()
    page.get_by_text("Map gcj").click()
    hash_holds(page, "base=gcj")
    until(page, lambda: page.evaluate("window.gisapp.tree.shown()") == ["rooftop_signs"])
    expect(page.locator("#map-credit")).to_have_text("© <b>gcj</b>")  # text, whatever is in it
    assert Axe().run(page).response["violations"] == []
    page.reload()
    ready(page)
    expect(page.locator("img.leaflet-tile").first).to_be_attached()
    page.locator("#basemaps-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("input[name=basemap]:checked")).to_be_focused()
    page.locator("input[name=basemap][value=own]").check()
    until(page, lambda: set(page.evaluate("window.gisapp.tree.shown()")) == {
        "blocks", "buildings", "roads", "rooftop_signs"})
    hash_holds(page, "base=", there=False)
    expect(page.locator("img.leaflet-tile")).to_have_count(0)


def test_a_server_that_does_not_answer_is_said(look: Callable[..., Page]) -> None:
    page = look("lost")
    page.locator("#basemaps-button").click()
    expect(page.locator("#basemaps [data-problem]")).to_be_visible()


def test_an_unknown_basemap_in_a_link_is_the_own_one(look: Callable[..., Page]) -> None:
    page = look("nowhere")
    assert page.locator("img.leaflet-tile").count() == 0
    assert "base=" not in page.evaluate("window.location.hash")


def test_the_chooser_fits_a_phone(look: Callable[..., Page]) -> None:
    page = look("gcj", size=PHONE, language="zh")
    page.locator("#basemaps-button").tap()
    expect(page.locator("#basemaps")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_the_default_offers_none(visit: Callable[..., Page]) -> None:
    page = visit()
    assert page.locator("#basemaps-button").count() == 0


def test_the_archive_of_the_test_is_one(tmp_path: Path) -> None:
    assert archive("plain")[:8] == b"PMTiles\x03"
    assert [_number(1, *one) for one in ((0, 0), (0, 1), (1, 1), (1, 0))] == [1, 2, 3, 4]
