"""What lies in an uploaded file: its layers, fields, CRS and encoding, and its rows, batch by batch.

Runs in the child process (`gisapp.formats.intake`); the paths are ours, never the sender's.
"""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from gisapp.errors import Problem
from gisapp.formats.encoding import decode_cut
from gisapp.formats.frames import candidates, likely_crs, named_crs
from gisapp.formats.kinds import Dataset
from gisapp.formats.mapping import suggest
from gisapp.formats.wkb import Census, plain_shapes
from gisapp.layers import Layer

#: Rows that are read at a time.
BATCH = 16_384
_FEW_ROWS = 100_000
_MAX_SOURCES = 50
#: Where in its own text GDAL gave up, which tells a sender nothing.
_SOURCE = re.compile(r"Error occurred in \S+(?: at line \d+)?[;:]?\s*")
#: Formats of drawings: whatever is of another kind than the layer's is frame and lettering, not data.
_DRAWINGS = ("dxf",)


@dataclass
class Source:
    """One layer of an upload, as it is shown to the person who sent it.

    `part` is what the reader calls it within the dataset; `kinds` counts its shapes where the reader knows them;
    `crs_like` is the system of ours whose projection a foreign one has; `family` is the only kind of shape that is
    meant, where a layer holds several; `columns` where a table's shapes stand ({"wkt": …} or {"x": …, "y": …}). One
    that is `aside`, such as a hidden sheet, is left out unless chosen.
    """

    name: str
    dataset: Dataset
    part: str
    geometry: str
    count: int
    fields: list[str]
    types: list[str]
    crs_words: str = ""
    crs: str | None = None
    crs_like: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    encoding: str = "UTF-8"
    encoding_from: str = "format"
    raw_encoding: str = "UTF-8"
    family: str | None = None
    first_family: bool = False
    aside: bool = False
    columns: dict[str, str] | None = None
    crs_candidates: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    notes: list[dict[str, str]] = field(default_factory=list)

    def mine(self, shapes: Any) -> Any:
        """Which of the WKBs (an array of bytes or None) are of this source; those without shape are of the first."""
        if self.family is None:
            return np.ones(len(shapes), dtype=bool)
        wanted = (self.family, None) if self.first_family else (self.family,)
        return np.array([Census.kind(wkb) in wanted for wkb in shapes], dtype=bool)

    def public(self) -> dict[str, Any]:
        """All but where it lies."""
        return {"name": self.name, "format": self.dataset.format, "geometry": self.geometry, "count": self.count,
                "fields": self.fields, "types": self.types, "crs": self.crs, "crs_found": self.crs_words,
                "crs_like": self.crs_like, "crs_candidates": self.crs_candidates, "encoding": self.encoding,
                "encoding_from": self.encoding_from, "missing": self.dataset.missing, "columns": self.columns,
                "notes": self.notes}


class Arrow(NamedTuple):
    """Some rows: the number of the first, counted from 1 in the file; columns in the order of `fields`; WKB, null
    where there is no shape, empty where there is one that cannot be read.

    Binary columns are texts in the source's `raw_encoding`, not yet decoded. `faults` says of some rows, counted from
    0, why their reader refuses them.
    """

    first: int
    columns: list[pa.Array]
    shapes: pa.Array
    faults: dict[int, dict[str, Any]]


class Batch(NamedTuple):
    """The same as Python values; `shapes` is an array of bytes or None."""

    first: int
    columns: list[list[Any]]
    shapes: Any


class BrokenText(str):
    """A text whose bytes are not in the encoding that was chosen; shown with marks in their place."""


class CutText(str):
    """A text whose last character had been cut in the middle by who wrote the file; it was left out."""


def unreadable(dataset: Dataset, error: Exception) -> Problem:
    """`file_unreadable` with the reader's words, without our paths."""
    words = str(error).replace(str(dataset.path.parent), "").replace(os.sep + dataset.path.name, dataset.title)
    told = _SOURCE.sub("", words)[:300].strip().rstrip(".")
    zh, en = f"{told or '已损坏'}；请重新导出后提交", f"{told or 'it is damaged'}; export it again"
    return Problem("file_unreadable", reason=f"{dataset.title}：{zh} / {dataset.title}: {en}")


def sources(datasets: list[Dataset], encoding: str | None,
            columns: Mapping[str, dict[str, str]] | None = None) -> list[Source]:
    """Every layer with shapes. `encoding` overrides what files say, `columns` where a table's shapes stand, by name
    of the source. Problem `file_unreadable`."""
    found: list[Source] = []
    for dataset in datasets:
        described = _reader(dataset).describe(dataset, encoding)
        _refuse_hollow(dataset, sum(source.count for source in described))
        for source in described:
            source.name = _free(source.name, {other.name for other in found})
            source.columns = (columns or {}).get(source.name, source.columns)
            found += _by_family(source)
    found = [source for source in found if has_place(source)] or found
    if not found:
        raise Problem("file_unreadable", reason="没有带几何的图层 / no layer with geometry")
    return [_finished(source) for source in found[:_MAX_SOURCES]]


def _refuse_hollow(dataset: Dataset, rows: int) -> None:
    """A row takes at least a byte, however well it is packed: more of them are a bomb."""
    size = sum(path.stat().st_size for path in (dataset.path.iterdir() if dataset.path.is_dir() else [dataset.path]))
    if rows > max(_FEW_ROWS, size):
        raise Problem("file_unreadable", reason=f"{dataset.title}：声称有 {rows} 行，与文件大小不符 / "
                                                f"it claims {rows} rows, more than its size can hold")


def _reader(dataset: Dataset) -> Any:
    return importlib.import_module(f"gisapp.formats.reading.{dataset.reader}")


def has_place(source: Source) -> bool:
    """Whether it holds shapes, or columns that tell a place: a table need not."""
    return source.dataset.format not in ("csv", "xlsx") or source.columns is not None


def _by_family(source: Source) -> list[Source]:
    """The source as it is, or one for each kind of shape in it when it holds several."""
    if source.geometry not in ("Unknown", "GeometryCollection") or not has_place(source):
        return [source]
    counts = source.kinds or _counted(source)
    kinds = [kind for kind, _ in counts.most_common()]
    if len(kinds) < 2:
        source.geometry = kinds[0] if kinds else source.geometry
        return [source]
    return [Source(**vars(source) | {"name": f"{source.name} · {kind}", "geometry": kind, "family": kind,
                                     "first_family": kind == kinds[0], "count": counts[kind], "notes": []})
            for kind in kinds]


def _counted(source: Source) -> Counter[str]:
    census = Census()
    for batch in arrow(source):
        census.add(batch.shapes.to_numpy(zero_copy_only=False))
    return census.counts()


def _finished(source: Source) -> Source:
    """The source with its CRS named as the menu does, and where it may lie when it names none."""
    given = source.crs_words
    source.crs, source.crs_words = named_crs(given)
    source.crs_like = None if source.crs else likely_crs(given)
    if source.dataset.missing and "shx" in source.dataset.missing:
        source.notes.append({"code": "shx_rebuilt", "zh": "缺少 .shx，已按 .shp 重建",
                             "en": "the .shx was missing and has been rebuilt from the .shp"})
    if "wal" in source.dataset.missing:
        source.notes.append({
            "code": "log_missing", "zh": "复制时文件还在其他程序中打开，可能缺少最近的修改；请关闭后再复制，或附 -wal",
            "en": "it was copied while a program had it open: the latest changes may lack; close it first, or send the "
                  "-wal file too"})
    if source.crs is None and has_place(source):
        source.bounds = source.bounds or _first_bounds(source)
        source.crs_candidates = candidates(source.bounds) if source.bounds else []
    return source


def _first_bounds(source: Source) -> tuple[float, float, float, float] | None:
    for batch in arrow(source):
        box = shapely.total_bounds(plain_shapes(batch.shapes.to_numpy(zero_copy_only=False)))
        if np.isfinite(box).all():
            return float(box[0]), float(box[1]), float(box[2]), float(box[3])
    return None


def _free(title: str, taken: set[str]) -> str:
    return next(name for name in (title, *(f"{title} ({n})" for n in range(2, 1000))) if name not in taken)


def arrow(source: Source) -> Iterator[Arrow]:
    """The rows of a source as they lie in the file, those of other families among them. Problem
    `file_unreadable`."""
    first = 1
    for columns, shapes, *more in _reader(source.dataset).arrow(source, BATCH):
        yield Arrow(first, columns, shapes, more[0] if more else {})
        first += len(shapes)


def batches(source: Source) -> Iterator[Batch]:
    """The same as Python values. A text that is not in the source's encoding comes as `BrokenText`, one whose end
    was cut as `CutText`."""
    for first, columns, shapes, _ in arrow(source):
        yield Batch(first, [_values(column, source.raw_encoding) for column in columns],
                    shapes.to_numpy(zero_copy_only=False))


def _values(column: pa.Array, encoding: str) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return [None if raw is None else _decoded(raw, encoding) for raw in values]
    return values


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        text, cut = decode_cut(raw, encoding)
    except UnicodeDecodeError:
        return BrokenText(raw.decode("utf-8", "replace"))
    return CutText(text) if cut else text


def role(layer: Layer, source: Source) -> str:
    """`rows` for features, `second` for a table that only adds a second geometry by id, `skip` for neither."""
    if source.aside:
        return "skip"
    mapped = {target for target in suggest(layer, source.fields).values() if target}
    second = layer.second_geometry
    if second is not None and _fits(source.geometry, second.geometry) and mapped == {"id"}:
        return "second"
    wanted = [layer.geometry] + ([second.geometry] if second is not None and second.stands_in else [])
    if source.dataset.format in _DRAWINGS and "MultiPolygon" in wanted:
        wanted.append("MultiLineString")  # closed lines become areas
    fits = any(_fits(source.geometry, kind) for kind in wanted)
    alike = any(_plain(source.geometry).removeprefix("Multi") == kind.removeprefix("Multi") for kind in wanted)
    if not fits and (alike or source.family is not None) and source.dataset.format not in _DRAWINGS:
        return "rows"  # so that each of them is refused with its reason, and none lost in silence
    return "rows" if fits and has_place(source) else "skip"


def _fits(given: str, wanted: str) -> bool:
    return _plain(given) in (wanted, wanted.removeprefix("Multi"), "Unknown", "GeometryCollection")


def _plain(given: str) -> str:
    return given.replace(" ", "").removesuffix("ZM").removesuffix("Z").removesuffix("M").removeprefix("2.5D")
