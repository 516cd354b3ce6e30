"""Ask for builds near schools, save the question, open its short link: on the table, then on the map."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, hash_holds, poll, ready, settled, until

pytestmark = pytest.mark.browser


def _matched(page: Page, query: str) -> int:
    count: int = page.evaluate(
        "async (query) => (await (await fetch(`/collections/illegal_builds/items?f=json&limit=1&${query}`))"
        ".json()).numberMatched", query)
    return count


def _nothing_wrong(page: Page) -> None:
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]] == []
    wide = ("[...document.querySelectorAll('main *')].filter((one) => one.getBoundingClientRect().right > "
            "window.innerWidth && !one.closest('details:not([open]), .table-wrap'))")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.evaluate(
        f"{wide}.map((one) => `${{one.tagName}}.${{one.className}}#${{one.id}}`).slice(0, 12)")


def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("GISAPP_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (PHONE, "en", True)])
def test_ask_for_builds_near_schools_save_the_question_open_its_short_link(
        visit: Callable[..., Page], size: tuple[int, int], language: str, dark: bool) -> None:
    page = visit("/ask", size=size, language=language, dark=dark, role="reviewer")
    page.locator("#layer").select_option("illegal_builds")
    expect(page.locator("[name=was]")).to_have_value("illegal_builds")
    settled(page)
    page.locator("[id='g0.0.field']").select_option("@near")
    settled(page)
    page.locator("[id='g0.0.layer']").select_option("school_gates")
    settled(page)
    page.locator("[id='g0.0.metres']").fill("500")
    page.locator("[id='g0.0.metres']").press("Tab")
    expect(page.locator("[name=wrote]")).to_have_value("near('school_gates', 500)")
    settled(page)
    page.locator("[value='row.0']").click()
    settled(page)
    page.locator("[id='g0.1.field']").select_option("geom_area_m2")
    settled(page)
    page.locator("[id='g0.1.v']").fill("20")
    page.locator("[id='g0.1.v']").press("Enter")
    asked = "near('school_gates', 500) AND geom_area_m2 >= 20"
    expect(page.locator("[name=wrote]")).to_have_value(asked)
    wanted = _matched(page, f"filter={asked.replace(' ', '%20')}")
    assert 0 < wanted < _matched(page, "")
    expect(page.locator("[data-matched]")).to_have_attribute("data-matched", str(wanted))
    settled(page)
    _nothing_wrong(page)
    _shot(page, f"ask-{language}")
    page.locator("#name").fill("校门 500 米内")
    page.locator("#name").press("Enter")
    page.wait_for_url("**/ask?*question=*")
    expect(page.locator("h1")).to_have_text("校门 500 米内")
    link = page.locator(".ask-kept a").first.get_attribute("href") or ""
    page.goto(link)
    expect(page.locator("[data-matched]")).to_have_attribute("data-matched", str(wanted))
    expect(page.locator("[id='g0.0.metres'], [id='g0.1.metres']")).to_have_value("500")
    page.locator("[value=seen]").click()
    expect(page.locator("[data-new]")).to_have_attribute("data-new", "0")
    _shot(page, f"ask-saved-{language}")
    page.goto(f"{link}?at=map")
    ready(page)
    hash_holds(page, "ask=layer=illegal_builds&filter=near")
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", str(wanted))
    until(page, lambda: [url for url in page.watch.requests  # type: ignore[attr-defined]
                         if re.search(r"illegal_builds/tiles/.*and=.*near", url)])
    _shot(page, f"ask-map-{language}")


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")])
def test_ask_with_several_conditions_on_the_other_layer_and_look_at_the_chart(
        visit: Callable[..., Page], size: tuple[int, int], language: str) -> None:
    asked = "near('rooftop_signs', 200, status IN ('07') AND area_m2 >= 5) AND NOT (build_type IN ('01'))"
    page = visit(f"/ask?{urlencode({'layer': 'illegal_builds', 'filter': asked})}", size=size, language=language,
                 role="reviewer")
    expect(page.locator("[id='g0.0.i.1.v']")).to_have_value("5")
    before = int(page.locator("[data-matched]").get_attribute("data-matched") or 0)
    page.locator("[value='inner.0.0']").click()
    settled(page)
    page.locator("[id='g0.0.i.2.field']").select_option("sign_no")
    settled(page)
    page.locator("[id='g0.0.i.2.op']").select_option("filled")
    settled(page)
    expect(page.locator("[name=wrote]")).to_have_value(re.compile("sign_no IS NOT NULL"))
    expect(page.locator("[data-matched]")).to_have_attribute("data-matched", str(before))
    _nothing_wrong(page)
    _shot(page, f"ask-inner-{language}")
    page.locator(".ask-charts summary").click()
    page.wait_for_selector("#ask-chart canvas")
    expect(page.locator("#ask-chart tfoot .number").first).to_have_text(f"{before:,}")
    page.locator("#chart-group").select_option("found_at")
    page.wait_for_selector("#chart-unit")
    expect(page.locator("#ask-chart tfoot .number").first).to_have_text(f"{before:,}")
    settled(page)
    _nothing_wrong(page)
    _shot(page, f"ask-chart-{language}")


def test_an_expert_edits_the_text_and_is_told_what_is_wrong(visit: Callable[..., Page]) -> None:
    page = visit("/ask?layer=vendor_points", language="en")
    page.locator("summary", has_text="As text").click()
    page.locator("#filter").fill("stalls_used >= stalls_cap")
    page.locator("#filter").press("Tab")
    expect(page.locator(".ask-form .alert")).to_contain_text("kept as text")
    expect(page.locator("[data-matched]")).to_be_visible()
    page.locator("#filter").fill("stalls_cap > 3 AND")
    page.locator("#filter").press("Tab")
    expect(page.locator("#ask-problem")).to_contain_text("is not CQL2")
    page.locator("#filter").fill("stalls_cap > 3")
    page.locator("#filter").press("Tab")
    expect(page.locator("[id='g0.0.v']")).to_have_value("3")


def test_ask_within_the_area_of_a_file(visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit("/ask?layer=illegal_builds", role="viewer")
    everywhere = page.locator("[data-matched]").get_attribute("data-matched")
    west, south, east, north = page.evaluate("document.querySelector('#answer').dataset.bounds.split(',').map(Number)")
    ring = [[west, south], [(west + east) / 2, south], [(west + east) / 2, north], [west, north], [west, south]]
    file = tmp_path / "红线.geojson"
    file.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    page.locator("#area").select_option("area")
    page.locator("#ask-file").set_input_files(file)
    _nothing_wrong(page)
    _shot(page, "ask-file")
    page.locator(".ask-upload .button").click()
    page.wait_for_url("**within=area*")
    expect(page.locator(".ask-line .chip")).to_be_visible()
    matched = page.locator("[data-matched]").get_attribute("data-matched") or ""
    assert 0 < int(matched) < int(everywhere or 0)
    page.locator("#answer .ask-answer a").first.click()
    ready(page)
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", matched)
    poll(page, "() => document.querySelectorAll('.leaflet-overlay-pane path').length > 0")
    _shot(page, "ask-file-map")


def test_what_is_unfolded_and_the_name_stay_while_the_question_changes(visit: Callable[..., Page]) -> None:
    page = visit("/ask?layer=rooftop_signs", role="reviewer")
    page.locator("#name").fill("还没写完的名称")
    for part in ("text", "columns"):
        page.locator(f"details[data-fold={part}] summary").click()
    page.locator("#filter").fill("area_m2 > 10")
    page.locator("#filter").press("Tab")
    expect(page.locator("[name=wrote]")).to_have_value("area_m2 > 10")
    settled(page)
    page.locator("[id='column.width_m']").check()
    expect(page.locator("#answer thead")).to_contain_text("宽")
    for part in ("text", "columns"):
        expect(page.locator(f"details[data-fold={part}]")).to_have_attribute("open", "")
    expect(page.locator("#name")).to_have_value("还没写完的名称")
