"""Rows of an upload, checked and written as COPY wants them; runs in the child process.

Each batch of a source becomes one CSV file of the folder, `part-00001.csv` …, which the parent takes away while the
next is made. A row that is refused is there too, with its faults and without the values that are wrong.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from gisapp.errors import Problem
from gisapp.formats import source as files
from gisapp.formats.batches import Batch, batches
from gisapp.formats.cells import Column
from gisapp.formats.choosing import Choice, choose, columns
from gisapp.formats.geometry import Shaper
from gisapp.formats.geometry_faults import GeometryFault
from gisapp.formats.mapping import Converter, parse_uuid, targets
from gisapp.formats.outlines import Outliner, Outlines
from gisapp.formats.storable import storable
from gisapp.formats.unread import unread
from gisapp.layers import Catalogue, Layer

Fault = dict[str, Any]
#: How much of a refused row's cells the report keeps.
_CELL = 1000
_UUID = r"^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$"
HEAD = ("_line", "_source", "_row", "_verdict", "_faults", "_done", "_raw", "_act", "_frame", "_original", "id")


@dataclass
class Tally:
    """What there is to tell beside the rows: notes by their number, unknown code values, second geometries that
    belong to no row."""

    notes: Counter[str] = field(default_factory=Counter)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    orphans: list[Fault] = field(default_factory=list)
    outside: int = 0

    def document(self) -> dict[str, Any]:
        unknown = [{"field": name, "value": value, "count": count}
                   for (name, value), count in self.unknown.most_common()]
        return {"notes": self.notes, "unknown": unknown, "orphans": self.orphans, "refused_outside": self.outside}


class Taking:
    """One reading of an upload. Row numbers count from 1 within their source."""

    def __init__(self, layer: Layer, catalogue: Catalogue, zone: ZoneInfo, choices: dict[str, Any]) -> None:
        self.layer, self.catalogue, self.zone, self.choices = layer, catalogue, zone, choices
        self.tally = Tally()
        self.seconds: dict[str, bytes] = {}
        self.partial = choices.get("mode", "append") != "append"
        self.line = self.part = 0
        self.columns: list[str] = []

    def run(self, found: list[files.Source], folder: Path) -> dict[str, Any]:
        """Read the tables of second geometries first, then the rows that they belong to. Problems `mapping_invalid`,
        `crs_needed`, and what the source says of a file that cannot be read."""
        chosen = [(source, choose(self.layer, self.choices, source)) for source in found]
        self.columns = columns(self.layer, [choice for _, choice in chosen if choice.role == "rows"], self.partial)
        (folder / "columns.json").write_text(json.dumps([*HEAD, *self.columns]), "utf-8")
        for source, choice in chosen:
            if choice.role == "second":
                self._read_seconds(source, choice)
        for source, choice in chosen:
            if choice.role == "rows":
                self._read_rows(source, choice, folder)
        self._report_orphans()
        ids = any(target == "id" for _, choice in chosen if choice.role == "rows" for _, target in choice.mapping)
        undone = any(choice.frame is not None and choice.frame.keep_original for _, choice in chosen)
        return self.tally.document() | {"ids": ids, "originals": undone}

    def _read_seconds(self, source: files.Source, choice: Choice) -> None:
        second = self.layer.second_geometry
        place = next((place for place, target in choice.mapping if target == "id"), None)
        if second is None or place is None:
            raise Problem("mapping_invalid", reason=f"{source.name}：需要编号列 / an id column is needed")
        assert choice.frame is not None  # noqa: S101  (of a source that is not passed over)
        shaper = Shaper(self.layer, choice.frame, self.tally.notes, choice.repair)
        for batch in batches(source):
            for number, given, wkb in zip(batch.rows, listed(batch.columns[place]), batch.wkb, strict=True):
                feature = parse_uuid(given)
                try:
                    if feature is None:
                        raise GeometryFault("id_invalid", "编号不是 UUID", "the id is no UUID")
                    self.seconds[str(feature)] = shaper.second(wkb)
                except GeometryFault as fault:
                    self._orphan(source.name, int(number), fault.row())

    def _orphan(self, source: str, row: int, fault: Fault) -> None:
        self.tally.outside += 1
        if len(self.tally.orphans) < _CELL:
            self.tally.orphans.append({"source": source, "row": row, **fault})

    def _report_orphans(self) -> None:
        """Second geometries whose feature did not come."""
        for feature in self.seconds:
            self._orphan("", 0, {"field": "id", "code": "feature_missing", "zh": f"没有编号为 {feature} 的行",
                                 "en": f"no row has the id {feature}"})

    def _read_rows(self, source: files.Source, choice: Choice, folder: Path) -> None:
        converter = Converter(self.layer, self.catalogue, self.zone, choice.codes,
                              of_sheet=source.dataset.reader == "tables")
        assert choice.frame is not None  # noqa: S101  (of a source that is not passed over)
        shaper = Shaper(self.layer, choice.frame, self.tally.notes, choice.repair)
        outliner = Outliner(self.layer, choice.frame, shaper)
        readers = {target: Column(one, self.catalogue.codelists.get(one.codelist or ""), converter, self.tally.unknown)
                   for target, one in targets(self.layer).items() if one is not None}
        seen = 0
        for batch in batches(source):
            rows = Rows(self, source, choice, batch, readers, outliner)
            seen += rows.count
            self._write(rows.table(), folder)
        if seen < source.count:
            ids = new_ids(source.count - seen)
            self._write(unread(source, ids, self.line, (*HEAD, *self.columns)), folder)
            self.line += source.count - seen

    def _write(self, table: pa.Table, folder: Path) -> None:
        self.part += 1
        write(table, folder / f"part-{self.part:06}.csv")


class Rows:
    """One batch on its way from columns of the file to columns of the stage."""

    def __init__(self, taking: Taking, source: files.Source, choice: Choice, batch: Batch,
                 readers: dict[str, Column], outliner: Outliner) -> None:
        self.taking, self.source, self.choice, self.batch = taking, source, choice, batch
        self.readers, self.outliner = readers, outliner
        assert choice.frame is not None  # noqa: S101
        self.frame = choice.frame
        self.count = len(batch.wkb)
        self.faults: dict[int, list[Fault]] = {}

    def table(self) -> pa.Table:
        """The rows with their verdicts, in the order of HEAD and the taking's columns."""
        taking, values = self.taking, self._values()
        for row, fault in self.batch.faults.items():
            self._wrong(row, fault)
        shapes = self._shapes(values["id"])
        values |= {name: pa.array(shapes.columns[name], pa.string()) for name in shapes.columns}
        for row, fault in shapes.faults.items():
            # A row that changes a feature may leave its place alone.
            if not (taking.partial and fault["code"] == "geometry_missing"):
                self._wrong(row, fault)
        done = {row: repairs for row, repairs in shapes.repairs.items() if row not in self.faults}
        verdict = np.full(self.count, "accepted", object)
        verdict[list(done)] = "repaired"
        verdict[list(self.faults)] = "refused"
        head = {"_line": pa.array(np.arange(self.count) + taking.line), "_source": self._same(self.source.name),
                "_row": pa.array(self.batch.rows), "_verdict": pa.array(verdict, pa.string()),
                "_faults": self._json(self.faults), "_done": self._json(done),
                "_raw": self._json({row: self._cells(row) for row in {**self.faults, **done}}),
                "_act": self._same("insert"), "_frame": self._same(self.frame.name), "_original": self._originals()}
        taking.line += self.count
        if self.batch.cut:
            taking.tally.notes["texts_cut"] += self.batch.cut
        none = pa.nulls(self.count, pa.string())
        return pa.table({name: head[name] if name in head else values.get(name, none)
                         for name in (*HEAD, *taking.columns)})

    def _same(self, text: str) -> Any:
        return pa.repeat(pa.scalar(text), self.count)

    def _json(self, by_row: dict[int, Any]) -> Any:
        texts = np.full(self.count, None, object)
        for row, value in by_row.items():
            texts[row] = json.dumps(storable(value), ensure_ascii=False, default=str)
        return pa.array(texts, pa.string())

    def _wrong(self, row: int, fault: Fault) -> None:
        self.faults.setdefault(row, []).append(fault)

    def _cells(self, row: int) -> dict[str, Any]:
        """The row as the file has it."""
        cells = ((name, column[row] if isinstance(column, list) else column[row].as_py())
                 for name, column in zip(self.source.fields, self.batch.columns, strict=True))
        found = {name: value if isinstance(value, int | float | bool) else str(value)[:_CELL]
                 for name, value in cells if value is not None}
        broken = {place: shown for (at, place), shown in self.batch.broken.items() if at == row}
        return found | {self.source.fields[place]: shown for place, shown in broken.items()}

    def _values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        places = {target: place for place, target in self.choice.mapping}
        for target, reader in self.readers.items():
            if target in places:
                read = reader.read(self.batch.columns[places[target]])
            elif reader.target.required and not self.taking.partial:
                read = reader.read(pa.nulls(self.count, pa.string()))
            else:
                continue
            found[target] = read.values
            broken = {row for row, place in self.batch.broken if place == places.get(target)}
            for row, fault in read.faults.items():
                if row not in broken:
                    self._wrong(row, fault)
        self._note_broken()
        return found | {"id": self._ids(places.get("id"))}

    def _note_broken(self) -> None:
        mapped = dict(self.choice.mapping)
        for (row, place), shown in self.batch.broken.items():
            if place in mapped:
                self._wrong(row, {"field": mapped[place], "code": "text_broken",
                                  "zh": f"文字不是所选编码：{shown[:40]}",
                                  "en": f"the text is not in the chosen encoding: {shown[:40]}"})

    def _ids(self, place: int | None) -> Any:
        fresh = new_ids(self.count)
        if place is None:
            return pa.array(fresh)
        given = self.batch.columns[place]
        if isinstance(given, list) or not (pa.types.is_string(given.type) or pa.types.is_large_string(given.type)):
            given = pa.array([None if value is None else str(value) for value in listed(given)], pa.string())
        given = pc.utf8_trim_whitespace(given.cast(pa.string()))
        good = pc.fill_null(pc.match_substring_regex(given, _UUID), False).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(~good):
            word = given[int(row)].as_py()
            if word:
                self._wrong(int(row), {"field": "id", "code": "id_invalid", "zh": f"编号不是 UUID：{word[:60]}",
                                       "en": f"the id is no UUID: {word[:60]}"})
        lower = pc.utf8_lower(pc.replace_substring(given, "-", ""))
        return pc.if_else(pa.array(good), lower, pa.array(fresh))

    def _shapes(self, ids: Any) -> Outlines:
        second, places = self.taking.layer.second_geometry, {target: place for place, target in self.choice.mapping}
        attached: dict[int, str] = {}
        if second is not None and second.id in places:
            given = listed(self.batch.columns[places[second.id]])
            attached = {row: text for row, text in enumerate(given) if text}
        seconds = dict(_pop(self.taking.seconds, ids)) if self.taking.seconds else {}
        return self.outliner.read(self.batch.wkb, attached, seconds)

    def _originals(self) -> Any:
        """The file's own geometries where a datum was undone; elsewhere they can be computed."""
        if not self.frame.keep_original:
            return pa.nulls(self.count, pa.string())
        return pa.array([wkb.hex() if wkb else None for wkb in self.batch.wkb], pa.string())


def listed(column: Any) -> list[Any]:
    """The values of a column of a batch."""
    found: list[Any] = column if isinstance(column, list) else column.to_pylist()
    return found


def _pop(seconds: dict[str, bytes], ids: Any) -> Iterator[tuple[int, bytes]]:
    for row, number in enumerate(ids.to_pylist()):
        dashed = f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:]}"
        shape = seconds.pop(dashed, None)
        if shape is not None:
            yield row, shape


def new_ids(count: int) -> list[str]:
    """Random UUIDs (version 4) without dashes, many at once."""
    raw = np.frombuffer(secrets.token_bytes(16 * count), np.uint8).reshape(count, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    text = raw.tobytes().hex()
    return [text[place:place + 32] for place in range(0, 32 * count, 32)]


def write(table: pa.Table, path: Path) -> None:
    """A part under its name only when it is whole."""
    making = path.with_suffix(".making")
    csv.write_csv(table, making, csv.WriteOptions(include_header=False))
    making.rename(path)
