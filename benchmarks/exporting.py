"""The ground's builds handed over, against pgsql2shp and ogr2ogr with the same columns of the same table.

Seconds by the clock, and seconds of processor (the program's and the database's), which a busy machine changes less.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from benchmarks.ground import Ground
from gisapp.children import run
from gisapp.formats.columns import exported_fields
from gisapp.hand_over.exports import LIMITS
from gisapp.house import make_house
from gisapp.permissions import SYSTEM

LAYER = "illegal_builds"
ROUNDS = 3
#: Formats of ogr2ogr by ours, its layer options, and the goal.
OTHERS = {"gpkg": ("GPKG", (), 0.3), "fgb": ("FlatGeobuf", (), 0.6), "geojson": ("GeoJSON", (), 0.25),
          "csv": ("CSV", ("-lco", "GEOMETRY=AS_WKT"), 0.5)}


@dataclass(frozen=True)
class Spent:
    """One run: seconds by the clock, seconds of processor, and the largest memory of the process (MiB)."""

    wall: float
    cpu: float
    memory: float = 0.0


class Desk:
    """Runs each program with the same rows into a folder that is empty before."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.folder = ground.work / "export"
        layer = make_house(ground.settings(1), ground.cluster.app_url).layer(LAYER)
        self.columns = ", ".join(field.id for field in exported_fields(layer, personal=False))
        self.url = make_url(ground.cluster.superuser_url)

    def timed(self, act: Callable[[], Any]) -> Spent:
        """What `act` takes, with the database's processes that end meanwhile."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        before, began = self._cpu(), time.perf_counter()
        act()
        wall = time.perf_counter() - began
        time.sleep(1)  # until the server's process is gone and counted
        return Spent(wall, self._cpu() - before)

    def _cpu(self) -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        server = int((self.ground.cluster.place.data / "postmaster.pid").read_text().split()[0])
        told = Path(f"/proc/{server}/stat").read_text().rsplit(")", 1)[1].split()
        return children.ru_utime + children.ru_stime + (int(told[13]) + int(told[14])) / 100

    def ours(self, format_name: str, *, unproven: bool = True, bare: bool = True) -> Spent:
        """The product's own child: rows read, file written, and what else is not left out."""
        settings = self.ground.settings(1)
        order = {"layer": LAYER, "args": {}, "further": [], "format": format_name, "crs": "EPSG:4490", "datum": "",
                 "encoding": "GBK" if format_name == "shp" else "UTF-8", "language": "zh", "pack": format_name == "shp",
                 "booleans": "", "geometry": "", "personal": False, "ledger": False, "actor": asdict(SYSTEM),
                 "made_at": "2026-11-22T00:00:00+00:00", "folder": str(self.folder), "temporary": True,
                 "database_url": self.ground.cluster.app_url, "layers": str(settings.layers),
                 "time_zone": settings.time_zone, "statement_timeout_s": 600,
                 "filter_length": settings.filter_length, "filter_depth": settings.filter_depth,
                 "unproven": unproven, "bare": bare}
        answer: list[dict[str, Any]] = []
        spent = self.timed(lambda: answer.append(run("benchmarks.export_work", order, self.folder, LIMITS)))
        return Spent(spent.wall, spent.cpu, answer[0]["peak_mb"])

    def pgsql2shp(self, program: str, *, zipped: bool = False) -> None:
        """pgsql2shp, with the widths that it finds; `zipped` packs the files by zlib at level 6, as `zip -6` does."""
        told = self.url.query
        subprocess.run([program, "-f", self.folder / "peer", "-h", str(told["host"]), "-p", str(told.get("port", 5432)),
                        "-u", self.url.username or "", "-g", "geom", self.url.database or "", self._query()],
                       check=True, stdout=subprocess.DEVNULL)
        if zipped:
            words = ["zip", "-q", "-6", "-j"] if shutil.which("zip") else [sys.executable, "-m", "zipfile", "-c"]
            subprocess.run([*words, self.folder / "peer.zip", *sorted(self.folder.iterdir())], check=True)

    def ogr2ogr(self, driver: str, extension: str, options: Sequence[str]) -> None:
        """ogr2ogr as it comes."""
        told = self.url.query
        source = (f"PG:host={told['host']} port={told.get('port', 5432)} user={self.url.username} "
                  f"dbname={self.url.database}")
        subprocess.run(["ogr2ogr", "-f", driver, self.folder / f"peer.{extension}", source, "-sql", self._query(),
                        "-nln", LAYER, *options], check=True, stderr=subprocess.DEVNULL)

    def _query(self) -> str:
        return f"SELECT {self.columns}, geom FROM layers.{LAYER}"


def exporting(ground: Ground) -> Iterator[tuple[str, str]]:
    """A million polygons as a shapefile (written, zipped, proven), GeoPackage, FlatGeobuf, GeoJSON and CSV."""
    desk = Desk(ground)
    program = shutil.which("pgsql2shp")
    if program is None:
        yield "export", "pgsql2shp is not installed (Debian: postgis): shapefile measured against ogr2ogr alone"
    yield from _shapefile(desk, program)
    for name, (driver, options, goal) in OTHERS.items():
        found = _rounds({"ours": partial(desk.ours, name),
                         "ogr2ogr": partial(desk.timed, partial(desk.ogr2ogr, driver, name, options))})
        yield f"{name}, 1 M, written", _against(found["ours"], {"ogr2ogr": found["ogr2ogr"]}, {"ogr2ogr": goal})


def _shapefile(desk: Desk, program: str | None) -> Iterator[tuple[str, str]]:
    runs: dict[str, Callable[[], Spent]] = {
        "written": lambda: desk.ours("shp"), "zipped": lambda: desk.ours("shp", bare=False),
        "proven": lambda: desk.ours("shp", unproven=False),
        "whole": lambda: desk.ours("shp", unproven=False, bare=False),
        "ogr2ogr": lambda: desk.timed(lambda: desk.ogr2ogr("ESRI Shapefile", "shp", ("-lco", "ENCODING=UTF-8")))}
    if program:
        runs["pgsql2shp"] = lambda: desk.timed(lambda: desk.pgsql2shp(program))
        runs["pgsql2shp + zip -6"] = lambda: desk.timed(lambda: desk.pgsql2shp(program, zipped=True))
    found = _rounds(runs)
    peers = {name: spent for name, spent in found.items() if name in ("ogr2ogr", "pgsql2shp")}
    both = {name: spent for name, spent in found.items() if name == "pgsql2shp + zip -6"}
    bare = {name: spent for name, spent in peers.items() if name == "pgsql2shp"}
    yield "shp, 1 M, written", _against(found["written"], peers, {"pgsql2shp": 0.7, "ogr2ogr": 0.5})
    yield "shp, 1 M, written and zipped", _against(found["zipped"], both, {"pgsql2shp + zip -6": 0.55})
    yield "shp, 1 M, written and read back", _against(found["proven"], bare, {"pgsql2shp": 1.2})
    yield "shp, 1 M, read back and zipped", _against(found["whole"], peers | both, {})


def _rounds(runs: dict[str, Callable[[], Spent]]) -> dict[str, list[Spent]]:
    found: dict[str, list[Spent]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, act in runs.items():
            found[name].append(act())
    return found


def _against(ours: Sequence[Spent], peers: dict[str, list[Spent]], goals: dict[str, float]) -> str:
    """Medians of both and the median of the ratios of each round, by the clock and by processor."""
    def middle(values: Iterator[float]) -> float:
        return statistics.median(values)

    told = (f"{middle(one.wall for one in ours):.1f} s ({middle(one.cpu for one in ours):.1f} of processor, "
            f"{max(one.memory for one in ours):.0f} MiB)")
    for name, spent in peers.items():
        wall = middle(a.wall / b.wall for a, b in zip(ours, spent, strict=True))
        cpu = middle(a.cpu / b.cpu for a, b in zip(ours, spent, strict=True))
        goal = f", goal ≤ {goals[name]}" if name in goals else ""
        told += f"; {name} {middle(one.wall for one in spent):.1f} s: {wall:.2f}× (processor {cpu:.2f}×{goal})"
    return told
