"""The rows of a source as columns that can be worked on as a whole: texts decoded, rows of other families left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats import source as files
from gisapp.formats.encoding import decode_cut


@dataclass
class Batch:
    """Columns in the order of the source's fields. `rows` are the numbers of the rows in the file, `wkb` the
    geometries (None: none; empty: one that cannot be read). `broken` are the texts that are not in the encoding, by row
    and column, as they can be shown; the column has no value there. `cut` counts texts whose end was cut off. `faults`
    are those of whole rows, found by the reader."""

    rows: Any
    columns: list[Any]
    wkb: Any
    broken: dict[tuple[int, int], str] = field(default_factory=dict)
    cut: int = 0
    faults: dict[int, dict[str, Any]] = field(default_factory=dict)


def batches(source: files.Source) -> Iterator[Batch]:
    """All rows of a source. Problem `file_unreadable`."""
    for some in files.arrow(source):
        rows, columns, wkb = np.arange(some.first, some.first + len(some.shapes)), some.columns, some.shapes
        faults = some.faults
        if source.family is not None:
            meant = source.mine(wkb.to_numpy(zero_copy_only=False))
            rows, wkb = rows[meant], wkb.filter(pa.array(meant))
            columns = [column.filter(pa.array(meant)) for column in columns]
            faults = {new: faults[old] for new, old in enumerate(np.flatnonzero(meant).tolist()) if old in faults}
        batch = Batch(rows, [], wkb.to_numpy(zero_copy_only=False), faults=faults)
        batch.columns = [_decoded(batch, place, column, source.raw_encoding) for place, column in enumerate(columns)]
        yield batch


def _decoded(batch: Batch, place: int, column: Any, encoding: str) -> Any:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return column
    if _is_ascii(column):
        return column.cast(pa.large_string() if pa.types.is_large_binary(column.type) else pa.string())
    encoded = column.dictionary_encode()
    made = [_text(one, encoding) for one in encoded.dictionary.to_pylist()]
    places = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    bad = [number for number, (text, _, _) in enumerate(made) if text is None]
    for row in np.flatnonzero(np.isin(places, bad)) if bad else ():
        batch.broken[int(row), place] = made[places[row]][1]
    cut = [number for number, (_, _, was_cut) in enumerate(made) if was_cut]
    batch.cut += int(np.isin(places, cut).sum()) if cut else 0
    return pa.array([text for text, _, _ in made], pa.string()).take(encoded.indices)


def _is_ascii(column: Any) -> bool:
    """Whether no byte of any value is above 127: then every encoding reads the same."""
    data = column.buffers()[2]
    if data is None or len(column) == 0:
        return True
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    ends = np.frombuffer(column.buffers()[1], width)[column.offset:column.offset + len(column) + 1]
    return not (np.frombuffer(data, np.uint8)[ends[0]:ends[-1]] > 127).any()


def _text(raw: bytes, encoding: str) -> tuple[str | None, str, bool]:
    """The text (None when it is not in the encoding), how it can be shown, and whether its end was cut off."""
    try:
        text, cut = decode_cut(raw, encoding)
        return text, text, cut
    except UnicodeDecodeError:
        return None, raw.decode(encoding, "replace"), False
