"""The columns of a format that holds full names: one for each field, a column of titles after each code column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import YES_NO, code_titles, doubles, joined, titled
from gisapp.formats.job import Job, Table
from gisapp.formats.spool import Part
from gisapp.layers import Field


@dataclass(frozen=True)
class FullColumn:
    """One column; `titles` is set for the column that holds a code's title, `words` where yes and no are words."""

    name: str
    field: Field
    titles: Mapping[str, str] | None = None
    booleans: str = "logical"
    words: tuple[str, str] = ("", "")

    @property
    def type(self) -> pa.DataType:
        """The Arrow type: numbers as doubles, times to the millisecond, several codes as one text."""
        boolean = {"logical": pa.bool_(), "numbers": pa.int64()}.get(self.booleans, pa.string())
        kinds = {"integer": pa.int64(), "number": pa.float64(), "boolean": boolean, "date": pa.date32(),
                 "datetime": pa.timestamp("ms", "UTC")}
        return pa.string() if self.titles is not None else kinds.get(self.field.type, pa.string())

    @property
    def arrow(self) -> pa.Field:
        """Name and type, with the titles as GDAL's alias and comment."""
        ending = "（名称）" if self.titles is not None else ""
        return pa.field(self.name, self.type, metadata={"GDAL:OGR:alternative_name": self.field.title.zh + ending,
                                                        "GDAL:OGR:comment": self.field.title.en})

    @property
    def description(self) -> dict[str, Any]:
        """The column as the field table tells of it."""
        return {"name": self.name, "field": self.field, "type": str(self.type), "width": "",
                "decimals": self.field.decimals or "", "is_title": self.titles is not None}

    def heading(self, language: str) -> str:
        """The title, for people."""
        ending = {"zh": "（名称）", "en": " (title)"}[language] if self.titles is not None else ""
        return self.field.title.get(language) + ending

    def values(self, batch: pa.RecordBatch) -> pa.Array:
        """The column's values of rows of the spool."""
        values = batch[self.field.id]
        if values.null_count == len(values):
            return pa.nulls(len(values), self.type)
        if self.titles is not None:
            return titled(values, self.titles)
        if self.field.type == "codes":
            return joined(values)
        if self.field.type == "boolean" and self.booleans == "words":
            return pc.if_else(values, *self.words)
        if pa.types.is_decimal(values.type):
            return doubles(values)
        return values.cast(self.type, safe=False)


def full_columns(job: Job, names: Sequence[str], booleans: str = "logical") -> list[FullColumn]:
    """The columns of a table that has the fields `names`; `booleans` is the format's own way of telling them."""
    fields = [field for field in job.fields if field.id in names]
    taken = {field.id for field in fields}
    told, words = job.choices.booleans or booleans, YES_NO[job.language]
    columns = []
    for field in fields:
        columns.append(FullColumn(field.id, field, None, told, words))
        if field.codelist and f"{field.id}_title" not in taken:
            columns.append(FullColumn(f"{field.id}_title", field, code_titles(job.catalogue, field, job.language)))
    return columns


def code_pairs(columns: Sequence[FullColumn]) -> Iterator[tuple[int, FullColumn, FullColumn | None]]:
    """Each column with its number, and with the column of titles after it where it holds single codes; such titles do
    not come again by themselves."""
    number = 0
    while number < len(columns):
        column, after = columns[number], columns[number + 1] if number + 1 < len(columns) else None
        paired = (after is not None and column.field.type == "code" and after.field is column.field
                  and column.titles is None and after.titles is not None)
        yield number, column, after if paired else None
        number += 2 if paired else 1


def table_of(part: Part, columns: Sequence[FullColumn]) -> Table:
    """What the field table of the pack tells of a finished part."""
    return Table(part.name, part.rows, part.whole, [column.description for column in columns])
