"""open_now and open_days: slots past midnight, weekdays, seasons, on the clock of the city (UTC+8)."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import quote

import pytest

from gisapp.house import House
from tests.conftest import Role
from tests.samples import sample_rows, store

#: name → days, hours, season; 2026-11-23 is a Monday.
PLACES: dict[str, dict[str, Any]] = {
    "always": {},
    "day": {"open_hours": "08:00-18:00"},
    "night": {"open_hours": "18:00-02:00"},
    "two": {"open_hours": "06:00-09:00;17:00-19:00"},
    "monday night": {"open_hours": "20:00-04:00", "open_days": ["1"]},
    "weekend": {"open_days": ["6", "7"]},
    "autumn": {"season_from": date(2026, 10, 1), "season_to": date(2026, 11, 23), "open_hours": "22:00-03:00"},
    "unreadable": {"open_hours": "evenings"},
    "blank": {"open_hours": " "},
    "to midnight": {"open_hours": "20:00-24:00"},
}


@pytest.fixture(scope="module")
def stalls(house: House) -> None:
    """One vendor point for each place."""
    rows = sample_rows(house, "vendor_points", len(PLACES))
    for row, (name, values) in zip(rows, PLACES.items(), strict=True):
        row |= {"name": name, "open_hours": None, "open_days": None, "season_from": None, "season_to": None} | values
    store(house, "vendor_points", rows)


def names(admin: Role, condition: str, more: str = "") -> set[str]:
    """Names of the points that answer."""
    answer = admin.get(f"/collections/vendor_points/items?properties=name&limit=100&filter={quote(condition)}{more}")
    assert answer.status_code == 200, answer.json
    return {feature["properties"]["name"] for feature in answer.json["features"]}


EVER = {"always", "blank"}


@pytest.mark.parametrize(("local", "expected"), [
    ("2026-11-23T12:00:00+08:00", EVER | {"day"}),
    ("2026-11-23T18:30:00+08:00", EVER | {"night", "two"}),
    ("2026-11-23T18:00:00+08:00", EVER | {"night", "two"}),
    ("2026-11-23T17:59:59+08:00", EVER | {"day", "two"}),
    ("2026-11-23T23:30:00+08:00", EVER | {"night", "monday night", "autumn", "to midnight"}),
    ("2026-11-24T01:30:00+08:00", EVER | {"night", "monday night", "autumn"}),
    ("2026-11-24T03:30:00+08:00", EVER | {"monday night"}),
    ("2026-11-23T01:30:00+08:00", EVER | {"night", "autumn"}),
    ("2026-11-24T23:30:00+08:00", EVER | {"night", "to midnight"}),
    ("2026-11-25T02:30:00+08:00", EVER),
    ("2026-11-22T12:00:00+08:00", EVER | {"day", "weekend"}),
    ("2026-11-21T23:59:59+08:00", EVER | {"night", "weekend", "autumn", "to midnight"}),
    # the same moment written in another zone
    ("2026-11-23T04:00:00Z", EVER | {"day"}),
])
def test_open_at_a_moment(admin: Role, stalls: None, local: str, expected: set[str]) -> None:
    assert names(admin, f"open_now(TIMESTAMP('{local}'))") == expected


def test_open_now_is_now(admin: Role, stalls: None) -> None:
    assert names(admin, "open_now()") >= EVER


def test_open_on_days(admin: Role, stalls: None) -> None:
    monday = EVER | {"day", "night", "two", "monday night", "unreadable", "to midnight"}
    assert names(admin, "open_days('1')") == monday | {"autumn"}
    assert names(admin, "open_days(DATE('2026-11-23'))") == monday | {"autumn"}
    assert names(admin, "open_days(DATE('2026-11-30'))") == monday
    assert names(admin, "open_days('6', '7')") == (monday | {"weekend", "autumn"}) - {"monday night"}


def test_open_when_nobody_was_there(admin: Role, stalls: None) -> None:
    assert names(admin, "open_now()", "&as_of=2001-01-01") == set()
