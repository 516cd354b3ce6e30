"""Sign-in, sign-out and one's own account, as a browser meets them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from gisapp.accounts import people
from gisapp.accounts.rows import Guess
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.views.gate import safe_next
from tests.browser_client import Browser, first_match
from tests.conftest import Role

Accounts = dict[str, dict[str, str]]
NEW = "four-plain-words"


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture(autouse=True)
def _no_old_failures(owner: House) -> None:
    with owner.db.begin("test") as connection:
        connection.execute(delete(Guess))


@pytest.fixture
def fresh(house: House, accounts: Accounts, request: pytest.FixtureRequest) -> tuple[str, str]:
    """Name and first password of an account that an administrator has just made."""
    name = request.function.__name__[:60]
    return name, people.make(house, SYSTEM, name, "inspector")[1]


def test_a_page_sends_a_stranger_to_sign_in_and_back(browser: Browser, accounts: Accounts) -> None:
    sent = browser.get("/account?lang=en")
    assert (sent.status_code, sent.location) == (302, "/sign-in?next=%2Faccount%3Flang%3Den")
    page = browser.get(sent.location)
    assert 'value="/account?lang=en"' in page.text
    answer = browser.sign_in("viewer", accounts["viewer"]["password"], next="/account?lang=en")
    assert (answer.status_code, answer.location) == (303, "/account?lang=en")
    assert "viewer" in browser.get("/account").text
    assert browser.get("/sign-in").location == "/map"


@pytest.mark.parametrize(("referrer", "wanted"), [
    ("http://localhost/forms/rooftop_signs?lang=en", "/sign-in?next=%2Fforms%2Frooftop_signs%3Flang%3Den"),
    ("http://localhost/sign-out", "/sign-in"), ("http://elsewhere.example/forms/rooftop_signs", "/sign-in"),
    ("", "/sign-in")], ids=["form", "no-page", "elsewhere", "none"])
def test_a_form_sent_after_the_session_leads_back_to_its_page(app: Flask, referrer: str, wanted: str) -> None:
    sent = app.test_client().post("/forms/rooftop_signs", headers={"Accept": "text/html", "Referer": referrer})
    assert (sent.status_code, sent.location) == (302, wanted)


@pytest.mark.parametrize("given", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example",
                                   "javascript:alert(1)", "/\t/evil.example", "/a\nb", "evil", "", "/" + "a" * 3000])
def test_next_never_leads_away(browser: Browser, accounts: Accounts, given: str) -> None:
    assert safe_next(given) is None
    assert browser.sign_in("viewer", accounts["viewer"]["password"], next=given).location == "/map"


def test_a_wrong_password_says_so_and_keeps_the_name(browser: Browser, accounts: Accounts) -> None:
    answer = browser.sign_in("viewer", "not-the-password")
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert 'value="viewer"' in answer.text
    assert "not-the-password" not in answer.text
    assert not browser.is_signed_in()


@pytest.mark.usefixtures("long_waits")
def test_too_many_wrong_passwords_name_the_wait(app: Flask) -> None:
    browser = Browser(app, address="192.0.2.66")
    answers = [browser.sign_in("viewer", f"wrong-{number}-word") for number in range(7)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_the_name_is_shown_as_text_only(browser: Browser) -> None:
    answer = browser.sign_in('"><script>alert(1)</script>', "whatever-it-is")
    assert "<script>alert(1)" not in answer.text


def test_sign_in_needs_the_token_of_the_form(browser: Browser, accounts: Accounts) -> None:
    words = {"username": "viewer", "password": accounts["viewer"]["password"]}
    assert browser.post("/sign-in", data=words).status_code == 403
    stolen = Browser(browser.client.application).token("/sign-in")
    assert browser.post("/sign-in", data=words | {"csrf_token": stolen}).status_code == 403
    assert not browser.is_signed_in()


def test_signing_in_renews_everything_a_browser_brought(browser: Browser, accounts: Accounts) -> None:
    token = browser.token("/sign-in")
    before = browser.cookie("gisapp_session")
    browser.sign_in("viewer", accounts["viewer"]["password"])
    assert browser.cookie("gisapp_session") != before
    words = {"csrf_token": token, "language": "en"}
    assert browser.post("/account/language", data=words).status_code == 403


def test_cookies_are_closed_to_scripts_and_secure_behind_tls(app: Flask, accounts: Accounts) -> None:
    for scheme in ("http", "https"):
        browser = Browser(app, scheme=scheme)
        answer = browser.sign_in("viewer", accounts["viewer"]["password"])
        cookies = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith("gisapp_")]
        assert len(cookies) == 2
        for cookie in cookies:
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert ("Secure" in cookie) == (scheme == "https")


def test_signing_out_ends_the_session_for_a_copied_cookie_too(app: Flask, accounts: Accounts) -> None:
    browser, thief = Browser(app), Browser(app, address="192.0.2.99")
    browser.sign_in("viewer", accounts["viewer"]["password"])
    thief.client.set_cookie("gisapp_session", str(browser.cookie("gisapp_session")))
    assert thief.is_signed_in()
    answer = browser.submit("/sign-out", form="/account")
    assert answer.location == "/sign-in"
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert not thief.is_signed_in()
    assert not browser.is_signed_in()


def test_signing_out_needs_the_token_and_a_post(browser: Browser, accounts: Accounts) -> None:
    browser.sign_in("viewer", accounts["viewer"]["password"])
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out").status_code == 403
    assert browser.is_signed_in()


def test_a_first_password_must_be_changed_before_anything_else(app: Flask, fresh: tuple[str, str]) -> None:
    browser = Browser(app)
    name, password = fresh
    assert browser.sign_in(name, password, next="/map").location == "/account/password"
    for path in ("/account", "/map", "/collections", "/"):
        assert browser.get(path).location == "/account/password", path
    api = browser.get("/collections", headers={"Accept": "application/json"})
    assert (api.status_code, api.json["code"]) == (403, "password_change_required")
    assert Role(app, name, password).get("/collections").json["code"] == "password_change_required"
    answer = browser.submit("/account/password", old=password, new=NEW, again=NEW)
    assert answer.location == "/map"
    assert browser.get("/account").status_code == 200
    assert Role(app, name, NEW).get("/collections").status_code == 200
    assert Role(app, name, password).get("/collections").status_code == 401


@pytest.mark.parametrize(("old", "new", "again", "words"), [
    ("", NEW, NEW, "当前密码不正确"), (None, "short", "short", "至少要有 10 个字符"), (None, NEW, NEW + "x", "不一致"),
    (None, "password123", "password123", "太常见"), (None, None, None, "不能与当前密码相同"),
])
def test_a_refused_new_password_says_why(app: Flask, house: House, accounts: Accounts, old: str | None,
                                         new: str | None, again: str | None, words: str) -> None:
    name = f"change-{abs(hash((old, new, again)))}"
    password = people.make(house, SYSTEM, name, "viewer")[1]
    browser = Browser(app)
    browser.sign_in(name, password)
    answer = browser.submit("/account/password", old=password if old is None else old, new=new or password,
                            again=again or password)
    assert answer.status_code == 422
    assert words in answer.text


def test_changing_the_password_signs_out_all_other_devices(app: Flask, fresh: tuple[str, str]) -> None:
    here, there = Browser(app), Browser(app)
    for browser in (here, there):
        browser.sign_in(*fresh)
    number = here.cookie("gisapp_session")
    here.submit("/account/password", old=fresh[1], new=NEW, again=NEW)
    assert here.is_signed_in()
    assert here.cookie("gisapp_session") != number
    assert not there.is_signed_in()


def test_disabling_signs_out_at_once(app: Flask, house: House, fresh: tuple[str, str]) -> None:
    browser = Browser(app)
    browser.sign_in(*fresh)
    assert browser.is_signed_in()
    with house.db.read() as connection:
        account = people.find_by_name(connection, fresh[0])
    assert account is not None
    people.disable(house.db, SYSTEM, str(account.id))
    assert not browser.is_signed_in()
    assert "已停用" in browser.sign_in(*fresh).text
    assert Role(app, *fresh).get("/collections").json["code"] == "account_disabled"


@pytest.mark.usefixtures("long_waits")
def test_a_browser_keeps_its_own_count(app: Flask, accounts: Accounts) -> None:
    """A colleague behind the same address who guesses this name does not hold this browser up."""
    mine, colleague = Browser(app), Browser(app)
    mine.sign_in("reviewer", accounts["reviewer"]["password"])
    mine.submit("/sign-out", form="/account")
    for number in range(105):
        colleague.sign_in("reviewer", f"wrong-{number}-word")
    assert colleague.sign_in("reviewer", accounts["reviewer"]["password"]).status_code == 429
    assert mine.sign_in("reviewer", accounts["reviewer"]["password"]).status_code == 303


def test_tokens_are_shown_once_and_open_the_api(app: Flask, accounts: Accounts) -> None:
    browser = Browser(app)
    browser.sign_in("exporter", accounts["exporter"]["password"])
    page = browser.submit("/account/tokens", form="/account", name="QGIS <b>", days="30")
    token = first_match(r'id="new-token">([^<]+)<', page.text)
    later = browser.get("/account").text
    assert token not in later
    assert token[:11] in later
    assert "QGIS &lt;b&gt;" in later
    bearer = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    program = app.test_client(use_cookies=False)
    assert program.get("/session", headers=bearer).json["role"] == "exporter"
    assert program.post("/sign-out", headers=bearer).status_code == 303
    revoke = first_match(r'action="(/account/tokens/[^"]+/revoke)"', later)
    assert browser.submit(revoke, form="/account").status_code == 303
    answer = program.get("/session", headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (401, "token_wrong")
    assert browser.submit(revoke, form="/account").status_code == 404


@pytest.mark.parametrize("days", ["", "0", "-1", "1e3", "９", "999999999999", "x"])
def test_wrong_days_make_no_token(app: Flask, accounts: Accounts, days: str) -> None:
    browser = Browser(app)
    browser.sign_in("viewer", accounts["viewer"]["password"])
    assert browser.submit("/account/tokens", form="/account", name="QGIS", days=days).status_code == 422


def test_the_language_is_remembered(app: Flask, accounts: Accounts) -> None:
    browser = Browser(app)
    browser.sign_in("viewer", accounts["viewer"]["password"])
    assert browser.submit("/account/language", form="/account", language="en").status_code == 303
    assert "My account" in browser.get("/account").text
    assert browser.submit("/account/language", form="/account", language="xx").status_code == 422
    elsewhere = Browser(app)
    elsewhere.sign_in("viewer", accounts["viewer"]["password"])
    assert "My account" in elsewhere.get("/account").text


def test_session_tells_scripts_who_asks(browser: Browser, accounts: Accounts) -> None:
    browser.sign_in("inspector", accounts["inspector"]["password"])
    state: Any = browser.get("/session", headers={"Accept": "application/json"}).json
    assert state["username"] == "inspector"
    assert "update" in state["acts"]
    assert "delete" not in state["acts"]
    answer = browser.post("/account/language", data={"language": "zh"}, headers={"X-CSRFToken": state["csrf_token"]})
    assert answer.status_code == 303


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_are_whole_in_both_languages(browser: Browser, accounts: Accounts, lang: str) -> None:
    """No English left on a Chinese page, and no inline style or script that the policy would refuse."""
    pages = [browser.get(f"/sign-in?lang={lang}")]
    browser.sign_in("admin", accounts["admin"]["password"])
    pages += [browser.get(f"{path}?lang={lang}") for path in
              ("/account", "/account/password", "/admin/accounts", "/admin/log")]
    for page in pages:
        assert page.status_code == 200
        assert not re.search(r"\sstyle=|\son\w+=|<style|<script(?![^>]+src=)", page.text)
        if lang == "zh":
            words = re.sub(r"(?s)<(script|style|svg).*?</\1>|<[^>]+>", " ", page.text)
            left = set(re.findall(r"[A-Z][a-z]+ [a-z]+", words))
            assert not left, left
