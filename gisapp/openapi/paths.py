"""Which address does what. A layer's addresses stand one by one, since each takes its own fields."""

from __future__ import annotations

from typing import Any

from gisapp import map_styles
from gisapp.layers import Catalogue, Layer
from gisapp.openapi import attachments, history, imports, jobs, marking, questions
from gisapp.openapi.answers import GEOJSON, items_content, json_content, paged, reading, schema_ref, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter, items_parameters, ref
from gisapp.openapi.statistics import statistics_paths
from gisapp.params import FILE_ONLY
from gisapp.streams import KINDS as STREAMED
from gisapp.words import Words

MATRIX_SET = "WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json"
STYLE = map_styles.MEDIA_TYPE
_LANG = ref("lang")
_DOCUMENT = [format_parameter("json", "html"), _LANG]

#: address → operation id, words; all answer a JSON document.
_SERVICE: dict[str, tuple[str, Words]] = {
    "/": ("getLandingPage", Words("入口及链接", "The landing page")),
    "/api": ("getApi", Words("本文档", "This document")),
    "/conformance": ("getConformance", Words("符合的标准类", "The conformance classes that hold")),
    "/functions": ("getFunctions", Words("筛选中可用的函数及参数", "The functions that a filter may call")),
    "/styles": ("getStyles", Words("整张地图的样式", "The styles of the whole map")),
    "/collections": ("getCollections", Words("所有图层", "All layers")),
    "/tileMatrixSets": ("getTileMatrixSets", Words("瓦片矩阵集目录", "The tile matrix sets")),
}


def make_paths(catalogue: Catalogue, language: str, *, personal: bool) -> dict[str, Any]:
    """Every path of the API with its operations."""
    paths = {path: {"get": _service(name, words.get(language), path)} for path, (name, words) in _SERVICE.items()}
    paths |= _fixed_paths(language)
    paths |= imports.make_paths(catalogue, language) | history.presence_paths(language)
    paths |= questions.make_paths(catalogue, language) | questions.collection_paths(language)
    paths |= jobs.make_paths(language)
    for layer in catalogue.layers.values():
        paths |= _layer_paths(layer, catalogue, language, personal)
        paths |= marking.layer_paths(layer, language) | attachments.layer_paths(layer, language)
    return paths


def _service(name: str, summary: str, path: str) -> dict[str, Any]:
    made = _read_service(name, summary, *_DOCUMENT[:1])
    if path == "/api":
        made["responses"]["200"]["content"] |= json_content(media_type=OPENAPI)
    return made


def _fixed_paths(language: str) -> dict[str, Any]:
    said = {name: words.get(language) for name, words in _FIXED_WORDS.items()}
    health = operation("service", "getHealth", said["health"], {
        "200": {"description": said["health"], "content": json_content()},
        "503": {"$ref": "#/components/responses/Problem503"}}) | {"security": []}
    click = [ref(name) for name in ("lon", "lat", "zoom", "layers")]
    return {
        "/healthz": {"get": health},
        "/identify": {"get": _read_service("identify", said["identify"], *click, format_parameter("json"))},
        "/search": {"get": _read_service("search", said["search"], _search(language), format_parameter("json"))},
        "/tileMatrixSets/{tileMatrixSetId}": {"get": _read_service(
            "getTileMatrixSet", said["matrix_set"], ref("tileMatrixSetId"), _DOCUMENT[0])},
        "/styles/{styleId}": {"get": operation("service", "getStyle", said["style"], reading(
            said["style"], paged(json_content(media_type=STYLE))), ref("styleId"), *_DOCUMENT)},
    }


def _read_service(name: str, summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    # What a click or a search finds is a part of a page for the map itself.
    return operation("service", name, summary, reading(summary, paged(json_content())), *parameters, _LANG)


def _search(language: str) -> dict[str, Any]:
    said = Words("要找的文字，空格隔开的各词都须出现", "What to find; words with blanks between them must all occur")
    return {"name": "q", "in": "query", "required": True, "description": said.get(language),
            "schema": {"type": "string", "maxLength": 120}}


_FIXED_WORDS = {
    "health": Words("数据库是否应答", "Whether the database answers"),
    "identify": Words("一点之下的要素；可带 datetime、district_code 或 <图层>.<字段> 等筛选",
                      "The features under a place; datetime, district_code or <layer>.<field> narrow them"),
    "search": Words("按名称、编号、地址、UUID 或坐标查找；不搜索个人信息",
                    "Find by name, number, address, id or coordinates; personal data is not searched"),
    "style": Words("地图样式：MapLibre 样式文档", "How the map is drawn: a MapLibre style document"),
    "matrix_set": Words("瓦片矩阵集的定义", "The definition of the tile matrix set"),
}


def _layer_paths(layer: Layer, catalogue: Catalogue, language: str, personal: bool) -> dict[str, Any]:
    base, said = f"/collections/{layer.id}", {name: words.get(language) for name, words in _WORDS.items()}
    asked = items_parameters(layer, catalogue, language, personal=personal)
    tiles = f"{base}/tiles/{MATRIX_SET}"
    return {
        base: {"get": _describe(layer, "describeCollection", said["collection"])},
        f"{base}/schema": {"get": _describe(layer, "getSchema", said["schema"], "application/schema+json")},
        f"{base}/queryables": {"get": _describe(layer, "getQueryables", said["queryables"], "application/schema+json")},
        f"{base}/items": {
            "get": operation(layer.id, f"{layer.id}.getFeatures", said["items"], reading(
                said["items"], items_content(layer.id)) | jobs.asked(language), *asked),
            "post": _create(layer, said["create"])},
        f"{base}/items/{{featureId}}": _item(layer, said),
        f"{base}/stream": {"get": _stream(layer, said["stream"], asked)},
        f"{base}/styles": {"get": _describe(layer, "getStyles", said["styles"])},
        f"{base}/styles/{{styleId}}": {"get": operation(layer.id, f"{layer.id}.getStyle", said["style"], reading(
            said["style"], paged(json_content(media_type=STYLE))), ref("styleId"), *_DOCUMENT)},
        f"{base}/tiles": {"get": _tile_document(layer, "getTileSetsList", said["tile_sets"], "json", "html")},
        tiles: {"get": _tile_document(layer, "getTileSet", said["tile_set"], "json", "html", "tilejson")},
        f"{tiles}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": _tile(layer, said["tile"], asked)},
        **history.layer_paths(layer, language, asked),
        **statistics_paths(layer, language, asked),
    }


_WORDS = {
    "collection": Words("图层说明", "The layer, its extent and its systems of coordinates"),
    "schema": Words("字段的 JSON Schema", "JSON Schema of the fields"),
    "queryables": Words("可用于 filter 的字段和几何", "What a filter may name: fields and geometries"),
    "items": Words("查询要素，或整体导出为文件", "Features that answer the query, or all of them as a file"),
    "stream": Words("全部符合条件的要素一次传出：每行一个，或一个 FeatureCollection；需要导出权限，不含个人信息",
                    "Everything that answers as one stream, a feature a line or one FeatureCollection; "
                    "needs the right to export, personal fields stay at home"),
    "item": Words("一个要素", "One feature"),
    "create": Words("新建要素；可自带 UUID 编号，重发同样内容不会重复",
                    "Create a feature; it may bring its own UUID, and the same content sent again makes no second one"),
    "replace": Words("整体替换要素", "Replace a feature"),
    "update": Words("修改要素的部分字段", "Change some members of a feature"),
    "delete": Words("删除要素；历史仍保留", "Delete a feature; history keeps it"),
    "styles": Words("图层的样式", "The styles of the layer"),
    "style": Words("图层样式：MapLibre 样式文档，颜色取自图层文件",
                   "How the layer is drawn: a MapLibre style document, its colours from the layer file"),
    "tile_sets": Words("瓦片集目录", "The tile sets of the layer"),
    "tile_set": Words("瓦片集说明", "The tile set"),
    "tile": Words("矢量瓦片；参数同要素查询", "A vector tile; it takes the same questions as the items"),
}


def _describe(layer: Layer, name: str, summary: str, media_type: str = "application/json") -> dict[str, Any]:
    return operation(layer.id, f"{layer.id}.{name}", summary, reading(
        summary, paged(json_content(media_type=media_type))), *_DOCUMENT)


def _stream(layer: Layer, summary: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    left_out = [ref(name) for name in ("f", "limit", "after", "before", "compute", "encoding", *FILE_ONLY)]
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in STREAMED.values()}
    return operation(layer.id, f"{layer.id}.getStream", summary, reading(summary, content), format_parameter(*STREAMED),
                     *(entry for entry in asked if entry not in left_out))


def _create(layer: Layer, summary: str) -> dict[str, Any]:
    responses = writing("201", summary, json_content(schema_ref(f"{layer.id}.feature"), GEOJSON), "200")
    return operation(layer.id, f"{layer.id}.createFeature", summary, responses, ref("contentCrs"), marking.REPAIR,
                     marking.DUPLICATES, body=json_content(schema_ref(f"{layer.id}.new"), GEOJSON))


def _item(layer: Layer, said: dict[str, str]) -> dict[str, Any]:
    feature = json_content(schema_ref(f"{layer.id}.feature"), GEOJSON)
    get = operation(layer.id, f"{layer.id}.getFeature", said["item"], reading(said["item"], feature, "302", "304"),
                     ref("crs"), ref("as_of"), *_DOCUMENT)
    whole = json_content(schema_ref(f"{layer.id}.new"), GEOJSON)
    part = json_content(schema_ref(f"{layer.id}.patch"), "application/merge-patch+json")
    bring = (ref("ifMatch"), ref("contentCrs"))
    return {
        "parameters": [ref("featureId")],
        "get": get,
        "put": operation(layer.id, f"{layer.id}.replaceFeature", said["replace"], writing(
            "200", said["replace"], feature), *bring, marking.REPAIR, body=whole),
        "patch": operation(layer.id, f"{layer.id}.updateFeature", said["update"], writing(
            "200", said["update"], feature), *bring, marking.REPAIR, body=part),
        "delete": operation(layer.id, f"{layer.id}.deleteFeature", said["delete"], writing(
            "204", said["delete"], None), ref("ifMatch")),
    }


def _tile_document(layer: Layer, name: str, summary: str, *formats: str) -> dict[str, Any]:
    return operation(layer.id, f"{layer.id}.collection.vector.{name}", summary, reading(
        summary, paged(json_content())), format_parameter(*formats), _LANG)


def _tile(layer: Layer, summary: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    not_for_tiles = [ref(name) for name in ("f", "limit", "after", "before", "crs", "sortby", "properties", "encoding",
                                             "compute")]
    questions = [parameter for parameter in asked if parameter not in not_for_tiles]
    content = {MVT: {"schema": {"type": "string", "format": "binary"}}}
    return operation(layer.id, f"{layer.id}.collection.vector.getTile", summary, reading(
        summary, content, "204", "304"), *map(ref, ("tileMatrix", "tileRow", "tileCol")), format_parameter("mvt"),
        *questions)
