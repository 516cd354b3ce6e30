"""A filter in words, where the rows of the question builder can say it: for pages, printed sheets and files."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from gisapp.asking.reading import rows_with_moments, sheet_of
from gisapp.asking.rows import RELATIONS, Group, Row, Sheet, kind_of, numbers_of
from gisapp.cql2 import Computed, Filter
from gisapp.cql2.functions import FUNCTIONS
from gisapp.cql2.tree import Related
from gisapp.crs import CRS84
from gisapp.errors import Problem
from gisapp.layers import Catalogue, Field, Layer
from gisapp.words import Words

#: Operator → words around field and value; {0} is the field, {1} the value, {2} the end of a span.
_SAID = {
    "zh": {"has": "{0}含“{1}”", "begins": "{0}以“{1}”开头", "eq": "{0}为{1}", "ne": "{0}不为{1}", "empty": "{0}为空",
           "filled": "{0}不为空", "in": "{0}为{1}", "notin": "{0}不为{1}", "any": "{0}含{1}之一",
           "every": "{0}含{1}全部", "ge": "{0}不小于 {1}", "le": "{0}不大于 {1}", "gt": "{0}大于 {1}",
           "lt": "{0}小于 {1}", "between": "{0}在 {1} 至 {2} 之间", "since": "{0}不早于 {1}", "until": "{0}不晚于 {1}",
           "after": "{0}晚于 {1}", "before": "{0}早于 {1}", "last": "{0}在最近 {1} 天内", "next": "{0}在今后 {1} 天内",
           "yes": "{0}为是", "no": "{0}为否"},
    "en": {"has": "{0} contains “{1}”", "begins": "{0} begins with “{1}”", "eq": "{0} is {1}", "ne": "{0} is not {1}",
           "empty": "{0} has no value", "filled": "{0} has a value", "in": "{0} is {1}", "notin": "{0} is not {1}",
           "any": "{0} has {1}", "every": "{0} has all of {1}", "ge": "{0} is at least {1}", "le": "{0} is at most {1}",
           "gt": "{0} is more than {1}", "lt": "{0} is less than {1}", "between": "{0} is between {1} and {2}",
           "since": "{0} is on or after {1}", "until": "{0} is on or before {1}", "after": "{0} is after {1}",
           "before": "{0} is before {1}", "last": "{0} lies in the last {1} days",
           "next": "{0} lies in the next {1} days", "yes": "{0} is yes", "no": "{0} is no"},
}
#: Relation → words; {0} is the other layer with its condition, {1} metres, {2} how many.
_RELATED = {
    "zh": {"near": "距{0}不超过 {1} 米", "inside": "在{0}内", "overlaps": "与{0}重叠", "crosses": "穿过{0}",
           "count_within": "{1} 米内至少有 {2} 个{0}"},
    "en": {"near": "within {1} m of {0}", "inside": "inside {0}", "overlaps": "overlapping {0}",
           "crosses": "crossing {0}", "count_within": "at least {2} of {0} within {1} m"},
}
_PLACES = {
    "zh": {"district": "在区县 {0} 内", "street": "在街道 {0} 内", "grid": "在单元网格 {0} 内", "box": "在矩形 {0} 内",
           "circle": "距点 {0} 不超过 {1} 米", "shape": "在画出的形状内（{1} 个顶点：{0}）",
           "area": "在上传的范围 {0} 内"},
    "en": {"district": "in district {0}", "street": "in sub-district {0}", "grid": "in unit grid {0}",
           "box": "in the box {0}", "circle": "within {1} m of the point {0}",
           "shape": "in a drawn shape ({1} corners: {0})", "area": "in the uploaded area {0}"},
}
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT")
_AND, _OR = {"zh": "，且", "en": " and "}, {"zh": "或", "en": " or "}


def filter_in_words(layer: Layer, catalogue: Catalogue, given: Filter, language: str,
                    zone: ZoneInfo | None = None) -> str:
    """What the filter asks, such as `状态为疑似或已核实` and `Status is suspected or verified`; its own text, marked as
    a condition, where rows cannot say it. Instants are told in `zone`, else in UTC."""
    try:
        sheet = sheet_of(given.text, layer, catalogue)
    except Problem:
        sheet = None
    if sheet is None and (moments := _moments(layer, catalogue, given, language, zone)):
        return moments
    elsewhere = given.crs not in (CRS84.name, CRS84.uri)
    if sheet is None or (elsewhere and numbers_of(sheet.place)):
        return ("条件 " if language == "zh" else "where ") + given.text
    parts = [*([_place(sheet, language)] if sheet.area else []), _groups(sheet, layer, catalogue, language)]
    return _AND[language].join(part for part in parts if part)


def _moments(layer: Layer, catalogue: Catalogue, given: Filter, language: str, zone: ZoneInfo | None) -> str:
    """A filter with instants, such as the map of an import asks; nothing where that is no such filter."""
    try:
        rows = rows_with_moments(given.text, layer, catalogue)
        return _AND[language].join(_row(_local(row, zone), layer, catalogue, language) for row in rows or ())
    except (Problem, KeyError, ValueError):
        return ""


def _local(row: Row, zone: ZoneInfo | None) -> Row:
    if not (row.values and _INSTANT.match(row.values[0])):
        return row
    at = datetime.fromisoformat(row.values[0]).astimezone(zone or UTC)
    return replace(row, values=(f"{at:%Y-%m-%d %H:%M:%S}" + ("" if zone else " UTC"),))


def _groups(sheet: Sheet, layer: Layer, catalogue: Catalogue, language: str) -> str:
    found = [text for group in sheet.groups if (text := _group(group, layer, catalogue, language))]
    if sheet.join != "or" or len(found) < 2:
        return _AND[language].join(found)
    joined = _OR[language].join(f"（{one}）" if language == "zh" else f"({one})" for one in found)
    return f"（{joined}）" if language == "zh" and sheet.area else f"({joined})" if sheet.area else joined


def _group(group: Group, layer: Layer, catalogue: Catalogue, language: str) -> str:
    rows = [_row(row, layer, catalogue, language) for row in group.rows if row.field]
    opened, closed = ("（", "）") if language == "zh" else ("(", ")")
    if group.kind == "none":
        return f"{'不是' if language == 'zh' else 'not '}{opened}{_OR[language].join(rows)}{closed}"
    if group.kind == "any" and len(rows) > 1:
        return f"{opened}{_OR[language].join(rows)}{closed}"
    return _AND[language].join(rows)


def _place(sheet: Sheet, language: str) -> str:
    numbers, said = numbers_of(sheet.place), _PLACES[language][sheet.area]
    if sheet.area == "circle" and len(numbers) == 3:
        return said.format(f"{numbers[0]:.6g}, {numbers[1]:.6g}", f"{numbers[2]:g}")
    if sheet.area in ("box", "shape"):
        return said.format(", ".join(f"{one:.10g}" for one in numbers), len(numbers) // 2)
    return said.format(sheet.place)


def _row(row: Row, layer: Layer, catalogue: Catalogue, language: str) -> str:
    if row.relation in RELATIONS:
        other = catalogue.layers[row.layer]
        title = other.title.get(language)
        told = [_row(one, other, catalogue, language) for one in row.inner if one.field]
        if told:
            inner = (_AND if row.inner_kind == "all" else _OR)[language].join(told)
            title += f"（{inner}）" if language == "zh" else f" ({inner})"
        return _RELATED[language][row.relation].format(title, row.metres, row.count or "1")
    field = layer.field(row.field)
    values = [_value(one, layer, row, catalogue, language) for one in row.values]
    ends = [*([_OR[language].join(values) if row.op != "every" else _AND[language].join(values)]), row.to]
    if field.unit and kind_of(layer, row.field) == "number":
        ends = [f"{one} {field.unit}" if one else one for one in ends]
    return _SAID[language][row.op].format(field.title.get(language), *ends)


def _value(value: str, layer: Layer, row: Row, catalogue: Catalogue, language: str) -> str:
    codelist = layer.field(row.field).codelist
    code = catalogue.codelists[codelist].by_id.get(value) if codelist else None
    return code.title.get(language) if code else value


#: Computed column → what it is called; {0} is the other layer.
_COMPUTED = {"distance": Words("到{0}的距离", "Distance to {0}"),
             "overlap_area": Words("与{0}重叠的面积", "Area shared with {0}"),
             "overlap_share": Words("与{0}重叠的比例", "Share within {0}"),
             "count_within": Words("附近的{0}", "{0} near by")}


def computed_column(given: Computed) -> Field:
    """A reckoned column as a field of a table: its title in both languages, its unit, two decimals."""
    root = given.root
    unit, title, whole = None, Words(given.text, given.text), False
    if isinstance(root, Related):
        unit, whole = FUNCTIONS[root.function].unit or None, root.function == "count_within"
        if root.layer is not None and root.function in _COMPUTED:
            said = _COMPUTED[root.function]
            title = Words(said.zh.format(root.layer.title.zh), said.en.format(root.layer.title.en))
    kind = {"number": "integer" if whole else "number", "boolean": "boolean", "date": "date"}.get(root.kind, "text")
    return Field(given.name, title, kind, given.name[:10], decimals=2 if kind == "number" else None, unit=unit)
