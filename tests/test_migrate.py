"""Migrations: from empty, from the version before, twice, by two at once; then nothing differs from the files."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url, text

from gisapp import migrate
from gisapp.catalogue import load_catalogue
from gisapp.cluster import Cluster
from gisapp.faults import Fault
from gisapp.layers import Catalogue
from gisapp.rules import RULES
from gisapp.tables import Tables
from tests.conftest import ROOT, at


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[Engine]:
    """A database with PostGIS and nothing else, as its owner."""
    name = f"empty_{secrets.token_hex(6)}"
    with psycopg.connect(at(cluster.superuser_url, "postgres"), autocommit=True) as link:
        link.execute(f'CREATE DATABASE "{name}" OWNER gisapp_owner')
    with psycopg.connect(at(cluster.superuser_url, name), autocommit=True) as link:
        link.execute("CREATE EXTENSION postgis")
    engine = create_engine(make_url(at(cluster.owner_url, name)).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()


def differences(engine: Engine, catalogue: Catalogue) -> list[str]:
    with engine.connect() as connection:
        return migrate.compare(connection, catalogue, Tables(catalogue))


def test_from_empty_to_the_layer_files(empty: Engine, catalogue: Catalogue, tmp_path: Path) -> None:
    assert migrate.pending(empty)
    migrate.upgrade(empty)
    assert migrate.pending(empty) == []
    assert differences(empty, catalogue) == []
    assert migrate.draft(empty, catalogue, Tables(catalogue), "Nothing", tmp_path) is None
    migrate.upgrade(empty)


def test_from_the_version_before(empty: Engine, catalogue: Catalogue) -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(migrate.config()).walk_revisions()]
    migrate.upgrade(empty, revisions[1])
    assert migrate.pending(empty) == [revisions[0]]
    migrate.upgrade(empty)
    assert differences(empty, catalogue) == []


MIGRATE = """
import sys
from sqlalchemy import create_engine
from gisapp import migrate
migrate.upgrade(create_engine(sys.argv[1]))
"""


def test_a_database_of_a_newer_version_is_one_clear_line(empty: Engine) -> None:
    """It stays as it is: what this program knows nothing of it cannot serve."""
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE public.gisapp_version SET version_num = '9999'"))
    with pytest.raises(Fault, match=r"migrated by a newer version \(to 9999\)") as caught:
        migrate.pending(empty)
    assert "备份" in caught.value.text("zh")


def test_two_starts_at_once_migrate_once(empty: Engine, catalogue: Catalogue) -> None:
    address = empty.url.render_as_string(hide_password=False)
    starts = [subprocess.Popen([sys.executable, "-c", MIGRATE, address], cwd=ROOT) for _ in range(2)]
    assert [start.wait(120) for start in starts] == [0, 0]
    assert differences(empty, catalogue) == []


def changed_files(tmp_path: Path, before: str, after: str) -> Catalogue:
    folder = shutil.copytree(ROOT / "layers", tmp_path / "layers")
    path = folder / "rooftop_signs.toml"
    words = path.read_text("utf-8")
    assert before in words
    path.write_text(words.replace(before, after, 1), "utf-8")
    return load_catalogue(folder, RULES)


def test_a_new_field_is_drafted_with_its_history(empty: Engine, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    field = ('[[fields]]\nid = "bolts"\ntitle = { zh = "螺栓数", en = "Bolts" }\ntype = "integer"\nmin = 0\n'
             'export = "LSS"\n\n[[fields]]')
    catalogue = changed_files(tmp_path, "[[fields]]", field)
    versions = tmp_path / "versions"
    versions.mkdir()
    with empty.begin() as connection:
        version = connection.execute(text("DELETE FROM gisapp_version RETURNING version_num")).scalar_one()
    with pytest.raises(migrate.DraftRefused, match="gisapp migrate"):
        migrate.draft(empty, catalogue, Tables(catalogue), "Too early", versions)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO gisapp_version VALUES (:version)"), {"version": version})
        assert migrate.lacking(connection, Tables(catalogue)) == ["rooftop_signs"]
    written = migrate.draft(empty, catalogue, Tables(catalogue), "Count the bolts", versions)
    assert written is not None
    migrate.upgrade(empty, versions=versions)
    assert differences(empty, catalogue) == []
    with empty.connect() as connection:
        assert migrate.lacking(connection, Tables(catalogue)) == []
        columns = connection.execute(text(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'bolts' ORDER BY 1")).scalars().all()
    assert columns == ["rooftop_signs", "rooftop_signs_history"]


def test_a_changed_range_is_seen_and_drafted(empty: Engine, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    catalogue = changed_files(tmp_path, "max_length = 32", "max_length = 31")
    found = differences(empty, catalogue)
    assert any("no longer declared" in line for line in found)
    assert any("is missing" in line for line in found)
    versions = tmp_path / "versions"
    versions.mkdir()
    assert migrate.draft(empty, catalogue, Tables(catalogue), "Shorten", versions) is not None
    migrate.upgrade(empty, versions=versions)
    assert differences(empty, catalogue) == []


def test_a_draft_refuses_to_drop_a_column(empty: Engine, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    catalogue = changed_files(tmp_path, 'id = "lighting"', 'id = "lamps"')
    with pytest.raises(migrate.DraftRefused, match="ids are permanent"):
        migrate.draft(empty, catalogue, Tables(catalogue), "Lose a column", tmp_path)


def test_a_draft_refuses_to_change_a_type(empty: Engine, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    catalogue = changed_files(tmp_path, 'type = "integer"', 'type = "number"')
    with pytest.raises(migrate.DraftRefused, match="would change its type"):
        migrate.draft(empty, catalogue, Tables(catalogue), "Change a type", tmp_path)


def test_a_draft_refuses_to_drop_a_layer(empty: Engine, tmp_path: Path) -> None:
    migrate.upgrade(empty)
    folder = shutil.copytree(ROOT / "layers", tmp_path / "layers")
    (folder / "truck_routes.toml").unlink()
    catalogue = load_catalogue(folder, RULES)
    with pytest.raises(migrate.DraftRefused, match="truck_routes"):
        migrate.draft(empty, catalogue, Tables(catalogue), "Lose a layer", tmp_path)


def test_a_missing_trigger_is_seen(empty: Engine, catalogue: Catalogue) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE layers.rooftop_signs DISABLE TRIGGER h2_update"))
    assert differences(empty, catalogue) == ["trigger rooftop_signs.h2_update is missing"]


def test_migrations_never_read_layer_files() -> None:
    for path in (ROOT / "gisapp/migrations").rglob("*.py"):
        words = path.read_text("utf-8")
        assert "import gisapp" not in words
        assert "from gisapp" not in words
        assert ".toml" not in words
