"""Photos of features."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Layer
from gisapp.openapi.answers import json_content, paged, reading, schema_ref, writing
from gisapp.openapi.operations import operation
from gisapp.openapi.parameters import format_parameter, ref
from gisapp.photos.files import SIZES
from gisapp.photos.kinds import ENDINGS
from gisapp.words import Words

_WORDS = {
    "list": Words("要素的照片，按拍摄时间排列", "The photos of a feature, oldest first"),
    "add": Words("添加一张照片（JPEG、PNG、WebP）；可自带 UUID 编号，重发同样内容不会重复",
                 "Add a photo (JPEG, PNG, WebP); it may bring its own UUID, and the same content sent again makes no "
                 "second one"),
    "get": Words("照片；不给 size 时为原始文件，无个人信息权限者得到不含拍摄位置等信息的图片",
                 "The photo; without size the original file, or the picture without place and device for readers "
                 "without the right to personal data"),
    "thumbnail": Words("缩略图", "The thumbnail"),
    "remove": Words("移除照片；记录移除人、时间和原因，文件仍保留",
                    "Remove a photo; who, when and why is noted, and the bytes are kept"),
    "restore": Words("恢复被移除的照片；以新编号重新出现，原记录保留",
                     "Bring a removed photo back, under a new id; the line that was removed stays as it is"),
    "size": Words("大小", "Which picture"), "why": Words("移除原因", "Why it is removed"),
    "id": Words("照片的 UUID 编号", "The photo's UUID"), "caption": Words("说明", "Caption"),
}
_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_LOST = {"410": {"$ref": "#/components/responses/Problem410"}}
_UUID = {"type": "string", "format": "uuid"}
_BYTES = {"type": "string", "format": "binary"}
_PHOTO: dict[str, Any] = {"type": "object", "properties": {
    "id": _UUID, "sha256": _TEXT, "bytes": {"type": "integer"}, "media_type": {"type": "string", "enum": list(ENDINGS)},
    "width": {"type": "integer"}, "height": {"type": "integer"}, "taken_at": _TEXT | {"nullable": True},
    "place": {"allOf": [schema_ref("geojson.Point")], "nullable": True}, "distance_m": _NUMBER | {"nullable": True},
    "caption": _TEXT, "added_at": _TEXT, "added_by": _TEXT, "original": {"type": "boolean"},
    "may_remove": {"type": "boolean"}, "brought_at": _TEXT | {"nullable": True},
    "brought_by": _TEXT | {"nullable": True}, "first_feature": _UUID | {"nullable": True},
    "links": {"type": "array", "items": schema_ref("Link")}}}
_ALBUM = {"type": "object", "properties": {
    "layer": _TEXT, "feature": _UUID, "numberReturned": {"type": "integer"}, "limit": {"type": "integer"},
    "may_add": {"type": "boolean"}, "attachments": {"type": "array", "items": _PHOTO},
    "links": {"type": "array", "items": schema_ref("Link")}}}


def layer_paths(layer: Layer, language: str) -> dict[str, Any]:
    """The paths of one layer's photos."""
    said = {name: words.get(language) for name, words in _WORDS.items()}
    base = f"/collections/{layer.id}/items/{{featureId}}/attachments"
    pictures = {kind: {"schema": _BYTES} for kind in ENDINGS}
    feature, photo = {"parameters": [ref("featureId")]}, {"parameters": [ref("featureId"), ref("photoId")]}
    size, why = _query("size", _TEXT | {"enum": list(SIZES)}, said), _query("why", _TEXT | {"maxLength": 200}, said)
    brought = (_query("id", _UUID, said), _query("caption", _TEXT | {"maxLength": 500}, said))
    return {
        base: feature | {
            "get": operation(layer.id, f"{layer.id}.getPhotos", said["list"], reading(
                said["list"], paged(json_content(_ALBUM)), "302", "304"), ref("as_of"),
                format_parameter("json", "html"), ref("lang")),
            "post": operation(layer.id, f"{layer.id}.addPhoto", said["add"], writing(
                "201", said["add"], json_content(_PHOTO), "200"), *brought, body=_body())},
        f"{base}/{{photoId}}": photo | {
            "get": operation(layer.id, f"{layer.id}.getPhoto", said["get"], reading(
                said["get"], pictures, "304") | _LOST, size, ref("as_of")),
            "delete": operation(layer.id, f"{layer.id}.removePhoto", said["remove"], writing(
                "204", said["remove"], None), why)},
        f"{base}/{{photoId}}/restore": photo | {
            "post": operation(layer.id, f"{layer.id}.restorePhoto", said["restore"], writing(
                "201", said["restore"], json_content(_PHOTO), "200"))},
        f"{base}/{{photoId}}/thumbnail": photo | {
            "get": operation(layer.id, f"{layer.id}.getThumbnail", said["thumbnail"], reading(
                said["thumbnail"], {"image/jpeg": {"schema": _BYTES}}, "304") | _LOST, ref("as_of"))},
    }


def _query(name: str, schema: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": said[name], "schema": schema}


def _body() -> dict[str, Any]:
    form = {"type": "object", "required": ["file"], "properties": {
        "file": _BYTES, "id": _UUID, "caption": _TEXT | {"maxLength": 500}}}
    return {"multipart/form-data": {"schema": form}, **{kind: {"schema": _BYTES} for kind in ENDINGS}}
