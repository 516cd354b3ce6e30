"""Two people at one feature: each sees the other, and who saves second is shown both sides."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import any_feature
from tests.browser.test_mark_a_sign import save
from tests.browser.test_reshape_a_build import edit, now, open_on_map

pytestmark = pytest.mark.browser


def test_each_sees_the_other(visit: Callable[..., Page]) -> None:
    mine, theirs = visit("/account"), visit("/account", role="reviewer")
    sign = any_feature(mine, "rooftop_signs", "sortby=-sign_no")
    open_on_map(theirs, "rooftop_signs", sign)
    edit(theirs)
    open_on_map(mine, "rooftop_signs", sign)
    expect(mine.locator("#panel-body .presence .chip-warn")).to_contain_text("reviewer 正在编辑")


def test_a_viewer_is_seen_and_sees(visit: Callable[..., Page]) -> None:
    mine, theirs = visit("/account"), visit("/account", role="viewer")
    sign = any_feature(mine, "rooftop_signs", "sortby=sign_no")
    open_on_map(theirs, "rooftop_signs", sign)
    open_on_map(mine, "rooftop_signs", sign)
    expect(mine.locator("#panel-body .presence .chip")).to_contain_text("viewer 正在查看")
    edit(mine)
    theirs.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # the next beat, at once
    expect(theirs.locator("#panel-body .presence .chip-warn")).to_contain_text("inspector 正在编辑")


def test_a_stale_edit_is_compared_and_saved(visit: Callable[..., Page]) -> None:
    mine, theirs = visit("/account"), visit("/account", role="reviewer")
    sign = any_feature(mine, "rooftop_signs", "sortby=-sign_no")
    open_on_map(mine, "rooftop_signs", sign)
    open_on_map(theirs, "rooftop_signs", sign)
    edit(mine)
    edit(theirs)
    theirs.fill("#f-remark", "他们的")
    save(theirs)
    words = uuid4().hex
    mine.fill("#f-remark", words)
    mine.click("#panel-body .form-actions [type=submit]")
    expect(mine.locator("#panel-body .compare")).to_contain_text("他们的")
    mine.check("#panel-body tr[data-field=remark] input[value=mine]")
    save(mine)
    assert now(mine, "rooftop_signs", sign)["properties"]["remark"] == words
