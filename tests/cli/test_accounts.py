"""`gisapp accounts`, on the module's database."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from gisapp.cli.accounts import accounts as command
from gisapp.config import Settings
from gisapp.faults import Fault
from gisapp.house import House
from tests.conftest import Role
from tests.samples import add_squadron


@pytest.fixture
def run(settings: Settings, accounts: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `gisapp accounts …`; the lines it printed."""
    monkeypatch.setenv("GISAPP_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("GISAPP_OWNER_DATABASE_URL", settings.owner_database_url)

    def invoke(*words: str) -> list[str]:
        result: Result = CliRunner().invoke(command, ["--instance", str(settings.instance), *words])
        if result.exception is not None:
            raise result.exception
        return result.output.splitlines()

    return invoke


def test_an_account_is_made_listed_given_a_role_reset_and_disabled(run: Any, app: Flask, house: House) -> None:
    add_squadron(house, "S-01")
    (password,) = run("add", "赵六", "--role", "inspector", "--squadron", "S-01")
    assert "赵六\tinspector\tS-01\tfirst password\tnever" in run("list")
    assert Role(app, "赵六", password).get("/collections").json["code"] == "password_change_required"
    run("role", "赵六", "reviewer")
    (fresh,) = run("reset", "赵六")
    assert fresh != password
    run("disable", "赵六")
    assert Role(app, "赵六", fresh).get("/collections").json["code"] == "account_disabled"
    run("enable", "赵六")
    assert Role(app, "赵六", fresh).get("/collections").json["code"] == "password_change_required"


@pytest.mark.parametrize(("words", "said"), [
    (("disable", "nobody"), "no such account"), (("add", "a b"), "1 to 60 characters"),
    (("add", "admin"), "taken"), (("disable", "admin"), "last active administrator")])
def test_a_mistake_is_one_line(run: Any, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(Fault) as caught:
        run(*words)
    assert said in caught.value.text("en")
    assert "\n" not in caught.value.text("zh")
