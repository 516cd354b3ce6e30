"""OGC API – Styles: how the layers are drawn, as MapLibre style documents made from the layer files."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, json, request

from gisapp import features, map_styles, tiles
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.views import context
from gisapp.views.documents import answer, known_by_content, link, self_and_alternate, url, wanted_format
from gisapp.views.tiles import MATRIX_SET

blueprint = Blueprint("styles", __name__)


@blueprint.get("/styles")
def of_all() -> Response:
    """The styles of the whole map."""
    features.layers_for(context.house(), context.actor())
    return answer(_list("/styles", "/"))


@blueprint.get("/styles/<style_id>")
def whole(style_id: str) -> Response:
    """The map in one style: every layer, the ground below, missions above."""
    layers = features.layers_for(context.house(), context.actor())
    words = {"zh": "城管一张图", "en": "Enforcement map"}
    return _document(style_id, words[context.language()], layers)


@blueprint.get("/collections/<layer_id>/styles")
def of_layer(layer_id: str) -> Response:
    """The styles of one collection."""
    layer = features.layer_for(context.house(), context.actor(), layer_id, "read")
    return answer(_list(f"/collections/{layer.id}/styles", f"/collections/{layer.id}"))


@blueprint.get("/collections/<layer_id>/styles/<style_id>")
def one(layer_id: str, style_id: str) -> Response:
    """One collection in one style."""
    layer = features.layer_for(context.house(), context.actor(), layer_id, "read")
    return _document(style_id, layer.title.get(context.language()), [layer])


def _list(path: str, above: str) -> dict[str, Any]:
    language = context.language()
    styles = [{"id": name, "title": title.get(language), "links": [
        link("stylesheet", url(f"{path}/{name}", f="json"), map_styles.MEDIA_TYPE),
        link("alternate", url(f"{path}/{name}", f="html"), "text/html")]} for name, title in map_styles.STYLES.items()]
    return {"links": [*self_and_alternate(path), link("up", url(above, f="json"), "application/json")],
            "default": map_styles.DEFAULT, "styles": styles}


def _document(style_id: str, title: str, layers: list[Layer]) -> Response:
    if style_id not in map_styles.STYLES:
        raise Problem("not_found")
    house = context.house()
    document = map_styles.style_document(
        style_id, title, layers, house.catalogue.codelists, context.language(), _source)
    if wanted_format() == "html":
        name = map_styles.STYLES[style_id].get(context.language())
        return answer({"title": name, "description": title, "legend": map_styles.legends(document), "links": [
            link("stylesheet", url(request.path, f="json"), map_styles.MEDIA_TYPE)]})
    response = Response(json.dumps(document, ensure_ascii=False), content_type=map_styles.MEDIA_TYPE)
    response.headers["Link"] = f'<{url(request.path, f="html")}>; rel="alternate"; type="text/html"'
    return known_by_content(response)


def _source(layer: Layer) -> map_styles.Source:
    actor = context.actor()
    address = url(f"/collections/{layer.id}/tiles/{MATRIX_SET}") + "/{z}/{y}/{x}"
    return map_styles.Source(address, tiles.MAX_ZOOM, tiles.attributes(actor, layer))
