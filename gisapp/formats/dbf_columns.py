"""The columns of a DBF: short ASCII names, types and widths, a title column after each code column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gisapp.formats import texts
from gisapp.formats.columns import ID, code_titles
from gisapp.formats.job import Job
from gisapp.formats.spool import Part
from gisapp.layers import Field

NAME_BYTES = 10
TEXT_BYTES = 254
#: Wider whole numbers are taken for doubles, which have not so many digits.
WHOLE_SIGNS = 18


@dataclass(frozen=True)
class DbfColumn:
    """One column of the DBF; `titles` is set for the column that holds a code's title."""

    name: str
    field: Field
    width: int
    decimals: int = 0
    titles: Mapping[str, str] | None = None
    booleans: str = "words"
    as_text: bool = False

    @property
    def kind(self) -> str:
        """What it holds: the field's type, with a boolean told as a text or a number being one, and whole numbers
        that no reader would take for such."""
        if self.as_text:
            return "text"
        if self.field.type == "boolean" and self.booleans != "logical":
            return "text" if self.booleans == "words" else "integer"
        return self.field.type

    @property
    def is_text(self) -> bool:
        return self.kind not in ("integer", "number", "date", "boolean")

    @property
    def description(self) -> dict[str, Any]:
        """The column as the field table tells of it."""
        kind = {"number": "N", "integer": "N", "date": "D", "boolean": "L"}.get(self.kind, "C")
        return {"name": self.name, "field": self.field, "type": kind, "width": self.width,
                "decimals": self.decimals, "is_title": self.titles is not None}

    @property
    def arrow(self) -> pa.Field:
        """Name, type and width as GDAL takes them from Arrow."""
        if self.field.type == "number" and self.field.decimals is not None:
            return pa.field(self.name, pa.decimal128(self.width - 2, self.decimals))
        kinds = {"integer": pa.int64(), "number": pa.float64(), "date": pa.date32(), "boolean": pa.bool_()}
        width = {} if self.kind in ("number", "date", "boolean") else {"GDAL:OGR:width": str(self.width)}
        return pa.field(self.name, kinds.get(self.kind, pa.string()), metadata=width or None)


def dbf_columns(job: Job, part: Part) -> list[DbfColumn]:
    """The columns of a part: short names from the layer file, a title column after each code column."""
    fields = [field for field in job.fields if field.id in part.schema.names]
    taken = {field.export for field in fields}
    columns = []
    for field in fields:
        columns.append(_column(job, field, part.spool.signs))
        if field.codelist:
            columns.append(_title_column(job, field, _title_name(field.export, taken)))
    return columns


def _title_name(short: str, taken: set[str]) -> str:
    """A free name of at most ten bytes for the titles of a code column: JGLX gives JGLX_M."""
    endings = ("_M", *(f"_M{n}" for n in range(2, 100)))
    name = next(n for n in (short[:NAME_BYTES - len(e)] + e for e in endings) if n not in taken)
    taken.add(name)
    return name


def _column(job: Job, field: Field, signs: Mapping[str, int]) -> DbfColumn:
    if field.type == "number":
        return _number(field)
    if field.type == "integer":
        wide = signs.get(field.id, 1)
        return DbfColumn(field.export, field, max(_integer_width(field), wide), as_text=wide > WHOLE_SIGNS)
    if field.type == "boolean":
        told = job.choices.booleans or "words"
        return DbfColumn(field.export, field, 3 if told == "words" else 1, booleans=told)
    widths = {"date": 8, "datetime": 19, "codes": TEXT_BYTES}
    return DbfColumn(field.export, field, widths.get(field.type) or _text_width(job, field))


def _number(field: Field) -> DbfColumn:
    if field.decimals is None:
        return DbfColumn(field.export, field, 24, 15)
    whole = 18 - field.decimals
    if field.min is not None and field.max is not None:
        whole = min(whole, len(str(int(max(abs(field.min), abs(field.max))))))
    return DbfColumn(field.export, field, whole + field.decimals + 2, field.decimals)


def _integer_width(field: Field) -> int:
    if field.min is None or field.max is None:
        return WHOLE_SIGNS
    return max(len(str(int(field.min))), len(str(int(field.max))))


def _text_width(job: Job, field: Field) -> int:
    if field.type == "code":
        codes = job.catalogue.codelists[field.codelist or ""].codes
        return _width_of([code.id for code in codes], job.encoding)
    if field is ID:
        return ID.max_length or TEXT_BYTES
    return min(TEXT_BYTES, texts.byte_width(field.max_length or TEXT_BYTES, job.encoding))


def _title_column(job: Job, field: Field, name: str) -> DbfColumn:
    titles = code_titles(job.catalogue, field, job.language)
    width = TEXT_BYTES if field.type == "codes" else _width_of(titles.values(), job.encoding)
    return DbfColumn(name, field, width, titles=titles)


def _width_of(values: Any, encoding: str) -> int:
    return min(TEXT_BYTES, max((len(v.encode(encoding, "gisapp.visible")) for v in values), default=1) or 1)
