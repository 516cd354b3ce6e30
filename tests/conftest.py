"""What every test may ask for: a real PostGIS, a migrated house on a database of its own, clients per role.

One private cluster serves the whole run; `house` is a fresh database for each test module, made by copying a
template that was migrated once.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import create_engine, make_url

from gisapp import create_app, migrate
from gisapp.accounts import ensure_first_accounts
from gisapp.accounts.pacing import Count
from gisapp.catalogue import Catalogue, load_catalogue
from gisapp.cluster import Cluster
from gisapp.codelists import sync_codelists
from gisapp.config import Settings
from gisapp.house import House, make_house
from gisapp.rules import RULES

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


#: Files that take longest, each ten seconds of a processor or much waiting. They come first: one that is begun last
#: leaves a processor idle.
_LONGEST = """
    test_history_model test_start test_import_faults browser/test_read_every_page test_permissions_walk
    test_exports test_imports test_enter_sets browser/test_take_the_map_away test_printing
    browser/test_yesterday_against_today browser/test_open_the_map test_schemathesis
    browser/test_use_without_a_mouse test_cluster formats/test_hostile test_import_desk
    browser/test_ask_on_the_map browser/test_identify_a_sign test_import_odd_tables test_export_choices
    browser/test_measure_a_plot browser/test_ask_save_and_open browser/test_swipe_two_dates
    browser/test_choose_a_basemap test_jobs browser/test_share_a_view browser/test_slide_through_removal_dates
    browser/test_search_a_sign browser/test_enter_a_record test_deliveries test_database_away cql2/test_one_answer
    test_bad_input test_paging browser/test_list_and_map_tied test_attachments formats/test_faithful
    cql2/test_questions
"""
_LONG = {name: place for place, name in enumerate(_LONGEST.split())}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; with xdist only where it is told to keep the order (`--no-loadscope-reorder`)."""
    items.sort(key=lambda item: _LONG.get(item.nodeid.split("::")[0].removeprefix("tests/")[:-3], len(_LONG)))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A throw-away cluster for the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="gisapp-test-"))
    folder.chmod(0o755)  # so that the server's account may enter and the data stays in it, also for root
    made = Cluster(folder / "postgres", durable=False)
    made.start()
    yield made
    made.remove()
    shutil.rmtree(folder, ignore_errors=True)


def copy_database(cluster: Cluster, template: str, name: str) -> None:
    """A new database as a copy of `template`."""
    with psycopg.connect(at(cluster.superuser_url, "postgres"), autocommit=True) as link:
        link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        link.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER gisapp_owner").format(
            sql.Identifier(name), sql.Identifier(template)))


def at(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def psycopg_url(url: str) -> str:
    """The URL as psycopg reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated(cluster: Cluster) -> str:
    """The name of a database with all migrations and code lists; copied, never written to."""
    engine = create_engine(make_url(cluster.owner_url).set(drivername="postgresql+psycopg"))
    migrate.upgrade(engine)
    engine.dispose()
    house = make_house(Settings.from_env({}), cluster.owner_url)
    sync_codelists(house)
    house.db.close()
    return str(make_url(cluster.owner_url).database)


def fresh_settings(cluster: Cluster, database: str, folder: Path, **more: Any) -> Settings:
    """Settings of an instance on `database`."""
    return Settings.from_env({}, instance=folder, demo=False, **more).with_database(
        at(cluster.app_url, database), at(cluster.owner_url, database))


@pytest.fixture(scope="module")
def settings(cluster: Cluster, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An instance of its own, migrated and empty, for the module."""
    name = f"test_{secrets.token_hex(6)}"
    copy_database(cluster, migrated, name)
    return fresh_settings(cluster, name, tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[House]:
    """The house on the owner's connection."""
    house = make_house(settings, settings.owner_database_url)
    yield house
    house.db.close()


@pytest.fixture(scope="module")
def accounts(owner: House) -> dict[str, dict[str, str]]:
    """The first accounts: role → username and password."""
    made = ensure_first_accounts(owner, demo=True)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def app(settings: Settings, accounts: Any) -> Iterator[Flask]:
    """The application on the module's database, as the web role."""
    made = create_app(settings)
    yield made
    made.extensions["gisapp"].db.close()


@pytest.fixture(scope="module")
def house(app: Flask) -> House:
    """The application's house."""
    made: House = app.extensions["gisapp"]
    return made


class Role:
    """A client that signs every request with the basic auth of one role."""

    def __init__(self, app: Flask, username: str, password: str) -> None:
        self._client: FlaskClient = app.test_client(use_cookies=False)
        self._sign = "Basic " + b64encode(f"{username}:{password}".encode()).decode()

    def open(self, method: str, path: str, **more: Any) -> Any:
        """The response to a request."""
        headers = {"Authorization": self._sign} | dict(more.pop("headers", {}))
        return self._client.open(path, method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.open("GET", path, **more)

    def post(self, path: str, **more: Any) -> Any:
        return self.open("POST", path, **more)

    def put(self, path: str, **more: Any) -> Any:
        return self.open("PUT", path, **more)

    def patch(self, path: str, **more: Any) -> Any:
        return self.open("PATCH", path, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.open("DELETE", path, **more)


@pytest.fixture(scope="module")
def roles(app: Flask, accounts: dict[str, dict[str, str]]) -> dict[str, Role]:
    """A client for each role."""
    return {role: Role(app, words["username"], words["password"]) for role, words in accounts.items()}


@pytest.fixture(scope="module")
def admin(roles: dict[str, Role]) -> Role:
    return roles["admin"]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The layers of this checkout."""
    return load_catalogue(ROOT / "layers", RULES)


@pytest.fixture(scope="module")
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("real data (../shared) is not here")
    return SHARED


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait of a second between guesses lasts a quarter of an hour: a busy machine may need a second for the next."""
    wait = Count.wait
    monkeypatch.setattr(Count, "wait", lambda self, guesses, idle: wait(self, guesses, idle / 1000))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GISAPP_") and not name.startswith("GISAPP_TEST_"):
            monkeypatch.delenv(name)
