"""Adding a layer is one file and a drafted migration; everything else follows."""

from __future__ import annotations

import io
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mapbox_vector_tile
import pyogrio
import pytest
from flask import Flask

from gisapp import create_app, migrate
from gisapp.accounts import ensure_first_accounts
from gisapp.cluster import Cluster
from gisapp.codelists import sync_codelists
from gisapp.house import House, make_house
from gisapp.style import legend
from tests.conftest import ROOT, Role, copy_database, fresh_settings

FIXTURE = Path(__file__).parent / "layers/right"
LAMP = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
        "properties": {"lamp_no": "路灯-1", "kind": "led", "power_w": 60.5, "checked_on": "2026-03-01"}}


@pytest.fixture(scope="module")
def lit(cluster: Cluster, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Role]]:
    """An office that has added street lamps: the files, the drafted migration, and no other change."""
    folder = tmp_path_factory.mktemp("lamps")
    layers = shutil.copytree(ROOT / "layers", folder / "layers")
    for name in ("street_lamps.toml", "codelists/lamp_kind.toml", "fieldsets/checked.toml"):
        shutil.copy(FIXTURE / name, layers / name)
    database = f"lamps_{secrets.token_hex(6)}"
    copy_database(cluster, migrated, database)
    settings = fresh_settings(cluster, database, folder / "instance", layers=layers)
    house = make_house(settings, settings.owner_database_url)
    add(house, folder / "versions")
    accounts = ensure_first_accounts(house, demo=True)
    house.db.close()
    assert accounts is not None
    app = create_app(settings)
    yield app, Role(app, **accounts["admin"])
    app.extensions["gisapp"].db.close()


def add(house: House, versions: Path) -> None:
    versions.mkdir()
    assert migrate.draft(house.db.engine, house.catalogue, house.tables, "Add street lamps", versions) is not None
    migrate.upgrade(house.db.engine, versions=versions)
    with house.db.read() as connection:
        assert migrate.compare(connection, house.catalogue, house.tables) == []
    sync_codelists(house)


@pytest.fixture(scope="module")
def lamp(lit: tuple[Flask, Role]) -> str:
    made = lit[1].post("/collections/street_lamps/items", json=LAMP)
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def test_it_is_a_collection(lit: tuple[Flask, Role], lamp: str) -> None:
    client = lit[1]
    assert "street_lamps" in {found["id"] for found in client.get("/collections").json["collections"]}
    properties = client.get(f"/collections/street_lamps/items/{lamp}").json["properties"]
    assert properties["status"] == "1"
    assert properties["power_w"] == 60.5
    assert "gas" not in client.get("/collections/street_lamps/schema").json["properties"]["kind"]["enum"]


def test_it_is_on_tiles(lit: tuple[Flask, Role], lamp: str) -> None:
    tile = lit[1].get("/collections/street_lamps/tiles/WebMercatorQuad/16/26680/53408")
    assert tile.status_code == 200
    features = mapbox_vector_tile.decode(tile.data)["street_lamps"]["features"]
    assert [feature["properties"]["id"] for feature in features] == [lamp]
    assert features[0]["properties"]["kind"] == "led"


def test_it_has_a_legend_and_a_place_on_the_map(lit: tuple[Flask, Role]) -> None:
    app, client = lit
    house = app.extensions["gisapp"]
    entries = legend(house.catalogue.layers["street_lamps"], house.catalogue.codelists, "zh")
    assert "LED 灯" in str(entries)
    page = client.get("/map", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "street_lamps" in page


def test_it_has_a_form(lit: tuple[Flask, Role]) -> None:
    page = lit[1].get("/forms/street_lamps", headers={"Accept": "text/html"})
    assert page.status_code == 200
    words = page.get_data(as_text=True)
    for part in ("lamp_no", "power_w", "checked_on", "LED 灯"):
        assert part in words
    assert "煤气灯" not in words


def test_it_is_handed_over_as_a_shapefile(lit: tuple[Flask, Role], lamp: str, tmp_path: Path) -> None:
    answer = lit[1].get("/collections/street_lamps/items?f=shp&crs=EPSG:4547")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        pack.extractall(tmp_path)
    frame = pyogrio.read_dataframe(next(tmp_path.glob("*.shp")))
    assert list(frame["LDBH"]) == ["路灯-1"]
    assert frame.crs.to_epsg() == 4547


def test_its_changes_are_kept(lit: tuple[Flask, Role], lamp: str) -> None:
    client = lit[1]
    changed = client.patch(f"/collections/street_lamps/items/{lamp}", json={"properties": {"status": "2"}},
                           headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
