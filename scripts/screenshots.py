"""Make the pictures of the README from a running instance with demo data. Nothing in them is touched up.

Usage: ./run --port 8000   and, beside it:   python scripts/screenshots.py [--url URL] [--accounts FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]
MIDDLE = "z=16&at=113.38500,31.69200"


@dataclass(frozen=True)
class Shot:
    """One picture; `opens` is the layer whose first feature is shown in the panel."""

    name: str
    path: str
    size: tuple[int, int] = (1440, 900)
    language: str = "zh"
    dark: bool = False
    opens: str = ""
    press: str = ""


SHOTS = (
    Shot("map-zh", f"/map#{MIDDLE}", opens="waste_sites"),
    Shot("map-en", "/map", language="en"),
    Shot("map-dark", f"/map#{MIDDLE}", language="en", dark=True, opens="illegal_builds"),
    Shot("phone-zh", f"/map#{MIDDLE}", (390, 844), opens="rooftop_signs"),
    Shot("phone-layers-en", f"/map#{MIDDLE}", (390, 844), "en", press="#side-button"),
)


def main() -> int:
    """Run as a script; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--accounts", type=Path, default=ROOT / "instance" / "accounts.json")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    if not options.accounts.is_file():
        print(f"{options.accounts} is missing: start ./run first", file=sys.stderr)
        return 1
    account = json.loads(options.accounts.read_text("utf-8"))["reviewer"]
    options.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        path = os.environ.get("GISAPP_TEST_CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for shot in SHOTS:
            take(browser, shot, options.url, account, options.out)
            print(options.out / f"{shot.name}.jpg")
        browser.close()
    return 0


def take(browser: Browser, shot: Shot, url: str, account: dict[str, str], folder: Path) -> None:
    """Sign in, go there, wait until everything is drawn, keep the picture."""
    context = browser.new_context(
        base_url=url, viewport={"width": shot.size[0], "height": shot.size[1]},
        device_scale_factor=2 if shot.size[0] < 500 else 1, has_touch=shot.size[0] < 500,
        locale="zh-CN" if shot.language == "zh" else "en-US", color_scheme="dark" if shot.dark else "light")
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=username]", account["username"])
    page.fill("[name=password]", account["password"])
    page.click("main [type=submit]")
    page.wait_for_url("**/map*")
    settle(page)
    page.goto("/account")  # away, so that the map starts with its link
    page.goto(shot.path)
    settle(page)
    if shot.opens:
        open_first(page, shot.opens)
    if shot.press:
        page.click(shot.press)
    settle(page)
    page.screenshot(path=folder / f"{shot.name}.jpg", type="jpeg", quality=86)
    context.close()


def open_first(page: Page, layer: str) -> None:
    """Open the panel of the layer's feature nearest to the middle of the map."""
    page.evaluate("""async (layer) => {
        const { map, panel } = window.gisapp;
        const box = map.getBounds().toBBoxString();
        const found = await (await fetch(`/collections/${layer}/items?f=json&limit=200&bbox=${box}`)).json();
        const place = (one) => window.L.geoJSON(one).getBounds().getCenter().distanceTo(map.getCenter());
        const nearest = found.features.sort((a, b) => place(a) - place(b))[0];
        await panel.open({ layer, id: nearest.id });
    }""", layer)
    page.wait_for_selector("#panel h2")
    page.wait_for_selector(".leaflet-overlay-pane path", state="attached")


def settle(page: Page) -> None:
    """Wait until requests have ended and tiles are faded in."""
    page.wait_for_selector("html[data-map-ready=yes]")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(900)


if __name__ == "__main__":
    sys.exit(main())
