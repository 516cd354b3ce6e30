"""Marking beside plain writes: near, check, batch, split, merge."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Layer
from gisapp.openapi.answers import GEOJSON, json_content, reading, schema_ref, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import ref
from gisapp.words import Words

_WORDS = {
    "near": Words("一点附近的同类要素", "The features of the layer near a place, nearest first"),
    "check": Words("检查一个要素而不保存：字段、几何、规则、可能的重复",
                   "Judge a feature without storing it: fields, geometry, rules, possible duplicates"),
    "batch": Words("批量修改，逐个给出结果；accept=all 时一个被拒则全部不改",
                   "Change many at once, each done or refused; with accept=all one refusal undoes all"),
    "split": Words("用一条线分割；最大的一块保留编号", "Split by a line; the largest part keeps the id"),
    "undo": Words("撤销本人最近一次请求对该图层的改动，以其 X-Request-Id 指明",
                  "Take back what one's own recent request, named by its X-Request-Id, did to the layer"),
    "merge": Words("合并到第一个要素，其余删除", "Unite in the first feature; the others are deleted"),
}
_ID = {"type": "object", "required": ["id", "version"], "properties": {
    "id": {"type": "string", "format": "uuid"}, "version": {"type": "integer", "minimum": 1}}}
_IDS = {"type": "array", "items": _ID, "minItems": 1}
#: `repair=true` of a write.
REPAIR = {"name": "repair", "in": "query", "schema": {"type": "string", "enum": ["true", "false"]},
          "description": "true: repair an invalid geometry / 修复无效几何"}
#: `duplicates=refuse` of a create.
DUPLICATES = {"name": "duplicates", "in": "query", "schema": {"type": "string", "enum": ["allow", "refuse"]},
              "description": "refuse: answer 409 duplicates_near, with the neighbours, instead of storing a feature "
                             "beside another of its layer / 附近已有同类要素时返回 409 及其清单，不保存"}


def layer_paths(layer: Layer, language: str) -> dict[str, Any]:
    """The paths of one layer."""
    base, said = f"/collections/{layer.id}", {name: words.get(language) for name, words in _WORDS.items()}
    done, feature = json_content(), json_content(schema_ref(f"{layer.id}.feature"), GEOJSON)
    metres = {"name": "metres", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 1000}}

    def act(name: str, content: dict[str, Any], body: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
        return {"post": operation(layer.id, f"{layer.id}.{name}", said[name], writing("200", said[name], content),
                                  *more, body=body)}

    change = {"type": "object", "required": ["ids", "properties"], "properties": {
        "ids": _IDS, "properties": schema_ref(f"{layer.id}.properties"),
        "accept": {"type": "string", "enum": ["valid", "all"]}}}
    line = {"type": "object", "required": ["line"], "properties": {"line": schema_ref("geojson.LineString")}}
    unite = {"type": "object", "required": ["ids"], "properties": {"ids": _IDS | {"minItems": 2}}}
    back = {"type": "object", "required": ["request"], "properties": {"request": {"type": "string"}}}
    return {
        f"{base}/undo": act("undo", done, json_content(back)),
        f"{base}/near": {"get": operation(layer.id, f"{layer.id}.near", said["near"], reading(said["near"], done),
                                          ref("lon"), ref("lat"), metres)},
        f"{base}/check": act("check", done, json_content(schema_ref(f"{layer.id}.patch"), GEOJSON), ref("contentCrs")),
        f"{base}/batch": act("batch", done, json_content(change)),
        f"{base}/merge": act("merge", feature, json_content(unite)),
        f"{base}/items/{{featureId}}/split": {"parameters": [ref("featureId")]} | act(
            "split", json_content(media_type=GEOJSON), json_content(line), ref("ifMatch"), ref("contentCrs")),
    }
