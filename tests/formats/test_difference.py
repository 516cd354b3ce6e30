"""What is new since the last delivery, held against plain dictionaries; ids that end or begin in zeros among them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from hypothesis import given, settings, strategies as st

from gisapp.formats import ledger
from gisapp.formats.difference import NAME, Difference, Standing

#: Few different ones, so that they meet; their bytes begin, end and go on with zeros.
IDS = [UUID(int=number << shift) for number in (1, 2, 255) for shift in (0, 8, 64, 120)]
VERSIONS = st.dictionaries(st.sampled_from(IDS), st.integers(1, 3))


def parts_of(before: dict[UUID, int], now: dict[UUID, int]) -> list[tuple[str, list[UUID], list[int]]]:
    """A delivery of `now` to who has `before`, as the log tells it."""
    lines = {"added": [key for key in now if key not in before],
             "changed": [key for key in now if before.get(key, now[key]) != now[key]],
             "removed": [key for key in before if key not in now]}
    return [(change, sorted(ids), [now.get(key, 0) for key in sorted(ids)]) for change, ids in lines.items() if ids]


def batches(rows: dict[UUID, int], size: int) -> list[pa.RecordBatch]:
    told = list(rows.items())
    return [pa.record_batch({"id": pa.array([str(key) for key, _ in some], pa.string()),
                             "version": pa.array([version for _, version in some], pa.int64())})
            for some in (told[first:first + size] for first in range(0, len(told), size))]


@settings(deadline=None, max_examples=60)
@given(VERSIONS, VERSIONS, VERSIONS, st.integers(1, 4))
def test_a_difference_says_what_became_of_every_feature(tmp_path_factory: Any, first: dict[UUID, int],
                                                        second: dict[UUID, int], now: dict[UUID, int],
                                                        size: int) -> None:
    sent = [("sent", [key], [version]) for key, version in first.items()]
    new = Difference(Standing.of([*sent, *parts_of(first, second)]))
    went = [UUID(key) for batch in new.of(batches(now, size)) for key in batch["id"].to_pylist()]
    expected = {key: change for change, ids, _ in parts_of(second, now) for key in ids}
    assert sorted(went) == sorted(key for key, change in expected.items() if change != "removed")
    assert new.counts == {change: list(expected.values()).count(change) for change in ("added", "changed", "removed")}
    folder = tmp_path_factory.mktemp("changes")
    new.write(folder)
    lines = list(csv.DictReader(io.StringIO((folder / NAME).read_text("utf-8-sig"))))
    assert [(line["change"], line["id"]) for line in lines] == sorted(
        (change, str(key)) for key, change in expected.items())
    for line in lines:
        key = UUID(line["id"])
        assert (line["version before"], line["version now"]) == (str(second.get(key, "")), str(now.get(key, "")))
    assert _logged(folder, new, {key: now[key] for key in went}) == expected


def _logged(folder: Path, new: Difference, went: dict[UUID, int]) -> dict[UUID, str]:
    """What the ledger keeps of the same: change by id."""
    spool: Any = SimpleNamespace(layer=SimpleNamespace(id="x"), batches=lambda told: iter(batches(went, 3)))
    ledger.write(folder, [spool], new)
    parts = list(ledger.read(ledger.ledger_path(folder, "x")))
    assert all(ids == sorted(ids) for _, ids, _ in parts)
    assert {key: version for _, ids, versions in parts for key, version in zip(ids, versions, strict=True)
            if key in went} == went
    return {key: change for change, ids, _ in parts for key in ids}


def test_nothing_came_and_nothing_was_there() -> None:
    new = Difference(Standing.of([]))
    assert list(new.of(batches({}, 1))) == []
    empty = pa.record_batch({"id": pa.array([], pa.string()), "version": pa.array([], pa.int64())})
    assert list(new.of([empty])) == []
    assert new.counts == {"added": 0, "changed": 0, "removed": 0}
    assert len(new.removed) == 0 and not new.had(np.empty(0, "S16")).any()
