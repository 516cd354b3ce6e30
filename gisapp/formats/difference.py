"""What is new since a receiver's last delivery: which rows go out again, and the list of all changes.

Ids and versions stand in a table on disk, so that memory stays flat however many features there are.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.ledger import id_bytes

NAME = "changes.csv"
_HEADINGS = ("id", "change", "变化", "version before", "version now")
_WORDS = {"added": "新增", "changed": "变更", "removed": "移除"}
#: Nothing here outlives the process, so that nothing has to be safe on disk before it goes on. 0 stands for the version
#: of what is not there; the first version is 1.
_SETUP = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
BEGIN;
CREATE TABLE told (id BLOB PRIMARY KEY, before INTEGER NOT NULL, now INTEGER NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE batch (place INTEGER PRIMARY KEY, id BLOB NOT NULL, version INTEGER NOT NULL);
"""
_HAD = "INSERT INTO told VALUES (?, ?, 0) ON CONFLICT (id) DO UPDATE SET before = excluded.before"
_HAS = ("INSERT INTO told SELECT id, 0, version FROM batch WHERE true ORDER BY id "
        "ON CONFLICT (id) DO UPDATE SET now = excluded.now")
_NEW = "SELECT place FROM batch JOIN told USING (id) WHERE told.before <> batch.version"
#: How a row of `told` differs; what was never there and did not come differs in nothing.
_CHANGES = {"added": "before = 0 AND now <> 0", "changed": "before <> 0 AND now <> 0 AND before <> now",
            "removed": "before <> 0 AND now = 0"}
_AT_ONCE = 10_000
#: Ids as 16 bytes each, with the versions before and now.
Told = list[tuple[bytes, int, int]]


class Difference:
    """Compares rows with what the receiver has. What was added, changed and removed is known once they have passed.

    `before` is what was delivered, oldest first: change, ids, versions. The last word on an id counts. The table lies
    in `folder` until the end.
    """

    def __init__(self, folder: Path, before: Iterable[tuple[str, Sequence[UUID], Sequence[int]]]) -> None:
        self._path = folder / "standing.sqlite"
        # A format may take the rows in a thread of its own, one thread at a time.
        self._table = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._table.executescript(_SETUP)
        for change, ids, versions in before:
            told = versions if change != "removed" else [0] * len(ids)
            self._table.executemany(_HAD, zip((one.bytes for one in ids), told, strict=True))

    def __enter__(self) -> Difference:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._table.close()
        self._path.unlink(missing_ok=True)

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows that are new or have another version; what does not come counts as removed."""
        for batch in batches:
            kept = batch.filter(pa.array(self._look(batch)))
            if kept.num_rows:
                yield kept

    def _look(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        versions = batch["version"].to_pylist()
        self._table.execute("DELETE FROM batch")
        self._table.executemany("INSERT INTO batch VALUES (?, ?, ?)",
                                zip(range(len(versions)), id_bytes(batch), versions, strict=True))
        self._table.execute(_HAS)
        new = np.zeros(len(versions), np.bool_)
        new[[place for place, in self._table.execute(_NEW)]] = True
        return new

    @property
    def counts(self) -> dict[str, int]:
        """How many features were added, changed and removed."""
        counted = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in _CHANGES.values())
        [found] = self._table.execute(f"SELECT {counted} FROM told")  # noqa: S608  (words of ours)
        return dict(zip(_CHANGES, found, strict=True))

    def told(self) -> Iterator[tuple[str, Told]]:
        """What differs, some of one change at a time in order of the ids."""
        for change, condition in _CHANGES.items():
            found = self._table.execute(f"SELECT id, before, now FROM told WHERE {condition} ORDER BY id")  # noqa: S608
            while rows := found.fetchmany(_AT_ONCE):
                yield change, rows

    def write(self, folder: Path) -> None:
        """changes.csv: a line for each feature that differs, also for those that are no longer part of the answer."""
        with (folder / NAME).open("w", encoding="utf-8-sig", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(_HEADINGS)
            for change, rows in self.told():
                lines.writerows((UUID(bytes=key), change, _WORDS[change], before or "", now or "")
                                for key, before, now in rows)
