"""The API's documents as pages, for a person who follows its links in a browser."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, make_response, render_template

from gisapp.features import Page
from gisapp.layers import Layer
from gisapp.views import context


def render(document: dict[str, Any]) -> Response:
    """A document with its links; nested parts that are no list of links or collections are shown as JSON."""
    parts = {key: value for key, value in document.items() if key not in ("title", "description", "links")}
    return make_response(render_template(
        "api/document.html", document=document, collections=parts.pop("collections", []),
        parts={key: json.dumps(value, ensure_ascii=False, indent=2) for key, value in parts.items()}))


def render_items(layer: Layer, page: Page, links: list[dict[str, str]]) -> Response:
    """A page of features as a table."""
    features = [json.loads(text) for text in page.features]
    shown = [field for field in layer.all_fields
             if any(feature["properties"].get(field.id) is not None for feature in features)]
    return make_response(render_template(
        "api/items.html", layer=layer, language=context.language(), fields=shown, features=features,
        matched=page.number_matched, links={item["rel"]: item["href"] for item in links}))
