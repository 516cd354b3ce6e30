"""What comes back: one response for each status that problems have, and the documents that answer a request."""

from __future__ import annotations

from typing import Any

from gisapp.errors import PROBLEMS
from gisapp.formats import FILE_FORMATS
from gisapp.words import Words

GEOJSON = "application/geo+json"
_READ = (400, 401, 403, 404, 422, 503)
_WRITE = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 503)


def schema_ref(name: str) -> dict[str, str]:
    """A reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def problem_statuses() -> list[int]:
    """Every status that a problem can have."""
    return sorted({kind.status for kind in PROBLEMS.values()})


def response_components(language: str) -> dict[str, Any]:
    """`Problem404` and its like; each names the codes that come with its status."""
    content = {"application/problem+json": {"schema": schema_ref("Problem")}}
    return {f"Problem{status}": {"description": _codes_of(status, language), "content": content}
            for status in problem_statuses()}


def _codes_of(status: int, language: str) -> str:
    codes = ", ".join(code for code, kind in PROBLEMS.items() if kind.status == status)
    return Words(f"问题，code 为：{codes}", f"A problem; its code is one of: {codes}").get(language)


def problem_schema() -> dict[str, Any]:
    """The schema of a problem document (RFC 9457); `code` is what programs decide by."""
    text = {"type": "string"}
    fault = {"type": "object", "properties": dict.fromkeys(("field", "code", "zh", "en"), text)}
    return {"type": "object", "required": ["type", "title", "status", "code", "detail", "zh", "en"], "properties": {
        "type": text, "title": text, "status": {"type": "integer"}, "code": text | {"enum": sorted(PROBLEMS)},
        "detail": text, "zh": text, "en": text, "errors": {"type": "array", "items": fault},
        "point": schema_ref("geojson.Point"), "repair": {"type": "object"},
        "duplicates": {"type": "array", "items": {"type": "object"}}}}


def reading(description: str, content: dict[str, Any], *more: str) -> dict[str, Any]:
    """The responses of a GET; `more` are further statuses without a body."""
    return _responses({"200": {"description": description, "content": content}}, more, _READ)


def writing(status: str, description: str, content: dict[str, Any] | None, *more: str) -> dict[str, Any]:
    """The responses of a write; `more` are further statuses that answer with the same body."""
    body = {"description": description} | ({"content": content, "headers": _HEADERS} if content else {})
    return _responses({status: body, **dict.fromkeys(more, body)}, (), _WRITE)


def _responses(good: dict[str, Any], bare: tuple[str, ...], problems: tuple[int, ...]) -> dict[str, Any]:
    return good | {status: {"description": _BARE[status]} for status in bare} | {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems}


_BARE = {"204": "Nothing lies there", "302": "Its page lies there", "304": "As it was; see If-None-Match"}
_HEADERS = {"ETag": {"schema": {"type": "string"}, "description": "The version, for If-Match"}}


def json_content(schema: dict[str, Any] | None = None, media_type: str = "application/json") -> dict[str, Any]:
    """A JSON document; any object without a schema."""
    return {media_type: {"schema": schema or {"type": "object"}}}


def paged(content: dict[str, Any]) -> dict[str, Any]:
    """The same document, or its page."""
    return content | {"text/html": {"schema": {"type": "string"}}}


def items_content(layer_id: str) -> dict[str, Any]:
    """A page of features, as GeoJSON or a web page, or all of them as a file."""
    files = {kind.media_type: {"schema": {"type": "string", "format": "binary"}}
             for kind in FILE_FORMATS.values() if kind.media_type != GEOJSON}
    return json_content(schema_ref(f"{layer_id}.page"), GEOJSON) | {"text/html": {"schema": {"type": "string"}}} | files
