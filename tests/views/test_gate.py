"""The gate: who must sign in and how they are told, other sites' requests, and headers."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from gisapp import create_app
from gisapp.accounts import ensure_first_accounts
from gisapp.cluster import Cluster
from gisapp.config import Settings
from gisapp.house import make_house
from tests.browser_client import PAGE, Browser
from tests.conftest import Role, at, copy_database, fresh_settings

Accounts = dict[str, dict[str, str]]
ITEMS = "/collections/rooftop_signs/items"


def basic(words: dict[str, str]) -> dict[str, str]:
    """The header of HTTP basic."""
    return {"Authorization": "Basic " + b64encode(f"{words['username']}:{words['password']}".encode()).decode()}


def test_a_program_is_asked_for_basic_auth(app: Flask) -> None:
    answer = app.test_client().get("/collections")
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_required")
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.content_type.startswith("application/problem+json")


@pytest.mark.parametrize("headers", [
    {"X-Requested-With": "XMLHttpRequest"}, {"Sec-Fetch-Mode": "cors"}, {"HX-Request": "true"},
    {"Referer": "http://localhost/map"}, {"Accept": "text/html", "HX-Request": "true"}])
def test_a_page_of_ours_gets_no_dialog(app: Flask, headers: dict[str, str]) -> None:
    answer = app.test_client().get("/collections", headers=headers)
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


def test_htmx_is_led_to_the_sign_in_page(app: Flask) -> None:
    answer = app.test_client().get("/collections", headers={
        "HX-Request": "true", "HX-Current-URL": "http://localhost/map?x=1"})
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fmap%3Fx%3D1"


@pytest.mark.parametrize("value", ["Basic", "Basic !!!", "Basic YQ==", "Basic " + b64encode(b"a:\xff").decode(),
                                   "Bearer", "Bearer \xe9", "Digest x=y", "Basic " + b64encode(b"a\0:b\0").decode()])
def test_broken_authorization_is_a_401(app: Flask, value: str) -> None:
    assert app.test_client().get("/collections", headers={"Authorization": value}).status_code == 401


def test_open_addresses_do_not_look_up_anybody(app: Flask) -> None:
    answer = app.test_client().get("/healthz", headers={"Authorization": "Basic " + b64encode(b"a:b").decode()})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


def test_a_session_writes_only_with_its_token(app: Flask, accounts: Accounts) -> None:
    browser = Browser(app)
    browser.sign_in("reviewer", accounts["reviewer"]["password"])
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
               "properties": {"sign_no": uuid4().hex[:12], "sign_kind": "01", "area_m2": 3}}
    refused = browser.post(ITEMS, json=feature, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json["code"]) == (403, "csrf_failed")
    token = browser.get("/session", headers={"Accept": "application/json"}).json["csrf_token"]
    for value in ("", "x", token[:-1], token + "x"):
        assert browser.post(ITEMS, json=feature, headers={"X-CSRFToken": value}).status_code == 403
    assert browser.post(ITEMS, json=feature, headers={"X-CSRFToken": token}).status_code == 201


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 404), ({"Sec-Fetch-Site": "same-origin"}, 404), ({"Origin": "http://localhost"}, 404),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403)])
def test_another_site_cannot_use_a_browsers_stored_password(
        app: Flask, accounts: Accounts, headers: dict[str, str], status: int) -> None:
    answer = app.test_client().delete(f"{ITEMS}/{uuid4()}", headers=basic(accounts["admin"]) | headers | {
        "If-Match": '"1"'})
    assert answer.status_code == status


def test_a_session_goes_before_a_stored_password(app: Flask, accounts: Accounts) -> None:
    browser = Browser(app)
    browser.sign_in("viewer", accounts["viewer"]["password"])
    seen = browser.get("/session", headers={"Accept": "application/json"} | basic(accounts["admin"]))
    assert seen.json["username"] == "viewer"


def test_without_a_database_everybody_is_told_so(
        cluster: Cluster, migrated: str, tmp_path: Path) -> None:
    """A page, a program and a health check get 503; drawing the error page looks nobody up again."""
    copy_database(cluster, migrated, "dropped_test")
    settings = fresh_settings(cluster, "dropped_test", tmp_path)
    owner = make_house(settings, settings.owner_database_url)
    words = ensure_first_accounts(owner) or {}
    owner.db.close()
    app = create_app(settings)
    browser, program = Browser(app), Role(app, **words["viewer"])
    browser.sign_in(**words["viewer"])
    with psycopg.connect(at(cluster.superuser_url, "postgres"), autocommit=True) as link:
        link.execute("DROP DATABASE dropped_test WITH (FORCE)")
    page = browser.get("/account")
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert program.get("/collections").json["code"] == "database_unavailable"
    page = program.get("/jobs", headers=PAGE)
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert app.test_client().get("/healthz").status_code == 503
    app.extensions["gisapp"].db.close()


def test_every_page_has_its_own_nonce(app: Flask) -> None:
    client = app.test_client()
    policies = [client.get("/sign-in", headers=PAGE).headers["Content-Security-Policy"] for _ in range(2)]
    nonces = [re.findall(r"'nonce-([\w-]{24})'", policy) for policy in policies]
    assert len(nonces[0]) == 2
    assert len({*nonces[0], *nonces[1]}) == 2
    assert policies[0].replace(nonces[0][0], "N") == (
        "default-src 'none'; script-src 'self' 'nonce-N'; style-src 'self' 'nonce-N'; img-src 'self' data: blob:; "
        "connect-src 'self'; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'; object-src 'none'")


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/collections", "/nowhere"])
def test_security_headers_go_out_with_everything(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "geolocation=(self)" in headers["Permissions-Policy"]
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in headers
    assert headers["X-Request-Id"]


def test_hsts_is_sent_over_https(app: Flask) -> None:
    answer = app.test_client().get("/sign-in", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_answers_for_one_reader_are_kept_by_nobody_else(app: Flask, accounts: Accounts) -> None:
    admin = Role(app, "admin", accounts["admin"]["password"])
    assert "no-store" in admin.get("/account", headers=PAGE).headers["Cache-Control"]
    assert "private" in admin.get("/collections").headers["Cache-Control"]
    jobs = admin.get("/jobs", headers={"Accept": "application/json"})
    assert "Accept" in jobs.headers["Vary"]  # the way back to the page must not find what a script fetched


def test_a_request_id_is_taken_when_it_is_plain(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz", headers={"X-Request-Id": "job-42.7-abc"}).headers["X-Request-Id"] == "job-42.7-abc"
    assert client.get("/healthz", headers={"X-Request-Id": "a b<c>"}).headers["X-Request-Id"] != "a b<c>"


@pytest.mark.parametrize(("proxies", "expected"), [(0, False), (1, True)])
def test_forwarded_headers_are_believed_from_trusted_proxies_only(
        settings: Settings, accounts: Accounts, proxies: int, expected: bool) -> None:
    app = create_app(replace(settings, proxies=proxies))
    answer = app.test_client().get("/sign-in", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5"})
    app.extensions["gisapp"].db.close()
    assert ("Secure" in answer.headers["Set-Cookie"]) == expected
    assert ("Strict-Transport-Security" in answer.headers) == expected
