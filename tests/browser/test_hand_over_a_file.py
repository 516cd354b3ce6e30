"""A reviewer has a file made, sees what could not be held as it is, and then downloads it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from gisapp.jobs.doing import do
from tests.browser.conftest import DESKTOP, PHONE, Axe, City

Visit = Callable[..., Page]


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def shown(page: Page, name: str) -> None:
    """Keep a picture when somebody asks for them."""
    if os.environ.get("GISAPP_TEST_PICTURES"):
        page.screenshot(path=f"{os.environ['GISAPP_TEST_PICTURES']}/{name}.png", full_page=True)


def clean(page: Page) -> bool:
    """Whether axe finds nothing to complain of."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
    return True


def made(page: Page, city: City) -> None:
    """Let the job of the page be done, and the page show it."""
    page.wait_for_url("**/jobs/*")
    do(city.owner, UUID(page.url.rstrip("/").rsplit("/", 1)[-1]), lambda: False)
    page.get_by_role("link", name="下载").or_(page.get_by_role("link", name="Download")).wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "zh"), (PHONE, "en")], ids=["desktop", "phone"])
def test_a_file_is_made_looked_at_and_taken(visit: Visit, city: City, size: tuple[int, int], language: str,
                                            tmp_path: Path) -> None:
    page = visit("/exports?layer=waste_sites", role="reviewer", size=size, language=language)
    assert fits(page) and clean(page)
    shown(page, f"export_{size[0]}")
    expect(page.locator("#f-gpx")).to_be_disabled()  # areas
    page.locator("label[for=f-dxf]").click()
    page.locator("#crs").select_option("EPSG:4526")
    page.locator(".export-others summary").click()
    page.locator(".export-layers input[value=rooftop_signs]").check()
    page.locator("#hand-over [type=submit]").click()
    made(page, city)
    page.locator("[id^=losses-] summary").click()
    assert fits(page) and clean(page)
    shown(page, f"export_made_{size[0]}")
    expect(page.locator("[id^=losses-]")).to_contain_text("拆成" if language == "zh" else "split")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载" if language == "zh" else "Download").click()
    path = tmp_path / "got.zip"
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as pack:
        assert {"waste_sites.dxf", "rooftop_signs.dxf", "README.txt", "report.csv"} <= set(pack.namelist())
        assert b",split," in pack.read("report.csv")
        assert "EPSG:4526" in pack.read("README.txt").decode("utf-8-sig")
