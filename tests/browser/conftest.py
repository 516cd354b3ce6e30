"""A real Chromium before the demo city, served by the real application on a database of its own.

Every page is watched: a request to another host, a violation of the content policy, an error in the console
or an exception in a script fails the test that opened the page.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from gisapp import create_app
from gisapp.accounts import ensure_first_accounts
from gisapp.cluster import Cluster
from gisapp.demo import load_demo
from gisapp.house import House, make_house
from tests.conftest import copy_database, fresh_settings

DESKTOP, PHONE = (1440, 900), (390, 844)
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
              "--disable-background-networking", "--disable-component-update"]
#: Violations are kept on the page itself: the listener has to be there before the first script runs.
_LISTEN = """window.violations = [];
document.addEventListener('securitypolicyviolation',
    (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));"""


class _Quiet(WSGIRequestHandler):
    """Keeps connections open as the real server does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@dataclass
class City:
    """The served demo city; `accounts` are username and password by role, `owner` the database owner's house."""

    url: str
    accounts: dict[str, dict[str, str]]
    owner: House


@dataclass
class Watch:
    """What must not happen on a page. A test takes out of `errors` what it provoked."""

    host: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        """Listen to everything on the page."""
        page.add_init_script(_LISTEN)
        page.on("request", lambda request: self._request(request.url))
        page.on("console", lambda note: self.errors.append(note.text) if note.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, url: str) -> None:
        self.requests.append(url)
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != self.host:
            self.foreign.append(url)


@pytest.fixture(scope="session")
def city(cluster: Cluster, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The demo city on a port of its own."""
    copy_database(cluster, migrated, "test_browser")
    settings = fresh_settings(cluster, "test_browser", tmp_path_factory.mktemp("browser"))
    owner = make_house(settings, settings.owner_database_url)
    accounts = ensure_first_accounts(owner, demo=True)
    load_demo(owner)
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    assert accounts is not None
    yield City(f"http://127.0.0.1:{server.server_port}", accounts, owner)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["gisapp"].db.close()
    owner.db.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run."""
    with sync_playwright() as playwright:
        path = os.environ.get("GISAPP_TEST_CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, city: City) -> Callable[[str], Any]:
    """The cookies of a role that signed in once: argon2 is slow on purpose."""
    kept: dict[str, Any] = {}

    def cookies(role: str) -> Any:
        if role not in kept:
            context = chromium.new_context(base_url=city.url, locale="zh-CN")
            sign_in(context.new_page(), city.accounts[role])
            kept[role] = context.storage_state()
            context.close()
        return kept[role]

    return cookies


@pytest.fixture
def visit(chromium: Browser, city: City, signed_in: Callable[[str], Any]) -> Iterator[Callable[..., Page]]:
    """`visit(path, role=…, size=…, language=…, dark=…)`: a signed-in reader's page in a browser of its own.

    With `fresh` the session is the test's own, for tests that end it."""
    contexts: list[BrowserContext] = []
    pages: list[tuple[Page, Watch]] = []

    def go(path: str = "/map", *, role: str | None = "inspector", size: tuple[int, int] = DESKTOP,
           language: str = "zh", dark: bool = False, fresh: bool = False) -> Page:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=city.url, has_touch=size == PHONE,
            storage_state=signed_in(role) if role and not fresh else None,
            locale="zh-CN" if language == "zh" else "en-US", color_scheme="dark" if dark else "light")
        contexts.append(context)
        context.set_default_timeout(15_000)
        page, watch = context.new_page(), Watch(urlsplit(city.url).netloc)
        watch.on(page)
        pages.append((page, watch))
        if role and fresh:
            sign_in(page, city.accounts[role])
        page.goto(path)
        page.watch = watch  # type: ignore[attr-defined]
        if path.startswith("/map") and role:
            ready(page)
        return page

    yield go
    for page, watch in pages:
        assert watch.foreign == []
        assert page.evaluate("window.violations") == []
        assert watch.errors == []
    for context in contexts:
        context.close()


def sign_in(page: Page, account: dict[str, str]) -> None:
    """Sign in as a person does."""
    page.goto("/sign-in")
    page.fill("[name=username]", account["username"])
    page.fill("[name=password]", account["password"])
    page.click("main [type=submit]")
    page.wait_for_url("**/map*")


def ready(page: Page) -> None:
    """Wait until the map has started and all its tiles are drawn."""
    page.wait_for_selector("html[data-map-ready=yes]")
    page.wait_for_load_state("networkidle")
    poll(page, "() => !document.querySelector('.leaflet-tile:not(.leaflet-tile-loaded)')")


def poll(page: Page, script: str, argument: Any = None, *, patience_ms: int = 15_000) -> Any:
    """Evaluate until the answer is true. The policy forbids the eval that wait_for_function needs."""
    for _ in range(patience_ms // 50):
        answer = page.evaluate(script, argument)
        if answer:
            return answer
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {script}")


def any_feature(page: Page, layer: str, query: str = "") -> dict[str, Any]:
    """The first feature of a layer as the page's reader gets it, GeoJSON."""
    found: dict[str, Any] = page.evaluate(
        "async ([layer, query]) => (await (await fetch(`/collections/${layer}/items?limit=1&f=json&${query}`))"
        ".json()).features[0]", [layer, query])
    return found


def look_at(page: Page, lon: float, lat: float, zoom: int) -> None:
    """Move the map there and wait for its tiles."""
    page.evaluate("([lon, lat, zoom]) => window.gisapp.map.setView([lat, lon], zoom, {animate: false})",
                  [lon, lat, zoom])
    ready(page)


def click_at(page: Page, lon: float, lat: float) -> None:
    """Click the map where lon, lat is drawn."""
    x, y = page.evaluate(
        "([lon, lat]) => { const p = window.gisapp.map.latLngToContainerPoint([lat, lon]);"
        "const box = window.gisapp.map.getContainer().getBoundingClientRect(); return [p.x + box.x, p.y + box.y]; }",
        [lon, lat])
    page.mouse.click(x, y)


def drawn_colours(page: Page) -> int:
    """How many different colours the map's canvases show; a blank map shows one or none."""
    count: int = page.evaluate("""() => {
        const seen = new Set();
        for (const tile of document.querySelectorAll('canvas.leaflet-tile')) {
            const { width, height } = tile;
            const { data } = tile.getContext('2d').getImageData(0, 0, width, height);
            for (let at = 0; at < data.length; at += 4 * 97) seen.add(data.slice(at, at + 4).join());
        }
        return seen.size;
    }""")
    return count
