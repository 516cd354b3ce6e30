"""A shapefile of the ground's builds taken in: checked and entered here, copied by ogr2ogr and by shp2pgsql.

Everything goes into a cluster of its own under the work folder, so that the ground stays as it is.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import create_engine, make_url

from benchmarks.floors import floors
from benchmarks.ground import Ground
from gisapp import imports, migrate
from gisapp.cluster import Cluster
from gisapp.codelists import sync_codelists
from gisapp.config import Settings
from gisapp.desk.check import check
from gisapp.desk.commit import commit
from gisapp.house import House, make_house
from gisapp.permissions import Actor

LAYER = "illegal_builds"
#: Columns of the shapefile: as wide as an office has them, and below 2 GB for a million rows.
COLUMNS = {"id": 36, "status": 2, "case_no": 32, "build_type": 4, "matter_code": 5, "party_kind": 4, "structure": 4,
           "length_m": 0, "width_m": 0, "height_m": 0, "land_area_m2": 0, "build_area_m2": 0, "illegal_area_m2": 0,
           "built_at": 0, "build_state": 4, "place_kind": 4, "source": 4, "address": 60, "dept_name": 60,
           "stock_flag": 4, "removed_at": 0, "removed_area_m2": 0, "remark": 60}


def importing(ground: Ground) -> Iterator[tuple[str, str]]:
    """Import of a million polygons against ogr2ogr and shp2pgsql, with the largest memory of its processes."""
    folder = ground.work / "import"
    folder.mkdir(mode=0o755, exist_ok=True)
    shape = _shapefile(ground, folder)
    cluster = Cluster(folder / "postgres")
    cluster.start()
    try:
        _prepare(cluster, folder)
        _copy_boundaries(ground, cluster)
        yield from _compared(cluster, folder, shape)
    finally:
        cluster.stop()


def _shapefile(ground: Ground, folder: Path) -> Path:
    """The ground's builds as a shapefile, made once."""
    path = folder / "builds.shp"
    if not path.exists():
        layer = make_house(ground.settings(1), ground.cluster.app_url).layer(LAYER)
        short = {field.id: field.export for field in layer.all_fields} | {"id": "ID"}
        names = ", ".join(f'{name}{f"::varchar({width})" if width else ""} AS "{short[name]}"'
                          for name, width in COLUMNS.items())
        subprocess.run(["ogr2ogr", "-f", "ESRI Shapefile", path, _ogr(ground.cluster.superuser_url), "-lco",
                        "ENCODING=UTF-8", "-nln", "builds", "-nlt", "MULTIPOLYGON", "-sql",
                        f"SELECT {names}, geom FROM layers.{LAYER} WHERE geom IS NOT NULL"], check=True)
    return path


def _ogr(url: str) -> str:
    given = make_url(url)
    port = given.query.get("port", 5432)
    return f"PG:host={given.query['host']} port={port} user={given.username} dbname={given.database}"


def _prepare(cluster: Cluster, folder: Path) -> None:
    engine = create_engine(make_url(cluster.owner_url).set(drivername="postgresql+psycopg"))
    migrate.upgrade(engine)
    engine.dispose()
    house = make_house(_settings(folder), cluster.owner_url)
    sync_codelists(house)
    house.db.close()
    with psycopg.connect(cluster.superuser_url, autocommit=True) as link:
        if not link.execute("SELECT 1 FROM pg_database WHERE datname = 'peer'").fetchone():
            link.execute("CREATE DATABASE peer")
    with psycopg.connect(_peer(cluster), autocommit=True) as link:
        link.execute("CREATE EXTENSION IF NOT EXISTS postgis")


def _copy_boundaries(ground: Ground, cluster: Cluster) -> None:
    """The ground's territories, so that rows are assigned to them."""
    with psycopg.connect(ground.cluster.superuser_url) as source, psycopg.connect(cluster.superuser_url) as target:
        target.execute("SET session_replication_role = replica")
        for name in ("districts", "streets", "communities", "unit_grids", "squadron_territories"):
            if target.execute(f"SELECT 1 FROM layers.{name} LIMIT 1").fetchone():
                continue
            [(columns,)] = source.execute(
                "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped"
                " AND attgenerated = '' AND attrelid = %s::regclass", [f"layers.{name}"]).fetchall()
            target.execute(f"ALTER TABLE layers.{name} ENABLE ALWAYS TRIGGER b4_shape")
            with source.cursor().copy(f"COPY layers.{name} ({columns}) TO STDOUT") as given, \
                    target.cursor().copy(f"COPY layers.{name} ({columns}) FROM STDIN") as taken:
                for block in given:
                    taken.write(block)
            target.execute(f"ALTER TABLE layers.{name} ENABLE TRIGGER b4_shape")
            target.execute(f"ANALYZE layers.{name}")


def _settings(folder: Path) -> Settings:
    return Settings.from_env(None, instance=folder, port=1)


def _peer(cluster: Cluster) -> str:
    return make_url(cluster.superuser_url).set(database="peer").render_as_string(hide_password=False)


def _compared(cluster: Cluster, folder: Path, shape: Path) -> Iterator[tuple[str, str]]:
    house = make_house(_settings(folder), cluster.app_url)
    peers: dict[str, Callable[[], Any]] = {"ogr2ogr": lambda: _by_ogr2ogr(cluster, shape)}
    program = shutil.which(os.environ.get("SHP2PGSQL", "shp2pgsql"))
    if program:
        peers["shp2pgsql"] = lambda: _by_shp2pgsql(program, cluster, shape)
    times = {name: _timed(cluster, work) for name, work in peers.items()}
    _empty(cluster)
    number = _received(house, shape)
    peak = Peak()
    checked = _timed(cluster, lambda: check(house, _ACTOR, number, {}))
    least = dict(floors(cluster, folder, LAYER, number, _timed))
    entered = _timed(cluster, lambda: commit(house, _ACTOR, number, {"accept": "valid"}))
    most = peak.end()
    house.db.close()
    for name, (wall, cpu) in times.items():
        yield f"import of the shapefile by {name}", f"{wall:.1f} s; {cpu:.1f} s of processor"
    yield ("import here: checked, entered",
           f"{checked[0]:.1f} s + {entered[0]:.1f} s; of processor {checked[1]:.1f} s + "
           f"{entered[1]:.1f} s; child at most {most:.0f} MiB")
    for name, (wall, cpu) in least.items():
        yield f"the least, {name}", f"{wall:.1f} s; {cpu:.1f} s of processor"
    for name, (wall, cpu) in times.items():
        yield (f"import here against {name}",
               f"{(checked[0] + entered[0]) / wall:.2f} x; of processor {(checked[1] + entered[1]) / cpu:.2f} x")


_ACTOR = Actor("bench", "bench", "admin")


def _timed(cluster: Cluster, work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of processor: of this process, its children and the database."""
    began, used = time.perf_counter(), _used(cluster)
    work()
    return time.perf_counter() - began, _used(cluster) - used


def _used(cluster: Cluster) -> float:
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    server = str(cluster.pid)
    live = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return own + _ticks(server, 4) + sum(_ticks(one, 2) for one in live)


def _ticks(pid: str, fields: int) -> float:
    """Seconds of a process; with 4 fields those of its ended children too. 0 for one that has just gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, words[11:11 + fields])) / os.sysconf("SC_CLK_TCK")


def _by_ogr2ogr(cluster: Cluster, shape: Path) -> None:
    target = _ogr(_peer(cluster))
    subprocess.run(["ogr2ogr", "-f", "PostgreSQL", target, shape, "-nln", "by_ogr2ogr", "-overwrite", "-nlt",
                    "PROMOTE_TO_MULTI", "-lco", "GEOMETRY_NAME=geom", "--config", "PG_USE_COPY", "YES"], check=True)


def _by_shp2pgsql(program: str, cluster: Cluster, shape: Path) -> None:
    with psycopg.connect(_peer(cluster), autocommit=True) as link:
        link.execute("DROP TABLE IF EXISTS by_shp2pgsql")
    made = subprocess.Popen([program, "-D", "-I", "-s", "4326", shape, "by_shp2pgsql"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    given = make_url(_peer(cluster))
    subprocess.run(["psql", "-q", "-h", str(given.query["host"]), "-U", str(given.username), "-d", str(given.database)],
                   stdin=made.stdout, stdout=subprocess.DEVNULL, check=True)
    made.wait()


def _empty(cluster: Cluster) -> None:
    with psycopg.connect(cluster.superuser_url, autocommit=True) as link:
        link.execute(f"ALTER TABLE layers.{LAYER} DISABLE TRIGGER t1_truncate")
        link.execute(f"TRUNCATE layers.{LAYER}, layers.{LAYER}_history")
        link.execute(f"ALTER TABLE layers.{LAYER} ENABLE TRIGGER t1_truncate")


class _Given:
    """A file as an upload hands it over; a copy, since what is received may be mended in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.filename: str | None = path.name

    def save(self, dst: Path) -> None:
        shutil.copyfile(self.path, dst)


def _received(house: House, shape: Path) -> UUID:
    files = [_Given(path) for path in sorted(shape.parent.glob("builds.*"))]
    return UUID(imports.receive(house, _ACTOR, LAYER, files)["id"])


class Peak:
    """The largest memory of a child of this process that is no server, in MiB, looked at ten times a second."""

    def __init__(self) -> None:
        self.most, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
                status = Path(f"/proc/{child}/status")
                try:
                    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                except OSError:
                    continue
                if "postgres" not in lines.get("Name", "") and "VmHWM" in lines:
                    self.most = max(self.most, int(lines["VmHWM"].split()[0]) / 1024)

    def end(self) -> float:
        self._over.set()
        self._thread.join()
        return self.most
