"""The child process that opens what people send: `python -m gisapp.children gisapp.formats.intake`.

`look` says what lies in the upload; `read` checks every row and writes all of them, with their verdicts, ready for
COPY (`taking`). It knows no database and holds no secret.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gisapp.catalogue import load_catalogue
from gisapp.formats import source as files
from gisapp.formats.archive import Upload
from gisapp.formats.kinds import Dataset, datasets
from gisapp.formats.reading.ogr import allow_drivers
from gisapp.formats.samples import sample
from gisapp.formats.suggestion import suggested
from gisapp.formats.taking import Taking
from gisapp.layers import Layer

DATASETS = "datasets.json"


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out the order: `op` is look or read."""
    allow_drivers()
    folder = Path(order["folder"])
    catalogue = load_catalogue(Path(order["layers"]), order["rules"])
    layer = catalogue.layers[order["layer"]]
    opened, passed_over = _open(order, folder)
    found = files.sources(opened, order.get("encoding"), _columns(order))
    if order["op"] == "look":
        return {"layers": [_shown(layer, source) for source in found], "passed_over": passed_over}
    return Taking(layer, catalogue, ZoneInfo(order["time_zone"]), order["choices"]).run(found, folder)


def _open(order: dict[str, Any], folder: Path) -> tuple[list[Dataset], list[str]]:
    """The datasets of the upload; unpacked the first time, remembered after that."""
    memory = folder / DATASETS
    if memory.is_file():
        kept = json.loads(memory.read_text("utf-8"))
        return [Dataset(**item | {"path": Path(item["path"])}) for item in kept["datasets"]], kept["passed_over"]
    uploads = [Upload(name, folder / f"u{number}") for number, name in enumerate(order["names"])]
    opened, passed_over = datasets(uploads, folder, order["limit_mb"])
    kept = {"datasets": [asdict(item) | {"path": str(item.path)} for item in opened], "passed_over": passed_over}
    memory.write_text(json.dumps(kept), "utf-8")
    return opened, passed_over


def _columns(order: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Where the shapes of tables stand, as a person chose, by name of the source."""
    layers = (order.get("choices") or {}).get("layers") or {}
    return {name: choice["columns"] for name, choice in layers.items() if choice.get("columns")}


def _shown(layer: Layer, source: files.Source) -> dict[str, Any]:
    shown = sample(source)
    mapping = suggested(layer, source, shown)
    return source.public() | {"mapping": mapping, "role": files.role(layer, source), "sample": shown.rows,
                              "shapes": shown.shapes, "labels": shown.labels}
