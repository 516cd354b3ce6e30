"""CSV with a byte order mark: full names, times of the house, the place as WKT or as two columns, formulas defused."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from gisapp.formats.columns import GEOMETRY
from gisapp.formats.feature_texts import joined_bytes, joined_texts
from gisapp.formats.job import Job, Written
from gisapp.formats.noting import Noting
from gisapp.formats.proof import compare, prove
from gisapp.formats.sheet import Sheet, surface_points
from gisapp.formats.spool import Spool
from gisapp.formats.texts import parts

_QUOTE = 0x22
#: Bytes that a text may only have between quotes.
_MARKED = np.isin(np.arange(256), list(b',"\r\n'))
#: Arrow wants a whole line within a block; a line holds a feature's WKT.
_BLOCK, _MOST_BLOCK = 2**20, 2**30


def write(job: Job, spool: Spool) -> Written:
    """One .csv, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.csv"
    with path.open("wb") as file:
        file.write(codecs.BOM_UTF8 + joined_bytes(*_line([pa.array([name]) for name in sheet.names])).tobytes())
        for batch in sheet.texts(Noting(job.book, path.name)):
            file.write(joined_bytes(*_line(batch.columns)).data)
    _prove_texts(path, sheet)
    _prove_places(path, sheet)
    return Written((path,), spool.rows, (sheet.described(),))


def _line(columns: Sequence[pa.Array]) -> list[pa.Array | str]:
    """The pieces of each line: texts between commas, in quotes where they must be (RFC 4180)."""
    pieces: list[pa.Array | str] = [piece for column in columns for piece in (",", quoted(column))][1:]
    return [joined_texts([*pieces, "\r\n"], "")]


def quoted(texts: pa.Array) -> pa.Array:
    """Texts with a comma, a quote or a line end stand between quotes, quotes within them twice."""
    bounds, data = parts(texts)
    there = data[bounds[0]:bounds[-1]]
    marks = _MARKED[there]
    if not bool(marks.any()):
        return texts
    before = np.searchsorted(np.flatnonzero(marks), bounds - bounds[0])
    whole = pc.replace_substring(texts, '"', '""') if bool((there == _QUOTE).any()) else texts
    return pc.if_else(pa.array(np.diff(before) > 0), pc.binary_join_element_wise('"', whole, '"', ""), texts)


def _prove_texts(path: Path, sheet: Sheet) -> None:
    """Arrow reads every text as it stands; GDAL would make each line end within one a line feed."""
    if not sheet.spool.rows:
        return
    with arrow_csv.open_csv(
            path, read_options=arrow_csv.ReadOptions(block_size=_block(sheet), use_threads=False),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(sheet.names, pa.string()),
                                                     strings_can_be_null=False)) as reader:
        compare(sheet.texts(Noting(None, path.name)), reader, {}, path.name, sheet.spool.rows)


def _prove_places(path: Path, sheet: Sheet) -> None:
    schema = pa.schema([pa.field(GEOMETRY, pa.binary())])
    options = ({"X_POSSIBLE_NAMES": sheet.places[0], "Y_POSSIBLE_NAMES": sheet.places[1]} if sheet.by_numbers
               else {"GEOM_POSSIBLE_NAMES": sheet.places[0]})

    def expected() -> Iterator[pa.RecordBatch]:
        for batch in sheet.table.batches():
            places = batch[GEOMETRY]
            if sheet.by_numbers:
                places = surface_points(places)
            yield pa.record_batch([places], schema=schema)

    prove(path, path.stem, expected(), sheet.spool.rows, **options)


def _block(sheet: Sheet) -> int:
    """Bytes of a block that has room for the longest line: WKT is at most three times as long as WKB."""
    lengths = (pc.max(pc.binary_length(batch[GEOMETRY])).as_py() for batch in sheet.spool.batches())
    longest = max((length or 0 for length in lengths), default=0)
    return min(_MOST_BLOCK, max(_BLOCK, 4 * longest + _BLOCK))
