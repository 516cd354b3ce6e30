"""Lists in a filter: empty ones, ones of properties and expressions, against lists of codes that may be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gisapp.house import House
from tests.conftest import Role
from tests.samples import sample_rows, store

DAYS: dict[str, list[str] | None] = {"all": ["1", "2", "3"], "one": ["1"], "none": [], "missing": None}
OPEN = {"property": "open_days"}


@pytest.fixture(scope="module")
def named(house: House) -> Callable[[str], list[dict[str, Any]]]:
    """Points whose names say what days they have; a fresh set for whoever asks."""
    def make(mark: str) -> list[dict[str, Any]]:
        rows = sample_rows(house, "vendor_points", len(DAYS))
        for row, (name, days) in zip(rows, DAYS.items(), strict=True):
            row |= {"name": f"{mark}-{name}", "open_days": days, "address": "1"}
        store(house, "vendor_points", rows)
        return rows
    return make


@pytest.fixture(scope="module")
def found(admin: Role, named: Any) -> Callable[[Any], set[str]]:
    """What a condition finds among these points."""
    named("lists")

    def ask(tree: Any) -> set[str]:
        condition = {"op": "and", "args": [{"op": "like", "args": [{"property": "name"}, "lists-%"]}, tree]}
        answer = admin.get("/collections/vendor_points/items",
                           query_string={"filter": json.dumps(condition), "filter-lang": "cql2-json"})
        assert answer.status_code == 200, answer.json
        return {one["properties"]["name"].removeprefix("lists-") for one in answer.json["features"]}
    return ask


@pytest.mark.parametrize(("operator", "expected"), [
    ("a_contains", {"all", "one", "none"}), ("a_containedBy", {"none"}), ("a_equals", {"none"}), ("a_overlaps", set())])
def test_an_empty_list_is_a_list(found: Any, operator: str, expected: set[str]) -> None:
    assert found({"op": operator, "args": [OPEN, []]}) == expected
    assert found({"op": "not", "args": [{"op": operator, "args": [OPEN, []]}]}) == (
        {"all", "one", "none"} - expected)  # what is missing answers neither


def test_nothing_is_among_no_values(found: Any) -> None:
    assert found({"op": "in", "args": [{"property": "name"}, []]}) == set()


@pytest.mark.parametrize(("operator", "expected"), [
    ("a_contains", {"all", "one"}), ("a_equals", {"one"}), ("a_overlaps", {"all", "one"}),
    ("a_containedBy", {"one", "none"})])
def test_a_list_may_hold_properties_and_expressions(found: Any, operator: str, expected: set[str]) -> None:
    assert found({"op": operator, "args": [OPEN, [{"property": "address"}]]}) == expected
    assert found({"op": operator, "args": [OPEN, [{"op": "casei", "args": [{"property": "address"}]}]]}) == expected


def test_a_property_in_a_list_counts_beside_written_values(found: Any) -> None:
    assert found({"op": "a_contains", "args": [OPEN, [{"property": "address"}, "3"]]}) == {"all"}
    assert found({"op": "a_overlaps", "args": [OPEN, [{"property": "address"}, "9"]]}) == {"all", "one"}
