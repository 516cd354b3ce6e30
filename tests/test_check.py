"""`gisapp check` finds what is wrong, and `gisapp migrate` and `gisapp settings` do as they say."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from gisapp.cli import gisapp
from gisapp.cli.check import (
    account_faults,
    codelist_faults,
    instance_faults,
    layer_faults,
    migration_faults,
    table_faults,
    vendor_faults,
)
from gisapp.cluster.inspection import role_faults, server_words
from gisapp.codelists import sync_codelists, unsynced_codes
from gisapp.config import Settings
from gisapp.house import House


def test_an_instance_that_is_not_there_is_said(tmp_path: Path) -> None:
    (fault,) = instance_faults(replace(Settings(), instance=tmp_path / "none"))
    assert "does not exist" in fault.en


def test_secrets_that_others_can_read_are_said(tmp_path: Path) -> None:
    settings = replace(Settings(), instance=tmp_path)
    settings.accounts_file.write_text("{}", "utf-8")
    settings.accounts_file.chmod(0o600)
    assert list(instance_faults(settings)) == []
    settings.accounts_file.chmod(0o644)
    (fault,) = instance_faults(settings)
    assert "chmod 600" in fault.zh


def test_missing_and_old_browser_libraries_are_said(tmp_path: Path) -> None:
    (missing,) = vendor_faults(tmp_path)
    assert "./run" in missing.en
    (tmp_path / "static" / "vendor").mkdir(parents=True)
    (tmp_path / "static" / "vendor" / "versions.json").write_text('{"leaflet": "1.9.3"}', "utf-8")
    (tmp_path / "package.json").write_text('{"dependencies": {"leaflet": "1.9.4"}}', "utf-8")
    (old,) = vendor_faults(tmp_path)
    assert "other versions" in old.en


def test_a_wrong_layer_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('id = "wrong"\n', "utf-8")
    (fault,) = layer_faults(replace(Settings(), layers=tmp_path))
    assert "wrong.toml" in fault.en


def test_a_sound_database_has_no_fault(owner: House, accounts: object, settings: Settings) -> None:
    owner_url = settings.owner_database_url
    with psycopg.connect(settings.database_url) as link, psycopg.connect(owner_url) as owner_link:
        found = [
            *migration_faults(owner),
            *table_faults(owner),
            *codelist_faults(owner),
            *role_faults(link),
            *account_faults(replace(settings, demo=True), owner_link),
        ]
        assert "PostGIS 3" in server_words(link)
    assert found == []


def test_the_owner_is_no_role_for_the_web(settings: Settings) -> None:
    with psycopg.connect(settings.owner_database_url) as link:
        found = [fault.en for fault in role_faults(link)]
    assert len(found) == 2
    assert "gisapp_app" in found[0]


def test_first_passwords_left_in_a_real_installation_are_said(settings: Settings, accounts: object) -> None:
    with psycopg.connect(settings.owner_database_url) as link:
        (fault,) = account_faults(settings, link)
    assert "delete it" in fault.en


def test_a_code_that_differs_from_its_file_is_said_and_synced(owner: House) -> None:
    with owner.db.begin("tester") as connection:
        connection.execute(text("UPDATE codes.layer_groups SET title_en = 'Other'"))
    (fault,) = codelist_faults(owner)
    assert "gisapp layers sync" in fault.en
    count = unsynced_codes(owner)
    assert sync_codelists(owner) == count > 0
    assert list(codelist_faults(owner)) == []


def test_a_column_that_no_file_names_is_said(owner: House) -> None:
    with owner.db.begin("tester") as connection:
        connection.execute(text("ALTER TABLE layers.rooftop_signs ADD COLUMN stray text"))
    found = [fault.en for fault in table_faults(owner)]
    assert any("stray" in line for line in found)
    with owner.db.begin("tester") as connection:
        connection.execute(text("ALTER TABLE layers.rooftop_signs DROP COLUMN stray"))


def test_the_commands_work_on_a_named_database(settings: Settings, accounts: object) -> None:
    environment = {
        "GISAPP_DATABASE_URL": settings.database_url,
        "GISAPP_OWNER_DATABASE_URL": settings.owner_database_url,
        "LC_ALL": "C.UTF-8",
    }
    options = ["--instance", str(settings.instance)]
    migrated = CliRunner().invoke(gisapp, ["migrate", *options], env=environment, catch_exceptions=False)
    assert migrated.exit_code == 0
    checked = CliRunner().invoke(gisapp, ["check", *options], env=environment, catch_exceptions=False)
    assert (checked.exit_code, "!!" in checked.output) == (0, False), checked.output
    broken = CliRunner().invoke(gisapp, ["check", "--instance", f"{settings.instance}/none"], env=environment)
    assert (broken.exit_code, "!!  instance folder" in broken.output) == (1, True)


def test_the_settings_in_force_are_shown_without_secrets() -> None:
    shown = CliRunner().invoke(
        gisapp, ["settings"], env={"GISAPP_SECRET_KEY": "s" * 40, "GISAPP_PORT": "9999", "LC_ALL": "zh_CN.UTF-8"}
    )
    assert "GISAPP_PORT=9999" in shown.output
    assert "监听端口" in shown.output
    assert "sss" not in shown.output


@pytest.mark.parametrize("command", ["accounts", "check", "demo", "layers", "migrate", "settings", "start"])
def test_every_command_explains_itself(command: str) -> None:
    assert command in CliRunner().invoke(gisapp, ["--help"]).output
    told = CliRunner().invoke(gisapp, [command, "--help"])
    assert told.exit_code == 0
    assert "Usage:" in told.output
