"""What was typed is not lost: two shapes are compared before one is kept, a session that ends takes no form with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature
from tests.browser.test_mark_a_sign import save
from tests.browser.test_reshape_a_build import edit, now, open_on_map, some_build

pytestmark = pytest.mark.browser


def test_two_shapes_of_one_build_are_told_by_their_size_and_both_are_drawn(visit: Callable[..., Page]) -> None:
    mine, theirs = visit("/account"), visit("/account", role="reviewer")
    build = some_build(mine, 12)
    for page, step in ((theirs, 0.00004), (mine, 0.00008)):
        open_on_map(page, "illegal_builds", build)
        edit(page)
        west, south = (point := build["geometry"]["coordinates"][0][0][0])[0], point[1]
        ring = [[west, south], [west + step, south], [west + step, south + 0.00004], [west, south]]
        page.fill("#f-geom", json.dumps({"type": "Polygon", "coordinates": [ring]}))
    save(theirs)
    mine.click("#panel-body .form-actions [type=submit]")
    row = mine.locator("#panel-body .compare tr[data-field=geom]")
    expect(row).to_contain_text(re.compile(r"m², 4 个顶点.*m², 4 个顶点", re.DOTALL))
    expect(row).not_to_contain_text("coordinates")
    expect(mine.locator("path.stored-mark")).to_have_count(1)
    mine.check("#panel-body tr[data-field=geom] input[value=stored]")
    save(mine)
    expect(mine.locator("path.stored-mark")).to_have_count(0)


def test_what_was_typed_outlives_the_session(visit: Callable[..., Page], signed_in: Callable[[str], Any]) -> None:
    page = visit("/account")
    sign = any_feature(page, "rooftop_signs", "sortby=-sign_no")
    open_on_map(page, "rooftop_signs", sign)
    edit(page)
    words = f"写了一半 {sign['id'][:8]}"
    page.fill("#f-remark", words)
    page.context.clear_cookies()
    page.click("#panel-body .form-actions [type=submit]")
    expect(page.locator("#panel-body #problem")).to_contain_text("登录已过期")
    expect(page.locator("#panel-body #problem a")).to_have_attribute("target", "_blank")
    expect(page.locator("#f-remark")).to_have_value(words)
    page.context.add_cookies(signed_in("inspector")["cookies"])
    save(page)
    page.watch.errors[:] = [one for one in page.watch.errors if "401" not in one]  # type: ignore[attr-defined]
    assert now(page, "rooftop_signs", sign)["properties"]["remark"] == words


def test_what_was_typed_on_a_page_outlives_the_session(visit: Callable[..., Page],
                                                       signed_in: Callable[[str], Any]) -> None:
    """A form on a page of its own is not sent while the server is away, nor once the session is gone; after signing in
    beside it, it is."""
    page = visit("/account")
    sign = any_feature(page, "rooftop_signs", "sortby=sign_no")
    page.goto(f"/forms/rooftop_signs/{sign['id']}")
    words = f"写在页面上 {sign['id'][:8]}"
    page.fill("#f-remark", words)
    note = page.locator("[data-session-ended]")
    page.context.set_offline(True)
    page.click(".form-actions [type=submit]")
    expect(note).to_contain_text("无法连接服务器")
    page.context.set_offline(False)
    page.context.clear_cookies()
    page.click(".form-actions [type=submit]")
    expect(note).to_be_focused()
    expect(note).to_contain_text("登录已过期")
    expect(note.locator("a")).to_have_attribute("target", "_blank")
    expect(page.locator("#f-remark")).to_have_value(words)
    page.click(".form-actions [type=submit]")
    expect(note).to_have_count(1)
    page.context.add_cookies(signed_in("inspector")["cookies"])
    page.click(".form-actions [type=submit]")
    page.wait_for_url("**/panel/rooftop_signs/**")
    page.watch.errors[:] = [one for one in page.watch.errors if "401" not in one and "ERR_INTERNET" not in one]  # type: ignore[attr-defined]
    assert now(page, "rooftop_signs", sign)["properties"]["remark"] == words
