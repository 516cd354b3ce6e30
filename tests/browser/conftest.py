"""A real Chromium before the demo city, served by the real application on a database of its own.

Every page is watched: a request to another host, a violation of the content policy, an error in the console
or an exception in a script fails the test that opened the page.

`GISAPP_TEST_SLOW=4` makes scripts four times slower and each answer late by up to 0.4 s: what reads a page before the
page is there then fails here, and not once in a hundred times on a busy machine.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe as _Axe
from playwright.sync_api import Browser, BrowserContext, Error, Page, Request, Response, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from gisapp import create_app
from gisapp.accounts import ensure_first_accounts
from gisapp.cluster import Cluster
from gisapp.demo import load_demo
from gisapp.house import House, make_house
from tests.conftest import copy_database, fresh_settings

DESKTOP, PHONE = (1440, 900), (390, 844)
#: A wrong page fails this much later; a right one on a machine that is busy with everything else does not fail at all.
PATIENCE_MS = 60_000
SLOW = float(os.environ.get("GISAPP_TEST_SLOW", "0"))
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
              "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
#: Violations are kept on the page itself: the listener has to be there before the first script runs.
_LISTEN = """window.violations = [];
document.addEventListener('securitypolicyviolation',
    (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}`));"""


#: Nothing is fetched by htmx, no tile is missing and none is being painted.
_AT_REST = """() => !window.gisapp?.stack?.isBusy?.() && !document.querySelector(
    '.leaflet-tile:not(.leaflet-tile-loaded), .htmx-request, .htmx-swapping, .htmx-settling, .htmx-added')"""
#: Colours that fade in are pale on their way, which axe takes for too little contrast.
_STILL = """() => document.getAnimations().every((one) => one.playState !== 'running'
    || one.effect.getComputedTiming().endTime === Infinity)"""
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What drives a browser is tried a second time: on a busy machine the browser itself stalls, or is killed, and
    thousands of other tests were run in vain. The summary names each (`-rR`); one that is there twice is a fault."""
    for item in items:
        if "browsers" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=1))


class _Quiet(WSGIRequestHandler):
    """Keeps connections open as the real server does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def run_wsgi(self) -> None:
        """Answer; late when that is asked for."""
        if SLOW:
            time.sleep(random.random() * 0.4)
        super().run_wsgi()

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
    waiting: set[Request] = field(default_factory=set)

    def on(self, page: Page) -> None:
        """Listen to everything on the page."""
        page.watch = self  # type: ignore[attr-defined]
        page.add_init_script(_LISTEN)
        page.on("request", self._request)
        page.on("response", self._heard)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        page.on("console", lambda note: self.errors.append(note.text) if note.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _request(self, request: Request) -> None:
        url = request.url
        self.requests.append(url)
        if request.is_navigation_request():
            self.waiting.clear()  # what the page before it waited for
        else:
            self.waiting.add(request)
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != self.host:
            self.foreign.append(url)

    def _heard(self, response: Response) -> None:
        """What a script fetched and never reads to the end, Chromium never calls finished."""
        if response.request.resource_type in ("fetch", "xhr"):
            self.waiting.discard(response.request)

    def _answered(self, request: Request) -> None:
        self.waiting.discard(request)


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
def browsers() -> Iterator[Callable[[], Browser]]:
    """Gives the one browser of the run, or a new one when that died."""
    with sync_playwright() as playwright:
        kept: list[Browser] = []

        def browser() -> Browser:
            if not kept or not kept[-1].is_connected():
                path = (os.environ.get("GISAPP_TEST_CHROMIUM") or which("chromium-headless-shell")
                        or "/usr/bin/chromium")
                kept.append(playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, timeout=3 * PATIENCE_MS))
            return kept[-1]

        yield browser
        if kept:
            kept[-1].close()


@pytest.fixture
def chromium(browsers: Callable[[], Browser]) -> Browser:
    """The browser."""
    return browsers()


@pytest.fixture(scope="session")
def signed_in(browsers: Callable[[], Browser], city: City) -> Callable[[str], Any]:
    """The cookies of a role that signed in once: argon2 is slow on purpose."""
    kept: dict[str, Any] = {}

    def cookies(role: str) -> Any:
        if role not in kept:
            context = browsers().new_context(base_url=city.url, locale="zh-CN")
            context.set_default_timeout(PATIENCE_MS)
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
        page, watch = new_page(context), Watch(urlsplit(city.url).netloc)
        watch.on(page)
        pages.append((page, watch))
        if role and fresh:
            sign_in(page, city.accounts[role])
        page.goto(path)
        if path.startswith("/map") and role:
            ready(page)
        return page

    yield go
    try:
        for page, watch in pages:
            assert watch.foreign == []
            assert page.evaluate("window.violations") == []
            assert watch.errors == []
    finally:
        for context in contexts:
            context.close()


def new_page(context: BrowserContext) -> Page:
    """A page with the patience of these tests."""
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    if SLOW:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOW})
    return page


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
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page waits for no answer and draws nothing, and stays so for longer than its scripts pause."""
    watch: Watch | None = getattr(page, "watch", None)
    give_up, since = time.monotonic() + PATIENCE_MS / 1000, None
    while True:
        resting, now = _asked(page, _AT_REST) and not (watch and watch.waiting), time.monotonic()
        since = (since or now) if resting else None
        if since and now - since >= 0.25:
            return
        if now > give_up:
            raise AssertionError(f"the page finds no rest: {[one.url for one in watch.waiting] if watch else ''}")
        page.wait_for_timeout(50)


def poll(page: Page, script: str, argument: Any = None, *, patience_ms: int = PATIENCE_MS) -> Any:
    """Evaluate until the answer is true. The policy forbids the eval that wait_for_function needs."""
    give_up = time.monotonic() + patience_ms / 1000
    while True:
        answer = _asked(page, script, argument)
        if answer:
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"never came true: {script} {argument or ''}; last: {answer}")
        page.wait_for_timeout(50)


def _asked(page: Page, script: str, argument: Any = None) -> Any:
    """The answer of the page; None while it is leaving for another one."""
    try:
        return page.evaluate(script, argument)
    except Error as error:
        if "because of a navigation" in str(error) or "Execution context was destroyed" in str(error):
            return None
        raise


def until(page: Page, condition: Callable[[], Any]) -> Any:
    """Ask again and again until the answer is true; for what the test itself has to look up. The page goes on."""
    give_up = time.monotonic() + PATIENCE_MS / 1000
    while not (answer := condition()):
        assert time.monotonic() < give_up, "it never came true"
        page.wait_for_timeout(50)
    return answer


def moved(page: Page, lng: float) -> None:
    """Wait until the map has left a longitude and glides no more."""
    poll(page, "(lng) => window.gisapp.map.getCenter().lng !== lng && !window.gisapp.map._panAnim?._inProgress", lng)
    settled(page)


def hash_holds(page: Page, text: str, *, there: bool = True) -> None:
    """Wait until the part of the address that tells the view holds a text, or holds it no more."""
    poll(page, "([text, there]) => decodeURIComponent(window.location.hash).includes(text) === there", [text, there])


class Axe(_Axe):
    """axe, once nothing fades any more."""

    def run(self, page: Page, *arguments: Any, **more: Any) -> Any:
        """What axe finds on the page."""
        settled(page)
        poll(page, _STILL)
        return super().run(page, *arguments, **more)


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
