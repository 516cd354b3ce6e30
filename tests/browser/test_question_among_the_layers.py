"""A saved question stands among the layers: switched on, counted, listed and clicked like any of them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Axe, any_feature, click_at, hash_holds, look_at, ready, until

pytestmark = pytest.mark.browser


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("GISAPP_TEST_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_question_is_made_a_layer_and_used_as_one(visit: Callable[..., Page]) -> None:
    page = visit("/ask?layer=rooftop_signs&filter=area_m2%20%3E%2020", role="inspector", language="en")
    wanted = page.locator("#answer [data-matched]").get_attribute("data-matched") or ""
    title = f"Large signs {uuid4().hex[:6]}"
    page.locator("#name").fill(title)
    page.locator("#shared_with").select_option("everybody")
    page.locator("[name=as_layer]").check()
    page.locator("#name").press("Enter")
    page.wait_for_url("**/ask?*question=*")
    expect(page.locator(".ask-kept")).to_contain_text("a layer")
    shot(page, "question-kept")

    page = visit("/map#layers=districts", role="viewer", language="en")
    row = page.locator(".layer", has_text=title)
    expect(row).to_be_visible()
    row.locator("input").check()
    expect(row.locator(".count")).to_have_text(wanted)
    page.mouse.move(700, 400)
    expect(row.locator(".count")).to_be_visible()
    ready(page)
    shot(page, "question-layer")
    layer = row.locator("input").get_attribute("data-layer") or ""
    until(page, lambda: [url for url in page.watch.requests  # type: ignore[attr-defined]
                         if f"/collections/{layer}/tiles/" in url])
    assert not [url for url in page.watch.requests  # type: ignore[attr-defined]
                if "/collections/rooftop_signs/tiles/" in url]
    hash_holds(page, layer)

    large = any_feature(page, layer)
    small = any_feature(page, "rooftop_signs", "filter=area_m2%20%3C%2020%20AND%20geometry%20IS%20NOT%20NULL")
    look_at(page, *large["geometry"]["coordinates"], 18)
    click_at(page, *large["geometry"]["coordinates"])
    expect(page.locator("#panel [data-feature]")).to_have_attribute("data-layer", "rooftop_signs")
    page.locator("[data-close-panel]").click()
    near = page.evaluate("""async ([lon, lat, layer]) => (await (await fetch(
        `/identify?f=json&lon=${lon}&lat=${lat}&zoom=21&layers=${layer}`)).json()).hits""",
                         [*small["geometry"]["coordinates"], layer])
    assert small["id"] not in [one["id"] for one in near]

    page.locator("#tab-list").click()
    page.locator("#list-layer").select_option(layer)
    expect(page.locator("#list-body [data-matched]")).to_have_attribute("data-matched", wanted)
    page.locator("#list-body [data-row]").first.click()
    expect(page.locator("#panel [data-feature]")).to_be_visible()
    assert "rooftop_signs" not in page.evaluate("window.gisapp.tree.shown().join()")
    printed = page.locator("[data-carry]").first
    printed.focus()
    expect(printed).to_have_attribute("href", re.compile(f"layers=[^&]*{layer}"))
    page.locator("#tab-layers").click()
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in Axe().run(page).response["violations"]] == []
    page.reload()
    ready(page)
    expect(page.locator(f"input[data-layer='{layer}']")).to_be_checked()
