"""`gisapp` as a shell meets it: exit codes, signals, `--instance` where people write it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from gisapp import cli
from gisapp.config import Settings
from gisapp.faults import Fault
from gisapp.house import House
from tests.conftest import psycopg_url
from tests.test_jobs import LAYER, held
from tests.waiting import PATIENCE, until


@pytest.mark.parametrize(("error", "code", "said"), [
    (KeyboardInterrupt(), 130, "interrupted."), (click.Abort(), 130, "interrupted."),
    (click.UsageError("no such option"), 2, "Error: no such option"), (Fault("坏", "bad"), 1, "error: bad"),
    (psycopg.OperationalError("lost"), 1, "error: the database went away; try again when it is back."),
    (psycopg.errors.LockNotAvailable("lock timeout"), 1,
     "error: somebody else holds the data that this needs; nothing was kept. Try again in a moment."),
    (psycopg.errors.DiskFull("no room"), 1, "error: a disk is full; nothing was kept. Make room, then try again."),
    (OSError(28, "No space left on device"), 1, "error: a disk is full; nothing was kept. Make room, then try again.")])
def test_each_end_has_its_exit_code_and_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
                                                 error: BaseException, code: int, said: str) -> None:
    def ended(**_: Any) -> None:
        raise error

    monkeypatch.setattr(cli, "gisapp", ended)
    monkeypatch.setenv("GISAPP_LANGUAGE", "en")
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert (left.value.code, capsys.readouterr().err.strip()) == (code, said)


def test_an_error_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(**_: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(cli, "gisapp", ended)
    with pytest.raises(KeyError):
        cli.main()


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    kept = {name: words for name, words in os.environ.items() if not name.startswith("GISAPP_")}
    return kept | {"GISAPP_DATABASE_URL": psycopg_url(settings.database_url), "LC_ALL": "C.UTF-8",
                   "GISAPP_OWNER_DATABASE_URL": psycopg_url(settings.owner_database_url)}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_export_that_is_ended_leaves_nothing(owner: House, accounts: Any, settings: Settings,
                                                environment: dict[str, str], tmp_path: Path, number: int,
                                                code: int) -> None:
    command = [sys.executable, "-c", "from gisapp.cli import main; main()", "export", LAYER, "-o",
               str(tmp_path / "a.zip"), "--as", accounts["exporter"]["username"], "--instance",
               str(settings.instance)]

    def waits() -> bool:
        with owner.db.read() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())

    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process, held(owner):
        until(waits)
        process.send_signal(number)
        said = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, "Traceback" in said) == (code, False), said
    kept = settings.instance / "exports"
    assert list(tmp_path.iterdir()) == [] == (list(kept.iterdir()) if kept.is_dir() else [])


@pytest.mark.parametrize("words", [
    ("settings", "--instance"), ("layers", "sync", "--instance"), ("accounts", "list", "--instance"),
    ("accounts", "--instance"), ("attachments", "check", "--instance"), ("qgis", "list", "--instance")])
def test_the_instance_is_named_where_people_name_it(accounts: Any, environment: dict[str, str], tmp_path: Path,
                                                    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    read = Settings.from_env

    def noted(*given: Any, instance: Path | None = None, **more: Any) -> Settings:
        seen.append(instance or Path())
        return read(*given, instance=instance, **more)

    monkeypatch.setattr(Settings, "from_env", noted)
    more = ("list",) if words == ("accounts", "--instance") else ()
    done = CliRunner().invoke(cli.gisapp, [*words, str(tmp_path), *more], env=environment)
    assert (done.exit_code, seen) == (0, [tmp_path]), done.output
