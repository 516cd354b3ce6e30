"""One URL of somebody's own server: the owner migrates by it, the web application takes the lesser role."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from gisapp import create_app
from gisapp.accounts import ensure_first_accounts
from gisapp.cli.progress import Progress
from gisapp.cli.start import migrate
from gisapp.cluster import Cluster
from gisapp.cluster.connections import external
from gisapp.config import Settings
from gisapp.house import make_house
from tests.conftest import Role, at


@pytest.fixture
def settings(cluster: Cluster, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name an empty database by one URL, as a user who may do everything there."""
    name = f"theirs_{secrets.token_hex(6)}"
    with psycopg.connect(at(cluster.superuser_url, "postgres"), autocommit=True) as link:
        link.execute(f'CREATE DATABASE "{name}"')
    yield Settings.from_env({}, instance=tmp_path, demo=False).with_database(at(cluster.superuser_url, name))


def test_one_url_migrates_and_serves_as_the_lesser_role(settings: Settings) -> None:
    urls = external(settings)
    house = make_house(settings, urls.owner)
    migrate(house, Progress())
    accounts = ensure_first_accounts(house, demo=True)
    house.db.close()
    assert accounts is not None
    handed = settings.with_database(urls.app)  # what a web process is started with
    app = create_app(handed)
    with app.extensions["gisapp"].db.read() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "gisapp_app"
    client = Role(app, **accounts["admin"])
    assert client.get("/healthz").status_code == 200
    assert client.get("/collections/rooftop_signs/items").json["numberMatched"] == 0
    app.extensions["gisapp"].db.close()
