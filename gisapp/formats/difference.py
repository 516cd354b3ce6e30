"""What is new since a receiver's last delivery: which rows go out again, and the list of all changes.

Ids and versions are arrays in order of the ids, so that a million features take some tens of megabytes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisapp.formats.ledger import ID_BYTES, Ids, ids_of, keys_of

NAME = "changes.csv"
_HEADINGS = ("id", "change", "变化", "version before", "version now")
_WORDS = {"added": "新增", "changed": "变更", "removed": "移除"}
#: Stands for the version of what was removed; the first version is 1.
_NONE = 0

Versions = NDArray[np.int32]


class Standing:
    """What a receiver has of a layer: ids in order, with their versions."""

    def __init__(self, ids: Ids, versions: Versions) -> None:
        self.ids, self.versions = ids, versions

    @classmethod
    def of(cls, parts: Iterable[tuple[str, Sequence[UUID], Sequence[int]]]) -> Standing:
        """From what was delivered, oldest first: change, ids, versions. The last word on an id counts."""
        told = [(np.frombuffer(b"".join(one.bytes for one in ids), f"S{ID_BYTES}"),
                 np.array(versions if change != "removed" else [_NONE] * len(ids), np.int32))
                for change, ids, versions in parts]
        ids, versions = _joined(told)
        order = np.argsort(ids, kind="stable")
        ids, versions = ids[order], versions[order]
        last = np.append(ids[1:] != ids[:-1], True)[:len(ids)] & (versions != _NONE)
        return cls(ids[last], versions[last])

    def places(self, ids: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each id stands, and whether it does."""
        places = np.searchsorted(self.ids, ids)
        there = places < len(self.ids)
        there[there] = self.ids[places[there]] == ids[there]
        return places, there


def _joined(told: Sequence[tuple[Ids, Versions]]) -> tuple[Ids, Versions]:
    return (np.concatenate([np.empty(0, f"S{ID_BYTES}"), *(ids for ids, _ in told)]),
            np.concatenate([np.empty(0, np.int32), *(versions for _, versions in told)]))


class Difference:
    """Compares rows with what the receiver has. What was added, changed and removed is known once they have passed."""

    def __init__(self, standing: Standing) -> None:
        self._before = standing
        self._now = np.full(len(standing.ids), _NONE, np.int32)
        self._added: list[tuple[Ids, Versions]] = []

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows that are new or have another version; what does not come counts as removed."""
        for batch in batches:
            kept = batch.filter(pa.array(self._look(batch)))
            if kept.num_rows:
                yield kept

    def _look(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        ids = ids_of(*keys_of(batch))
        versions = batch["version"].to_numpy(zero_copy_only=False).astype(np.int32)
        places, there = self._before.places(ids)
        before = np.full(len(ids), _NONE, np.int32)
        before[there] = self._before.versions[places[there]]
        self._now[places[there]] = versions[there]
        self._added.append((ids[~there], versions[~there]))
        new: NDArray[np.bool_] = before != versions
        return new

    def had(self, ids: Ids) -> NDArray[np.bool_]:
        """Whether the receiver had each of them, in whatever version."""
        return self._before.places(ids)[1]

    @property
    def removed(self) -> Ids:
        """What the receiver has and is no longer part of the answer."""
        found: Ids = self._before.ids[self._now == _NONE]
        return found

    @property
    def _changed(self) -> NDArray[np.bool_]:
        changed: NDArray[np.bool_] = (self._now != _NONE) & (self._now != self._before.versions)
        return changed

    @property
    def counts(self) -> dict[str, int]:
        """How many features were added, changed and removed."""
        return {"added": sum(len(ids) for ids, _ in self._added), "changed": int(self._changed.sum()),
                "removed": len(self.removed)}

    def write(self, folder: Path) -> None:
        """changes.csv: a line for each feature that differs, also for those that are no longer part of the answer."""
        with (folder / NAME).open("w", encoding="utf-8-sig", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(_HEADINGS)
            for change, ids, before, now in self._told():
                for key, old, new in zip(_uuids(ids), before, now, strict=True):
                    lines.writerow((key, change, _WORDS[change], old or "", new or ""))

    def _told(self) -> Iterator[tuple[str, Ids, Sequence[int], Sequence[int]]]:
        """Change, ids in order, versions before and now."""
        ids, now = _joined(self._added)
        order = np.argsort(ids, kind="stable")
        yield "added", ids[order], [_NONE] * len(ids), now[order].tolist()
        for change, chosen in (("changed", self._changed), ("removed", self._now == _NONE)):
            yield (change, self._before.ids[chosen], self._before.versions[chosen].tolist(),
                   self._now[chosen].tolist())


def _uuids(ids: Ids) -> Iterator[UUID]:
    raw = ids.tobytes()
    for start in range(0, len(raw), ID_BYTES):
        yield UUID(bytes=raw[start:start + ID_BYTES])
