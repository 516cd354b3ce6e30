"""The API's documents as pages, for a person who follows its links in a browser."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, make_response, render_template

from gisapp.features import Page
from gisapp.layers import Field, Layer
from gisapp.panels import Writer
from gisapp.views import context


def render(document: dict[str, Any]) -> Response:
    """A document with its links; nested parts that are no list of links or collections are shown as JSON."""
    parts = {key: value for key, value in document.items() if key not in ("title", "description", "links")}
    return make_response(render_template(
        "api/document.html", document=document, collections=parts.pop("collections", []),
        parts={key: json.dumps(value, ensure_ascii=False, indent=2) for key, value in parts.items()}))


def render_items(layer: Layer, page: Page, links: list[dict[str, str]]) -> Response:
    """A page of features as a table."""
    language = context.language()
    features = [json.loads(text) for text in page.features]
    fields = _shown_fields(layer, [feature["properties"] for feature in features])
    writer = Writer.of(context.house(), language)
    rows = [(feature["id"], [_cell(writer, field, feature["properties"].get(field.id)) for field in fields])
            for feature in features]
    hrefs = {item["rel"]: item["href"] for item in links}
    following = hrefs["next"].removesuffix("f=json") + "f=html" if "next" in hrefs else None
    return make_response(render_template(
        "api/items.html", layer=layer, language=language, fields=fields, rows=rows, links=hrefs,
        matched=page.number_matched, following=following))


def _shown_fields(layer: Layer, rows: list[dict[str, Any]]) -> list[Field]:
    """The naming field first, then whatever any row has a value for."""
    used = [field for field in layer.all_fields
            if field.id != layer.name_field and any(row.get(field.id) is not None for row in rows)]
    return [layer.field(layer.name_field), *used]


def _cell(writer: Writer, field: Field, value: Any) -> str:
    return "" if value in (None, []) else writer.fact(field, value, coloured=False).text
