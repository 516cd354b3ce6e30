"""The short way to a page of features answers as the application does, to the same readers, or not at all."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from gisapp.accounts import tokens
from gisapp.accounts.people import actor_of
from gisapp.accounts.rows import Account
from gisapp.config import Settings
from gisapp.house import House
from gisapp.views.items_lane import ItemsLane
from tests.browser_client import Browser
from tests.samples import run, spoilable
from tests.test_tile_lane import Answer, environ, read, signed_in

BUILDS, SIGNS, ROUTES = (f"/collections/{name}/items" for name in ("illegal_builds", "rooftop_signs", "truck_routes"))
BOX = "113.36,31.67,113.40,31.71"
PLAIN = f"{SIGNS}?f=json&bbox={BOX}&limit=20"


@pytest.fixture(scope="module", autouse=True)
def _town(owner: House) -> None:
    with owner.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.rooftop_signs (sign_no, sign_kind, status, area_m2, sign_text, geom)
            SELECT 'L' || n, '01', '01', n % 7, 'a"b\\c 字' || n, ST_SetSRID(ST_MakePoint(
                       113.38 + 0.05 * sin(n * 1.7) * (n % 97) / 97.0, 31.69 + 0.05 * cos(n * 2.3) * (n % 89) / 89.0), 4326)
              FROM generate_series(1, 1500) AS n"""))  # noqa: E501
        connection.execute(text("""
            INSERT INTO layers.illegal_builds (case_no, build_type, status, party_name, geom)
            SELECT 'L' || n, '01', '01', '某人' || n, ST_Multi(ST_MakeEnvelope(x, y, x + 0.001, y + 0.0005, 4326))
              FROM (SELECT n, 113.33 + 0.0001 * (n * 37 % 1000) AS x, 31.64 + 0.0001 * (n * 53 % 1000) AS y
                      FROM generate_series(1, 300) AS n) AS places"""))


@pytest.fixture
def lane(app: Flask) -> Iterator[ItemsLane]:
    found = app.wsgi_app
    assert isinstance(found, ItemsLane)
    found._claims.clear()
    yield found


@pytest.fixture
def cookie(app: Flask, accounts: dict[str, dict[str, str]]) -> str:
    return signed_in(app, accounts["viewer"])


def told(answer: Answer) -> Answer:
    """An answer without what the clock put in."""
    status, headers, body = answer
    return status, {name: value for name, value in headers.items() if name != "Date"}, re.sub(
        rb'"timeStamp": "[^"]+"', b"", body) if "Content-Encoding" not in headers else b""


def both(lane: ItemsLane, address: str, **headers: str) -> tuple[Answer, Answer | None]:
    """What the application says, and the lane alone."""
    asked = environ(address, **headers)
    plain = read(lane._inner, asked)
    read(lane, asked)  # the application has to have met the layer once
    short = lane._answer(dict(asked))
    return told(plain), told(read(short, asked)) if short is not None else None


@pytest.mark.parametrize("address", [
    PLAIN, f"{PLAIN}&properties=status,sign_no", f"{PLAIN}&lang=en", f"{SIGNS}?bbox={BOX}",
    f"{SIGNS}?f=json&bbox={BOX}&limit=10000", f"{SIGNS}?f=json&bbox=113.38,31.69,113.385,31.695&limit=7",
    f"{BUILDS}?f=json&bbox=113.33,31.64,113.45,31.76&limit=50", f"{ROUTES}?f=json&bbox=113,31,114,32&limit=5",
    f"{PLAIN}&crs={quote('http://www.opengis.net/def/crs/EPSG/0/4547', safe='')}", f"{SIGNS}?f=json&bbox=10,10,11,11",
    f"{SIGNS}?f=json&bbox=31.67,113.36,31.71,113.40&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326&limit=9",
    f"{SIGNS}?f=json&bbox=113.38,31.69,9,113.385,31.695,99&limit=7", f"{PLAIN}&lang=%22%3Cscript%3E",
    f"{SIGNS}?limit=3&f=json&bbox=-180,-90,180,90",
])
@pytest.mark.parametrize("headers", [
    {}, {"scheme": "https"}, {"If_None_Match": '"none of ours"'}, {"Accept": "application/json"},
], ids=["plain", "https", "unknown", "accept"])
def test_the_lane_says_what_the_application_says(lane: ItemsLane, cookie: str, address: str,
                                                headers: dict[str, str]) -> None:
    plain, short = both(lane, address, Cookie=cookie, **headers)
    assert short == plain
    assert plain[0].startswith("200")
    assert plain[1]["ETag"]
    known = both(lane, address, Cookie=cookie, **headers | {"If_None_Match": plain[1]["ETag"]})
    assert known[0] == known[1]
    assert known[0][0].startswith("304")


@pytest.mark.parametrize("accepted", ["gzip", "br", "br;q=0.5, gzip", "gzip;q=0", "identity"])
def test_it_is_packed_alike(lane: ItemsLane, cookie: str, accepted: str) -> None:
    plain, short = both(lane, PLAIN, Cookie=cookie, Accept_Encoding=accepted)
    assert short is not None
    for name in ("Content-Encoding", "Vary", "ETag"):
        assert plain[1].get(name) == short[1].get(name)
    assert ("Content-Encoding" in short[1]) == (accepted in ("gzip", "br", "br;q=0.5, gzip"))


def test_every_page_forth_and_back_is_the_applications(lane: ItemsLane, cookie: str) -> None:
    address, seen, turns = f"{SIGNS}?f=json&bbox={BOX}&limit=150", [], 0
    while address:
        plain, short = both(lane, address, Cookie=cookie)
        assert short == plain
        page = json.loads(read(lane, environ(address, Cookie=cookie))[2])
        seen += [one["id"] for one in page["features"]]
        links = {one["rel"]: urlsplit(one["href"]) for one in page["links"]}
        assert ("prev" in links) == (turns > 0)
        if "prev" in links:
            back = both(lane, f"{links['prev'].path}?{links['prev'].query}", Cookie=cookie)
            assert back[0] == back[1]
        address = f"{links['next'].path}?{links['next'].query}" if "next" in links else ""
        turns += 1
    assert len(seen) == len(set(seen)) == page["numberMatched"] > 300


def test_any_box_and_limit(lane: ItemsLane, cookie: str) -> None:
    chance = random.Random(3)
    for _ in range(40):
        lon, lat, size = chance.uniform(113.32, 113.42), chance.uniform(31.63, 31.73), 0.0002 * 500 ** chance.random()
        address = (f"{chance.choice((SIGNS, BUILDS))}?f=json&bbox={lon:.6f},{lat:.6f},{lon + size:.6f},{lat + size:.6f}"
                   f"&limit={chance.choice((1, 10, 100, 1000))}")
        plain, short = both(lane, address, Cookie=cookie)
        assert short == plain, address


def test_whatever_is_asked_the_answer_is_the_applications(lane: ItemsLane, cookie: str) -> None:
    chance = random.Random(5)
    pieces = [
        f"bbox={BOX}", "bbox=113.4,31.7,113.3,31.6", "bbox=nan,1,2,3", "bbox=1,2", "bbox=", "bbox=1e400,1,2,3",
        "limit=5", "limit=0", "limit=99999999", "limit=-1", "limit=", "limit=１２", "limit=5&limit=6", "after=xyz",
        "after=", "before=WyIx", "after=WzEsICIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiXQ", "f=json",
        "f=html", "f=geojson", "f=shp", "f=", "properties=", "properties=status", "properties=party_name",
        "properties=nope", "crs=EPSG:4547", "crs=nope", "status=01", "status=01,02", "q=L1", "sortby=area_m2",
        "as_of=2026-01-01T00:00:00Z", "compute=area()", "filter=status%3D%2701%27", "ids=1", "datetime=..",
        "and=%7B%7D", "v=1", "x%00=1", "bbox=113%00", "lang=zh", "bbox-crs=EPSG:4547", "%ff=%fe", "encoding=utf-8",
        "layers=x", "%62box=113.36,31.67,113.40,31.71"]
    for _ in range(150):
        address = f"{SIGNS}?" + "&".join(chance.sample(pieces, chance.randint(1, 4)))
        asked = environ(address, Cookie=cookie)
        plain, whole = told(read(lane._inner, asked)), told(read(lane, asked))
        assert whole[0] == plain[0], address
        assert not plain[0].startswith("5")
        if "json" in plain[1]["Content-Type"] and "Content-Disposition" not in plain[1]:
            assert whole == plain, address


@pytest.mark.parametrize("address", [
    f"{PLAIN}&status=01", f"{PLAIN}&sortby=area_m2", f"{SIGNS}?f=json&limit=5", f"{SIGNS}?f=html&bbox={BOX}",
    f"{SIGNS}?f=geojson&bbox={BOX}", f"{PLAIN}&limit=4", f"{BUILDS}?f=json&bbox={BOX}&properties=party_name",
    f"/collections/no_such/items?bbox={BOX}", f"{PLAIN}&bbox-crs=EPSG:4547", f"{SIGNS}/1?bbox={BOX}",
])
def test_what_is_wrong_or_rare_is_left_to_the_application(lane: ItemsLane, cookie: str, address: str) -> None:
    assert both(lane, address, Cookie=cookie)[1] is None


def test_a_browser_that_wants_a_page_gets_one(lane: ItemsLane, cookie: str) -> None:
    plain, short = both(lane, f"{SIGNS}?bbox={BOX}", Cookie=cookie, Accept="text/html,application/json;q=0.5")
    assert short is None
    assert plain[1]["Content-Type"].startswith("text/html")


def test_a_program_that_wants_a_file_is_left_to_the_application(lane: ItemsLane, cookie: str) -> None:
    assert both(lane, f"{SIGNS}?bbox={BOX}", Cookie=cookie, Accept="text/csv, */*;q=0.5")[1] is None


def test_strangers_and_other_sites_are_left_to_the_application(lane: ItemsLane, cookie: str) -> None:
    for brought in ("", "gisapp_session=", "gisapp_session=forged.by.hand", "other=1"):
        plain, short = both(lane, PLAIN, Cookie=brought)
        assert short is None
        assert plain[0].startswith("401")
    assert both(lane, PLAIN, Cookie=cookie)[1] is not None
    for more in ({"Authorization": "Bearer none"}, {"Origin": "https://elsewhere.example"},
                 {"Authorization": "Basic Og=="}):
        assert both(lane, PLAIN, Cookie=cookie, **more)[1] is None
    assert lane._answer(environ(PLAIN, Authorization="Bearer none")) is None


@pytest.fixture
def newcomer(owner: House, app: Flask) -> tuple[Account, str, str]:
    """An account that may be spoilt, its cookie and a token."""
    known, password = spoilable(owner, "items")
    run(owner, "DELETE FROM gisapp.api_tokens USING gisapp.accounts AS a WHERE account_id = a.id"
               " AND username = 'items'")
    token = tokens.make(owner.db, actor_of(known), "lane", 30)
    return known, signed_in(app, {"username": "items", "password": password}), token


@pytest.mark.parametrize("by", ["cookie", "token"])
@pytest.mark.parametrize(("change", "status"), [
    ("active = false", "401"), ("must_change_password = true", "403"), ("fs_uniquifier = 'another'", "401"),
])
def test_what_the_account_loses_the_lane_loses_at_once(owner: House, lane: ItemsLane, by: str, change: str, status: str,
                                                      newcomer: tuple[Account, str, str]) -> None:
    _, cookie, token = newcomer
    brought = {"Cookie": cookie} if by == "cookie" else {"Authorization": f"Bearer {token}"}
    plain, short = both(lane, PLAIN, **brought)
    assert short == plain
    run(owner, f"UPDATE gisapp.accounts SET {change} WHERE username = 'items'")
    asked = environ(PLAIN, **brought)
    if by == "token" and "fs_uniquifier" in change:  # ends sessions only
        assert read(lane, asked)[0].startswith("200")
        return
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith(status)


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now()", "digest = 'other'"])
def test_a_token_that_ended_ends_at_once(owner: House, lane: ItemsLane, newcomer: tuple[Account, str, str],
                                         change: str) -> None:
    brought = {"Authorization": f"Bearer {newcomer[2]}"}
    assert both(lane, PLAIN, **brought)[1] is not None
    run(owner, f"UPDATE gisapp.api_tokens SET {change} WHERE name = 'lane'")
    asked = environ(PLAIN, **brought)
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith("401")


def test_a_tokens_use_is_written_down(owner: House, lane: ItemsLane, newcomer: tuple[Account, str, str]) -> None:
    brought = {"Authorization": f"Bearer {newcomer[2]}"}
    assert both(lane, PLAIN, **brought)[1] is not None
    run(owner, "UPDATE gisapp.api_tokens SET last_used_at = now() - interval '2 minutes' WHERE name = 'lane'")
    assert read(lane, environ(PLAIN, **brought))[0].startswith("200")
    assert run(owner, "SELECT count(*) FROM gisapp.api_tokens WHERE name = 'lane'"
               " AND last_used_at > now() - interval '1 minute'") == [(1,)]


def test_a_token_beside_a_session_does_not_decide(lane: ItemsLane, cookie: str,
                                                  newcomer: tuple[Account, str, str]) -> None:
    """The application takes the session of who brings both: a viewer here, who sees no names of parties."""
    address, bearer = f"{BUILDS}?f=json&bbox={BOX}&limit=3", f"Bearer {newcomer[2]}"
    assert "party_name" in read(lane, environ(address, Authorization=bearer))[2].decode()
    plain, short = both(lane, address, Authorization=bearer, Cookie=cookie)
    assert short is None
    assert "party_name" not in read(lane, environ(address, Authorization=bearer, Cookie=cookie))[2].decode()
    assert plain[0].startswith("200")


def test_another_role_is_looked_up_anew(owner: House, lane: ItemsLane, newcomer: tuple[Account, str, str]) -> None:
    """A reviewer sees personal fields, a viewer does not: what was remembered must not decide."""
    address, brought = f"{BUILDS}?f=json&bbox={BOX}&limit=3", {"Cookie": newcomer[1]}
    assert both(lane, address, **brought)[1] is not None
    assert "某人" in read(lane, environ(address, **brought))[2].decode()
    run(owner, "UPDATE gisapp.accounts SET role = 'viewer' WHERE username = 'items'")
    assert lane._answer(environ(address, **brought)) is None
    assert "某人" not in read(lane, environ(address, **brought))[2].decode()


def test_signing_out_ends_the_lane_at_once(app: Flask, lane: ItemsLane, accounts: dict[str, dict[str, str]]) -> None:
    browser = Browser(app)
    browser.sign_in(accounts["viewer"]["username"], accounts["viewer"]["password"])
    cookie = f"gisapp_session={browser.cookie('gisapp_session')}"
    assert both(lane, PLAIN, Cookie=cookie)[1] is not None
    browser.submit("/sign-out", form="/account")
    plain, short = both(lane, PLAIN, Cookie=cookie)
    assert short is None
    assert plain[0].startswith("401")


def test_a_session_unused_for_long_is_over(owner: House, lane: ItemsLane, cookie: str, settings: Settings) -> None:
    assert both(lane, PLAIN, Cookie=cookie)[1] is not None
    run(owner, "UPDATE gisapp.sessions SET seen_at = now() - :idle", idle=timedelta(hours=settings.session_idle_hours))
    asked = environ(PLAIN, Cookie=cookie)
    assert lane._answer(dict(asked)) is None
    assert read(lane, asked)[0].startswith("401")


def test_a_page_follows_a_write(owner: House, lane: ItemsLane, cookie: str) -> None:
    before = both(lane, PLAIN, Cookie=cookie)[1]
    run(owner, "UPDATE layers.rooftop_signs SET sign_text = 'new' WHERE sign_no LIKE 'L%'")
    after = both(lane, PLAIN, Cookie=cookie)
    assert after[0] == after[1] != before


def test_beyond_the_limit_of_counting_the_application_estimates(lane: ItemsLane, cookie: str, house: House) -> None:
    """Where no grid counts; what is counted by it is exact at any size."""
    many = {f"/collections/{name}/items?f=json&bbox=100,20,125,45&limit=2" for name in house.catalogue.layers}
    for address in many:
        plain, short = both(lane, address, Cookie=cookie)
        assert short in (plain, None), address


def test_a_lost_connection_is_replaced(house: House, lane: ItemsLane, cookie: str) -> None:
    assert both(lane, PLAIN, Cookie=cookie)[1] is not None
    with house.db.driver() as driver:
        driver.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE pid <> pg_backend_pid() AND usename = 'gisapp_app' AND datname = current_database()")
    with pytest.raises(psycopg.Error):
        house.db.pages.rows("SELECT 1", {})
    house.db.engine.dispose()
    assert read(lane, environ(PLAIN, Cookie=cookie))[0].startswith("200")
    assert both(lane, PLAIN, Cookie=cookie)[1] is not None


def test_other_methods_pass_by(lane: ItemsLane, cookie: str) -> None:
    asked: dict[str, Any] = environ(PLAIN, Cookie=cookie)
    assert read(lane, asked | {"REQUEST_METHOD": "HEAD"})[0].startswith("200")
    assert read(lane, asked | {"REQUEST_METHOD": "POST"})[0][:1] == "4"
