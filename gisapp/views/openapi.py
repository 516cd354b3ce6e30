"""`/api`: the API's description, for programs as OpenAPI 3.0, for people as a page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from gisapp import openapi
from gisapp.views import context
from gisapp.views.documents import known_by_content, wanted_format

blueprint = Blueprint("openapi", __name__)

METHODS = ("get", "post", "put", "patch", "delete")


@blueprint.get("/api")
def api() -> Response:
    """The document without the fields that this reader may not see."""
    house, actor, language = context.house(), context.actor(), context.language()
    server = request.host_url.rstrip("/") + request.script_root
    document = openapi.document(house.catalogue, actor, language, server)
    if wanted_format() == "html":
        return _page(document)
    response = jsonify(document)
    response.content_type = openapi.MEDIA_TYPE
    return known_by_content(response)


def _page(document: dict[str, Any]) -> Response:
    groups: dict[str, tuple[str, list[dict[str, Any]]]] = {
        tag["name"]: (tag["description"], []) for tag in document["tags"]}
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in METHODS:
            if method in item:
                groups[item[method]["tags"][0]][1].append(_line(document, path, method, item[method], shared))
    return make_response(render_template("api/openapi.html", document=document, groups=groups))


def _line(document: dict[str, Any], path: str, method: str, operation: dict[str, Any],
          shared: list[dict[str, Any]]) -> dict[str, Any]:
    known = document["components"]["parameters"]
    asked = [known[entry["$ref"].rsplit("/", 1)[-1]] if "$ref" in entry else entry
             for entry in (*shared, *operation.get("parameters", ()))]
    return {"path": path, "method": method.upper(), "summary": operation["summary"], "parameters": asked,
            "statuses": ", ".join(operation["responses"])}
