"""The administration page, as an administrator's browser meets it."""

from __future__ import annotations

import pytest
from flask import Flask

from gisapp.house import House
from gisapp.views.log_words import told
from tests.browser_client import Browser, first_match
from tests.conftest import Role
from tests.samples import add_squadron

Accounts = dict[str, dict[str, str]]


@pytest.fixture
def boss(app: Flask, accounts: Accounts) -> Browser:
    browser = Browser(app)
    browser.sign_in("admin", accounts["admin"]["password"])
    return browser


def make(boss: Browser, username: str, role: str = "viewer") -> tuple[str, str]:
    """The address and the first password of a new account."""
    page = boss.submit("/admin/accounts", username=username, role=role, squadron_code="")
    assert page.status_code == 200
    return (first_match(r'action="(/admin/accounts/[^"/]+)/role"', page.text),
            first_match(r'id="new-password">([^<]+)<', page.text))


def test_an_account_is_made_and_its_password_shown_once(app: Flask, boss: Browser) -> None:
    address, password = make(boss, "王五", "reviewer")
    assert password not in boss.get(address).text
    assert "王五" in boss.get("/admin/accounts").text
    assert Browser(app).sign_in("王五", password).location == "/account/password"


@pytest.mark.parametrize(("username", "role", "status"), [
    ("admin", "viewer", 409), ("a b", "viewer", 422), ("", "viewer", 422), ("someone", "root", 422)])
def test_a_wrong_form_says_what_is_wrong(boss: Browser, username: str, role: str, status: int) -> None:
    answer = boss.submit("/admin/accounts", username=username, role=role)
    assert answer.status_code == status
    assert "alert-error" in answer.text


def test_role_and_squadron_are_set(boss: Browser, house: House) -> None:
    add_squadron(house, "S-01")
    address, _ = make(boss, "role-and-squadron")
    boss.submit(f"{address}/role", form=address, role="inspector")
    boss.submit(f"{address}/squadron", form=address, squadron_code="S-01")
    page = boss.get(address).text
    assert '<option value="inspector" selected>' in page
    assert '<option value="S-01" selected>' in page
    refused = boss.submit(f"{address}/squadron?lang=en", form=address, squadron_code="S-77")
    assert (refused.status_code, "No squadron territory has the code" in refused.text) == (422, True)
    boss.submit(f"{address}/squadron", form=address, squadron_code="")
    assert '<option value="S-01">' in boss.get(address).text


def test_a_squadron_whose_territory_is_gone_is_still_shown(boss: Browser, house: House) -> None:
    add_squadron(house, "S-02")
    address, _ = make(boss, "left-behind")
    boss.submit(f"{address}/squadron", form=address, squadron_code="S-02")
    territories = house.tables.layers["squadron_territories"]
    with house.db.begin("test") as connection:
        connection.execute(territories.delete().where(territories.c.code == "S-02"))
    assert "S-02：没有这个辖区" in boss.get(f"{address}?lang=zh").text


def test_an_account_is_disabled_enabled_and_reset(app: Flask, boss: Browser) -> None:
    address, password = make(boss, "comes-and-goes")
    boss.submit(f"{address}/disable", form=address)
    assert Role(app, "comes-and-goes", password).get("/collections").status_code == 401
    boss.submit(f"{address}/enable", form=address)
    assert Role(app, "comes-and-goes", password).get("/collections").status_code == 403
    page = boss.submit(f"{address}/reset", form=address)
    fresh = first_match(r'id="new-password">([^<]+)<', page.text)
    assert Role(app, "comes-and-goes", password).get("/collections").status_code == 401
    assert Role(app, "comes-and-goes", fresh).get("/collections").json["code"] == "password_change_required"


def test_the_last_administrator_cannot_remove_herself(boss: Browser) -> None:
    address = first_match(r'href="(/admin/accounts/[^"]+)">admin<', boss.get("/admin/accounts").text)
    for act, fields in (("disable", {}), ("role", {"role": "viewer"})):
        answer = boss.submit(f"{address}/{act}", form=address, **fields)
        assert answer.status_code == 409
        assert "最后一个" in answer.text
    assert boss.is_signed_in()


@pytest.mark.parametrize("path", ["/admin/accounts/x", "/admin/accounts/00000000-0000-0000-0000-000000000000"])
def test_an_unknown_account_is_a_404(boss: Browser, path: str) -> None:
    assert boss.get(path).status_code == 404
    for act in ("role", "squadron", "disable", "enable", "reset"):
        assert boss.submit(f"{path}/{act}", form="/admin/accounts", role="viewer").status_code == 404


def test_the_log_tells_what_was_done(boss: Browser) -> None:
    make(boss, "in-the-log", "viewer")
    page = boss.get("/admin/log?act=account_made&lang=en").text
    assert "in-the-log" in page
    assert "Account made" in page
    assert boss.get("/admin/log?act=nothing").status_code == 400
    assert boss.get("/admin/log?act=").status_code == 200


def test_nothing_here_is_for_others(app: Flask, accounts: Accounts) -> None:
    browser = Browser(app)
    browser.sign_in("reviewer", accounts["reviewer"]["password"])
    assert browser.get("/admin/accounts").status_code == 403
    assert browser.submit("/admin/accounts", form="/account", username="x", role="admin").status_code == 403


def test_the_log_speaks_the_readers_language(app: Flask) -> None:
    detail = {"layers": ["rooftop_signs"], "question": {"zh": "全部", "en": "everything"}, "personal": False,
              "mode": "update", "updated": 0, "inserted": 2, "how": "form", "printed": True, "stranger": "kept"}
    for language, wanted in (
            ("zh", ["户外广告与楼顶广告牌", "全部", "否", "按关键字段更新已有记录", "2", "登录页", "kept"]),
            ("en", ["Outdoor and rooftop signs", "everything", "no", "Change records that are there, by a key", "2",
                    "the sign-in page", "kept"])):
        with app.test_request_context(f"/?lang={language}"):
            assert [text for _, text in told(detail, app.extensions["gisapp"], language)] == wanted
