"""What goes beside the data: a readme, the field table, the code lists, the report, and a checksum of each file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gisapp.formats.job import Job, Table
from gisapp.formats.readme import Chapter, readme
from gisapp.formats.zipping import Zip
from gisapp.layers import Field

if TYPE_CHECKING:
    from gisapp.formats.photos import Member

README, FIELDS, CODES, REPORT = "README.txt", "fields.csv", "codes.csv", "report.csv"

_FIELD_HEADINGS = ("file", "name", "field", "名称", "title", "type", "width", "decimals", "unit", "code list",
                   "required")
_CODE_HEADINGS = ("code list", "代码表", "code", "名称", "title", "standard", "standard code", "verified")


def bind(folder: Path, chapters: Sequence[Chapter], kind: str, losses: Mapping[str, int],
         withheld: Sequence[Field], known: Mapping[str, str], photos: Sequence[Member] = ()) -> Path:
    """The zip of everything in `folder` with readme, field table and code lists, and of `photos` from where they lie;
    the loose files are gone.

    `known` are digests that were made already, by the names of the files. ASCII names inside; every text file is
    UTF-8 with a byte order mark.
    """
    jobs = [chapter.job for chapter in chapters]
    _write_csv(folder / FIELDS, field_table([table for chapter in chapters for table in chapter.tables]))
    _write_csv(folder / CODES, code_table(jobs))
    names = sorted(path.name for path in folder.iterdir())
    sums = [(name, known.get(name) or file_digest(folder / name)) for name in names]
    text = readme(chapters, kind, losses, withheld, sums)
    (folder / README).write_text(text, encoding="utf-8-sig", newline="\r\n")
    return _zip(folder, [README, *names], photos)


def _zip(folder: Path, names: Sequence[str], photos: Sequence[Member]) -> Path:
    path = folder.parent / "pack.zip"
    with Zip(path) as archive:
        for name in names:
            archive.add(folder / name, name)
            (folder / name).unlink()
        for photo in photos:
            archive.add(photo.path, photo.name)
    return path


def _write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def field_table(tables: Sequence[Table]) -> list[Sequence[Any]]:
    """Heading and one row a column: short name, full name, titles, type, width, unit, code list."""
    return [_FIELD_HEADINGS, *(_field_row(table.name, column) for table in tables for column in table.columns)]


def _field_row(part: str, column: Mapping[str, Any]) -> Sequence[Any]:
    field: Field = column["field"]
    zh, en = ("（名称）", " (title)") if column["is_title"] else ("", "")
    return (part, column["name"], field.id, field.title.zh + zh, field.title.en + en, column["type"],
            column["width"], column["decimals"], field.unit or "", field.codelist or "",
            "Y" if field.required and not column["is_title"] else "")


def code_table(jobs: Sequence[Job]) -> list[Sequence[Any]]:
    """Heading and one row for each code that a column of the files may hold, with its standard's code."""
    rows: list[Sequence[Any]] = [_CODE_HEADINGS]
    catalogue = jobs[0].catalogue
    for name in dict.fromkeys(field.codelist for job in jobs for field in job.fields if field.codelist):
        codelist = catalogue.codelists[name]
        for code in codelist.codes:
            for standard, number in code.standards or (("", ""),):
                rows.append((name, codelist.title.zh, code.id, code.title.zh, code.title.en,
                             standard, number, "no" if standard else ""))
    return rows


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
