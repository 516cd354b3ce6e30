"""What is new since the last delivery, held against plain dictionaries; ids that end or begin in zeros among them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from gisapp.errors import Problem
from gisapp.formats import difference, ledger, work
from gisapp.formats.difference import NAME, Difference

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
    folder = tmp_path_factory.mktemp("changes")
    expected = {key: change for change, ids, _ in parts_of(second, now) for key in ids}
    with Difference(folder, [*sent, *parts_of(first, second)]) as new:
        went = [UUID(key) for batch in new.of(batches(now, size)) for key in batch["id"].to_pylist()]
        new.write(folder)
        logged = _logged(folder, new, {key: now[key] for key in went})
        counts = new.counts
    assert sorted(went) == sorted(key for key, change in expected.items() if change != "removed")
    assert counts == {change: list(expected.values()).count(change) for change in ("added", "changed", "removed")}
    assert logged == expected and not (folder / "standing.sqlite").exists()
    lines = list(csv.DictReader(io.StringIO((folder / NAME).read_text("utf-8-sig"))))
    assert [(line["change"], line["id"]) for line in lines] == sorted(
        (change, str(key)) for key, change in expected.items())
    for line in lines:
        key = UUID(line["id"])
        assert (line["version before"], line["version now"]) == (str(second.get(key, "")), str(now.get(key, "")))


def _logged(folder: Path, new: Difference, went: dict[UUID, int]) -> dict[UUID, str]:
    """What the ledger keeps of the same: change by id."""
    spool: Any = SimpleNamespace(layer=SimpleNamespace(id="x"), batches=lambda told, names: iter(batches(went, 3)))
    ledger.write(folder, [spool], new)
    parts = list(ledger.read(ledger.ledger_path(folder, "x")))
    assert all(ids == sorted(ids) for _, ids, _ in parts)
    assert {key: version for _, ids, versions in parts for key, version in zip(ids, versions, strict=True)
            if key in went} == went
    return {key: change for change, ids, _ in parts for key in ids}


def test_nothing_came_and_nothing_was_there(tmp_path: Path) -> None:
    with Difference(tmp_path, []) as new:
        assert list(new.of(batches({}, 1))) == []
        empty = pa.record_batch({"id": pa.array([], pa.string()), "version": pa.array([], pa.int64())})
        assert list(new.of([empty])) == []
        assert new.counts == {"added": 0, "changed": 0, "removed": 0} and list(new.told()) == []


def test_the_ledger_is_in_order_of_the_ids_whatever_the_order_of_the_rows(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisapp.formats.runs._RUN", 64)
    monkeypatch.setattr("gisapp.formats.runs._STEP", 4)
    monkeypatch.setattr("gisapp.formats.runs._STEPS", 2)
    monkeypatch.setattr(ledger, "_LINES", 7)
    # Upper halves alike, as ids made one after the other have them.
    rows = {UUID(int=(1 << 127) + number * 7919 % 1000): number for number in range(1000)}
    spool: Any = SimpleNamespace(layer=SimpleNamespace(id="x"), batches=lambda told, names: iter(batches(rows, 37)))
    ledger.write(tmp_path, [spool])
    parts = list(ledger.read(ledger.ledger_path(tmp_path, "x"), 30))
    assert [(change, len(ids)) for change, ids, _ in parts] == [("sent", 30)] * 33 + [("sent", 10)]
    told = [pair for _, ids, versions in parts for pair in zip(ids, versions, strict=True)]
    assert told == sorted(rows.items())
    assert [path.name for path in tmp_path.iterdir()] == ["x.ids.bin"]


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference, "_SETUP", "PRAGMA max_page_count = 4; " + difference._SETUP)

    def making(order: Any) -> Any:
        with Difference(tmp_path, [("sent", [UUID(int=n) for n in range(5000)], [1] * 5000)]):
            return {}

    monkeypatch.setattr(work, "_work", making)
    with pytest.raises(Problem, match="storage_full"):
        work.work({})
