"""A reviewer hands a layer over as a shapefile, then uploads a file, maps its columns and imports it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

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


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_file_is_mapped_and_imported(visit: Visit, size: tuple[int, int], tmp_path: Path) -> None:
    number = uuid4().hex[:8]
    path = tmp_path / "广告.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
         "properties": {"编号": f"N-{number}-{place}", "sign_kind": "01" if place else "no such", "area_m2": 3}}
        for place in range(3)]}), encoding="utf-8")
    page = visit("/imports", role="reviewer", size=size)
    assert fits(page)
    shown(page, f"imports_{size[0]}")
    page.get_by_label("导入到图层").select_option("rooftop_signs")
    page.locator("#file").set_input_files(path)
    page.locator("#upload button").click()
    shown(page, f"mapping_{size[0]}")
    assert fits(page)
    page.get_by_label("编号", exact=True).select_option("sign_no")
    page.locator("#mapping button").click()
    assert "no such" not in page.title()
    shown(page, f"refused_{size[0]}")
    assert fits(page) and page.locator("caption").count() == 1
    page.watch.errors.clear()  # type: ignore[attr-defined]  # the console tells of the 422
    page.locator("#accept").check()
    page.locator("#mapping button").click()
    shown(page, f"result_{size[0]}")
    assert fits(page) and "已导入 2 条记录" in page.locator("main").inner_text()
