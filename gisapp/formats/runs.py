"""Rows put in the order of their keys on disk: sorted runs in a file without a name, merged a block at a time.

However many rows there are, a run and a block of the merging are in memory, and one key in a few thousand.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the log of deliveries comes here from a web process, which needs no Arrow
    from gisapp.formats.pieces import Ints

#: Whatever NumPy sorts: numbers, or bytes of one width.
Keys = NDArray[Any]
Rows = NDArray[Any]
#: Rows of a run, and between two keys that are remembered of it.
_RUN, _STEP = 1 << 18, 1 << 10
#: Remembered keys between two borders of the merging: so many steps of rows, all runs together, make a block.
_STEPS = 64


class Runs:
    """Takes rows of one type with their keys, nearly all different, and gives them in order of the keys."""

    def __init__(self, folder: Path, kind: np.dtype[Any], key: Any = np.uint64) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (gone with the runs)
        self._kind = np.dtype([("key", key), ("row", kind)])
        self._waiting: list[Rows] = []
        self._count = 0
        #: Where each run begins, in rows; the last one is where all end. Of each the keys that are remembered.
        self._begins, self._known = [0], list[Keys]()

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, keys: Keys, rows: Rows) -> None:
        """Rows with their keys."""
        told = np.empty(len(keys), self._kind)
        told["key"], told["row"] = keys, rows
        self._waiting.append(told)
        self._count += len(told)
        if self._count >= _RUN:
            self._settle()

    def _settle(self) -> None:
        """What waits becomes a run."""
        if not self._count:
            return
        run = _ordered(self._waiting)
        self._waiting, self._count = [], 0
        self._known.append(run["key"][::_STEP].copy())
        self._begins.append(self._begins[-1] + len(run))
        self._file.write(run.data)

    def blocks(self) -> Iterator[Rows]:
        """All rows in order of their keys, some at a time."""
        self._settle()
        self._file.flush()
        if not self._known:
            return
        borders = np.sort(np.concatenate(self._known))[_STEPS::_STEPS]
        at = np.array(self._begins[:-1])
        for border in borders:
            stops = np.array([self._place(run, border) for run in range(len(at))])
            yield self._merged(at, stops)
            at = stops
        yield self._merged(at, np.array(self._begins[1:]))

    def _place(self, run: int, border: Any) -> int:
        """The first row of a run whose key is not below the border."""
        step = max(int(np.searchsorted(self._known[run], border)) - 1, 0)
        begin = self._begins[run] + step * _STEP
        keys = self._read(begin, min(begin + _STEP, self._begins[run + 1]))["key"]
        return begin + int(np.searchsorted(keys, border))

    def _merged(self, begins: Ints, stops: Ints) -> Rows:
        rows: Rows = _ordered([self._read(*part) for part in zip(begins, stops, strict=True)])["row"]
        return rows

    def _read(self, begin: int, stop: int) -> Rows:
        self._file.seek(begin * self._kind.itemsize)
        return np.frombuffer(self._file.read((stop - begin) * self._kind.itemsize), self._kind)


def _ordered(pieces: list[Rows]) -> Rows:
    """The rows of all pieces in order of their keys; told as plain bytes, which NumPy moves ten times as fast."""
    kind = pieces[0].dtype
    found = np.concatenate([piece.view(f"V{kind.itemsize}") for piece in pieces])
    rows: Rows = found.take(np.argsort(found.view(kind)["key"])).view(kind)
    return rows
