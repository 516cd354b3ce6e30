"""A reviewer uploads a ledger, looks at the verdicts, mends what can be mended, imports it and takes it back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Axe, poll
from tests.browser.test_hand_over_a_file import fits, shown

Visit = Callable[..., Page]


def sign(number: str, lon: float, **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, 31.69]},
            "properties": {"编号": number, "类型": "01", "面积": 12.5, "地址": "示范路1号"} | more}


def no_accessibility_faults(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "zh"), (DESKTOP, "en"), (PHONE, "en")],
                         ids=["desktop", "phone", "desktop-en", "phone-en"])
def test_a_ledger_is_checked_imported_and_undone(visit: Visit, size: tuple[int, int], language: str,
                                                 tmp_path: Path) -> None:
    zh, mark = language == "zh", f"{size[0]}{language}"
    path = tmp_path / "ledger.geojson"
    rows = [sign(f"C-{mark}-1", 113.381), sign(f"C-{mark}-2", 113.382, 类型=f"大牌子{mark}"),
            sign(f"C-{mark}-3", 113.383, 面积=-4), sign(f"C-{mark}-1", 113.384)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    page = visit("/imports", role="reviewer", size=size, language=language)
    page.locator("#layer").select_option("rooftop_signs")
    page.locator("#file").set_input_files(path)
    page.locator("#upload button").click()
    page.locator("#mapping").wait_for()
    for name, field in (("编号", "sign_no"), ("类型", "sign_kind"), ("面积", "area_m2")):
        page.get_by_label(name, exact=True).select_option(field)
    shown(page, f"desk_mapping_{mark}")
    assert fits(page)
    no_accessibility_faults(page)
    page.locator("#mapping button[type=submit]").click()
    page.locator("#commit").wait_for()
    page.locator("#import-map[data-drawn]").wait_for()
    expect(page.locator(".verdict-refused .verdict-count").first).to_have_text("3")
    shown(page, f"desk_preview_{mark}")
    assert fits(page)
    no_accessibility_faults(page)
    page.get_by_label(f"大牌子{mark}").select_option("02")  # what it stands for is remembered: each test has its own
    page.locator("#unknown button").click()
    expect(page.locator("a.verdict-insert .verdict-count")).to_have_text("2")
    page.locator("#accept").check()
    page.locator("#commit button").click()
    page.locator("#undo").wait_for()
    shown(page, f"desk_result_{mark}")
    expect(page.locator("main")).to_contain_text("已导入 2 条记录" if zh else "2 records were imported")
    assert fits(page)
    page.locator("a.button-primary[href*='/map']").click()
    expect(page.locator("#answer .ask-answer, #answer h2").first).to_contain_text("2")
    poll(page, "() => Object.keys(window.gisapp.ask.further()).length === 1")
    page.go_back()
    page.locator("#undo button").click()
    expect(page.locator("main .alert-warning")).to_be_visible()
    expect(page.locator("main")).to_contain_text("已撤销" if zh else "undone")


def _choose_a_territory(page: Page) -> None:
    """The places of a level stand in a list, and the name of the chosen one beside its code; then back to appending."""
    page.locator("#mode").select_option("replace")
    page.locator("#level").select_option("street_code")
    first = page.locator("#places_street_code option").first
    code, name = first.get_attribute("value") or "", first.text_content() or ""
    expect(page.locator("#code")).to_have_attribute("list", "places_street_code")
    page.locator("#code").fill(code)
    expect(page.locator("#code-hint")).to_have_text(name)
    page.locator("#level").select_option("all")
    expect(page.locator("#code")).to_be_hidden()
    page.locator("#mode").select_option("append")


@pytest.mark.browser
def test_changes_are_seen_field_by_field_before_they_are_made(visit: Visit, tmp_path: Path) -> None:
    page = visit("/imports", role="reviewer")
    for turn, area in enumerate((10, 25)):
        path = tmp_path / f"{turn}.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": [
            sign("U-1", 113.39, 面积=area), sign("U-2", 113.391)]}), encoding="utf-8")
        page.goto("/imports")
        page.locator("#layer").select_option("rooftop_signs")
        page.locator("#file").set_input_files(path)
        page.locator("#upload button").click()
        page.locator("#mapping").wait_for()
        for name, field in (("编号", "sign_no"), ("类型", "sign_kind"), ("面积", "area_m2")):
            page.get_by_label(name, exact=True).select_option(field)
        if turn:
            page.get_by_label("导入方式").select_option("update")
            page.locator("#key").select_option("sign_no")
        else:
            _choose_a_territory(page)
        page.locator("#mapping button[type=submit]").click()
        page.locator("#commit").wait_for()
        if turn:
            shown(page, "desk_update")
            expect(page.locator(".changes del")).to_have_text("10.00")
            expect(page.locator(".changes ins")).to_have_text("25.00")
            expect(page.locator("a.verdict-same .verdict-count")).to_have_text("1")
        page.locator("#commit button").click()
        page.locator("#undo").wait_for()


@pytest.mark.browser
def test_shifted_coordinates_are_shown_as_choices(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "shifted.geojson"
    rows = [sign(f"G-{n}", 113.3855 + n * 0.003) for n in range(12)]
    for row in rows:
        row["geometry"]["coordinates"][1] = 31.6875
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    page = visit("/imports", role="reviewer")
    page.locator("#layer").select_option("rooftop_signs")
    page.locator("#file").set_input_files(path)
    page.locator("#upload button").click()
    page.locator("#mapping").wait_for()
    page.locator("#crs_0").select_option("GCJ-02")
    shown(page, "desk_datum")
    page.locator("[data-next-row]").click()
    expect(page.locator("[data-row-of]")).to_have_text(re.compile(r"^\d+ / 12$"))
    expect(page.locator(".datum-map .leaflet-control-zoom-in")).to_have_attribute("aria-label", "放大")
    for name, field in (("编号", "sign_no"), ("类型", "sign_kind"), ("面积", "area_m2")):
        page.get_by_label(name, exact=True).select_option(field)
    page.locator("#mapping button[type=submit]").click()
    page.locator("#commit").wait_for()
    expect(page.locator("a.verdict-insert .verdict-count")).to_have_text("12")
