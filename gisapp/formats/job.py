"""What a format is asked to write, and the book of what it could not hold."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

from gisapp.crs import Crs
from gisapp.layers import Catalogue, Field, Layer


@dataclass(frozen=True)
class Job:
    """One export: coordinates in `crs` easting first, texts in `encoding`, times in `zone`.

    `question` says in words what was asked for; `folder` is empty and belongs to the job.
    """

    layer: Layer
    catalogue: Catalogue
    fields: tuple[Field, ...]
    crs: Crs
    encoding: str
    language: str
    zone: ZoneInfo
    author: str
    question: str
    made_at: datetime
    folder: Path


@dataclass(frozen=True)
class Written:
    """The finished file, its rows, and how many values it could not hold as they were, by kind."""

    path: Path
    rows: int
    losses: dict[str, int] = field(default_factory=dict)


class NotFaithful(Exception):
    """What was read back is not what was written; the file must not leave the house."""


class TooLarge(Exception):
    """The rows do not fit the format."""


LOSSES = {
    "cut": ("文字超出字段长度，已截断", "text longer than its field, cut"),
    "replaced": ("字符不在所选编码内，已用 〓 代替", "characters outside the encoding, replaced by 〓"),
    "trimmed": ("首尾空格不能保存，已去掉", "leading or trailing spaces cannot be held, removed"),
}


class LossBook:
    """report.csv: a line for each value that was cut, replaced or trimmed, with the feature's id."""

    HEADINGS = ("file", "row", "id", "field", "kind", "说明", "meaning", "original", "written")

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(self.HEADINGS)
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> LossBook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, file: str, row: int, feature: str, column: str, kind: str, original: str, written: str) -> None:
        """Note one value; `row` counts from 1 within the file."""
        self.counts[kind] += 1
        self._csv.writerow((file, row, feature, column, kind, *LOSSES[kind], defused(original), defused(written)))


def defused(value: Any) -> str:
    """A text that a spreadsheet shows and does not run: a leading = + - @ gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
