"""What pyproject.toml says against what the package needs: files, dependencies, locks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gisapp"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

#: Imported here, installed by the dependency that they are a part of or that asks for them.
COMES_WITH = {
    "werkzeug": "flask", "jinja2": "flask", "itsdangerous": "flask", "markupsafe": "flask",
    "flask-login": "flask-security", "libpass": "flask-security", "wtforms": "flask-wtf", "babel": "flask-babel",
    "branca": "folium", "mako": "alembic", "psycopg-pool": "psycopg",
}


def plain(name: str) -> str:
    """A distribution's name as packaging compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """The distributions that pyproject.toml asks for."""
    return _names(PROJECT["project"]["dependencies"])


def for_notebooks() -> set[str]:
    """What `gisapp.read` needs besides; the web application does without."""
    return _names(PROJECT["project"]["optional-dependencies"]["notebook"])


def _names(lines: list[str]) -> set[str]:
    return {plain(re.split(r"[\[<>=~! ]", line)[0]) for line in lines}


def locked(name: str) -> set[str]:
    """The distributions of a lock file."""
    return {plain(found) for found in re.findall(r"^([\w.-]+)==", (ROOT / name).read_text("utf-8"), re.MULTILINE)}


def imported() -> set[str]:
    """Top-level packages that the application imports, ours and Python's own aside."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"gisapp"}


def test_what_is_imported_is_declared() -> None:
    owners = packages_distributions()
    missing = {}
    for name in imported():
        given = {plain(owner) for owner in owners.get(name, [name])}
        if not {COMES_WITH.get(owner, owner) for owner in given} & (declared() | for_notebooks()):
            missing[name] = given
    assert missing == {}


def test_what_is_declared_is_locked() -> None:
    assert declared() <= locked("requirements.lock") <= locked("requirements-dev.lock")
    assert for_notebooks() <= locked("requirements-dev.lock")


def test_every_file_of_the_package_goes_with_it() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["gisapp"]
    shipped = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    lost = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc", ".mo")
            and path not in shipped]
    assert lost == []


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()
            and folder.name != "versions"] == []


def test_the_licence_is_the_one_that_is_named() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")[:200]


def test_a_web_process_loads_nothing_that_only_files_and_jobs_need() -> None:
    """A worker has 250 MB; Arrow alone takes 30, and a child or the job worker loads it where it is needed."""
    code = ("import importlib, sys, gisapp; "
            "[importlib.import_module(f'gisapp.views.{room}') for room in gisapp._ROOMS]; "
            "print([name for name in ('pyarrow', 'pandas', 'geopandas', 'pyogrio', 'procrastinate', 'reportlab', "
            "'adbc_driver_postgresql', 'python_calamine') if name in sys.modules])")
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
