"""Read every page: axe finds nothing, nothing is wider than the screen; desktop and phone, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gisapp import create_app
from tests.browser.conftest import PHONE, Axe, City, any_feature, ready

pytestmark = pytest.mark.browser

#: Every page of the application: rule → an address of it. {sign} is a feature with photos, {account} an account.
PAGES = {
    "/map": "/map", "/print": "/print?layers=rooftop_signs&bbox=113.38,31.69,113.39,31.70",
    "/list/<layer_id>": "/list/illegal_builds", "/panel/<layer_id>/<feature_id>": "/panel/rooftop_signs/{sign}",
    "/panel/<layer_id>/<feature_id>/history": "/panel/rooftop_signs/{sign}/history",
    "/panel/<layer_id>/<feature_id>/photos": "/panel/rooftop_signs/{sign}/photos",
    "/forms/<layer_id>": "/forms/illegal_builds", "/forms/<layer_id>/<feature_id>": "/forms/rooftop_signs/{sign}",
    "/imports": "/imports", "/exports": "/exports?layer=rooftop_signs", "/account": "/account",
    "/account/password": "/account/password", "/admin/accounts": "/admin/accounts",
    "/admin/accounts/<account_id>": "{account}", "/admin/log": "/admin/log", "/sign-in": "/sign-in",
    "/api": "/api?f=html", "/collections": "/collections?f=html",
    "/collections/<layer_id>": "/collections/rooftop_signs?f=html",
    "/collections/<layer_id>/items": "/collections/rooftop_signs/items?f=html&limit=20",
    "/collections/<layer_id>/items/<feature_id>": "/collections/rooftop_signs/items/{sign}?f=html",
    "/conformance": "/conformance?f=html", "/jobs": "/jobs", "/receivers": "/receivers",
    "/deliveries": "/deliveries",
}
#: What answers with data, files or pieces of a page.
NO_PAGES = {
    "/", "/assets/<version>/<path:name>", "/basemaps/<name>.pmtiles", "/favicon.ico", "/healthz", "/identify",
    "/imports/<import_id>", "/print.pdf", "/print.png", "/robots.txt", "/search", "/session", "/sw.js",
}
#: Pieces of pages and data; pages that have an axe test of their own file.
PIECES = ("/map/", "/questions", "/q/", "/ask", "/statistics", "/presence/", "/tileMatrixSets", "/styles",
          "/functions", "/collections/<layer_id>/", "/imports/<import_id>/", "/jobs/", "/receivers/", "/deliveries/",
          "/d/")


#: Of many things alike the first are looked at: axe compares the colours of each of the document's 35 000 elements.
FEW = """() => {
    if (document.querySelectorAll('*').length < 3000) return;
    for (const one of document.querySelectorAll('main *')) [...one.children].slice(25).forEach((more) => more.remove());
}"""


#: Tables of cards that have to be pushed sideways all the same.
_PUSHED_ASIDE = """[...document.querySelectorAll('.table-wrap:has(> .table-cards)')]
    .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.className + one.scrollWidth)"""


def _wrong(page: Page) -> list[str]:
    page.evaluate(FEW)
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for one in found for node in one["nodes"]]


def test_every_page_is_here(city: City) -> None:
    served = create_app(city.owner.settings).url_map.iter_rules()
    rules = {rule.rule for rule in served if "GET" in (rule.methods or ())}
    left = {rule for rule in rules - NO_PAGES - set(PAGES) if not rule.startswith(PIECES)}
    assert left == set(), "a new page: give it a line in PAGES"


@pytest.mark.parametrize("rule", PAGES)
def test_by_ear_and_on_a_phone_in_the_dark(visit: Callable[..., Page], rule: str) -> None:
    page = visit("/account", role="admin")
    path = PAGES[rule]
    if "{sign}" in path:
        path = path.replace("{sign}", any_feature(page, "rooftop_signs", "sortby=sign_no")["id"])
    if path == "{account}":
        page.goto("/admin/accounts")
        path = page.locator("a[href*='/admin/accounts/']").first.get_attribute("href") or ""
    page.goto(f"{path}{'&' if '?' in path else '?'}lang=zh")
    assert page.locator("h1, h2").count() > 0
    assert _wrong(page) == []
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.emulate_media(color_scheme="dark")
    page.goto(f"{path}{'&' if '?' in path else '?'}lang=en")
    assert _wrong(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert page.evaluate(_PUSHED_ASIDE) == []  # rows are cards there, nothing lies off the screen
    if rule == "/print":  # a preview of what the link asks for may be refused, in words on the page
        page.watch.errors[:] = [one for one in page.watch.errors if "422" not in one]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("path", "role", "status"), [
    ("/nowhere", "viewer", 404), ("/admin/accounts", "viewer", 403), ("/panel/rooftop_signs/not-an-id", "viewer", 0),
    ("/list/no_such_layer", "viewer", 404), ("/imports", "viewer", 403),
])
def test_errors_are_pages_too(visit: Callable[..., Page], path: str, role: str, status: int) -> None:
    page = visit("/account", role=role, language="en", dark=True)
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status or (status == 0 and answer.status in (400, 404))
    assert _wrong(page) == []
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".error-page .code")).to_be_visible()
    page.watch.errors.clear()  # type: ignore[attr-defined]


@pytest.mark.parametrize("tab", ["filter", "list", "times"])
def test_the_tabs_of_the_side_bar(visit: Callable[..., Page], tab: str) -> None:
    page = visit(dark=tab == "list")
    page.locator(f"#tab-{tab}").click()
    assert _wrong(page) == []


OFFERED = {
    "viewer": (), "exporter": ("[data-save]",),
    "inspector": (".add-button", "#draw-bar", "#pick-bar", "[data-pick-act]"),
    "reviewer": (".add-button", "#draw-bar", "#pick-bar", "[data-pick-act]", "[data-save]", "[data-act=delete]"),
}
ANY = (".add-button", "#draw-bar", "#pick-bar", "[data-pick-act]", "[data-save]", "[data-act=delete]",
       "[data-act=state]", "a[href*='/forms/']")


@pytest.mark.parametrize("role", OFFERED)
def test_only_what_the_role_may_do_is_offered(visit: Callable[..., Page], role: str) -> None:
    page = visit(role=role)
    build: dict[str, Any] = any_feature(page, "illegal_builds")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'illegal_builds', id})", build["id"])
    expect(page.locator("#panel h2")).to_be_visible()
    offered = OFFERED[role]
    for selector in ANY:
        if selector in offered:
            assert page.locator(selector).count() > 0, selector
        elif role in ("viewer", "exporter"):
            assert page.locator(selector).count() == 0, selector
    if role == "inspector":
        assert page.locator("[data-act=delete], [data-save]").count() == 0


def test_a_lost_server_is_said_and_the_map_stays(visit: Callable[..., Page]) -> None:
    page = visit(language="en")
    build = any_feature(page, "illegal_builds")
    page.context.set_offline(True)
    expect(page.locator("#note-problem")).to_contain_text("cannot be reached")
    page.evaluate("(id) => window.gisapp.panel.open({layer: 'illegal_builds', id}).catch(() => {})", build["id"])
    expect(page.locator("#panel .alert")).to_contain_text("cannot be reached")
    assert _wrong(page) == []
    page.context.set_offline(False)
    expect(page.locator("#note-problem")).to_be_hidden()
    page.watch.errors.clear()  # type: ignore[attr-defined]
    ready(page)
