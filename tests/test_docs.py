"""Nothing undocumented, nothing documented that is not there, and no made page behind the code."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click
import pytest
from flask import Flask

from gisapp import docs
from gisapp.catalogue import load_catalogue
from gisapp.cli import gisapp
from gisapp.config import Settings
from gisapp.crs import MENU
from gisapp.docs.commands import walk
from gisapp.docs.errors import FAULTS
from gisapp.docs.layer_files import KEYS
from gisapp.docs.roles import ACT_WORDS, ROLE_WORDS
from gisapp.errors import PROBLEMS
from gisapp.formats import FORMATS
from gisapp.layer_files import SHAPES, VOCABULARY
from gisapp.layers import FIELD_TYPES, Catalogue
from gisapp.params import parse
from gisapp.permissions import ACTS, ROLES
from gisapp.rules import RULES
from gisapp.setting_values import env_name

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE_BY_RUN = ("instance/", "static/vendor/", ".venv/", "/srv/", "/etc/", "/usr/")


def text_of(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def commands() -> list[tuple[str, click.Command]]:
    """Every command that can be called, with its full name."""
    return [(f"gisapp {' '.join(path)}", command) for path, command in walk(gisapp)]


def test_made_pages_are_current(catalogue: Catalogue) -> None:
    assert [path.name for path in docs.stale(ROOT / "docs", catalogue, gisapp)] == []


def test_every_made_part_stands_on_some_page() -> None:
    standing = re.findall(r"<!-- made: (\w+) -->", "".join(path.read_text("utf-8") for path in PAGES))
    assert sorted(standing) == sorted(docs.PARTS)


def test_every_setting_is_documented() -> None:
    names = [env_name(item) for item in Settings.__dataclass_fields__.values()]
    assert [name for name in names if f"`{name}`" not in text_of("settings.md")] == []


def test_every_error_code_is_documented() -> None:
    page = text_of("errors.md")
    assert [code for code in PROBLEMS if f"`{code}`" not in page] == []
    assert set(faults_in_the_code()) == set(FAULTS)


def faults_in_the_code() -> Iterator[str]:
    """Codes of single fields: the first argument of a …Fault, and `code` beside `field` in a dict."""
    for path in sorted((ROOT / "gisapp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("ValueFault", "GeometryFault"):
                yield from (str(given.value) for given in node.args[:1] if isinstance(given, ast.Constant))
                # Faults that the database finds: code is an argument of the function that writes them down.
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("refuse", "found.outside"):
                yield from (str(one.value) for one in node.args[-2:] if isinstance(one, ast.Constant))
            elif isinstance(node, ast.Dict):
                named = {key.value: value for key, value in zip(node.keys, node.values, strict=True)
                         if isinstance(key, ast.Constant)}
                if {"field", "code", "zh", "en"} <= named.keys() and isinstance(named["code"], ast.Constant):
                    yield str(named["code"].value)


def test_every_key_of_a_layer_file_is_documented() -> None:
    used = {key for shape in SHAPES.values() for key in shape.keys}
    assert set(KEYS) == set(VOCABULARY) == used
    assert len(VOCABULARY) <= 40
    page = text_of("layer-files.md")
    wanted = [*VOCABULARY, *FIELD_TYPES, *RULES]
    assert [name for name in wanted if f"| `{name}` |" not in page] == []


def test_every_command_and_option_is_documented() -> None:
    page = text_of("commands.md")
    for name, command in commands():
        if isinstance(command, click.Group):
            continue
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert all(word in section for word in parameter.opts), (name, parameter.opts)
                assert parameter.help, (name, parameter.opts)


def test_every_format_and_system_is_documented() -> None:
    page = text_of("formats.md")
    assert [name for name in FORMATS if f"| `{name}` |" not in page] == []
    assert [crs.name for crs in MENU.values() if f"| `{crs.name}` |" not in page] == []


def test_every_role_and_act_is_documented() -> None:
    assert set(ACT_WORDS) == set(ACTS)
    assert set(ROLE_WORDS) == set(ROLES)
    page = text_of("accounts.md")
    assert [act for act in ACTS if f"| `{act}` |" not in page] == []
    assert [role for role in ROLES if role not in page] == []


def test_every_layer_field_and_code_is_documented(catalogue: Catalogue) -> None:
    page = text_of("layers.md")
    for layer in catalogue.layers.values():
        section = page.split(f'<a id="{layer.id}"></a>')[1].split("<a id=")[0]
        for field in layer.all_fields:
            assert f"| `{field.id}` | {field.title.zh}" in section
            assert f"`{field.export}`" in section
    used = {field.codelist for layer in catalogue.layers.values() for field in layer.fields if field.codelist}
    assert [name for name in used if f'<a id="{name}"></a>' not in page] == []


# --- what the pages say is there -----------------------------------------------------------------------------

def links(path: Path) -> Iterator[str]:
    """Targets of links and pictures that are not on other hosts."""
    plain = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", plain):
        if "://" not in target:
            yield target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    assert [target for target in links(path) if not _is_there(path, target)] == []


def _is_there(path: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    found = path.parent / name if name else path
    return found.exists() and (not anchor or f'<a id="{anchor}"></a>' in found.read_text("utf-8"))


_PATH = re.compile(r"[\w./-]*\w\.(?:py|md|toml|sh|json|txt|css|js|html|lock)|\./\w+|[a-z_]+(?:/[\w.-]+)*/")


def _named_files(text: str) -> Iterator[str]:
    for word in re.findall(r"`([^`\s]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if _PATH.fullmatch(word) and not word.startswith(MADE_BY_RUN) and "<" not in word:
            yield word


#: Files that a pack, an installation or a reader's own work holds.
_NOT_OF_THE_CHECKOUT = {"README.txt", "fields.csv", "codes.csv", "report.csv", "accounts.json", "./instance",
                        "layers/bike_areas.toml", "basemaps.toml", "./basemaps.toml"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_are_named_are_there(path: Path) -> None:
    names = set(_named_files(path.read_text("utf-8"))) - _NOT_OF_THE_CHECKOUT
    lost = [name for name in names if not (ROOT / name).exists() and not (ROOT / "gisapp" / name).exists()]
    assert lost == []


def shell_lines(path: Path) -> Iterator[list[str]]:
    """The lines of ```sh blocks, without comments, as words."""
    for block in re.findall(r"```sh\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield words


@pytest.mark.parametrize("path", [p for p in PAGES if p.name != "commands.md"], ids=lambda path: path.name)
def test_commands_that_are_named_are_there(path: Path) -> None:
    text = path.read_text("utf-8")
    said = [match.split() for match in re.findall(r"`(?:\.venv/bin/)?(gisapp [a-z][^`]*)`", text)]
    said += [["gisapp", *words[1:]] for words in shell_lines(path) if words[0].endswith("/gisapp")]
    for line in said:
        words = line[:line.index("|")] if "|" in line else line
        command: click.Command = gisapp
        for word in words[1:]:
            if not isinstance(command, click.Group):
                break
            found = command.get_command(click.Context(command), word)
            assert found is not None, " ".join(words)
            command = found
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, " ".join(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_settings_that_are_named_are_there(path: Path) -> None:
    known = {env_name(item) for item in Settings.__dataclass_fields__.values()}
    found = set(re.findall(r"\bGISAPP_[A-Z][A-Z_]*[A-Z]\b", path.read_text("utf-8")))
    assert {name for name in found if not name.startswith("GISAPP_TEST")} <= known


def test_the_two_commands_take_what_the_readme_says() -> None:
    start = gisapp.get_command(click.Context(gisapp), "start")
    assert start is not None
    known = {option for parameter in start.params for option in parameter.opts}
    said = re.findall(r"`\./run ([^`]*)`", (ROOT / "README.md").read_text("utf-8"))
    assert {word for words in said for word in words.split() if word.startswith("--")} <= known
    for name in ("run", "test"):
        assert (ROOT / name).stat().st_mode & 0o111


def test_the_curl_lines_of_the_readme_are_understood(app: Flask, catalogue: Catalogue) -> None:
    lines = [words for words in shell_lines(ROOT / "README.md") if words[0] == "curl"]
    assert len(lines) == 5
    routes = app.url_map.bind("127.0.0.1")
    for words in lines:
        address = urlsplit(next(word for word in words if word.startswith("http")))
        _, values = routes.match(address.path, "POST" if "-d" in words else "GET")
        if "layer_id" in values:
            assert parse(parse_qs(address.query), catalogue.layers[values["layer_id"]], catalogue)


def test_the_worked_example_is_a_layer(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", text_of("layer-files.md"), re.DOTALL)
    assert example
    folder = tmp_path / "layers"
    shutil.copytree(ROOT / "layers", folder)
    layer_id = tomllib.loads(example[1])["id"]
    (folder / f"{layer_id}.toml").write_text(example[1], "utf-8")
    layer = load_catalogue(folder, RULES).layers[layer_id]
    assert layer.stand_in
    assert layer.states
    assert any(field.personal for field in layer.fields)


def test_the_changelog_knows_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert re.search(rf"^## {re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)


def test_the_readme_leads_to_every_page() -> None:
    reached = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in reached] == []
