"""Print a campaign sheet; save the map as a file and open it without a network."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pypdfium2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PATIENCE_MS, PHONE, Axe, any_feature, new_page, poll

Visit = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
CAMPAIGN = "#z=15&at=113.38000,31.69000&layers=illegal_builds,streets,roads,blocks&where=illegal_builds.status:01"


def shown(page: Page, name: str) -> None:
    """Keep a picture when somebody asks for them."""
    if os.environ.get("GISAPP_TEST_PICTURES"):
        page.screenshot(path=f"{os.environ['GISAPP_TEST_PICTURES']}/{name}.png")


def drawn(page: Page) -> bool:
    """Whether the preview shows a sheet."""
    return bool(poll(page, "() => { const one = document.querySelector('#preview img');"
                           "return !one.hidden && one.complete && one.naturalWidth > 400 "
                           "&& !document.querySelector('#preview[aria-busy]'); }"))


def findings(page: Page) -> list[str]:
    """What axe has against the page."""
    return [f"{one['id']}: {node['html'][:160]}" for one in Axe().run(page).response["violations"]
            for node in one["nodes"]]


@pytest.mark.browser
@SIZES
@pytest.mark.parametrize("dark", [False, True])
def test_the_print_page_for_everybody(visit: Visit, size: tuple[int, int], dark: bool) -> None:
    page = visit("/print?layers=vendor_points,streets&scale=20000", role="exporter", size=size, dark=dark,
                 language="en")
    assert drawn(page)
    shown(page, f"print_en_{size[0]}_{dark}")
    assert findings(page) == []


@pytest.mark.browser
@SIZES
def test_print_a_campaign_sheet(visit: Visit, size: tuple[int, int]) -> None:
    page = visit(f"/map{CAMPAIGN}", role="reviewer", size=size)
    if size == PHONE:
        page.click("#side-button")
    shown(page, f"map_foot_{size[0]}")
    page.get_by_role("link", name="打印").click()
    page.wait_for_url("**/print?**")
    carried = parse_qs(urlsplit(page.url).query)
    assert carried["illegal_builds.status"] == ["01"]
    assert set(carried["layers"][0].split(",")) == {"illegal_builds", "streets", "roads", "blocks"}
    assert drawn(page)
    page.get_by_label("标题").fill("违建治理挂图作战")
    page.get_by_label("纸张").select_option("A3")
    page.get_by_label("比例尺").select_option("5000")
    assert drawn(page)
    shown(page, f"print_{size[0]}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    address = page.evaluate("""() => {
        const form = document.getElementById('print');
        return `${form.querySelector('[formaction$=".pdf"]').formAction}?${new URLSearchParams(new FormData(form))}`;
    }""")
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/pdf"
    document = pypdfium2.PdfDocument(io.BytesIO(answer.body()))
    text = document[0].get_textpage().get_text_range()
    assert document[0].get_size() == pytest.approx((420 * 72 / 25.4, 297 * 72 / 25.4), abs=0.1)
    for words in ("违建治理挂图作战", "1:5000", "状态 = ", "打印人", "模拟数据"):
        assert words in text
    document.close()


@pytest.mark.browser
def test_what_cannot_be_printed_is_said_on_the_page(visit: Visit) -> None:
    page = visit("/print?layers=waste_sites&waste_sites.site_no=none", role="viewer", language="en")
    page.locator("#preview [role=alert]").wait_for(state="visible")
    expect(page.locator("#preview [role=alert]")).to_contain_text("Nothing answers the question")
    page.watch.errors.clear()  # type: ignore[attr-defined]  # the console tells of the 422


@pytest.mark.browser
@SIZES
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_saved_map_opens_from_disk_without_a_network(
        visit: Visit, chromium: Browser, tmp_path: Path, size: tuple[int, int], language: str) -> None:
    page = visit(f"/map{CAMPAIGN}", role="exporter", size=size, language=language)
    if size == PHONE:
        page.click("#side-button")
    with page.expect_download(timeout=PATIENCE_MS) as waiting:
        page.locator("[data-save]").click()
    path = tmp_path / "map.html"
    waiting.value.save_as(path)
    assert waiting.value.suggested_filename.endswith(".html")
    feature = any_feature(page, "illegal_builds", "status=01&bbox=113.375,31.687,113.385,31.693")
    opened(chromium, path, size, feature, language)


def opened(chromium: Browser, path: Path, size: tuple[int, int], feature: dict[str, Any], language: str) -> None:
    """The file in a browser that is offline: it asks nobody, shows the feature, speaks both languages."""
    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
    page = new_page(context)
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda note: faults.append(note.text) if note.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    shown(page, f"file_{size[0]}_{language}")
    if size == PHONE:
        page.click("#menu")
    side = page.locator("#side")
    here, there = ("违法建设", "Illegal builds") if language == "zh" else ("Illegal builds", "违法建设")
    expect(side).to_contain_text(here)
    assert side.locator("input[data-layer]").count() == 4
    page.click("#language")
    expect(side).to_contain_text(there)
    if size == PHONE:
        page.click("#menu")
    open_feature(page, feature)
    expect(page.locator(".leaflet-popup")).to_contain_text(feature["properties"]["case_no"])
    shown(page, f"file_open_{size[0]}_{language}")
    assert findings(page) == []
    page.click("#theme")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#theme")).to_be_focused()
    shown(page, f"file_dark_{size[0]}_{language}")
    assert findings(page) == []
    assert asked == [path.as_uri()]
    assert faults == []
    context.close()


def open_feature(page: Page, feature: dict[str, Any]) -> None:
    """Click the feature where it is drawn."""
    shape = feature["geometry"]
    ring = shape["coordinates"][0][0] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    lons, lats = [point[0] for point in ring], [point[1] for point in ring]
    spot = [(min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2]
    x, y = page.evaluate("""async (spot) => {
        const name = Object.keys(window).find((one) => one.startsWith('map_'));
        const map = (0, window)[name];
        map.setView(spot, 19, { animate: false });
        const box = map.getContainer().getBoundingClientRect();
        const point = map.latLngToContainerPoint(spot);
        return [box.x + point.x, box.y + point.y];
    }""", spot)
    page.mouse.click(x, y)
    page.locator(".leaflet-popup").wait_for()

