"""Saved questions, for programs."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Catalogue
from gisapp.openapi.answers import GEOJSON, json_content, paged, reading, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import COMMON, format_parameter, ref
from gisapp.params import FILE_ONLY
from gisapp.questions import MOST_DESCRIPTION, MOST_NAME, MOST_PEOPLE, SHARED_WITH
from gisapp.streams import KINDS as STREAMED
from gisapp.words import Words

TAG = "questions"
_WORDS = {
    "list": Words("自己的、共享给自己的和自带的问题",
                  "One's own questions, those shared with one, and those that ship"),
    "create": Words("保存一个问题", "Keep a question"),
    "show": Words("一个问题", "One question"),
    "replace": Words("修改问题（仅所有者或管理员）", "Change a question; its owner or an administrator"),
    "delete": Words("删除问题（仅所有者或管理员）", "Delete a question; its owner or an administrator"),
    "collection": Words("作为图层发布的问题：读法与其图层相同，只读；不在其中的要素为 404",
                        "A question published as a layer: read like the layer it asks, read only; features that do not "
                        "answer it are 404"),
    "run": Words("记下本次查看，返回上次查看以来新增的要素",
                 "Note that the answer was seen; tells what is new since the last time"),
}
_TEXT = {"type": "string"}
_COLLECTION = {"name": "questionCollectionId", "in": "path", "required": True,
               "schema": _TEXT | {"pattern": "^q-[0-9a-z_-]+$"},
               "description": "q- and the id of a saved question / q- 加已保存问题的编号"}
_ID = {"name": "questionId", "in": "path", "required": True, "schema": _TEXT,
       "description": "UUID, or the id of a question that ships / UUID，或自带问题的编号"}


def collection_paths(language: str) -> dict[str, Any]:
    """A question that was made a layer, as the collection `q-…`: read like its layer, whose fields it has."""
    said, base = _WORDS["collection"].get(language), "/collections/{questionCollectionId}"
    asked = [ref(name) for name in COMMON if name not in (*FILE_ONLY, "encoding")]
    in_all = [one for one in asked if one not in (ref("limit"), ref("after"), ref("before"), ref("compute"), ref("f"))]
    files = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in STREAMED.values()}
    documents = {"": ("Collection", "application/json"), "/schema": ("Schema", "application/schema+json"),
                 "/queryables": ("Queryables", "application/schema+json")}
    made = {f"{base}{path}": _told(f"getQuestion{name}", said, paged(json_content(media_type=kind)), ref("lang"),
                                   format_parameter("json", "html")) for path, (name, kind) in documents.items()}
    return made | {
        f"{base}/items": _told("getQuestionFeatures", said, paged(json_content(media_type=GEOJSON)) | files, *asked),
        f"{base}/items/{{featureId}}": _told("getQuestionFeature", said, json_content(media_type=GEOJSON),
                                             ref("featureId"), ref("lang"), ref("crs")),
        f"{base}/stream": _told("getQuestionStream", said, files, format_parameter(*STREAMED), *in_all),
    }


def _told(name: str, summary: str, content: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": [_COLLECTION], "get": operation(TAG, name, summary, reading(summary, content), *parameters)}


def make_paths(catalogue: Catalogue, language: str) -> dict[str, Any]:
    """The paths of saved questions with their operations."""
    said = {name: words.get(language) for name, words in _WORDS.items()}
    done, body, path = json_content(), json_content(_body(catalogue)), {"parameters": [_ID]}
    shown = format_parameter("json", "html")
    return {
        "/questions": {
            "get": operation(TAG, "getQuestions", said["list"], reading(said["list"], paged(done)), shown),
            "post": operation(TAG, "createQuestion", said["create"], writing("201", said["create"], done), body=body)},
        "/questions/{questionId}": path | {
            "get": operation(TAG, "getQuestion", said["show"], reading(said["show"], paged(done)), shown),
            "put": operation(TAG, "replaceQuestion", said["replace"], writing("200", said["replace"], done),
                             ref("ifMatch"), body=body),
            "delete": operation(TAG, "deleteQuestion", said["delete"], writing("204", said["delete"], None),
                                ref("ifMatch"))},
        "/questions/{questionId}/runs": path | {
            "post": operation(TAG, "runQuestion", said["run"], writing("200", said["run"], done))},
    }


def _body(catalogue: Catalogue) -> dict[str, Any]:
    return {"type": "object", "required": ["name", "layer"], "properties": {
        "name": _TEXT | {"minLength": 1, "maxLength": MOST_NAME},
        "description": _TEXT | {"maxLength": MOST_DESCRIPTION},
        "layer": _TEXT | {"enum": list(catalogue.layers)},
        "query": {"type": "object", "additionalProperties": _TEXT,
                  "description": "Parameters of an items request, such as filter / items 请求的参数，如 filter"},
        "shared_with": _TEXT | {"enum": list(SHARED_WITH)},
        "people": {"type": "array", "items": _TEXT, "maxItems": MOST_PEOPLE,
                   "description": "User names that it is shared with as well / 另外共享给这些用户"},
        "as_layer": {"type": "boolean", "description": "Stands among the layers, as the collection q-… / "
                                                       "列入图层，编号 q-…"}}}
