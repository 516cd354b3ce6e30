"""Numbers by group: one address a layer."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Layer
from gisapp.openapi.answers import json_content, reading
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter, ref
from gisapp.params.grouping import MOST_GROUPS, MOST_KEYS, MOST_SUMS, known_groups, summable
from gisapp.words import Words

_SUMMARY = Words("按组统计要素数量与合计；条件同要素查询",
                 "Counts and sums by group; it takes the questions of the items")
_WORDS = {
    "group_by": Words("分组：代码、是否、区域、日期（加 .day .week .month .quarter .year）、hexagon.<边长米>，"
                      "或 question.<保存的问题>（其 OR 连接的各部分，其余为 rest）",
                      "Groups: codes, yes or no, territories, dates (with .day .week .month .quarter .year), "
                      "hexagon.<side in metres> or question.<saved question> (the alternatives that it joins by OR, "
                      "and the rest); here"),
    "sum": Words("要合计的数字字段", "Numeric fields to add up"),
    "until": Words("离开存量的日期字段；与按一个日期分组同用",
                   "The date at which a feature leaves the stock; with groups by one date"),
    "sortby": Words("排序：key、count 或合计字段，前加 - 为降序",
                    "Order: key, count or a summed field; - before it descends"),
    "limit": Words("只取前几组", "The first so many groups only"),
}
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_NOT_HERE = ("f", "limit", "after", "before", "crs", "sortby", "properties", "encoding", "compute")
_NUMBERS = {"type": "object", "additionalProperties": {"type": "number", "nullable": True}}
_GROUP = {"type": "object", "required": ["key", "title", "count", "sum"], "properties": {
    "key": {"type": "object", "additionalProperties": _TEXT | {"nullable": True}},
    "title": {"type": "object", "additionalProperties": _TEXT}, "count": {"type": "integer"}, "sum": _NUMBERS,
    "retired": {"type": "array", "items": _TEXT}, "geometry": {"type": "object"}}}
_STEP = {"type": "object", "properties": {
    "period": _TEXT, "came": _WHOLE, "left": _WHOLE, "stock": _WHOLE}}
_NAMED = {"type": "array", "items": {"type": "object"}}
_DOCUMENT = {"type": "object", "required": ["collection", "numberMatched", "numberOfGroups", "groups", "total"],
             "properties": {
                 "collection": _TEXT, "numberMatched": {"type": "integer"}, "numberOfGroups": {"type": "integer"},
                 "groupBy": _NAMED, "sum": _NAMED, "groups": {"type": "array", "items": _GROUP},
                 "trend": {"type": "array", "items": _STEP}, "links": _NAMED,
                 "total": {"type": "object", "properties": {"count": {"type": "integer"}, "sum": _NUMBERS}}}}


def statistics_paths(layer: Layer, language: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """The path of one layer; `asked` are the parameters of its items."""
    left_out = [ref(name) for name in _NOT_HERE]
    fields = [entry["name"] for entry in asked if "name" in entry]
    content = json_content(_DOCUMENT) | {"text/csv": {"schema": _TEXT}}
    summary = _SUMMARY.get(language)
    return {f"/collections/{layer.id}/statistics": {"get": operation(
        layer.id, f"{layer.id}.getStatistics", summary, reading(summary, content), *_own(layer, fields, language),
        format_parameter("json", "csv"), *(entry for entry in asked if entry not in left_out))}}


def _own(layer: Layer, fields: list[str], language: str) -> list[dict[str, Any]]:
    sums = [one.id for one in layer.all_fields if summable(one) and one.id in fields]
    dates = [one.id for one in layer.all_fields if one.type in ("date", "datetime") and one.id in fields]
    schemas: dict[str, dict[str, Any]] = {
        "group_by": {"type": "array", "items": _TEXT, "maxItems": MOST_KEYS},
        "sum": {"type": "array", "items": _TEXT | ({"enum": sums} if sums else {}), "maxItems": MOST_SUMS},
        "until": _TEXT | ({"enum": dates} if dates else {}), "sortby": _TEXT,
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST_GROUPS}}
    more = {"group_by": ": " + ", ".join(known_groups(layer))}
    return [{"name": name, "in": "query", "description": _WORDS[name].get(language) + more.get(name, ""),
             "schema": schema} | ({"style": "form", "explode": False} if schema["type"] == "array" else {})
            for name, schema in schemas.items()]
