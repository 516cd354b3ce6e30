"""Files in, for programs: send them, look at the mapping, check, commit, undo."""

from __future__ import annotations

from typing import Any

from gisapp.desk import plan, preview
from gisapp.layers import Catalogue
from gisapp.openapi import jobs
from gisapp.openapi.answers import json_content, reading, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import ref
from gisapp.sql.stage_checks import TERRITORIES
from gisapp.words import Words

TAG = "imports"
_WORDS = {
    "list": Words("最近的导入", "The newest imports"),
    "upload": Words("上传 Shapefile、GeoPackage 或 GeoJSON，返回内容概况和建议的字段对应",
                    "Send a shapefile, GeoPackage or GeoJSON; answers with what lies in it and a suggested mapping"),
    "show": Words("一次导入", "One import"),
    "check": Words("检查每一行并给出结论，不写入图层", "Judge every row; nothing enters the layer"),
    "preview": Words("检查结果和前几行", "What the check found, and the first rows"),
    "rows": Words("逐行结论，分页", "Verdicts row by row, in pages"),
    "shapes": Words("各行的图形（GeoJSON）", "Shapes of rows as GeoJSON"),
    "report": Words("检查报告（CSV）", "The report of the check as CSV"),
    "near": Words("附近已有同类记录的行如何处理", "What becomes of rows near a record of their kind"),
    "commit": Words("合格的行一次写入；被拒绝的行逐一列出", "Let the rows enter at once; refused rows are listed"),
    "undo": Words("把一次导入作为一步撤销", "Take an import back as one step"),
    "discard": Words("放弃导入", "Discard an import"),
}
_TEXT_OR_NULL = {"type": "string", "nullable": True}
_MAPPING = {"type": "object", "nullable": True, "additionalProperties": _TEXT_OR_NULL}
_SOURCE: dict[str, Any] = {"type": "object", "properties": {
    "role": {"type": "string", "enum": ["rows", "second", "skip"]}, "mapping": _MAPPING, "crs": _TEXT_OR_NULL,
    "columns": _MAPPING, "repair": {"type": "boolean"},
    "codes": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _TEXT_OR_NULL}}}}
_MET = {"type": "string", "enum": list(plan.MET)}
_CHOICES = {"type": "object", "additionalProperties": False, "properties": {
    "mapping": _MAPPING, "crs": _TEXT_OR_NULL, "encoding": _TEXT_OR_NULL,
    "mode": {"type": "string", "enum": list(plan.MODES)}, "accept": {"type": "string", "enum": ["all", "valid"]},
    "key": {"type": "string"}, "new": {"type": "string", "enum": ["enter", "skip"]}, "repair": {"type": "boolean"},
    "twins": {"type": "object", "additionalProperties": False, "properties": {
        "id": _MET, "key": _MET, "place": {"type": "string", "enum": list(plan.NEAR)}}},
    "territory": {"type": "object", "properties": {
        "level": {"type": "string", "enum": [*TERRITORIES, plan.WHOLE]}, "code": {"type": "string"}}},
    "codes": _SOURCE["properties"]["codes"], "save_as": {"type": "string", "maxLength": 80},
    "layers": {"type": "object", "additionalProperties": _SOURCE}}}
_NEAR = {"type": "object", "required": ["lines", "act"], "properties": {
    "lines": {"type": "array", "items": {"type": "integer", "minimum": 0}},
    "act": {"type": "string", "enum": list(plan.NEAR)}}}


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
        **{f"/imports/{{importId}}/{name}": number | {
            "post": operation(TAG, f"{name}Import", said[name], writing("200", said[name], done) | (
                jobs.asked(language) if name != "near" else {}), body=body)}
           for name, body in (("check", json_content(_CHOICES)), ("near", json_content(_NEAR)),
                              ("commit", json_content(_CHOICES)), ("undo", None))},
        **_looks(said, number),
    }


def _looks(said: dict[str, str], number: dict[str, Any]) -> dict[str, Any]:
    """What can be seen of a check."""
    page = [_query("kind", {"type": "string"}), _query("doubts", {"type": "string", "enum": ["true"]}),
            _query("after", {"type": "integer", "minimum": -1}),
            _query("limit", {"type": "integer", "minimum": 1, "maximum": preview.MOST})]
    place = [_query("kind", {"type": "string"}), _query("bbox", {"type": "string"})]
    table = {"text/csv": {"schema": {"type": "string"}}}
    return {f"/imports/{{importId}}/{path}": number | {
        "get": operation(TAG, f"{name}OfImport", said[name], reading(said[name], content), *parameters)}
        for path, name, content, parameters in (
            ("preview", "preview", json_content(), page), ("rows", "rows", json_content(), page),
            ("shapes", "shapes", json_content(), place), ("report.csv", "report", table, []))}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _upload(catalogue: Catalogue) -> dict[str, Any]:
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    return {"multipart/form-data": {"schema": {"type": "object", "required": ["layer", "file"], "properties": {
        "layer": {"type": "string", "enum": list(catalogue.layers)}, "file": files}}}}
