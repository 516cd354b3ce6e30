"""A reviewer hands a layer over as a shapefile; what comes in is looked at in test_check_an_import."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE

Visit = Callable[..., Page]


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def shown(page: Page, name: str) -> None:
    """Keep a picture when somebody asks for them."""
    if os.environ.get("GISAPP_TEST_PICTURES"):
        page.screenshot(path=f"{os.environ['GISAPP_TEST_PICTURES']}/{name}.png", full_page=True)


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_layer_is_handed_over(visit: Visit, size: tuple[int, int], tmp_path: Path) -> None:
    page = visit("/exports?layer=rooftop_signs&status=07", role="reviewer", size=size)
    shown(page, f"export_{size[0]}")
    assert fits(page) and "已拆除" in page.locator("main").inner_text()
    page.get_by_label("坐标系").select_option("EPSG:4547")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="下载").click()
    path = tmp_path / "got.zip"
    waiting.value.save_as(path)
    with zipfile.ZipFile(path) as pack:
        assert "rooftop_signs.shp" in pack.namelist()
        assert "GK_CM_114E" in pack.read("rooftop_signs.prj").decode()
