"""Hostile files: each is refused with a reason or read row by row; in time, in memory, and leaving nothing behind."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gisapp.rules import RULES
from tests.formats.forked import ROOT, Server
from tests.formats.hostile import MAKERS, Files

#: What may be answered instead of a look: a Problem of the 4xx range, or the end of the child, which is a 422.
REFUSED = {"file_unreadable", "file_unsupported", "archive_refused", "upload_too_large"}
#: Files that are read all the same, what is wrong being a matter of single rows: sources and rows.
READ = {
    "csv heading only": (1, 0), "csv without places": (1, 1),
    "csv impossible places": (1, 5), "csv formulas": (1, 2), "csv nested wkt": (1, 1), "csv wrong wkt": (1, 3),
    "csv wkt of a million": (1, 1), "gpkg wrong shapes": (1, 4), "dxf noise": (1, 0), "shp million parts": (1, 1),
    "shp index lies": (1, 1), "shp nulls": (1, 2), "shp not finite": (1, 4), "dbf billions": (1, 1),
    "dbf no fields": (1, 1), "prj address": (1, 1), "cpg of megabytes": (1, 1),
    "geojson not numbers": (1, 6), "geojson crs link": (1, 1), "geojson crs file": (1, 1), "ndjson noise": (1, 10_001),
    "vsi name": (1, 1), "csv endless row of pairs": (1, 1), "csv deep json": (1, 1), "csv labels": (1, 5),
    "gpkg virtual table": (1, 0), "dxf hatch lies": (1, 1),
}
#: Files that only the limits end.
ENDED = {"gpkg endless view", "gpkg huge blobs", "dxf laughs"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """The names of all files that were tried."""
    return set()


def look(server: Server, folder: Path, name: str, files: Files, **more: Any) -> dict[str, Any]:
    folder.mkdir()
    for number, content in enumerate(files.values()):
        (folder / f"u{number}").write_bytes(content)
    seconds = 5 if name in ENDED else 25
    return server.work({"op": "look", "folder": str(folder), "names": list(files), "layer": "rooftop_signs",
                        "layers": str(ROOT / "layers"), "rules": sorted(RULES), "time_zone": "Asia/Shanghai",
                        "limit_mb": 100, "limits": {"seconds": seconds}, **more})


def verdict(name: str, found: dict[str, Any]) -> str | None:
    """What is wrong with the answer, None for nothing."""
    answer = found["answer"]
    if found["seconds"] > 28 or found["grown_mb"] > 512:
        return f"{name}: {found['seconds']:.0f} s, {found['grown_mb']:.0f} MB"
    if name in ENDED:
        return None if found["status"] != 0 and answer is None else f"{name}: {answer}"
    if found["status"] != 0 or answer is None:
        return f"{name}: ended with {found['status']}"
    if name in READ:
        rows = [layer["count"] for layer in answer.get("layers", [])]
        return None if (len(rows), sum(rows)) == READ[name] else f"{name}: {answer}"
    fine = answer.get("problem") in REFUSED and 400 <= answer["status"] < 500 and answer["en"]
    return None if fine and "/tmp" not in answer["en"] else f"{name}: {answer}"


def _rows_told(server: Server, folder: Path, name: str) -> list[str]:
    """What is wrong with the reading of rows that a look let pass: each gets a verdict."""
    sources = json.loads((folder / "answer.json").read_text("utf-8"))["layers"]
    choices = {"layers": {source["name"]: {"role": "rows", "crs": "EPSG:4326"} for source in sources}}
    (folder / "answer.json").unlink()
    names = [""] * len(list(folder.glob("u*")))
    found = server.work({"op": "read", "folder": str(folder), "names": names, "layer": "rooftop_signs",
                         "layers": str(ROOT / "layers"), "rules": sorted(RULES), "time_zone": "Asia/Shanghai",
                         "limit_mb": 100, "choices": choices})
    parts = [path.read_text("utf-8") for path in folder.glob("part-*.csv")]
    rows = sum(len(list(csv.reader(io.StringIO(part, newline="")))) for part in parts)
    told = (found["status"], rows) == (0, READ[name][1]) and found["seconds"] < 28 and found["grown_mb"] < 512
    return [] if told else [f"{name}, read: {found}, {rows} rows"]


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__.strip("_"))
def test_hostile_files_are_refused_in_time_and_in_memory(
        server: Server, tmp_path: Path, seen: set[str], maker: Any) -> None:
    wrong = []
    outside = set(tmp_path.parent.iterdir())
    for name, files in maker():
        seen.add(name)
        folder = tmp_path / "work"
        problem = verdict(name, look(server, folder, name, files))
        wrong += [problem] if problem else []
        if name in READ and not problem:
            wrong += _rows_told(server, folder, name)
        shutil.rmtree(folder)
        assert set(tmp_path.iterdir()) == set(), name
    assert wrong == []
    assert set(tmp_path.parent.iterdir()) == outside


def test_every_exception_is_of_a_file_that_was_made(seen: set[str]) -> None:
    """Runs after the others; alone it has nothing to say."""
    if len(seen) > len(READ):
        assert (READ.keys() | ENDED) - seen == set()
