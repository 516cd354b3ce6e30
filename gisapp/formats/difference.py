"""What is new since a receiver's last delivery: which rows go out again, and the list of all changes."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pyarrow as pa

from gisapp.formats.ledger import keys_of

NAME = "changes.csv"
_HEADINGS = ("id", "change", "变化", "version before", "version now")
_WORDS = {"added": "新增", "changed": "变更", "removed": "移除"}


class Difference:
    """Compares rows with what the receiver has: id → version. `changes` is whole once the rows have passed."""

    def __init__(self, standing: Mapping[UUID, int]) -> None:
        self._standing = standing
        self._seen: set[UUID] = set()
        self._versions: dict[UUID, int] = {}
        self.changes: dict[UUID, str] = {}

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows that are new or have another version; at the end, what is missing counts as removed."""
        for batch in batches:
            kept = batch.filter(pa.array(self._look(batch), pa.bool_()))
            if kept.num_rows:
                yield kept
        for key in self._standing:
            if key not in self._seen:
                self.changes[key] = "removed"

    def _look(self, batch: pa.RecordBatch) -> list[bool]:
        high, low = keys_of(batch)
        answer = []
        for upper, lower, version in zip(high.tolist(), low.tolist(), batch["version"].to_pylist(), strict=True):
            key = UUID(int=upper << 64 | lower)
            before = self._standing.get(key)
            self._seen.add(key)
            if before != version:
                self.changes[key] = "added" if before is None else "changed"
                self._versions[key] = version
            answer.append(before != version)
        return answer

    @property
    def counts(self) -> dict[str, int]:
        """How many features were added, changed and removed."""
        found = Counter(self.changes.values())
        return {change: found[change] for change in _WORDS}

    def write(self, folder: Path) -> None:
        """changes.csv: a line for each feature that differs, also for those that are no longer part of the answer."""
        with (folder / NAME).open("w", encoding="utf-8-sig", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(_HEADINGS)
            for key, change in sorted(self.changes.items(), key=lambda item: (item[1], item[0].int)):
                lines.writerow((key, change, _WORDS[change], self._standing.get(key, ""), self._versions.get(key, "")))
