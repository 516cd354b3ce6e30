"""What an address takes: one entry for each common parameter, one for each field that can be filtered."""

from __future__ import annotations

from typing import Any

from gisapp.cql2 import LANGUAGES
from gisapp.formats import FILE_FORMATS, FORMATS
from gisapp.formats.choices import BOOLEANS, DATUMS, GEOMETRIES
from gisapp.hand_over.orders import LONGEST_REASON, SHORTEST_REASON
from gisapp.layers import Catalogue, Field, Layer
from gisapp.map_styles import STYLES
from gisapp.params import DEFAULT_LIMIT, MAX_LIMIT, is_coded
from gisapp.schema import field_schema
from gisapp.words import Words

Entry = tuple[dict[str, Any], Words]
_TEXT = {"type": "string"}
_NAMES = {"type": "array", "items": _TEXT}
_INTERVAL = Words("；或区间，例如 2025-01-01/2025-12-31、../2025-12-31，含两端，日期按 UTC 计",
                  "; or an interval such as 2025-01-01/2025-12-31 or ../2025-12-31, both ends included, days of UTC")
#: What a filter's schema keeps of its field's.
_KEPT = ("type", "format", "enum", "maxLength", "items")



def _cannot(language: str) -> str:
    """What each file format cannot hold, in a sentence."""
    ends = "。" if language == "zh" else ". "
    return "".join(f"{name}: {each.cannot.get(language)}{ends}" for name, each in FILE_FORMATS.items()).strip()


#: Name → schema and words; the keys are those of gisapp.params.COMMON.
COMMON: dict[str, Entry] = {
    "f": (_TEXT | {"enum": list(FORMATS)}, Words(
        "返回格式的短名称；不给时由 Accept 决定。各文件格式不能保存的内容：" + _cannot("zh"),
        "Short name of the format; without it, Accept decides. What a file format cannot hold: " + _cannot("en"))),
    "lang": (_TEXT | {"enum": ["zh", "en"]}, Words("语言", "Language")),
    "limit": ({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}, Words(
        "一页最多多少个要素", "At most so many features on a page")),
    "after": (_TEXT, Words("页键，取自上一页的 next 链接", "Page key, taken from the next link of the page before")),
    "before": (_TEXT, Words("页键，取自后一页的 prev 链接", "Page key, taken from the prev link of the page after")),
    "bbox": ({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}, Words(
        "范围：最小经度,最小纬度,最大经度,最大纬度（用 bbox-crs 时按该坐标系的轴序）",
        "Box: min lon, min lat, max lon, max lat (with bbox-crs, in that system's axis order)")),
    "bbox-crs": (_TEXT, Words("bbox 的坐标系，例如 EPSG:4547", "CRS of bbox, such as EPSG:4547")),
    "crs": (_TEXT, Words(
        "返回坐标的坐标系：EPSG:4547 或其 URI；轴序按 EPSG 规定",
        "CRS of the answer: EPSG:4547 or its URI; axis order as EPSG defines it")),
    "datetime": (_TEXT, Words(
        "时刻或区间，例如 2024-01-01/2024-06-30 或 2024-01-01/..；含两端",
        "Instant or interval, such as 2024-01-01/2024-06-30 or 2024-01-01/..; both ends belong to it")),
    "sortby": (_NAMES, Words(
        "按字段排序，最多三个；前加 - 为降序", "Fields to sort by, at most three; - before one descends")),
    "properties": (_NAMES, Words("只返回这些字段", "Return these fields only")),
    "ids": ({"type": "array", "items": {"type": "string", "format": "uuid"}, "maxItems": 1000}, Words(
        "只要这些编号的要素", "Only the features with these ids")),
    "encoding": (_TEXT | {"enum": ["GBK", "UTF-8"]}, Words(
        "Shapefile 的文字编码", "Encoding of a shapefile's texts")),
    "as_of": (_TEXT, Words(
        "图层在该时刻的样子（RFC 3339；只给日期即当日结束时）",
        "The layer as it was at that moment (RFC 3339; a day stands for its end)")),
    "q": (_TEXT | {"maxLength": 120}, Words(
        "文字：各词都须出现在名称、编号、地址等字段中（不查个人信息）",
        "Free text: every word must stand in the name, number, address or the like; personal data is not searched")),
    "filter": (_TEXT, Words("CQL2 条件，可用字段见 queryables，函数见 /functions",
                            "A CQL2 condition on the queryables; functions are listed at /functions")),
    "filter-lang": (_TEXT | {"enum": list(LANGUAGES)}, Words(
        "filter 的写法；不给时以 { 开头的按 JSON", "How filter is written; without it, JSON when it begins with {")),
    "filter-crs": (_TEXT, Words("filter 中坐标的坐标系", "CRS of the coordinates in filter")),
    "compute": (_TEXT, Words("另行计算的列，如 overlap_area('control_lines')，逗号分隔",
                             "Columns to reckon, such as overlap_area('control_lines'), separated by commas")),
    "layers": (_NAMES, Words("只用于文件：同一文件中还要的图层或 q- 问题；沿用 bbox、datetime、as_of、q",
                             "Files only: further layers or q- questions for the same file; they take over bbox, "
                             "datetime, as_of and q")),
    "datum": (_TEXT | {"enum": list(DATUMS)}, Words(
        "只用于文件：偏移坐标，仅大陆范围；范围外的要素不写入并列出",
        "Files only: shifted coordinates, on the mainland only; features elsewhere are left out and listed")),
    "pack": (_TEXT | {"enum": ["yes", "no"]}, Words(
        "只用于文件：yes 时为含说明、字段表、代码表、报告和校验值的 zip",
        "Files only: yes for a zip with readme, field table, code lists, report and checksums")),
    "photos": (_TEXT | {"enum": ["yes", "no"]}, Words(
        "只用于文件：yes 时与照片一起打成 zip，photos.csv 列出每张照片",
        "Files only: yes for a zip with the photos, told of one by one in photos.csv")),
    "booleans": (_TEXT | {"enum": list(BOOLEANS)}, Words(
        "只用于文件：是/否、1/0 或逻辑型", "Files only: yes and no in words, as 1 and 0, or as the logical type")),
    "geometry-as": (_TEXT | {"enum": list(GEOMETRIES)}, Words(
        "只用于 CSV、XLSX：位置写成 WKT 或经纬度两列",
        "CSV and XLSX only: where a feature is, as WKT or as two columns")),
    "personal-reason": (_TEXT | {"minLength": SHORTEST_REASON, "maxLength": LONGEST_REASON}, Words(
        "只用于文件：需要个人信息字段的理由，记入日志；不给则不含这些字段",
        "Files only: why personal fields are needed, which is logged; without it they are left out")),
    "and": (_TEXT, Words("同时还须满足的问题：JSON 对象（参数名: 文本）或其列表",
                         "Questions that must hold as well: a JSON object of texts by parameter, or a list of them")),
}

_PATH: dict[str, Entry] = {
    "featureId": ({"type": "string", "format": "uuid"}, Words("要素编号", "Id of the feature")),
    "photoId": ({"type": "string", "format": "uuid"}, Words("照片编号", "Id of the photo")),
    "importId": ({"type": "string", "format": "uuid"}, Words("导入编号", "Id of the import")),
    "tileMatrix": ({"type": "integer", "minimum": 0, "maximum": 22}, Words("缩放级别", "Zoom level")),
    "tileRow": ({"type": "integer", "minimum": 0}, Words("行号，自上而下", "Row, from the top")),
    "tileCol": ({"type": "integer", "minimum": 0}, Words("列号，自左而右", "Column, from the left")),
    "styleId": (_TEXT | {"enum": list(STYLES)}, Words("样式", "Style")),
    "tileMatrixSetId": (_TEXT | {"enum": ["WebMercatorQuad"]}, Words("瓦片矩阵集", "Tile matrix set")),
}
_CLICK: dict[str, Entry] = {
    "lon": ({"type": "number", "minimum": -180, "maximum": 180}, Words("经度，度", "Longitude in degrees")),
    "lat": ({"type": "number", "minimum": -90, "maximum": 90}, Words("纬度，度", "Latitude in degrees")),
    "zoom": ({"type": "number", "minimum": 0, "maximum": 22}, Words("缩放级别", "Zoom level")),
    "layers": (_NAMES, Words("图层编号", "Ids of the layers")),
}
_HEADERS: dict[str, tuple[str, Words]] = {
    "If-Match": ("ifMatch", Words(
        "所依据版本的 ETag，例如 \"3\"，可列多个；* 表示不论版本",
        "ETag of the version you started from, such as \"3\", or several; * for any")),
    "Content-Crs": ("contentCrs", Words(
        "请求体坐标的坐标系；默认经度、纬度", "CRS of the body's coordinates; longitude, latitude by default")),
}


def ref(name: str) -> dict[str, str]:
    """A reference to a common parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


def parameter_components(language: str) -> dict[str, Any]:
    """Every parameter that several addresses share."""
    query = {name: _parameter(name, "query", entry, language) for name, entry in COMMON.items()}
    path = {name: _parameter(name, "path", entry, language) | {"required": True} for name, entry in _PATH.items()}
    click = {name: _parameter(name, "query", entry, language) | {"required": True} for name, entry in _CLICK.items()}
    headers: dict[str, dict[str, Any]] = {
        key: {"name": name, "in": "header", "schema": _TEXT, "description": words.get(language)}
        for name, (key, words) in _HEADERS.items()}
    headers["ifMatch"]["required"] = True
    return query | path | click | headers


def items_parameters(layer: Layer, catalogue: Catalogue, language: str, *, personal: bool) -> list[dict[str, Any]]:
    """The common parameters, then a filter for each field that this reader may see."""
    fields = [field for field in layer.all_fields if personal or not field.personal]
    return [*map(ref, COMMON), *(_filter(field, catalogue, language) for field in fields)]


def format_parameter(*names: str) -> dict[str, Any]:
    """`f=` of an address that knows only a few formats."""
    return {"name": "f", "in": "query", "schema": _TEXT | {"enum": list(names)}}


def _parameter(name: str, place: str, entry: Entry, language: str) -> dict[str, Any]:
    schema, words = entry
    lists = {"style": "form", "explode": False} if schema["type"] == "array" and place == "query" else {}
    return {"name": name, "in": place, "description": words.get(language), "schema": schema} | lists


def _filter(field: Field, catalogue: Catalogue, language: str) -> dict[str, Any]:
    whole = field_schema(field, catalogue, language)
    schema = {key: value for key, value in whole.items() if key in _KEPT}
    unit = f" ({field.unit})" if field.unit else ""
    if field.type in ("date", "datetime"):
        schema, unit = _TEXT, _INTERVAL.get(language)
    entry = {"name": field.id, "in": "query", "description": field.title.get(language) + unit, "allowEmptyValue": True}
    if not is_coded(field):
        return entry | {"schema": schema}
    one = {"type": "string", "enum": whole["items"]["enum"]} if schema["type"] == "array" else schema
    # Several codes behind commas: any of them will do.
    return entry | {"schema": {"type": "array", "items": one}, "style": "form", "explode": False}
