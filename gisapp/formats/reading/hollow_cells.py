"""What a workbook does not show in its values: cells with an error, formulas that nobody has reckoned, hidden rows."""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field

_ERROR = re.compile(rb"""<c\b(?=[^>]*\bt=["']e["'])[^>]*?\br=["']([A-Z]{1,3}\d{1,7})["']""")
_UNRECKONED = re.compile(rb"""<c\b(?![^>]*\bt=["']str["'])[^>]*?\br=["']([A-Z]{1,3}\d{1,7})["'][^>]*>\s*"""
                         rb"""<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>""")
_HIDDEN = re.compile(rb"""<row\b[^>]*\bhidden=["'](?:1|true)["']""")
_SHEET = re.compile(r"""<(?:\w+:)?sheet\b(?=[^>]*\bname=["']([^"'>]*)["'])[^>]*?\b\w+:id=["']([^"'>]*)["']""")
_RELATION = re.compile(r"""<Relationship\b(?=[^>]*\bId=["']([^"'>]*)["'])[^>]*?\bTarget=["']([^"'>]*)["']""")
_TOLD, _PART = 5, 2**20


@dataclass
class Found:
    """Of one sheet: the references of cells with an error and of formulas without result, how many rows are hidden."""

    errors: list[str] = field(default_factory=list)
    unreckoned: list[str] = field(default_factory=list)
    hidden: int = 0

    def look(self, text: bytes) -> None:
        """Look at some whole cells of the sheet."""
        self.errors += [place.decode() for place in _ERROR.findall(text)]
        self.unreckoned += [place.decode() for place in _UNRECKONED.findall(text)] if b"<f" in text else []
        self.hidden += len(_HIDDEN.findall(text)) if b"hidden=" in text else 0

    def notes(self) -> list[dict[str, str]]:
        """What is to be said of them, nothing where there are none."""
        made = []
        if self.errors:
            count, told = len(self.errors), _told(self.errors)
            made.append({"code": "cells_wrong", "zh": f"有 {count} 个单元格是错误值（{told}），按空值读取",
                         "en": f"{count} cells hold an error ({told}) and are read as empty"})
        if self.unreckoned:
            count, told = len(self.unreckoned), _told(self.unreckoned)
            made.append({"code": "formulas_open",
                         "zh": f"有 {count} 个公式没有计算结果（{told}），按空值读取；请用表格软件打开并保存后再提交",
                         "en": f"{count} formulas have no result ({told}) and are read as empty; open the file in a "
                               "spreadsheet program and save it first"})
        if self.hidden:
            made.append({"code": "rows_hidden", "zh": f"有 {self.hidden} 行被隐藏或筛掉，也会读取",
                         "en": f"{self.hidden} rows are hidden or filtered out, and are read too"})
        return made


def _told(places: list[str]) -> str:
    return ", ".join(places[:_TOLD]) + (" …" if len(places) > _TOLD else "")


def sheet_names(packed: zipfile.ZipFile) -> dict[str, str]:
    """The name of the sheet in each part of a workbook, as far as the workbook tells."""
    book, relations = (_text(packed, name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    targets = dict(_RELATION.findall(relations))
    return {posixpath.normpath(posixpath.join("xl", targets[number].removeprefix("/xl/"))): html.unescape(name)
            for name, number in _SHEET.findall(book) if number in targets}


def _text(packed: zipfile.ZipFile, name: str) -> str:
    try:
        with packed.open(name) as part:
            return part.read(_PART).decode("utf-8", "replace")
    except KeyError:
        return ""


def notes_by_sheet(found: Iterable[tuple[str, Found]], names: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    """The notes by name of the sheet; what no name is known for is left out."""
    return {names[part]: one.notes() for part, one in found if part in names}
