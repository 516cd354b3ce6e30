"""The programs that are measured, each started on a port of its own and stopped with all its children."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.ground import Ground
from gisapp.cli.web import WebServer
from gisapp.config import ROOT

WORKERS = 2


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(words: list[str], port: int, log: Path, **environment: str) -> Iterator[int]:
    """A program that listens on `port`; yields its process number."""
    with log.open("ab") as out:
        process = subprocess.Popen(words, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment},
                                   stdout=out, stderr=out, start_new_session=True)
    try:
        _wait(port, process, log)
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None, f"ended at its start, see {log}"
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}, see {log}")


def _environment(ground: Ground, port: int) -> dict[str, str]:
    return WebServer(ground.settings(port), ground.cluster.app_url)._environment() | {
        "GISAPP_WORKERS": str(WORKERS)}


@contextmanager
def gisapp(ground: Ground, application: str = "wsgi:app") -> Iterator[tuple[int, int]]:
    """This application as `gisapp start` serves it; yields its port and process number."""
    port = free_port()
    words = WebServer(ground.settings(port), ground.cluster.app_url).command()
    words = [application if word == "wsgi:app" else word for word in words]
    at = words.index("--pid-file")  # two of them run at once
    del words[at:at + 2]
    with program(words, port, ground.work / "gisapp.log", **_environment(ground, port)) as pid:
        time.sleep(2)
        yield port, pid


@contextmanager
def gunicorn(ground: Ground) -> Iterator[tuple[int, int]]:
    """This application under gunicorn's threads, with as many workers and threads."""
    port = free_port()
    folder = ground.work / "gunicorn"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "gunicorn"], check=True)
    threads = str(ground.settings(port).threads)
    words = [sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", str(WORKERS), "--threads", threads,
             "-b", f"127.0.0.1:{port}", "--keep-alive", "60", "wsgi:app"]
    environment = _environment(ground, port) | {"PYTHONPATH": str(folder)}
    with program(words, port, ground.work / "gunicorn.log", **environment) as pid:
        time.sleep(3)
        yield port, pid


#: tipg's settings refuse the address of a Unix socket.
_OVER_SOCKET = """
import os
import asyncpg
open_pool = asyncpg.create_pool
asyncpg.create_pool = lambda _, **more: open_pool(os.environ["BENCH_URL"], **more)
from tipg.main import app
"""


@contextmanager
def tipg(ground: Ground) -> Iterator[tuple[int, int]]:
    """tipg under uvicorn on the same tables, its cut at 10 000 features a tile lifted."""
    port, home = free_port(), ground.work / "tipg"
    if not home.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin/pip"), "install", "-q", "tipg", "uvicorn"], check=True)
    (home / "over_socket.py").write_text(_OVER_SOCKET)
    words = [str(home / "bin/uvicorn"), "over_socket:app", "--app-dir", str(home), "--workers", str(WORKERS),
             "--port", str(port), "--log-level", "warning"]
    environment = {"DATABASE_URL": "postgresql://nobody@localhost/none", "BENCH_URL": ground.cluster.app_url,
                   "TIPG_DB_SCHEMAS": '["layers"]', "TIPG_MAX_FEATURES_PER_TILE": "10000000",
                   "TIPG_CATALOG_TTL": "36000"}
    with program(words, port, ground.work / "tipg.log", **environment) as pid:
        time.sleep(6)
        yield port, pid


@contextmanager
def mapserver(ground: Ground, layers: dict[str, tuple[str, ...]]) -> Iterator[tuple[int, int] | None]:
    """MapServer as FastCGI behind lighttpd; None where Debian's packages are not installed."""
    mapserv, lighttpd = Path("/usr/lib/cgi-bin/mapserv"), shutil.which("lighttpd") or "/usr/sbin/lighttpd"
    if not mapserv.exists() or not Path(lighttpd).exists():
        yield None
        return
    port, home = free_port(), ground.work / "mapserver"
    home.mkdir(exist_ok=True)
    (home / "layers.map").write_text(_mapfile(ground, layers))
    (home / "mapserver.conf").write_text("CONFIG\nENV\nMS_MAP_PATTERN \".\"\nEND\nEND\n")
    (home / "lighttpd.conf").write_text(f"""
server.document-root = "{home}"
server.port = {port}
server.bind = "127.0.0.1"
server.modules = ("mod_setenv", "mod_fastcgi")
setenv.add-environment = ("MS_MAPFILE" => "{home}/layers.map")
server.max-keep-alive-requests = 0
fastcgi.server = ("/mapserv" => (("socket" => "{home}/socket", "check-local" => "disable",
  "bin-path" => "{mapserv}", "min-procs" => 8, "max-procs" => 8,
  "bin-environment" => ("MAPSERVER_CONFIG_FILE" => "{home}/mapserver.conf"))))
""")
    with program([lighttpd, "-D", "-f", str(home / "lighttpd.conf")], port, ground.work / "mapserver.log") as pid:
        time.sleep(2)
        yield port, pid


def _mapfile(ground: Ground, layers: dict[str, tuple[str, ...]]) -> str:
    url = ground.cluster.app_url
    kinds = {"truck_routes": "LINE", "rooftop_signs": "POINT"}
    folder = url.split("host=")[1].split("&")[0].replace("%2F", "/")
    parts = [f"""
  LAYER
    NAME "{name}" STATUS ON TYPE {kinds.get(name, "POLYGON")}
    CONNECTIONTYPE POSTGIS CONNECTION "host={folder} user=gisapp_app dbname=gisapp"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    DATA "geom_3857 from (select id, {", ".join(columns)}, geom_3857 from layers.{name}) as t using unique id using srid=3857"
    PROJECTION "init=epsg:3857" END
    METADATA "gml_include_items" "id,{",".join(columns)}" END
    CLASS STYLE COLOR 0 0 0 END END
  END""" for name, columns in layers.items()]  # noqa: E501
    return f"""MAP
  NAME "bench" SIZE 256 256 EXTENT -20037508 -20037508 20037508 20037508
  PROJECTION "init=epsg:3857" END
  OUTPUTFORMAT NAME "mvt" DRIVER "MVT" EXTENSION "pbf" FORMATOPTION "EXTENT=4096" FORMATOPTION "EDGE_BUFFER=4" END
  WEB METADATA "ows_enable_request" "*" END END
{"".join(parts)}
END
"""
