"""Saved questions, for programs."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Catalogue
from gisapp.openapi.answers import json_content, reading, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter, ref
from gisapp.questions import MOST_DESCRIPTION, MOST_NAME, SHARED_WITH
from gisapp.words import Words

TAG = "questions"
_WORDS = {
    "list": Words("自己的、共享给自己的和自带的问题",
                  "One's own questions, those shared with one, and those that ship"),
    "create": Words("保存一个问题", "Keep a question"),
    "show": Words("一个问题", "One question"),
    "replace": Words("修改问题（仅所有者或管理员）", "Change a question; its owner or an administrator"),
    "delete": Words("删除问题（仅所有者或管理员）", "Delete a question; its owner or an administrator"),
    "run": Words("记下本次查看，返回上次查看以来新增的要素",
                 "Note that the answer was seen; tells what is new since the last time"),
}
_TEXT = {"type": "string"}
_ID = {"name": "questionId", "in": "path", "required": True, "schema": _TEXT,
       "description": "UUID, or the id of a question that ships / UUID，或自带问题的编号"}


def make_paths(catalogue: Catalogue, language: str) -> dict[str, Any]:
    """The paths of saved questions with their operations."""
    said = {name: words.get(language) for name, words in _WORDS.items()}
    done, body, path = json_content(), json_content(_body(catalogue)), {"parameters": [_ID]}
    shown = format_parameter("json", "html")
    return {
        "/questions": {
            "get": operation(TAG, "getQuestions", said["list"], reading(said["list"], done), shown),
            "post": operation(TAG, "createQuestion", said["create"], writing("201", said["create"], done), body=body)},
        "/questions/{questionId}": path | {
            "get": operation(TAG, "getQuestion", said["show"], reading(said["show"], done), shown),
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
        "as_layer": {"type": "boolean", "description": "Stands among the layers, as the collection q-… / "
                                                       "列入图层，编号 q-…"}}}
