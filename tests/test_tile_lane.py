"""The short way to a tile answers as the application does, to the same readers, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from gisapp.config import Settings
from gisapp.db import Database
from gisapp.house import House
from gisapp.views.items_lane import ItemsLane
from gisapp.views.tile_lane import TileLane
from tests.browser_client import Browser
from tests.conftest import Role
from tests.samples import run, spoilable
from tests.test_tiles import LAT, LON, Z14, add_build, add_signs, path

Answer = tuple[str, dict[str, str], bytes]
BUILDS, SIGNS = path("illegal_builds", Z14), path("rooftop_signs", Z14)
FAR = "/collections/illegal_builds/tiles/WebMercatorQuad/14/100/100"


@pytest.fixture(scope="module", autouse=True)
def _ground(owner: House) -> None:
    add_build(owner, LON, LAT)
    add_signs(owner, 50)


@pytest.fixture
def lane(app: Flask) -> Iterator[TileLane]:
    before = app.wsgi_app
    assert isinstance(before, ItemsLane)
    found = before._inner
    assert isinstance(found, TileLane)
    found._claims.clear()
    yield found


def signed_in(app: Flask, account: dict[str, str]) -> str:
    browser = Browser(app)
    assert browser.sign_in(account["username"], account["password"]).status_code == 303
    return f"gisapp_session={browser.cookie('gisapp_session')}"


@pytest.fixture
def cookie(app: Flask, accounts: dict[str, dict[str, str]]) -> str:
    return signed_in(app, accounts["viewer"])


def environ(address: str, **headers: str) -> dict[str, Any]:
    place, _, query = address.partition("?")
    scheme = headers.pop("scheme", "http")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return EnvironBuilder(place, base_url=f"{scheme}://localhost", query_string=query,
                          headers={"X-Request-Id": "the-same-one", **named}).get_environ()


def read(application: Any, asked: dict[str, Any]) -> Answer:
    body, status, headers = run_wsgi_app(application, dict(asked), buffered=True)
    return status, dict(headers), b"".join(body)


def both(lane: TileLane, address: str, **headers: str) -> tuple[Answer, Answer | None]:
    """What the application says, and the lane alone."""
    asked = environ(address, **headers)
    plain = read(lane._inner, asked)
    read(lane, asked)  # the application has to have met the layer once
    short = lane._answer(dict(asked))
    return plain, read(short, asked) if short is not None else None


@pytest.mark.parametrize("address", [
    BUILDS, SIGNS, FAR, f"{BUILDS}?status=01", f"{SIGNS}?properties=status,sign_no", f"{BUILDS}?v=12",
    f"{SIGNS}?f=mvt&status=04", f"{BUILDS}?filter=status%3D%2701%27&lang=en", "/collections/districts/tiles/"
    "WebMercatorQuad/12/1667/3338",
])
@pytest.mark.parametrize("headers", [
    {"Accept_Encoding": "gzip"}, {}, {"Accept_Encoding": "br, gzip;q=0"}, {"scheme": "https"},
    {"If_None_Match": '"none of ours"'},
], ids=["gzip", "plain", "refused", "https", "unknown"])
def test_the_lane_says_what_the_application_says(lane: TileLane, cookie: str, address: str,
                                                headers: dict[str, str]) -> None:
    plain, short = both(lane, address, Cookie=cookie, **headers)
    assert short == plain
    assert plain[0][:3] in ("200", "204")
    if plain[1].get("ETag"):
        known = both(lane, address, Cookie=cookie, **headers | {"If_None_Match": plain[1]["ETag"]})
        assert known[0] == known[1]
        assert known[0][0][:3] == "304"


@pytest.mark.parametrize("address", [
    f"{BUILDS}?unknown=1", f"{BUILDS}?f=png", f"{BUILDS}?properties=party_phone",
    "/collections/no_such/tiles/WebMercatorQuad/14/1/1", "/collections/illegal_builds/tiles/WebMercatorQuad/3/9/9",
    "/collections/illegal_builds/tiles/WebMercatorQuad/99/1/1", f"{BUILDS}?as_of=2026-01-01T00:00:00Z",
    f"{BUILDS}?bbox=1,2", f"{BUILDS}?sortby=nothing", f"{BUILDS}?filter=party_phone%3D%27x%27",
])
def test_what_is_wrong_or_rare_is_left_to_the_application(lane: TileLane, cookie: str, address: str) -> None:
    plain, short = both(lane, address, Cookie=cookie)
    assert short is None
    assert read(lane, environ(address, Cookie=cookie))[0] == plain[0]


def test_a_stranger_is_left_to_the_application(lane: TileLane) -> None:
    for cookie in ("", "gisapp_session=", "gisapp_session=forged.by.hand", "other=1"):
        plain, short = both(lane, BUILDS, Cookie=cookie)
        assert short is None
        assert plain[0].startswith("401")


def test_other_ways_to_sign_in_and_other_sites_are_left_to_the_application(lane: TileLane, cookie: str) -> None:
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    assert both(lane, BUILDS, Cookie=cookie, Authorization="Bearer none")[1] is None
    assert both(lane, BUILDS, Cookie=cookie, Origin="https://elsewhere.example")[1] is None


def test_signing_out_ends_the_lane_at_once(app: Flask, lane: TileLane, accounts: dict[str, dict[str, str]]) -> None:
    browser = Browser(app)
    browser.sign_in(accounts["viewer"]["username"], accounts["viewer"]["password"])
    cookie = f"gisapp_session={browser.cookie('gisapp_session')}"
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    browser.submit("/sign-out", form="/account")
    plain, short = both(lane, BUILDS, Cookie=cookie)
    assert short is None
    assert plain[0].startswith("401")


@pytest.fixture
def newcomer(owner: House, app: Flask) -> tuple[Any, str]:
    """An account that may be spoilt, and its cookie."""
    run(owner, "DELETE FROM gisapp.sessions USING gisapp.accounts AS a WHERE account_id = a.id AND username = 'new'")
    known, password = spoilable(owner, "new")
    return known, signed_in(app, {"username": "new", "password": password})


@pytest.mark.parametrize(("change", "status"), [
    ("active = false", "401"), ("must_change_password = true", "403"), ("fs_uniquifier = 'another'", "401"),
])
def test_what_the_account_loses_the_lane_loses_at_once(owner: House, lane: TileLane, newcomer: tuple[Any, str],
                                                      change: str, status: str) -> None:
    _, cookie = newcomer
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    run(owner, f"UPDATE gisapp.accounts SET {change} WHERE username = 'new'")
    asked = environ(BUILDS, Cookie=cookie)
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith(status)


def test_another_role_is_looked_up_anew(owner: House, lane: TileLane, newcomer: tuple[Any, str]) -> None:
    """A reviewer sees personal fields, a viewer does not: what was remembered must not decide."""
    _, cookie = newcomer
    address = f"{BUILDS}?properties=party_name"
    assert both(lane, address, Cookie=cookie)[1] is not None
    run(owner, "UPDATE gisapp.accounts SET role = 'viewer' WHERE username = 'new'")
    asked = environ(address, Cookie=cookie)
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith("403")


def test_a_session_unused_for_long_is_over(owner: House, lane: TileLane, cookie: str, settings: Settings) -> None:
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    run(owner, "UPDATE gisapp.sessions SET seen_at = now() - :idle", idle=timedelta(hours=settings.session_idle_hours))
    asked = environ(BUILDS, Cookie=cookie)
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith("401")


def test_its_use_is_written_down(owner: House, lane: TileLane, cookie: str) -> None:
    """Once a minute the application is asked, which notes that the session is in use."""
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    run(owner, "UPDATE gisapp.sessions SET seen_at = now() - interval '2 minutes'")
    assert read(lane, environ(BUILDS, Cookie=cookie))[0].startswith("200")
    [(stale,)] = run(owner, "SELECT count(*) FROM gisapp.sessions WHERE seen_at < now() - interval '1 minute'")
    assert stale == 0 or both(lane, BUILDS, Cookie=cookie)[1] is not None


def test_a_tile_follows_a_write(owner: House, admin: Role, lane: TileLane, cookie: str) -> None:
    before = both(lane, BUILDS, Cookie=cookie)[1]
    add_build(owner, LON + 0.001, LAT)
    after = both(lane, BUILDS, Cookie=cookie)
    assert after[0] == after[1] != before


def test_a_lost_connection_is_replaced(house: House, lane: TileLane, cookie: str) -> None:
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None
    with house.db.driver() as driver:
        driver.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE pid <> pg_backend_pid() AND usename = 'gisapp_app' AND datname = current_database()")
    with pytest.raises(psycopg.Error):
        house.db.lookups.one(b"SELECT 1", {})
    house.db.engine.dispose()
    assert read(lane, environ(BUILDS, Cookie=cookie))[0].startswith("200")
    assert both(lane, BUILDS, Cookie=cookie)[1] is not None


def test_addresses_beside_tiles_pass_by(lane: TileLane, cookie: str) -> None:
    for address in ("/collections", "/collections/illegal_builds/tiles", f"{BUILDS}/more", "/healthz"):
        assert lane._answer(environ(address, Cookie=cookie)) is None
    assert read(lane, environ(BUILDS, Cookie=cookie) | {"REQUEST_METHOD": "HEAD"})[0].startswith("200")


def test_all_lookups_are_closed(settings: Settings) -> None:
    database = Database(settings.database_url or "")
    with ThreadPoolExecutor(2) as pool:
        pids = {row[0] for row in pool.map(
            lambda _: database.lookups.one(b"SELECT pg_backend_pid() FROM pg_sleep(0.1)", {}), range(4))}
    assert len(pids) == 2
    database.close()
    other = Database(settings.database_url or "")
    assert other.lookups.one(b"SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%(pids)s)",
                             {"pids": list(pids)}) == (0,)
    other.close()
