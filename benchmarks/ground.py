"""The instance that is measured: its own cluster, the demo city grown to a million builds, a signed-in reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psycopg

from gisapp.cluster import Cluster
from gisapp.config import ROOT, Settings

WANTED = {"illegal_builds": 1_000_000, "rooftop_signs": 200_000, "truck_routes": 20_000}


class Ground:
    """Everything under `work`: instance, environments of the programs compared with, results."""

    def __init__(self, work: Path) -> None:
        self.work = work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.instance = self.work / "instance"
        self.cluster = Cluster(self.instance / "postgres")

    def settings(self, port: int) -> Settings:
        """Settings of the instance, served on `port`."""
        return Settings.from_env(None, instance=self.instance, port=port)

    def __enter__(self) -> Ground:
        self.cluster.start()
        self.superuser = psycopg.connect(self.cluster.superuser_url, autocommit=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.superuser.close()
        self.cluster.stop()

    def prepare(self, dense: bool) -> None:
        """Migrate and load what is missing: the demo city grown by the command that an office uses, or as many
        features within one city."""
        self._gisapp("migrate")
        counts = [f"--only={layer}={count}" for layer, count in WANTED.items()]
        self._gisapp("demo", *([] if dense else counts))
        if dense:
            self.superuser.execute((Path(__file__).parent / "dense.sql").read_text())
            for table in (*(f"layers.{layer}" for layer in WANTED), "gisapp.tile_counts", "gisapp.tile_facets"):
                self.superuser.execute(f"VACUUM ANALYZE {table}")
        self._accounts()
        for layer, count in WANTED.items():
            [(found,)] = self.rows(f"SELECT count(*) FROM layers.{layer}")
            print(f"{layer}: {found} features (wanted {count})")

    def _gisapp(self, *words: str) -> None:
        environment = {"GISAPP_INSTANCE": str(self.instance), "PATH": "/usr/bin:/bin"}
        program = str(Path(sys.executable).parent / "gisapp")
        subprocess.run([program, *words], cwd=ROOT, env=environment, check=True)

    def _accounts(self) -> None:
        from gisapp.accounts import ensure_first_accounts
        from gisapp.house import make_house

        house = make_house(self.settings(1), self.cluster.owner_url)
        ensure_first_accounts(house, demo=True)
        house.db.close()

    def rows(self, statement: str, values: Any = None) -> list[Any]:
        """The rows of a statement, as superuser."""
        return self.superuser.execute(statement, values).fetchall()

    def forget_tiles(self) -> None:
        """Make every tile uncached."""
        self.superuser.execute("TRUNCATE gisapp.stored_tiles")

    def sign_in(self, port: int, role: str = "viewer") -> str:
        """The Cookie header of a signed-in browser."""
        words = json.loads((self.instance / "accounts.json").read_text())[role]
        jar = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        base = f"http://127.0.0.1:{port}"
        page = opener.open(f"{base}/sign-in").read().decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token, "the sign-in page has no form"
        form = urllib.parse.urlencode({"csrf_token": token[1], "username": words["username"],
                                       "password": words["password"]})
        opener.open(urllib.request.Request(  # noqa: S310  our own address
            f"{base}/sign-in", form.encode(), {"Referer": f"{base}/sign-in"}))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)
