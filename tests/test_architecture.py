"""The house as docs/architecture.md draws it: four rings, SQL and Flask where they belong, small modules, no strays."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "gisapp"

#: Inner to outer. A module may import from its own ring and from those before it. `x.*` is a whole package.
RINGS = {
    "words": """words role_words layers layer_files aliases catalogue schema style map_styles crs coordinates
        datums params params.* photos.kinds addresses cql2 cql2.* errors problem_kinds account_problems faults
        config basemaps setting_values settings_page""",
    "postgis": """tables census db_lookups repairs shapes sql sql.* job_queue counts db bulk marks migrate
        migrations migrations.* cluster cluster.* accounts.rows""",
    "services": """house permissions features streams queryables desktop notebook
        example_questions questions question_groups published areas asking asking.*
        photos photos.photo photos.attachments photos.files photos.reading photos.changes
        changes edits workflow rules history presence doctor doctor.* territories codelists
        identify tiles tile_drawing tile_shelf panels tree maps filters search listing timeline
        forms form_inputs form_shapes hand_over hand_over.* imports imports.* desk desk.*
        jobs jobs.* statistics children accounts accounts.* selection
        map_file printing printing.* marking marking.* formats formats.* demo demo.* openapi openapi.* docs docs.*""",
    "outer": "gisapp views views.* cli cli.*",
}
ORDER = list(RINGS)

#: Frameworks of the web; only the outer ring knows them.
WEB = ("flask", "flask_babel", "flask_login", "flask_security", "flask_wtf", "werkzeug", "jinja2")
WEB_EXCEPTIONS = {
    ("accounts.rows", "flask_security"): "its account and role rows carry Flask-Security's mixins",
}

#: What a service may hold of the database without writing SQL: a connection, a row, a table, the errors.
HOLDING = {"sqlalchemy": {"Connection", "Engine", "Row", "Table"}, "sqlalchemy.exc": None, "psycopg.errors": None,
           "sqlalchemy.engine": {"URL", "make_url"}, "psycopg": {"Connection", "Cursor", "Error", "errors"}}
#: Modules outside the PostGIS ring that build statements all the same, and why that is right.
SQL_EXCEPTIONS = {
    **dict.fromkeys(("accounts.first", "accounts.log", "accounts.pacing", "accounts.people", "accounts.sessions",
                     "accounts.sign_in", "accounts.tokens"),
                    "fixed tables of one domain: each module keeps its few statements beside what they are for"),
    "views.identity": "Flask-Security is handed a session maker",
}
#: The tables of a file, which SQLite reads: no statement of theirs goes to the house's database.
FILE_TABLES = {"formats.gpkg_tables", "formats.difference"}
_SQL_TEXT = re.compile(
    r"\s*(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|COPY|TRUNCATE|LOCK|SET|REFRESH|ANALYZE)\b"
    r"[\s\S]*\b(FROM|INTO|SET|TABLE|TO|VALUES|ROLE|LOCAL|VIEW|SELECT)\b|\s*SELECT [\w:(]")

MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40
BAD_NAMES = {"utils", "util", "helpers", "helper", "models", "common", "misc"}
#: Drafted by a command and never edited for style.
DRAFTED = "migrations.versions."


@cache
def modules() -> dict[str, Path]:
    """Name within gisapp ("gisapp" for the package itself) → file."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "gisapp"] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """The module, parsed."""
    return ast.parse(modules()[module].read_text("utf-8"))


@cache
def ring(module: str) -> str | None:
    """The ring of a module: by its own name first, then by its package; None when nobody gave it one."""
    exact = [name for name, text in RINGS.items() if module in text.split()]
    wide = [name for name, text in RINGS.items() for pattern in text.split()
            if pattern.endswith("*") and module.startswith(pattern[:-1])]
    return (exact or wide or [None])[0]


def imported(module: str) -> Iterator[tuple[str, str, int]]:
    """Every import, late ones too: the module it is taken from, the name taken ("" for the whole), the line."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name, node.lineno) for alias in node.names)


def own(source: str, name: str) -> str | None:
    """The module of ours that an import names, or None."""
    if source.split(".")[0] != "gisapp":
        return None
    inner = source.removeprefix("gisapp").lstrip(".")
    longer = f"{inner}.{name}".lstrip(".")
    return longer if longer in modules() else inner or "gisapp"


def place(module: str, line: int) -> str:
    return f"{modules()[module].relative_to(ROOT)}:{line}"


def test_every_module_has_its_ring() -> None:
    assert [name for name in modules() if ring(name) is None] == []


def test_imports_go_inward() -> None:
    wrong = []
    for module in modules():
        for source, name, line in imported(module):
            target = own(source, name)
            if target is None or ring(target) is None or ring(module) is None:
                continue
            if ORDER.index(ring(target) or "") > ORDER.index(ring(module) or ""):
                wrong.append(f"{place(module, line)}: {ring(module)} imports {target} ({ring(target)})")
    assert wrong == []


def test_the_web_stays_in_the_outer_ring() -> None:
    wrong = [f"{place(module, line)}: {source}"
             for module in modules() if ring(module) != "outer" for source, _, line in imported(module)
             if source.split(".")[0] in WEB and (module, source.split(".")[0]) not in WEB_EXCEPTIONS]
    assert wrong == []


def _builds_sql(source: str, name: str) -> bool:
    if source.split(".")[0] not in ("sqlalchemy", "psycopg", "geoalchemy2", "alembic", "psycopg_pool"):
        return False
    if source not in HOLDING:
        return True
    allowed = HOLDING[source]
    return allowed is not None and name != "" and name not in allowed


def test_statements_are_built_in_the_postgis_ring() -> None:
    wrong = [f"{place(module, line)}: {source} {name}".rstrip()
             for module in modules() if ring(module) != "postgis" and module not in SQL_EXCEPTIONS
             for source, name, line in imported(module) if _builds_sql(source, name)]
    assert wrong == []


def _texts(module: str) -> Iterator[tuple[str, int]]:
    docstrings = {id(node.body[0].value) for node in ast.walk(tree(module))
                  if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body
                  and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value, node.lineno


def test_sql_texts_stand_in_the_postgis_ring() -> None:
    wrong = [f"{place(module, line)}: {text.strip()[:50]}"
             for module in modules() if ring(module) != "postgis" and module not in FILE_TABLES
             for text, line in _texts(module) if _SQL_TEXT.match(text)]
    assert wrong == []


def test_every_exception_is_still_needed() -> None:
    assert {module for module in SQL_EXCEPTIONS
            if not any(_builds_sql(source, name) for source, name, _ in imported(module))} == set()
    assert {pair for pair in WEB_EXCEPTIONS
            if pair[1] not in {source.split(".")[0] for source, _, _ in imported(pair[0])}} == set()


def test_roles_are_judged_by_permissions_alone() -> None:
    wrong = [place(module, node.lineno) for module in modules() if module != "permissions"
             for node in ast.walk(tree(module)) if isinstance(node, ast.Compare)
             and any(ast.unparse(side).endswith("actor.role") for side in (node.left, *node.comparators))]
    assert wrong == []


#: What a view may know of permissions: who acts, the names of the roles, and what to offer; never whether to allow.
_SHOWN_BY_VIEWS = {"Actor", "ROLES", "SYSTEM", "rights"}


def test_views_leave_permissions_to_services() -> None:
    wrong = [f"{place(module, line)}: {source} {name}".rstrip()
             for module in modules() if module.startswith("views") for source, name, line in imported(module)
             if own(source, name) == "permissions" and name not in _SHOWN_BY_VIEWS]
    assert wrong == []


def test_migrations_never_read_layer_files() -> None:
    readers = {"catalogue", "layer_files", "layers", "tables", "house"}
    wrong = [place(module, line) for module in modules() if module.startswith(DRAFTED)
             for source, name, line in imported(module) if own(source, name) in readers]
    assert wrong == []


def test_modules_stay_small() -> None:
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules().items()
             if not name.startswith(DRAFTED)}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_functions_stay_small() -> None:
    wrong = {f"{module}.{node.name}": f"{place(module, node.lineno)}: {(node.end_lineno or 0) - node.lineno + 1} lines"
             for module in modules() if not module.startswith(DRAFTED)
             for node in ast.walk(tree(module)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
             and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION}
    assert wrong == {}


def test_modules_are_named_after_the_domain() -> None:
    assert [name for name in modules() if name.rsplit(".", 1)[-1] in BAD_NAMES] == []


# --- files ---------------------------------------------------------------------------------------------------

@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is committed."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file())


def _joined(*parts: str) -> bytes:
    """A forbidden text, put together so that this file does not hold it."""
    return "".join(parts).encode()


REGISTRIES = [_joined("py", "pi.org"), _joined("python", "hosted.org"), _joined("npm", "js.org"),
              _joined("npm", "js.com"), _joined("npm", "mirror"), _joined("yarn", "pkg.com"), _joined("mirrors", "."),
              _joined("crates", ".io"), _joined("proxy.", "golang"), _joined("repo", "1.maven"),
              _joined("conda", ".org"), _joined("artifact", "ory")]
MACHINE = [_joined("/wo", "rk/"), _joined(".lib", "rary/"), _joined("/ro", "ot/"), _joined("/ho", "me/"),
           _joined("/tmp/te", "am")]


@pytest.mark.parametrize("forbidden", [*REGISTRIES, *MACHINE], ids=lambda text: text.decode()[1:5])
def test_no_file_names_a_registry_or_a_place_of_this_machine(forbidden: bytes) -> None:
    assert [str(path.relative_to(ROOT)) for path in tracked() if forbidden in path.read_bytes()] == []


_ELSEWHERE = re.compile(r"""(?:src|href|action|from|import|url\()\s*[=(]?\s*["']?(?:https?:)?//[^"')\s]*""")


def test_pages_load_nothing_from_elsewhere() -> None:
    ours = [path for path in tracked() if path.is_relative_to(ROOT / "static")
            or path.is_relative_to(PACKAGE / "templates")]
    found = {str(path.relative_to(ROOT)): _ELSEWHERE.findall(path.read_text("utf-8", "replace")) for path in ours}
    assert ours
    assert {name: places for name, places in found.items() if places} == {}


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for path in ROOT.glob("requirements*.lock"):
        text = path.read_text("utf-8")
        assert "://" not in text
        assert "--hash=sha256:" in text
    packages = (ROOT / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in packages
    assert '"integrity": "sha512-' in packages


def test_third_party_browser_code_is_not_committed() -> None:
    assert [path for path in tracked() if path.is_relative_to(ROOT / "static" / "vendor")
            or "node_modules" in path.parts or path.name.endswith(".min.js")] == []
