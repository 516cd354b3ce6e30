"""Settings: read, refused in one line, documented by generation."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from gisapp.config import ROOT, Settings, secret_key, write_secret
from gisapp.faults import ConfigError, terminal_language
from gisapp.setting_values import env_name, help_of
from gisapp.settings_page import markdown


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_env({})
    assert (settings.port, settings.language, settings.database_url) == (8000, "zh", "")
    assert settings.accounts_file == settings.instance / "accounts.json"


def test_each_type_is_read() -> None:
    settings = Settings.from_env(
        {
            "GISAPP_PORT": " 9000 ",
            "GISAPP_HTTPS": "Yes",
            "GISAPP_DEMO": "0",
            "GISAPP_INSTANCE": "somewhere",
            "GISAPP_TIME_ZONE": "Europe/Berlin",
            "GISAPP_DATABASE_URL": "postgres://a@b/c",
            "UNRELATED": "x",
            "GISAPP_TEST_ANYTHING": "x",
        }
    )
    assert (settings.port, settings.https, settings.demo) == (9000, True, False)
    assert settings.instance == Path.cwd() / "somewhere"
    assert settings.time_zone == "Europe/Berlin"
    assert settings.database_url == "postgresql://a@b/c"


def test_what_the_command_line_says_wins_and_none_does_not() -> None:
    settings = Settings.from_env({"GISAPP_PORT": "9000"}, port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "127.0.0.1")


def test_an_empty_value_is_the_default() -> None:
    assert Settings.from_env({"GISAPP_PORT": "", "GISAPP_LANGUAGE": " "}) == Settings()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("GISAPP_PROT", "1", "GISAPP_PROT is not a setting; did you mean GISAPP_PORT?"),
        ("GISAPP_XYZZY_Q", "1", "GISAPP_XYZZY_Q is not a setting; `gisapp settings` lists them."),
        ("GISAPP_PORT", "http", "GISAPP_PORT: “http” is not valid: give a whole number from 1 to 65535."),
        ("GISAPP_PORT", "0", "GISAPP_PORT: “0” is not valid: give a whole number from 1 to 65535."),
        ("GISAPP_PORT", "٣", "GISAPP_PORT: “٣” is not valid: give a whole number from 1 to 65535."),
        ("GISAPP_HTTPS", "maybe", "GISAPP_HTTPS: “maybe” is not valid: give 1 or 0."),
        ("GISAPP_LANGUAGE", "fr", "GISAPP_LANGUAGE: “fr” is not valid: use one of zh, en."),
        (
            "GISAPP_TIME_ZONE",
            "../etc/passwd",
            "GISAPP_TIME_ZONE: “../etc/passwd” is not valid: no such time zone; for example Asia/Shanghai.",
        ),
        ("GISAPP_SECRET_KEY", "short", "GISAPP_SECRET_KEY: … is not valid: give at least 32 characters."),
        (
            "GISAPP_DATABASE_URL",
            "mysql://u:hidden@h/d",
            "GISAPP_DATABASE_URL: … is not valid: it looks like postgresql://user:password@host:port/name.",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_and_shows_no_secret(name: str, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env({name: text})
    assert str(caught.value) == expected
    assert caught.value.text("zh").startswith("错误：")
    assert "\n" not in caught.value.text("zh")
    assert "hidden" not in caught.value.text("zh")


def test_every_setting_says_what_it_does_in_both_languages() -> None:
    for item in fields(Settings):
        words = help_of(item).words
        assert re.search(r"[\u4e00-\u9fff]", words.zh), env_name(item)
        assert words.en.isascii(), env_name(item)


def test_the_settings_page_is_current() -> None:
    page = ROOT / "docs" / "settings.md"
    assert page.read_text("utf-8") == markdown(), "run: gisapp settings --markdown > docs/settings.md"


def test_the_secret_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    settings = replace(Settings(), instance=tmp_path / "new")
    first = secret_key(settings)
    assert len(first) >= 32
    assert secret_key(settings) == first
    assert (tmp_path / "new" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert secret_key(replace(settings, secret_key="k" * 40)) == "k" * 40


def test_a_secret_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_secret(path, "first")
    write_secret(path, "second")
    assert path.read_text("utf-8") == "first"
    assert [item.name for item in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"GISAPP_LANGUAGE": "zh", "LANG": "C"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_terminal_speaks_the_language_of_its_locale(environ: dict[str, str], language: str) -> None:
    assert terminal_language(environ) == language
