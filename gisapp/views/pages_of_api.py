"""The API's documents as pages, for a person who follows its links in a browser."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _

from gisapp.features import Page
from gisapp.layers import Field, Layer
from gisapp.panels import Writer
from gisapp.views import context
from gisapp.views.api_tables import parts_of, ways_on


def render(document: dict[str, Any]) -> Response:
    """A document with its parts as tables, its links, and the way up."""
    trail, heading = _trail(document)
    return make_response(render_template(
        "api/document.html", document=document, parts=parts_of(document), trail=trail, heading=heading,
        ways=ways_on(document), json_url=_as_json()))


def _trail(document: dict[str, Any]) -> tuple[list[tuple[str, str]], str]:
    """The pages above this one, as (title, address), and what this one is called."""
    steps = [step for step in request.path.split("/") if step]
    titles = {"": _("Interface"), "conformance": _("Conformance classes"), "collections": _("Collections"),
              "schema": _("Fields"), "queryables": _("Queryables"), "functions": _("Functions"), "styles": _("Styles"),
              "tiles": _("Tile sets"), "tileMatrixSets": _("Tile matrix sets"), "history": _("History"),
              "questions": _("Saved questions")}
    layers = context.house().catalogue.layers
    named = ["", *steps]
    names = [titles.get(step) or (layers[step].title.get(context.language()) if step in layers else step)
             for step in named]
    if steps and names[-1] == steps[-1]:
        names[-1] = str(document.get("title") or names[-1])
    root = request.script_root
    above = [(name, f"{root}/{'/'.join(steps[:place])}?f=html") for place, name in enumerate(names[:-1])]
    return above, names[-1] if steps else str(document.get("title") or names[-1])


def _as_json() -> str:
    asked = [(key, value) for key, value in request.args.items(multi=True) if key != "f"]
    return f"{request.script_root}{request.path}?{urlencode([*asked, ('f', 'json')])}"


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
        matched=f"≈ {page.number_matched}" if page.estimated else page.number_matched, following=following))


def _shown_fields(layer: Layer, rows: list[dict[str, Any]]) -> list[Field]:
    """The naming field first, then whatever any row has a value for."""
    used = [field for field in layer.all_fields
            if field.id != layer.name_field and any(row.get(field.id) is not None for row in rows)]
    return [layer.field(layer.name_field), *used]


def _cell(writer: Writer, field: Field, value: Any) -> str:
    return "" if value in (None, []) else writer.fact(field, value, coloured=False).text
