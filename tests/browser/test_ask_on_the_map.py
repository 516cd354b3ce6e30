"""A question on the map: its hits stand out, its table lies below, a click in one finds it in the other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, click_at, hash_holds, poll, ready

pytestmark = pytest.mark.browser

FILTER = "status IN ('01', '02')"
LAYER = "illegal_builds"


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("GISAPP_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def asked(page: Page, **more: str) -> list[dict[str, Any]]:
    """All features that answer, by the API."""
    found: list[dict[str, Any]] = page.evaluate(
        "async (query) => (await (await fetch(`/collections/illegal_builds/items?f=json&limit=1000&${query}`))"
        ".json()).features", urlencode({"filter": FILTER, **more}))
    return found


def on_map(**more: str) -> str:
    question = urlencode({"layer": LAYER, "filter": FILTER, **more})
    return f"/map#layers={LAYER},districts,roads&ask={quote(question, safe='')}"


@pytest.mark.parametrize(("size", "language", "dark"), [(DESKTOP, "zh", False), (DESKTOP, "en", True),
                                                        (PHONE, "en", False)])
def test_a_question_stands_out_on_the_map_with_its_table(
        visit: Callable[..., Page], size: tuple[int, int], language: str, dark: bool) -> None:
    page = visit(on_map(), size=size, language=language, dark=dark, role="reviewer")
    wanted = len(asked(page))
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", str(wanted))
    ready(page)
    shot(page, f"ask-on-map-{language}-{size[0]}")
    tiles = [url for url in page.watch.requests if f"/{LAYER}/tiles/" in url]  # type: ignore[attr-defined]
    assert any("and=" in url for url in tiles)
    assert any("and=" not in url for url in tiles)
    if size == PHONE:
        page.locator("[data-fold]").click()
        shot(page, f"ask-on-map-open-{language}-{size[0]}")
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.locator("[data-stop]").click()
    expect(page.locator("#answer-dock")).to_be_hidden()
    hash_holds(page, "ask=", there=False)


def test_a_click_in_the_table_finds_it_on_the_map_and_the_other_way_round(visit: Callable[..., Page]) -> None:
    page = visit(on_map(sortby="-geom_area_m2"), role="reviewer")
    page.locator("#answer [data-find]").nth(2).click()
    row = page.locator("#answer tr").nth(3)
    expect(page.locator("#panel [data-feature]")).to_have_attribute("data-feature", row.get_attribute("data-row") or "")
    expect(page.locator("#answer tr.is-current")).to_have_attribute("data-row", row.get_attribute("data-row") or "")
    ready(page)
    shot(page, "ask-on-map-found")
    assert page.evaluate("""() => {  // not under the bar of the change to many, nor shifted aside
        const [row, bar] = ['#answer tr.is-current', '#ask-batch'].map(
            (one) => document.querySelector(one).getBoundingClientRect());
        return row.bottom <= bar.top + 1 && document.querySelector('#answer-place').scrollLeft === 0; }""")
    on_page = {one.get_attribute("data-row") for one in page.locator("#answer [data-row]").all()}
    other = next(one for one in asked(page) if one["id"] not in on_page and one["geometry"])
    middle = page.evaluate(
        "(shape) => { const b = L.geoJSON(shape).getBounds(); gisapp.map.fitBounds(b, {maxZoom: 19, animate: false});"
        "const c = b.getCenter(); return [c.lng, c.lat]; }", other["geometry"])
    ready(page)
    before = page.locator("#panel [data-feature]").get_attribute("data-feature") or ""
    click_at(page, *middle)
    expect(page.locator("#panel [data-feature]")).to_be_visible()
    expect(page.locator("#panel [data-feature]")).not_to_have_attribute("data-feature", before)
    opened = page.locator("#panel [data-feature]").get_attribute("data-feature") or ""
    assert opened != before
    expect(page.locator("#answer tr.is-current")).to_have_attribute("data-row", opened)


def test_the_link_carries_the_whole_question_there_and_back(visit: Callable[..., Page]) -> None:
    page = visit("/map", role="reviewer")
    few = asked(page)[:9]
    question = {"as_of": "2099-01-01", "ids": ",".join(one["id"] for one in few), "sortby": "-created_at",
                "properties": "created_at,geom_area_m2"}
    page.goto("about:blank")
    page.goto(on_map(**question))
    ready(page)
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", "9")
    heads = page.locator("#answer th").all_inner_texts()
    page.reload()
    ready(page)
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", "9")
    expect(page.locator("#answer th")).to_have_text(heads)
    printed = page.locator("[data-carry]").first
    printed.focus()
    sheet = parse_qs(urlsplit(printed.get_attribute("href") or "").query)
    assert sheet["as_of"] == ["2099-01-01"]
    assert json.loads(sheet[f"{LAYER}.and"][0]) == [{"filter": FILTER, "ids": question["ids"]}]
    assert page.evaluate("async (link) => (await fetch(link)).status", printed.get_attribute("href")) == 200
    page.locator("#answer .toolbar a").first.click()
    page.wait_for_url("**/ask?*")
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", "9")
    expect(page.locator("#answer th")).to_have_text(heads)
    expect(page.locator("#as_of")).to_have_value("2099-01-01")
    link = page.locator("#answer .ask-answer a").first.get_attribute("href") or ""
    assert json.dumps(question["ids"])[1:20] in link.replace("%252C", ",").replace("%2C", ",")
    page.goto(link)
    ready(page)
    expect(page.locator("#answer [data-matched]")).to_have_attribute("data-matched", "9")


def test_many_are_changed_from_the_table_and_undone(visit: Callable[..., Page]) -> None:
    page = visit(on_map(), role="reviewer")
    page.locator("#answer input[name=pick]").nth(0).check()
    page.locator("#answer input[name=pick]").nth(1).check()
    expect(page.locator("[data-ticked]")).to_have_text("2")
    changed = [page.locator("#answer input[name=pick]").nth(at).input_value() for at in (0, 1)]
    # Somebody else is faster with the second one.
    stolen, version = changed[1].split(":")
    page.evaluate("""async ([id, version]) => { const { csrf_token } = await (await fetch('/session')).json();
        const answer = await fetch(`/collections/illegal_builds/items/${id}`, { method: 'PATCH', headers: {
            'Content-Type': 'application/json', 'If-Match': `"${version}"`, 'X-CSRFToken': csrf_token },
            body: JSON.stringify({ properties: { remark: 'quicker' } }) });
        if (!answer.ok) throw new Error(await answer.text()); }""", [stolen, version])
    page.locator("[data-batch-field]").select_option("remark")
    page.locator("[name='value.remark']").fill("一起改")
    shot(page, "ask-batch")
    page.locator("#ask-batch .button").click()
    told = page.locator("#answer [data-done]")
    expect(told).to_have_attribute("data-done", "1")
    expect(told).to_have_attribute("data-refused", "1")
    expect(page.locator("[data-refusal]")).to_have_attribute("data-refusal", stolen)
    shot(page, "ask-batch-done")
    first = changed[0].split(":")[0]
    remark = ("async (id) => (await (await fetch(`/collections/illegal_builds/items/${id}?f=json`)).json())"
              ".properties.remark")
    assert page.evaluate(remark, first) == "一起改"
    assert page.evaluate(remark, stolen) == "quicker"
    told.locator("button").click()
    expect(page.locator("#answer .alert-success")).to_be_visible()
    poll(page, f"async () => (await ({remark})('{first}')) !== '一起改'")


def test_the_place_of_the_question_is_drawn_on_the_map(visit: Callable[..., Page]) -> None:
    page = visit(on_map(), role="viewer", language="en")
    everywhere = len(asked(page))
    matched = page.locator("#answer [data-matched]")
    expect(matched).to_have_attribute("data-matched", str(everywhere))
    page.evaluate("gisapp.map.setView(gisapp.map.getCenter(), 15, {animate: false})")
    ready(page)
    page.locator("[data-where-act=view]").click()
    box = page.evaluate("gisapp.map.getBounds().toBBoxString()")
    inside = len(asked(page, bbox=box))
    assert inside < everywhere
    expect(matched).to_have_attribute("data-matched", str(inside))
    page.locator("[data-where-act=shape]").click()
    frame = page.locator(".folium-map").bounding_box()
    assert frame
    corners = [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]
    for x, y in corners:
        page.mouse.click(frame["x"] + frame["width"] * x, frame["y"] + frame["height"] * y)
        page.wait_for_timeout(350)
    shot(page, "ask-shape-drawing")
    page.locator("[data-where-act=finish]").click()
    expect(page.locator("#answer .ask-words")).to_contain_text("in a drawn shape (4 corners")
    expect(matched).not_to_have_attribute("data-matched", str(inside))
    page.locator("[data-where-act=circle]").click()
    page.locator("[data-where] input").fill("400")
    click_at(page, *page.evaluate("(() => { const c = gisapp.map.getCenter(); return [c.lng, c.lat]; })()"))
    expect(page.locator("#answer .ask-words")).to_contain_text("within 400 m of the point")
    around = parse_qs(page.locator("#answer").get_attribute("data-question") or "")["filter"][0]
    assert "around(POINT(" in around
    near = len(asked(page, filter=around))
    expect(matched).to_have_attribute("data-matched", str(near))
    ready(page)
    shot(page, "ask-circle")
    page.reload()
    ready(page)
    expect(matched).to_have_attribute("data-matched", str(near))
    page.locator("#answer .toolbar a").first.click()
    page.wait_for_url("**/ask?*")
    expect(page.locator("#area")).to_have_value("circle")
    page.go_back()
    ready(page)
    page.locator("[data-where-act=everywhere]").click()
    expect(matched).to_have_attribute("data-matched", str(everywhere))


def test_a_printed_answer_carries_question_date_and_count(visit: Callable[..., Page]) -> None:
    page = visit(f"/ask?{urlencode({'layer': LAYER, 'filter': FILTER})}", role="viewer", language="en")
    page.emulate_media(media="print")
    for shown in ("#answer [data-matched]", "#answer .ask-words", "#answer .print-only", "#answer table"):
        expect(page.locator(shown).first).to_be_visible()
    for hidden in (".ask-form", "#ask > form", "#answer .button"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator("#answer .print-only")).to_contain_text("20")
    shot(page, "ask-printed")
