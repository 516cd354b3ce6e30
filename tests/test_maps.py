"""The map page's parts: from this server only, nothing of the files left out, nothing of a user's put in."""

from __future__ import annotations

import re

import pytest

from gisapp import maps
from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.rules import RULES

CATALOGUE = load_catalogue(ROOT / "layers", RULES)
WORDS = dict.fromkeys(("full_screen", "leave_full_screen", "locate", "locate_outside", "coordinates"), "word")
HOME = maps.Home(113.3, 31.6, 113.4, 31.7)


@pytest.fixture(scope="module")
def page() -> maps.MapPage:
    maps.localise()
    return maps.build(CATALOGUE, HOME, WORDS)


def test_every_file_in_use_is_one_of_ours(page: maps.MapPage) -> None:
    assert {*page.scripts, *page.sheets} == set(maps.LOCAL.values())
    for name in (*page.scripts, *page.sheets):
        assert (ROOT / "static" / name).is_file(), f"{name} is missing: run scripts/build_vendor.py"


def test_no_address_of_another_host_is_left(page: maps.MapPage) -> None:
    assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]+/", page.html + page.script)


def test_an_unmapped_file_stops_the_start() -> None:
    with pytest.raises(RuntimeError, match=r"cdn\.example.*LOCAL"):
        maps._own("https://cdn.example/x.js")


def test_localising_twice_changes_nothing(page: maps.MapPage) -> None:
    maps.localise()
    again = maps.build(CATALOGUE, HOME, WORDS)
    assert (again.scripts, again.sheets) == (page.scripts, page.sheets)


def test_each_layer_is_there_once(page: maps.MapPage) -> None:
    made = re.findall(r'new gis\.CollectionLayer\([^"]*?\{.*?"id": "(\w+)"', page.script)
    assert sorted(made) == sorted(CATALOGUE.layers)


def test_the_html_has_no_inline_style(page: maps.MapPage) -> None:
    assert "style=" not in page.html
    assert "<script" not in page.html


def test_words_cannot_leave_their_quotes() -> None:
    maps.localise()
    page = maps.build(CATALOGUE, HOME, dict.fromkeys(WORDS, "</script><b>'\""))
    start = page.script[page.script.index("gis.start("):]
    assert "</script>" not in start
