"""The child process that opens what people send: `python -m gisapp.children gisapp.formats.intake`.

`look` says what lies in the upload; `read` checks every row and writes the good ones, ready for COPY, to
rows.ndjson and the faults to faults.ndjson. It knows no database and holds no secret.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np

from gisapp.catalogue import load_catalogue
from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.archive import Upload
from gisapp.formats.frames import parse_frame
from gisapp.formats.geometry import GeometryFault, Shaper
from gisapp.formats.kinds import Dataset, datasets
from gisapp.formats.mapping import Converter, parse_uuid, suggest, targets
from gisapp.formats.reading.ogr import allow_drivers
from gisapp.layers import Catalogue, Layer
from gisapp.rules import RULES
from gisapp.schema import check

ROWS, FAULTS, DATASETS = "rows.ndjson", "faults.ndjson", "datasets.json"
Fault = dict[str, Any]


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out the order: `op` is look or read."""
    allow_drivers()
    folder = Path(order["folder"])
    catalogue = load_catalogue(Path(order["layers"]), RULES)
    layer = catalogue.layers[order["layer"]]
    opened, passed_over = _open(order, folder)
    found = files.sources(opened, order.get("encoding"), _columns(order))
    if order["op"] == "look":
        return {"layers": [_shown(layer, source) for source in found], "passed_over": passed_over}
    return Intake(layer, catalogue, ZoneInfo(order["time_zone"]), order["choices"]).run(found, folder)


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
    sample = files.sample(source)
    mapping = suggest(layer, source.fields)
    for column in (source.columns or {}).values():
        mapping[column] = None  # it is the shape already
    for place, name in enumerate(source.fields):
        if mapping.get(name) == "id" and not any(parse_uuid(row[place]) for row in sample.rows):
            mapping[name] = None  # ids of the sender's own kind
    return source.public() | {"mapping": mapping, "role": files.role(layer, source), "sample": sample.rows,
                              "shapes": sample.shapes, "labels": sample.labels}


class Intake:
    """One reading of an upload. Row numbers count from 1 within their source."""

    def __init__(self, layer: Layer, catalogue: Catalogue, zone: ZoneInfo, choices: dict[str, Any]) -> None:
        self.layer = layer
        self.catalogue = catalogue
        self.choices = choices
        self.converter = Converter(layer, catalogue, zone)
        self.seen: dict[str, set[Any]] = {f.id: set() for f in layer.fields if f.unique} | {"id": set()}
        self.seconds: dict[str, bytes] = {}
        self.accepted = self.refused = 0
        self.notes = Counter[str]()

    def run(self, found: list[files.Source], folder: Path) -> dict[str, Any]:
        """Read the tables of second geometries first, then the rows that they belong to."""
        chosen = [(source, self._choice(source)) for source in found]
        with (folder / ROWS).open("w", encoding="utf-8") as rows, \
                (folder / FAULTS).open("w", encoding="utf-8") as faults:
            for source, choice in chosen:
                if choice["role"] == "second":
                    self._read_seconds(source, choice, faults)
            for source, choice in chosen:
                if choice["role"] == "rows":
                    self._read_rows(source, choice, rows, faults)
            self._report_orphans(faults)
        return {"accepted": self.accepted, "refused": self.refused, "notes": self.notes}

    def _choice(self, source: files.Source) -> dict[str, Any]:
        """Role, mapping and CRS of a source: as chosen, else as suggested. Problems `mapping_invalid`, `crs_needed`."""
        wishes = self.choices.get("layers", {}).get(source.name, {})
        mapping = wishes.get("mapping", self.choices.get("mapping"))
        mapping = suggest(self.layer, source.fields) if mapping is None else mapping
        kind = wishes.get("role", files.role(self.layer, source))
        crs = wishes.get("crs") or self.choices.get("crs") or source.crs
        if kind != "skip" and crs is None:
            raise Problem("crs_needed", candidates=", ".join(source.crs_candidates[:25]) or "-")
        return {"role": kind, "mapping": self._checked_mapping(source, mapping),
                "crs": parse_frame(crs) if crs else None}

    def _checked_mapping(self, source: files.Source, mapping: dict[str, str | None]) -> list[tuple[int, str]]:
        known, places = targets(self.layer), {name: place for place, name in enumerate(source.fields)}
        chosen = [(name, target) for name, target in mapping.items() if target and name in places]
        for name, target in chosen:
            if target not in known:
                raise Problem("mapping_invalid", reason=f"{name[:60]} → {target[:60]}")
        if len({target for _, target in chosen}) < len(chosen):
            raise Problem("mapping_invalid", reason="一个字段只能对应一列 / a field takes one column only")
        return [(places[name], target) for name, target in chosen]

    def _read_seconds(self, source: files.Source, choice: dict[str, Any], faults: TextIO) -> None:
        second = self.layer.second_geometry
        place = next((place for place, target in choice["mapping"] if target == "id"), None)
        if second is None or place is None:
            raise Problem("mapping_invalid", reason=f"{source.name}：需要编号列 / an id column is needed")
        shaper = Shaper(self.layer, choice["crs"], self.notes, bool(self.choices.get("repair")))
        for number, columns, wkb in _numbered(source):
            feature = parse_uuid(columns[place])
            try:
                if feature is None:
                    raise GeometryFault("id_invalid", "编号不是 UUID", "the id is no UUID")
                self.seconds[str(feature)] = shaper.second(wkb)
            except GeometryFault as fault:
                self._refuse(faults, source, number, [fault.row()])

    def _read_rows(self, source: files.Source, choice: dict[str, Any], rows: TextIO, faults: TextIO) -> None:
        shaper = Shaper(self.layer, choice["crs"], self.notes, bool(self.choices.get("repair")))
        for number, columns, wkb in _numbered(source):
            values, wrong = self._values(columns, choice["mapping"])
            shapes, misshapen = self._shapes(shaper, values, wkb)
            wrong = wrong + misshapen or self._repeated(values)
            if wrong:
                self._refuse(faults, source, number, wrong)
                continue
            self.accepted += 1
            line = {"source": source.name, "row": number, "values": values | shapes}
            rows.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def _values(self, columns: list[Any], mapping: list[tuple[int, str]]) -> tuple[dict[str, Any], list[Fault]]:
        given: dict[str, Any] = {}
        wrong: list[Fault] = []
        second = self.layer.second_geometry.id if self.layer.second_geometry else None
        for place, target in mapping:
            value = columns[place]
            if isinstance(value, files.BrokenText):
                wrong.append({"field": target, "code": "text_broken", "zh": f"文字不是所选编码：{value[:40]}",
                              "en": f"the text is not in the chosen encoding: {value[:40]}"})
            given[target] = value if target in ("id", second) else self.converter.convert(target, value)
        identity, synthetic = given.pop("id", None), given.pop("synthetic", None)
        attached = given.pop(second, None) if second else None
        values, faults = check(self.layer, self.catalogue, given)
        wrong += faults
        feature = uuid4() if identity in (None, "") else parse_uuid(identity)
        if feature is None:
            wrong.append({"field": "id", "code": "id_invalid", "zh": f"编号不是 UUID：{str(identity)[:60]}",
                          "en": f"the id is no UUID: {str(identity)[:60]}"})
        return values | {"id": str(feature), "synthetic": synthetic is True, "@second": attached}, wrong

    def _shapes(self, shaper: Shaper, values: dict[str, Any], wkb: Any) -> tuple[dict[str, Any], list[Fault]]:
        attached = values.pop("@second")
        try:
            shapes = shaper.columns(wkb, attached, self.seconds.pop(values["id"], None))
        except GeometryFault as fault:
            return {}, [fault.row()]
        return {name: ewkb.hex() if ewkb else None for name, ewkb in shapes.shapes.items()}, []

    def _repeated(self, values: dict[str, Any]) -> list[Fault]:
        """Values that must be unique and stand in an earlier row of the same upload."""
        wrong = [{"field": name, "code": "value_repeated", "zh": f"与文件中前面的行重复：{values[name]}",
                  "en": f"repeats an earlier row of the file: {values[name]}"}
                 for name, seen in self.seen.items() if values[name] is not None and values[name] in seen]
        for name, seen in self.seen.items():
            if values[name] is not None:
                seen.add(values[name])
        return wrong

    def _refuse(self, faults: TextIO, source: files.Source, number: int, wrong: list[Fault]) -> None:
        self.refused += 1
        for fault in wrong:
            faults.write(json.dumps({"source": source.name, "row": number, **fault}, ensure_ascii=False) + "\n")

    def _report_orphans(self, faults: TextIO) -> None:
        """Second geometries whose feature did not come, or was refused."""
        for feature in self.seconds:
            self.refused += 1
            fault = {"source": "", "row": 0, "field": "id", "code": "feature_missing",
                     "zh": f"没有编号为 {feature} 的合格行", "en": f"no accepted row has the id {feature}"}
            faults.write(json.dumps(fault, ensure_ascii=False) + "\n")


def _numbered(source: files.Source) -> Iterator[tuple[int, list[Any], Any]]:
    for batch in files.batches(source):
        for place in np.flatnonzero(source.mine(batch.shapes)).tolist():
            yield batch.first + place, [column[place] for column in batch.columns], batch.shapes[place]
