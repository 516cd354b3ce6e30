"""The list of basemaps: read, refused in one line, and only the hosts it names are let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from gisapp import create_app
from gisapp.basemaps import load_basemaps
from gisapp.config import ROOT, Settings
from gisapp.faults import ConfigError
from gisapp.house import House
from tests.conftest import Role

ONE = """
[[basemaps]]
id = "streets"
title = { zh = "街道", en = "Streets" }
kind = "xyz"
url = "https://{s}.tiles.example/{z}/{x}/{y}.png?key=1"
subdomains = ["a", "b"]
datum = "GCJ-02"
attribution = "© Somebody"
"""
WMTS = """
[[basemaps]]
id = "imagery"
title = { zh = "影像", en = "Imagery" }
kind = "wmts"
url = "%s"
layer = "img"
matrix_set = "w"
datum = "CGCS2000"
attribution = "© Somebody"
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "basemaps.toml"
    path.write_text(text, "utf-8")
    return path


def _load(folder: Path, text: str) -> object:
    return load_basemaps(_file(folder, text), ROOT / "basemaps.toml")


def test_the_default_has_none() -> None:
    assert load_basemaps(Settings().basemaps, Settings.basemaps) == ()
    assert not (ROOT / "basemaps.toml").exists(), "a list of your own would change what these tests see"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        load_basemaps(tmp_path / "x.toml", ROOT / "basemaps.toml")


def test_a_list_is_read(tmp_path: Path) -> None:
    (one,) = load_basemaps(_file(tmp_path, ONE), ROOT / "basemaps.toml")
    assert one.hosts == ("https://a.tiles.example", "https://b.tiles.example")
    assert one.told("en") == {
        "id": "streets", "title": "Streets", "kind": "xyz", "url": "https://{s}.tiles.example/{z}/{x}/{y}.png?key=1",
        "datum": "GCJ-02", "credit": "© Somebody", "creditUrl": "", "subdomains": ["a", "b"],
        "minZoom": 0, "maxZoom": 18}


@pytest.mark.parametrize(("url", "expected"), [
    ("https://t.example/wmts?tk=1",
     "https://t.example/wmts?tk=1&SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=img&STYLE=default&TILEMATRIXSET=w"
     "&FORMAT=image%2Fpng&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"),
    ("https://t.example/{Layer}/{style}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png",
     "https://t.example/img/default/w/{z}/{y}/{x}.png"),
])
def test_wmts_by_key_and_value_and_by_template(tmp_path: Path, url: str, expected: str) -> None:
    (one,) = load_basemaps(_file(tmp_path, WMTS % url), ROOT / "basemaps.toml")
    assert (one.url, one.hosts) == (expected, ("https://t.example",))


@pytest.mark.parametrize(("change", "message"), [
    (('kind = "xyz"', 'kind = "wms"'), "kind: use one of xyz, wmts, pmtiles"),
    (('"GCJ-02"', '"BD-09"'), "datum: use one of WGS84, CGCS2000, GCJ-02"),
    (("{z}/{x}", "{z}/{q}"), "lacks {z}, {x} or {y}"),
    (("{y}.png", "{y}.png?{k}"), "takes no names but"),
    (("https://{s}.tiles.example", "javascript://{s}.x"), "wants an http"),
    (("https://{s}.tiles.example", "https://{s}.x;script-src *"), "wants an http"),
    (('subdomains = ["a", "b"]', ""), "go together"),
    (('subdomains = ["a", "b"]', 'subdomains = ["a; script-src *"]'), "subdomains: wants a list"),
    (('attribution = "© Somebody"', ""), "attribution: wants a text"),
    (('id = "streets"', 'id = "own"'), "id: wants small letters"),
    (('id = "streets"', 'id = "streets"\nmax_zoom = 99'), "max_zoom: wants a whole number"),
    (('id = "streets"', 'id = "streets"\nopaque = 1'), "opaque: is not a known key"),
    (('en = "Streets"', 'fr = "Rues"'), "title: wants"),
    (("[[basemaps]]", "[basemaps"), "is not TOML"),
    (('url = "https', 'file = "x.pmtiles"\nurl = "https'), "file: wants a PMTiles file"),
])
def test_what_is_wrong_stops_the_start_with_one_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, ONE.replace(*change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.words.zh


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stands twice"):
        _load(tmp_path, ONE + ONE)


@pytest.fixture
def furnished(house: House, tmp_path: Path) -> Iterator[Flask]:
    (tmp_path / "city.pmtiles").write_bytes(b"PMTiles" + bytes(range(200)))
    kept = ('\n[[basemaps]]\nid = "kept"\ntitle = { zh = "本地", en = "Kept" }\nkind = "pmtiles"\n'
            'file = "city.pmtiles"\ndatum = "WGS84"\nattribution = "x"\n')
    made = create_app(replace(house.settings, basemaps=_file(tmp_path, ONE + kept)))
    yield made
    made.extensions["gisapp"].db.close()


def test_only_the_map_may_reach_the_hosts_and_no_other_host(furnished: Flask, roles: dict[str, Role]) -> None:
    client = furnished.test_client()
    headers = {"Authorization": roles["viewer"]._sign}
    page = client.get("/map", headers=headers)
    assert page.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    hosts = "https://a.tiles.example https://b.tiles.example"
    assert policy["img-src"] == f"'self' data: blob: {hosts}"
    assert policy["connect-src"] == f"'self' {hosts}"
    assert [name for name, value in policy.items() if "example" in value] == ["img-src", "connect-src"]
    assert "example" not in client.get("/account", headers=headers).headers["Content-Security-Policy"]


def test_an_archive_is_handed_out_in_pieces_to_readers(furnished: Flask, roles: dict[str, Role]) -> None:
    client = furnished.test_client()
    assert client.get("/basemaps/kept.pmtiles").status_code == 401
    headers = {"Authorization": roles["viewer"]._sign}
    piece = client.get("/basemaps/kept.pmtiles", headers={**headers, "Range": "bytes=0-6"})
    assert (piece.status_code, piece.get_data()) == (206, b"PMTiles")
    piece.close()
    assert client.get("/basemaps/streets.pmtiles", headers=headers).status_code == 404
