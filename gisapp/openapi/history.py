"""What was: versions of a feature, the way back, what changed between two moments; and who is there now."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Layer
from gisapp.openapi.answers import GEOJSON, json_content, reading, schema_ref, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter, ref
from gisapp.words import Words

_WORDS = {
    "history": Words("一个要素的各个版本（新的在前，已删除的也可查）：谁、何时、改了什么，前后几何",
                     "The versions of a feature, newest first, a deleted one's too: who, when, what, both geometries"),
    "restore": Words("恢复到某个版本，形成新版本；现存要素须带 If-Match，已删除的由审核员恢复（201）",
                     "Go back to a version, which makes a new one; a live feature needs If-Match, a deleted one is "
                     "brought back by a reviewer (201)"),
    "changes": Words("两个时刻之间新增、变更、删除的要素；筛选条件在任一时刻满足即可",
                     "What was added, changed and removed between two moments; filters may hold at either of them"),
    "present": Words("还有谁在查看或编辑此要素", "Who else views or edits the feature"),
    "here": Words("告知自己正在查看或编辑（30 秒有效），返回还有谁在",
                  "Say that you view or edit it (for 30 s); answers who else does"),
    "from": Words("前一时刻（RFC 3339；只给日期即当日结束时）",
                  "The earlier moment (RFC 3339; a day stands for its end)"),
    "to": Words("后一时刻；不给即现在", "The later moment; now without it"),
    "before": Words("页键，取自 next 链接", "Page key, taken from the next link"),
    "layer": Words("图层编号", "Id of the layer"),
}
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer", "minimum": 1}
_NOT_BETWEEN = ("as_of", "sortby", "properties", "encoding", "compute", "f")
_VERSION = {"type": "object", "required": ["version"], "properties": {"version": _WHOLE}}
_ACT = {"type": "object", "properties": {"act": {"type": "string", "enum": ["view", "edit", "leave"]}}}
_OTHERS = {"type": "object", "properties": {
    "layer": _TEXT, "id": _TEXT, "life_s": _WHOLE, "beat_s": _WHOLE, "others": {"type": "array", "items": {
        "type": "object", "properties": dict.fromkeys(("username", "act", "since", "seen_at"), _TEXT)}}}}


def _query(name: str, language: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": _WORDS[name].get(language), "schema": schema,
            "required": required}


def layer_paths(layer: Layer, language: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    """The paths of one layer; `asked` are the parameters of its items."""
    base, said = f"/collections/{layer.id}", {name: words.get(language) for name, words in _WORDS.items()}
    feature = json_content(schema_ref(f"{layer.id}.feature"), GEOJSON)
    questions = [entry for entry in asked if entry not in [ref(name) for name in _NOT_BETWEEN]]
    number = {"parameters": [ref("featureId")]}
    return {
        f"{base}/items/{{featureId}}/history": number | {"get": operation(
            layer.id, f"{layer.id}.getHistory", said["history"], reading(said["history"], json_content()),
            ref("limit"), _query("before", language, _WHOLE), format_parameter("json", "html"), ref("lang"))},
        f"{base}/items/{{featureId}}/restore": number | {"post": operation(
            layer.id, f"{layer.id}.restoreFeature", said["restore"], writing("200", said["restore"], feature, "201"),
            {"name": "If-Match", "in": "header", "schema": _TEXT}, body=json_content(_VERSION))},
        f"{base}/changes": {"get": operation(
            layer.id, f"{layer.id}.getChanges", said["changes"], reading(said["changes"], json_content(
                media_type=GEOJSON)), _query("from", language, _TEXT, required=True),
            _query("to", language, _TEXT), format_parameter("json"), *questions)},
    }


def presence_paths(language: str) -> dict[str, Any]:
    """The path of presence, one for all layers."""
    layer = {"name": "layerId", "in": "path", "required": True, "schema": _TEXT,
             "description": _WORDS["layer"].get(language)}
    said = {name: _WORDS[name].get(language) for name in ("present", "here")}
    answers = json_content(_OTHERS)
    return {"/presence/{layerId}/{featureId}": {
        "parameters": [layer, ref("featureId")],
        "get": operation("service", "getPresence", said["present"], reading(said["present"], answers)),
        "post": operation("service", "tellPresence", said["here"], writing("200", said["here"], answers),
                          body=json_content(_ACT))}}
