"""Rows as the cells of a spreadsheet, a column of a batch at a time: what each holds, and its XML."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import ID
from gisapp.formats.feature_texts import joined_texts
from gisapp.formats.noting import Noting
from gisapp.formats.pieces import lengths
from gisapp.formats.sheet import FORMULA, Sheet, may_run
from gisapp.formats.texts import parts
from gisapp.formats.xml_writing import escaped_texts

#: What a cell holds, in units of UTF-16.
CELL_UNITS = 32_767
#: Before it Excel counts a day that never was; and its number for the first day of 1970.
_FIRST_DAY, _EPOCH_DAYS = (dt.date(1900, 3, 1) - dt.date(1970, 1, 1)).days, 25_569
_DAY_S = 86_400
_MOST_EXACT = 2**53
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\ufffe\uffff]")
_LIKE_ESCAPED = re.compile("_(?=x[0-9a-fA-F]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
#: Bytes that may begin what `_CONTROL` finds.
_DOUBTFUL = np.isin(np.arange(256), [*range(9), *range(11, 32), 0xEF])
#: How a cell looks; the workbook gives each a number.
PLAIN, QUOTED, DAY, MOMENT, LINKED = "", "quoted", "day", "moment", "linked"


@dataclass(frozen=True)
class Cells:
    """A column: numbers (or yes and no), and texts where there is no number. `look` is that of the numbers, or of all
    texts where it is LINKED."""

    numbers: pa.Array | None
    texts: pa.Array | None
    look: str = PLAIN

    def slice(self, first: int, count: int) -> Cells:
        """Some of the rows."""
        numbers, texts = (None if one is None else one.slice(first, count) for one in (self.numbers, self.texts))
        return Cells(numbers, texts, self.look)

    @property
    def told(self) -> pa.Array:
        """The values, numbers as texts where there are both."""
        if self.numbers is None or self.texts is None:
            return self.texts if self.numbers is None else _plain(self.numbers)
        return pc.coalesce(self.texts, _plain(self.numbers).cast(pa.string()))


def _plain(numbers: pa.Array) -> pa.Array:
    return numbers.cast(pa.int64()) if pa.types.is_boolean(numbers.type) else numbers


def cells_of_sheet(sheet: Sheet, noting: Noting) -> Iterator[list[Cells]]:
    """The columns of each batch of rows as a spreadsheet holds them; what does not fit a cell is noted."""
    times = {column.name for column in sheet.columns if column.field.type == "datetime"}
    places = {name for name, kind in zip(sheet.places, sheet.place_kinds, strict=True) if kind.endswith("wkt")}
    first = 1
    for batch in sheet.batches(noting):
        here = Noting(noting.book, noting.file, first)
        found = [_column(batch, name, here, is_time=name in times, is_place=name in places) for name in sheet.names]
        if sheet.job.photo_links is not None:
            counts, links = sheet.job.photo_links.cells(batch[ID.id])
            found += [Cells(pa.array(counts, pa.int64()), None),
                      Cells(None, pa.array([None if one is None else str(one) for one in links], pa.string()), LINKED)]
        yield found
        first += batch.num_rows


def _column(batch: pa.RecordBatch, name: str, noting: Noting, *, is_time: bool, is_place: bool) -> Cells:
    values = batch[name]
    if values.null_count == len(values):
        return Cells(None, pa.nulls(len(values), pa.string()))
    if is_time:
        seconds = values.cast(pa.timestamp("s")).cast(pa.int64())
        return _parted(values, pc.add(pc.divide(seconds.cast(pa.float64()), _DAY_S), _EPOCH_DAYS),
                       pc.greater_equal(seconds, _FIRST_DAY * _DAY_S), MOMENT)
    if pa.types.is_string(values.type):
        return Cells(None, _fitted(values, batch[ID.id], name, noting, is_place=is_place))
    if pa.types.is_date(values.type):
        days = values.cast(pa.int32())
        return _parted(values, pc.add(days, _EPOCH_DAYS), pc.greater_equal(days, _FIRST_DAY), DAY)
    if pa.types.is_boolean(values.type):
        return Cells(values, None)
    exact = pc.is_finite(values) if pa.types.is_floating(values.type) else pc.and_(
        pc.less_equal(values, _MOST_EXACT), pc.greater_equal(values, -_MOST_EXACT))
    return _parted(values, values, exact, PLAIN)


def _parted(values: pa.Array, numbers: pa.Array, exact: pa.Array, look: str) -> Cells:
    """Numbers where they are exact, the values as texts elsewhere."""
    if pc.all(exact).as_py():
        return Cells(numbers, None, look)
    nothing = pa.scalar(None, numbers.type)
    return Cells(pc.if_else(exact, numbers, nothing),
                 pc.if_else(exact, pa.scalar(None, pa.string()), values.cast(pa.string())), look)


def _fitted(values: pa.Array, ids: pa.Array, name: str, noting: Noting, *, is_place: bool) -> pa.Array:
    """The texts that a cell holds; an empty one is no value."""
    long = np.flatnonzero(lengths(values) > CELL_UNITS)  # UTF-8 is never shorter
    if len(long):
        told = values.to_pylist()
        for index in long.tolist():
            told[index] = _cut(told[index], ids, index, name, noting, is_place=is_place)
        values = pa.array(told, pa.string())
    empty = pc.equal(values, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), values) if pc.any(empty).as_py() else values


def _cut(value: str, ids: pa.Array, index: int, name: str, noting: Noting, *, is_place: bool) -> str | None:
    units = value.encode("utf-16-le")
    if len(units) // 2 <= CELL_UNITS:
        return value
    if is_place:
        noting.add(ids, index, name, "no_geometry")
        return None
    kept = units[:2 * CELL_UNITS].decode("utf-16-le", "ignore")
    noting.add(ids, index, name, "cut", value, kept)
    return kept


def rows_xml(columns: Sequence[Cells], first: int, styles: dict[str, int]) -> pa.Array:
    """The rows from number `first` on (from 1); `styles` are the workbook's numbers of looks."""
    count = len(columns[0].told)
    rows = pa.array(np.arange(first, first + count)).cast(pa.string())
    pieces: list[pa.Array | str] = ['<row r="', rows, '">']
    for number, column in enumerate(columns):
        pieces += _cell_pieces(column, f'<c r="{letters(number)}', rows, styles)
    return joined_texts([*pieces, "</row>"], "")


def _cell_pieces(column: Cells, head: str, rows: pa.Array, styles: dict[str, int]) -> Iterator[pa.Array]:
    if column.texts is not None and column.texts.null_count < len(column.texts):
        texts = column.texts
        look = _style(styles[LINKED]) if column.look == LINKED else _quotes(texts, styles)
        yield pc.binary_join_element_wise(head, rows, '"', look, ' t="inlineStr"><is><t', _spaces(texts),
                                          escaped(texts), "</t></is></c>", "")
    numbers = column.numbers
    if numbers is not None and numbers.null_count < len(numbers):
        kind = ' t="b"' if pa.types.is_boolean(numbers.type) else _style(styles.get(column.look, 0))
        yield pc.binary_join_element_wise(head, rows, f'"{kind}><v>', _plain(numbers).cast(pa.string()), "</v></c>", "")


def _style(number: int) -> str:
    return f' s="{number}"' if number else ""


def _quotes(texts: pa.Array, styles: dict[str, int]) -> pa.Array | str:
    """Texts that a spreadsheet may take for a formula carry its own quote mark."""
    if not may_run(texts):
        return ""
    return pc.if_else(pc.match_substring_regex(texts, FORMULA), _style(styles[QUOTED]), "")


def _spaces(texts: pa.Array) -> pa.Array | str:
    """Spaces at the ends stay."""
    bounds, data = parts(texts)
    some = lengths(texts) > 0
    edge = np.zeros(len(texts), bool)
    edge[some] = (data[bounds[:-1][some]] <= 0x20) | (data[bounds[1:][some] - 1] <= 0x20)
    return pc.if_else(pa.array(edge), ' xml:space="preserve">', ">") if bool(edge.any()) else ">"


def escaped(texts: pa.Array) -> pa.Array:
    """Texts for the XML of a cell."""
    bounds, data = parts(texts)
    if bool(_DOUBTFUL[data[bounds[0]:bounds[-1]]].any()) or pc.any(pc.match_substring(texts, "_x")).as_py():
        known = texts.dictionary_encode()
        texts = pa.array([as_cell(text) for text in known.dictionary.to_pylist()], pa.string()).take(known.indices)
    return escaped_texts(texts, "&<>")


def as_cell(text: str) -> str:
    """A text with what XML has no place for as the format writes it, and what looks like that as well."""
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", _LIKE_ESCAPED.sub("_x005F_", text))


def meant(texts: pa.Array) -> pa.Array:
    """The texts as they were before `escaped`."""
    if not pc.any(pc.match_substring(texts, "_x")).as_py():
        return texts
    told = [_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) for text in texts.to_pylist()]
    return pa.array(told, pa.string())


def letters(number: int) -> str:
    """The name of a column, the first being 0: A, …, Z, AA, …"""
    found = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        found = chr(65 + letter) + found
    return found
