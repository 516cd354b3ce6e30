"""What goes beside the data: a readme, the field table, the code lists, the report, and a checksum of each file."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gisapp.formats.job import LOSSES, Job
from gisapp.formats.spool import Part
from gisapp.layers import Field

README, FIELDS, CODES, REPORT = "README.txt", "fields.csv", "codes.csv", "report.csv"

_FIELD_HEADINGS = ("file", "name", "field", "名称", "title", "type", "width", "decimals", "unit", "code list",
                   "required")
_CODE_HEADINGS = ("code list", "代码表", "code", "名称", "title", "standard", "standard code", "verified")
# Level 1 packs a shapefile to within a few percent of level 6 in half the time.
_ZIP_LEVEL = 1


class Pack:
    """A folder that grows into one zip. ASCII names inside; every text file is UTF-8 with a byte order mark."""

    def __init__(self, job: Job, kind: str) -> None:
        self.job = job
        self.kind = kind
        self.folder = job.folder / "pack"
        self.folder.mkdir()
        self._parts: list[Part] = []
        self._columns: list[tuple[str, dict[str, Any]]] = []

    def describe(self, part: Part, columns: Sequence[dict[str, Any]]) -> None:
        """Note a finished table and its columns for the field table."""
        self._parts.append(part)
        self._columns += [(part.name, column) for column in columns]

    def close(self, losses: Mapping[str, int]) -> Path:
        """Write readme, field table and code lists, zip everything, remove the loose files."""
        self._write_csv(FIELDS, field_table(self._columns))
        self._write_csv(CODES, code_table(self.job))
        names = sorted(path.name for path in self.folder.iterdir())
        sums = [(name, file_digest(self.folder / name)) for name in names]
        text = readme(self.job, self.kind, self._parts, losses, sums)
        (self.folder / README).write_text(text, encoding="utf-8-sig", newline="\r\n")
        return self._zip([README, *names])

    def _write_csv(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        with (self.folder / name).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)

    def _zip(self, names: Sequence[str]) -> Path:
        path = self.job.folder / "pack.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_ZIP_LEVEL) as archive:
            for name in names:
                archive.write(self.folder / name, name)
                (self.folder / name).unlink()
        return path


def field_table(columns: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Sequence[Any]]:
    """Heading and one row a column: short name, full name, titles, type, width, unit, code list."""
    return [_FIELD_HEADINGS, *(_field_row(part, column) for part, column in columns)]


def _field_row(part: str, column: Mapping[str, Any]) -> Sequence[Any]:
    field: Field = column["field"]
    zh, en = ("（名称）", " (title)") if column["is_title"] else ("", "")
    return (part, column["name"], field.id, field.title.zh + zh, field.title.en + en, column["type"],
            column["width"], column["decimals"], field.unit or "", field.codelist or "",
            "Y" if field.required and not column["is_title"] else "")


def code_table(job: Job) -> list[Sequence[Any]]:
    """Heading and one row for each code that a column of the file may hold, with its standard's code."""
    rows: list[Sequence[Any]] = [_CODE_HEADINGS]
    for name in dict.fromkeys(field.codelist for field in job.fields if field.codelist):
        codelist = job.catalogue.codelists[name]
        for code in codelist.codes:
            for standard, number in code.standards or (("", ""),):
                rows.append((name, codelist.title.zh, code.id, code.title.zh, code.title.en,
                             standard, number, "no" if standard else ""))
    return rows


def readme(job: Job, kind: str, parts: Sequence[Part], losses: Mapping[str, int],
           sums: Sequence[tuple[str, str]]) -> str:
    """What a receiver must know, in Chinese and then in English."""
    text = io.StringIO()
    text.write("\n".join(_chinese(job, parts, losses)))
    text.write("\n\n" + "-" * 60 + "\n\n")
    text.write("\n".join(_english(job, parts, losses)))
    text.write("\n\nSHA-256\n" + "".join(f"{digest}  {name}\n" for name, digest in sums))
    return text.getvalue()


def _chinese(job: Job, parts: Sequence[Part], losses: Mapping[str, int]) -> list[str]:
    return [
        f"{job.layer.title.zh}（{job.layer.id}）",
        f"共 {_rows(parts)} 条，其中模拟数据 {_synthetic(parts)} 条（MNSJ 为“是”），不是真实情况。",
        *(f"  {part.name}：{part.rows} 条" + ("" if part.whole else "，仅编号和另一几何") for part in parts),
        f"坐标系：{job.crs.name} {job.crs.title.zh}；坐标按“东（经度）在前、北（纬度）在后”存放。",
        f"编码：{job.encoding}",
        f"导出时间：{_moment(job)}",
        f"导出人：{job.author}",
        f"导出条件：{job.question}",
        "字段说明见 fields.csv，代码表见 codes.csv，截断或替换的文字见 report.csv。",
        "代码字段旁的“_M”字段是代码的名称；多个代码用分号分隔；空字符串与空值不作区分。",
        "面积（TXMJ）、长度（TXCD）按椭球面计算，单位为 m²、m。",
        *(f"注意：{count} 处{LOSSES[kind][0]}（见 report.csv）。" for kind, count in losses.items()),
    ]


def _english(job: Job, parts: Sequence[Part], losses: Mapping[str, int]) -> list[str]:
    return [
        f"{job.layer.title.en} ({job.layer.id})",
        f"{_rows(parts)} records; {_synthetic(parts)} of them synthetic (MNSJ says yes): made for demonstration, "
        "not found in the street.",
        *(f"  {part.name}: {part.rows} records" + ("" if part.whole else ", id and the other geometry only")
          for part in parts),
        f"CRS: {job.crs.name} {job.crs.title.en}; coordinates are stored easting (longitude) first.",
        f"Encoding: {job.encoding}",
        f"Exported at: {_moment(job)}",
        f"Exported by: {job.author}",
        f"Question: {job.question}",
        "fields.csv explains the columns, codes.csv the codes; report.csv lists texts that were cut or replaced.",
        "A column ending in _M holds the title of the code beside it; several codes are parted by semicolons; "
        "an empty text and no value are the same.",
        "Areas (TXMJ) and lengths (TXCD) are measured on the ellipsoid, in m² and m.",
        *(f"Note: {count} × {LOSSES[kind][1]} (see report.csv)." for kind, count in losses.items()),
    ]


def _rows(parts: Sequence[Part]) -> int:
    return parts[0].spool.rows


def _synthetic(parts: Sequence[Part]) -> int:
    return parts[0].spool.synthetic


def _moment(job: Job) -> str:
    return f"{job.made_at.astimezone(job.zone):%Y-%m-%d %H:%M:%S} {job.zone.key}"


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
