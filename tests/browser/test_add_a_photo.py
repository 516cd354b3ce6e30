"""An inspector adds photos to a sign: several at once, one of them no photo; looks at them, and takes one back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, City
from tests.photos import photo

pytestmark = pytest.mark.browser

EAST = {"name": "east.jpg", "mimeType": "image/jpeg",
        "buffer": photo(size=(900, 600), taken="2025:06:01 08:30:00", place=(113.38, 31.69))}
WEST = {"name": "west.png", "mimeType": "image/png", "buffer": photo("PNG", colour="olive")}
PAGE = {"name": "page.jpg", "mimeType": "image/jpeg", "buffer": b"<!doctype html><p>no photo</p>"}


def sign_of(city: City, number: int) -> str:
    """The id of a sign that no other test looks at."""
    signs = city.owner.tables.layers["rooftop_signs"]
    with city.owner.db.read() as connection:
        found = connection.execute(signs.select().order_by(signs.c.sign_no.desc()).limit(number)).all()
    return str(found[-1].id)


def strip_of(page: Page, sign: str) -> Locator:
    """The photos in the panel of a sign that the page was opened with."""
    expect(page.locator(f"#panel-body [data-feature='{sign}']")).to_be_visible()
    return page.locator("#panel-body .photos")


def free_of_findings(page: Page) -> None:
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]] == []


@pytest.mark.parametrize(("size", "language", "number"), [(DESKTOP, "zh", 1), (PHONE, "en", 2)],
                         ids=["desktop", "phone"])
def test_an_inspector_adds_photos(visit: Callable[..., Page], city: City, size: tuple[int, int], language: str,
                                  number: int) -> None:
    sign = sign_of(city, number)
    page = visit(f"/map?lang={language}#open=rooftop_signs/{sign}", size=size)
    strip = strip_of(page, sign)
    expect(strip.locator(".empty")).to_be_visible()
    strip.locator("[name=caption]").fill("东侧 & <b>西侧</b>")
    strip.locator("input[type=file]:not([data-camera])").set_input_files([EAST, PAGE, WEST])
    expect(strip.locator(".photo-strip li")).to_have_count(2)
    bad = strip.locator(".photo-progress .is-bad")
    expect(bad).to_have_count(1)
    expect(bad).to_contain_text("page.jpg")
    expect(bad).to_contain_text("JPEG")
    page.watch.errors.clear()  # type: ignore[attr-defined]  # the browser notes the refusal of the third
    pictures = strip.locator(".photo-strip img")
    for place in range(2):
        expect(pictures.nth(place)).to_have_js_property("complete", True)
        expect(pictures.nth(place)).not_to_have_js_property("naturalWidth", 0)
        expect(pictures.nth(place)).to_have_attribute("alt", "东侧 & <b>西侧</b>")
    free_of_findings(page)


def test_photos_are_looked_at_by_keyboard_and_one_is_removed_and_brought_back(visit: Callable[..., Page],
                                                                                  city: City) -> None:
    sign = sign_of(city, 3)
    page = visit(f"/map#open=rooftop_signs/{sign}")
    strip = strip_of(page, sign)
    strip.locator("input[type=file]:not([data-camera])").set_input_files([EAST, WEST])
    expect(strip.locator(".photo-strip li")).to_have_count(2)
    strip.locator(".photo").first.focus()
    page.keyboard.press("Enter")
    view = page.locator(".photo-view[open]")
    expect(view.locator("[data-place]")).to_have_text("1 / 2")
    expect(view.locator("[data-photo-act=close]")).to_be_focused()
    expect(view.locator(".photo-view-about")).to_contain_text("2025-06-01 08:30:00")
    free_of_findings(page)
    page.keyboard.press("ArrowRight")
    expect(view.locator("[data-place]")).to_have_text("2 / 2")
    page.keyboard.press("Escape")
    expect(view).to_have_count(0)
    expect(strip.locator(".photo").first).to_be_focused()
    expect(page.locator(f"#panel-body [data-feature='{sign}']")).to_be_visible()
    page.keyboard.press("Enter")
    view.locator("summary").click()
    view.locator("[name=why]").fill("拍错了")
    view.locator("[type=submit]").click()
    expect(page.locator("#panel-body .photo-strip li")).to_have_count(1)
    page.locator("#panel-body .photo-gone summary").click()
    expect(page.locator("#panel-body .photo-gone li")).to_contain_text("拍错了")
    free_of_findings(page)
    page.locator("#panel-body .photo-gone button").click()
    expect(page.locator("#panel-body .photo-strip li")).to_have_count(2)
    expect(page.locator("#panel-body .photo-gone")).to_have_count(0)
    page.locator("#panel-body .panel-actions [hx-get$='/history']").click()
    expect(page.locator("#panel-body .history-photos")).to_contain_text("拍错了")
