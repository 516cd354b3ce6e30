"""Notes the losses of a batch of rows while it is prepared for the file; silent when the proof prepares it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from gisapp.formats.losses import LossBook


@dataclass(frozen=True)
class Noting:
    """`first` is the row of the file, from 1, that the batch begins with; without a book nothing is noted."""

    book: LossBook | None
    file: str
    first: int = 1

    def add(self, ids: pa.Array, index: int, column: str, kind: str, original: str = "", written: str = "") -> None:
        """Note one value of the row at `index` of the batch whose ids are given."""
        if self.book is not None:
            self.book.add(self.file, self.first + index, ids[index].as_py(), column, kind, original, written)

    def changed(self, ids: pa.Array, column: str, values: pa.Array, kind: str,
                change: Callable[[str], str]) -> pa.Array:
        """The texts as `change` makes them; what it changed is noted."""
        made: list[str | None] = []
        for index, value in enumerate(values.to_pylist()):
            kept = None if value is None else change(value)
            if kept is not None and kept != value:
                self.add(ids, index, column, kind, value, kept)
            made.append(kept)
        return pa.array(made, pa.string())
