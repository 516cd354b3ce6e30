"""Find PostgreSQL's server programs, with PostGIS beside them."""

from __future__ import annotations

import glob
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gisapp.faults import Fault

OLDEST = 15
# Debian and Ubuntu, the PostgreSQL project's own packages, Homebrew, Postgres.app; then whatever is on PATH.
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True)
class Binaries:
    """The programs of one PostgreSQL server; `version` is its major number."""

    folder: Path
    version: int
    has_postgis: bool

    def program(self, name: str) -> str:
        """The full path of a program: initdb, pg_ctl, postgres …"""
        return str(self.folder / name)


def find(version: int | None = None) -> Binaries:
    """The newest server with PostGIS; the one of `version` when data of that version exists.

    Raises Fault when there is none.
    """
    found = list(installed())
    if version is not None:
        return _of_version(found, version)
    usable = [item for item in found if item.has_postgis and item.version >= OLDEST]
    if not usable:
        raise _missing(found)
    return max(usable, key=lambda item: item.version)


def installed() -> Iterator[Binaries]:
    """Every PostgreSQL server of this machine."""
    on_path = shutil.which("pg_config")
    places = [*PLACES, str(Path(on_path).parent)] if on_path else list(PLACES)
    seen: set[Path] = set()
    for folder in (Path(name) for pattern in places for name in sorted(glob.glob(pattern))):
        if (folder / "initdb").exists() and (folder / "postgres").exists() and folder.resolve() not in seen:
            seen.add(folder.resolve())
            yield Binaries(folder, _version(folder), _has_postgis(folder))


def _of_version(found: list[Binaries], version: int) -> Binaries:
    for item in found:
        if item.version == version and item.has_postgis:
            return item
    raise Fault(
        f"私有数据库由 PostgreSQL {version} 建立，但本机没有该版本及其 PostGIS。"
        f"请安装 postgresql-{version} 和 postgresql-{version}-postgis-3。",
        f"the private cluster was made by PostgreSQL {version}, which is not here with PostGIS: "
        f"install postgresql-{version} and postgresql-{version}-postgis-3.",
    )


def _missing(found: list[Binaries]) -> Fault:
    if found:
        newest = max(item.version for item in found)
        return Fault(
            f"本机的 PostgreSQL {newest} 缺少 PostGIS 或版本过低（至少 {OLDEST}）。请运行 ./run，或安装 postgis。",
            f"PostgreSQL {newest} of this machine lacks PostGIS or is older than {OLDEST}: "
            "run ./run, or install the postgis package.",
        )
    return Fault(
        "本机没有 PostgreSQL 服务器程序。请运行 ./run，或安装 postgresql 和 postgis，或设置 GISAPP_DATABASE_URL。",
        "there is no PostgreSQL server on this machine: run ./run, or install postgresql and postgis, "
        "or set GISAPP_DATABASE_URL.",
    )


def _version(folder: Path) -> int:
    done = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r"(\d+)", done.stdout)
    return int(match.group(1)) if match else 0


def _has_postgis(folder: Path) -> bool:
    shares = [Path("/usr/share/postgresql") / folder.parent.name]
    if (folder / "pg_config").exists():
        command = [str(folder / "pg_config"), "--sharedir"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        shares.insert(0, Path(done.stdout.strip()))
    return any((share / "extension" / "postgis.control").exists() for share in shares)
