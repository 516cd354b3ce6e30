"""Files in, for programs: send them, look at the mapping, commit."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Catalogue
from gisapp.openapi.answers import json_content, reading, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import ref
from gisapp.words import Words

TAG = "imports"
_WORDS = {
    "list": Words("最近的导入", "The newest imports"),
    "upload": Words("上传 Shapefile、GeoPackage 或 GeoJSON，返回内容概况和建议的字段对应",
                    "Send a shapefile, GeoPackage or GeoJSON; answers with what lies in it and a suggested mapping"),
    "show": Words("一次导入", "One import"),
    "commit": Words("检查每一行并入库；被拒绝的行逐一列出", "Check every row and store them; refused rows are listed"),
    "discard": Words("放弃导入", "Discard an import"),
}
_TEXT_OR_NULL = {"type": "string", "nullable": True}
_MAPPING = {"type": "object", "nullable": True, "additionalProperties": _TEXT_OR_NULL}
_SOURCE = {"type": "object", "properties": {
    "role": {"type": "string", "enum": ["rows", "second", "skip"]}, "mapping": _MAPPING, "crs": _TEXT_OR_NULL}}
_CHOICES = {"type": "object", "additionalProperties": False, "properties": {
    "mapping": _MAPPING, "crs": _TEXT_OR_NULL, "encoding": _TEXT_OR_NULL,
    "mode": {"type": "string", "enum": ["append"]}, "accept": {"type": "string", "enum": ["all", "valid"]},
    "layers": {"type": "object", "additionalProperties": _SOURCE}}}


def make_paths(catalogue: Catalogue, language: str) -> dict[str, Any]:
    """The paths of imports with their operations."""
    said = {name: words.get(language) for name, words in _WORDS.items()}
    done = json_content()
    number = {"parameters": [ref("importId")]}
    return {
        "/imports": {
            "get": operation(TAG, "getImports", said["list"], reading(said["list"], done)),
            "post": operation(TAG, "createImport", said["upload"], writing("201", said["upload"], done),
                              body=_upload(catalogue))},
        "/imports/{importId}": number | {
            "get": operation(TAG, "getImport", said["show"], reading(said["show"], done), ref("encoding")),
            "delete": operation(TAG, "discardImport", said["discard"], writing("204", said["discard"], None))},
        "/imports/{importId}/commit": number | {
            "post": operation(TAG, "commitImport", said["commit"], writing("200", said["commit"], done),
                              body=json_content(_CHOICES))},
    }


def _upload(catalogue: Catalogue) -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    return {"multipart/form-data": {"schema": {"type": "object", "required": ["layer", "file"], "properties": {
        "layer": {"type": "string", "enum": list(catalogue.layers)}, "file": files}}}}
