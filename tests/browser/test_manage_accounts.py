"""An administrator makes an account, its owner signs in, changes the first password and makes a token."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE

Visit = Callable[..., Page]
NEW = "four-plain-words"


def fits(page: Page) -> bool:
    """Whether nothing sticks out of the window to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.browser
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_from_a_new_account_to_a_token(visit: Visit, size: tuple[int, int]) -> None:
    boss = visit("/admin/accounts", role="admin", size=size)
    name = f"巡查员{uuid4().hex[:6]}"
    assert fits(boss)
    boss.get_by_label("用户名").fill(name)
    boss.get_by_label("角色").select_option("inspector")
    boss.get_by_role("button", name="新建账户").click()
    password = boss.locator("#new-password").inner_text()
    assert fits(boss)

    page = visit("/account", role=None, size=size)
    page.wait_for_url("**/sign-in?next=%2Faccount")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(password)
    page.locator("main").get_by_role("button", name="登录").click()
    page.wait_for_url("**/account/password")
    assert fits(page)
    page.get_by_label("当前密码").fill(password)
    page.locator("#new").fill(NEW)
    page.locator("#again").fill(NEW)
    page.locator("main form button").click()
    page.wait_for_url("**/map*")

    page.goto("/account")
    page.get_by_label("用途").fill("QGIS")
    page.get_by_role("button", name="生成令牌").click()
    expect(page.locator("#new-token")).to_have_text(re.compile("^gisapp_"))
    assert fits(page)


@pytest.mark.browser
def test_a_reset_and_a_disabling_take_a_second_click(visit: Visit) -> None:
    boss = visit("/admin/accounts", role="admin", size=PHONE)
    boss.get_by_label("用户名").fill(f"user-{uuid4().hex[:6]}")
    boss.get_by_role("button", name="新建账户").click()
    first = boss.locator("#new-password").inner_text()
    confirm = boss.get_by_role("button", name="确认重置")
    expect(confirm).to_be_hidden()
    boss.locator("summary", has_text="重置密码").click()
    confirm.click()
    expect(boss.locator("#new-password")).not_to_have_text(first)
    expect(boss.locator("#new-password")).to_be_visible()
    assert boss.locator("#new-password").inner_text() != first
    boss.locator("summary", has_text="停用账户").click()
    boss.get_by_role("button", name="确认停用").click()
    expect(boss.locator(".chip-bad")).to_be_visible()
