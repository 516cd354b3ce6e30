"""A record is entered, corrected, and changed by two at once, by the form in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe

FORM = "/forms/rooftop_signs"


def save(page: Page) -> Response:
    """The answer to the form; the page that follows is there."""
    with page.expect_response(lambda answer: answer.request.method == "POST") as caught, page.expect_navigation():
        page.click(".form-actions [type=submit]")
    return caught.value


def fill(page: Page, number: str, lat: str = "31.6901234") -> None:
    page.fill("#f-sign_no", number)
    page.select_option("#f-sign_kind", index=1)
    page.fill("#f-area_m2", "12.50")
    page.fill("#f-geom-lon", "113.3801234")
    page.fill("#f-geom-lat", lat)


def correct(page: Page) -> None:
    page.click("text=编辑")
    page.wait_for_url("**/forms/**")
    page.wait_for_load_state()


def refused(page: Page, status: int) -> None:
    """A browser writes refused pages to its console; this one was wanted."""
    errors = page.watch.errors  # type: ignore[attr-defined]
    assert [error for error in errors if f"status of {status}" in error] == errors
    errors.clear()


@pytest.mark.browser
def test_enter_a_sign_and_correct_it(visit: Callable[..., Page]) -> None:
    page = visit(FORM)
    number = f"测试-{uuid4().hex[:8]}"
    fill(page, number)
    page.fill("#f-found_at", "2024-11-13T08:30")
    page.fill("#f-remark", "第一行\n第二行")
    assert save(page).status == 303
    expect(page.locator(".alert-success")).to_contain_text("记录已保存")
    expect(page.locator("h2")).to_contain_text(number)
    expect(page.locator("main")).to_contain_text("2024-11-13 08:30")
    correct(page)
    assert save(page).status == 303
    expect(page.locator(".alert")).to_contain_text("没有改动")
    correct(page)
    page.fill("#f-area_m2", "13")
    assert save(page).status == 303
    expect(page.locator(".alert-success")).to_contain_text("修改已保存")
    page.click("text=在地图上")
    page.wait_for_selector(f"#panel h2:has-text('{number}')")


@pytest.mark.browser
def test_two_correct_the_same_sign(visit: Callable[..., Page]) -> None:
    page = visit(FORM)
    fill(page, uuid4().hex[:12], "31.6911234")  # not beside the sign of the other test: that would be asked about
    assert save(page).status == 303
    address = page.url.replace("/panel/", "/forms/")
    mine, theirs = visit(address, language="en"), visit(address, role="reviewer", size=PHONE)
    theirs.fill("#f-remark", "他们的")
    assert save(theirs).status == 303
    mine.fill("#f-remark", "mine")
    mine.fill("#f-address", "a new street")
    assert save(mine).status == 412
    refused(mine, 412)
    expect(mine.locator("#problem")).to_contain_text("reviewer changed this record meanwhile")
    expect(mine.locator("#f-address")).to_have_value("a new street")
    assert Axe().run(mine).violations_count == 0
    mine.check("tr[data-field=remark] input[value=stored]")
    assert save(mine).status == 303
    expect(mine.locator("main")).to_contain_text("他们的")
    expect(mine.locator("main")).to_contain_text("a new street")


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("layer", ["illegal_builds", "vendor_points", "truck_routes"])
def test_a_form_can_be_read_and_used_everywhere(visit: Callable[..., Page], layer: str, language: str,
                                                size: tuple[int, int]) -> None:
    page = visit(f"/forms/{layer}", size=size, language=language, dark=language == "en")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.evaluate("document.querySelector('[data-feature-form]').noValidate = true")
    assert save(page).status == 422
    refused(page, 422)
    assert page.locator("[aria-invalid=true]").count() >= 1
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    smallest = page.evaluate("Math.min(...[...document.querySelectorAll('.field input:not([type=hidden], [type=radio], "
                             "[type=checkbox]), .field select')].map((one) => one.getBoundingClientRect().height))")
    assert smallest >= (44 if size == PHONE else 36)
