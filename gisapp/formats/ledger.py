"""Which features a file holds, in which version: written beside the data for the log of deliveries.

A line of `ids.bin` is 21 bytes: how it came (one letter), the id's 16 bytes, the version as 4 bytes, big end first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from gisapp.formats.runs import Runs

if TYPE_CHECKING:  # a web process finds its way here and needs no Arrow
    import pyarrow as pa

    from gisapp.formats.difference import Difference, Told
    from gisapp.formats.spool import Spool

LINE = np.dtype([("change", "S1"), ("high", ">u8"), ("low", ">u8"), ("version", ">i4")])
#: The letter of a line: sent as it is, or how it differs from what the receiver has.
CHANGES = {"sent": b"s", "added": b"a", "changed": b"c", "removed": b"r"}
_DIGITS = np.full(256, 255, np.uint8)
_DIGITS[list(b"0123456789abcdef")] = range(16)
_TEXT = 36
_HEX = [place for place in range(_TEXT) if place not in (8, 13, 18, 23)]
ID_BYTES = 16
_HALVES = np.dtype([("high", ">u8"), ("low", ">u8")])
#: Lines that are read at a time.
_LINES = 1 << 16
#: Ids as 16 bytes each, which sort and compare as ids do.
Ids = NDArray[np.bytes_]


def ledger_path(folder: Path, layer_id: str) -> Path:
    """Where the ids of a layer are written, in the folder of the work."""
    return folder / f"{layer_id}.ids.bin"


def write(folder: Path, spools: Sequence[Spool], new: Difference | None = None) -> None:
    """The ids of each layer, in order; of a difference (which is of one layer) each under what became of it."""
    for layer_id in dict.fromkeys(spool.layer.id for spool in spools):
        with ledger_path(folder, layer_id).open("wb") as file, Runs(folder, LINE, f"S{ID_BYTES}") as runs:
            if new is not None:
                for change, told in new.told():
                    file.write(_told(change, told).tobytes())
                continue
            for spool in spools:
                for batch in spool.batches(told=False, names=("id", "version")) if spool.layer.id == layer_id else ():
                    lines = _lines(batch)
                    runs.add(ids_of(lines["high"], lines["low"]), lines)
            for block in runs.blocks():
                file.write(block.tobytes())


def _told(change: str, rows: Told) -> np.ndarray:
    made = np.zeros(len(rows), LINE)
    halves = np.frombuffer(b"".join(key for key, _, _ in rows), _HALVES)
    made["change"], made["high"], made["low"] = CHANGES[change], halves["high"], halves["low"]
    made["version"] = [now for _, _, now in rows]
    return made


def _lines(batch: pa.RecordBatch) -> np.ndarray:
    made = np.zeros(batch.num_rows, LINE)
    made["change"] = CHANGES["sent"]
    made["high"], made["low"] = keys_of(batch)
    made["version"] = batch["version"].to_numpy(zero_copy_only=False)
    return made


def keys_of(batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """The upper and lower half of each row's id."""
    texts = batch["id"].cast("string")
    start, length = texts.offset, len(texts)
    if not length:
        return np.empty(0, ">u8"), np.empty(0, ">u8")
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[start:start + length + 1]
    letters = np.frombuffer(texts.buffers()[2], np.uint8)[offsets[0]:offsets[-1]].reshape(length, _TEXT)
    digits = _DIGITS[letters[:, _HEX]]
    halves = np.ascontiguousarray(digits[:, 0::2] << 4 | digits[:, 1::2]).view(">u8")
    return halves[:, 0], halves[:, 1]


def _keys(lines: np.ndarray) -> Iterator[UUID]:
    for high, low in zip(lines["high"].tolist(), lines["low"].tolist(), strict=True):
        yield UUID(int=high << 64 | low)


def ids_of(high: np.ndarray, low: np.ndarray) -> Ids:
    """Ids of their upper and lower halves."""
    made = np.empty(len(high), _HALVES)
    made["high"], made["low"] = high, low
    return made.view(f"S{ID_BYTES}")


def id_bytes(batch: pa.RecordBatch) -> Iterator[bytes]:
    """The 16 bytes of each row's id."""
    raw = ids_of(*keys_of(batch)).tobytes()
    return (raw[start:start + ID_BYTES] for start in range(0, len(raw), ID_BYTES))


def read(path: Path, at_once: int = 1000) -> Iterator[tuple[str, list[UUID], list[int]]]:
    """Change, ids and versions, those of each change in order of the ids, at most so many at a time."""
    for change, letter in CHANGES.items():
        waiting = np.empty(0, LINE)
        for lines in _pieces(path):
            waiting = np.concatenate((waiting, lines[lines["change"] == letter])).astype(LINE)
            whole = len(waiting) // at_once * at_once
            yield from _parts(change, waiting[:whole], at_once)
            waiting = waiting[whole:]
        yield from _parts(change, waiting, at_once)


def _pieces(path: Path) -> Iterator[np.ndarray]:
    with path.open("rb") as file:
        while raw := file.read(_LINES * LINE.itemsize):
            yield np.frombuffer(raw, LINE)


def _parts(change: str, lines: np.ndarray, at_once: int) -> Iterator[tuple[str, list[UUID], list[int]]]:
    for first in range(0, len(lines), at_once):
        part = lines[first:first + at_once]
        yield change, list(_keys(part)), part["version"].tolist()
