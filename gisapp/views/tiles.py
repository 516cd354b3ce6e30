"""Vector tiles over HTTP, as OGC API – Tiles has them: the tile, its tile set, its TileJSON, the matrix set."""

from __future__ import annotations

import gzip
import math
import re
from typing import Any

from flask import Blueprint, Request, Response, jsonify, request

from gisapp import features, tiles
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.params import invalid, parse
from gisapp.sql import tiles as sql_tiles
from gisapp.views import context
from gisapp.views.documents import answer, known_by_content, self_and_alternate, url, wanted_format

blueprint = Blueprint("tiles", __name__)

MATRIX_SET = "WebMercatorQuad"
MATRIX_SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}"
MVT = "application/vnd.mapbox-vector-tile"
#: `v` is the map page's own, to get past what a browser holds.
IGNORED = ("v",)
_SET = f"/collections/<layer_id>/tiles/{MATRIX_SET}"


@blueprint.get(f"{_SET}/<matrix>/<row>/<column>")
def tile(layer_id: str, matrix: str, row: str, column: str) -> Response:
    """A vector tile, gzip'd when the client takes it; 204 where nothing lies, 304 when it is known."""
    house, actor = context.house(), context.actor()
    address = sql_tiles.Address(_whole("tileMatrix", matrix), _whole("tileCol", column), _whole("tileRow", row))
    args = {name: values for name, values in context.asked().items() if name not in IGNORED}
    _require_format(args.pop("f", ["mvt"])[0], ("mvt",))
    query = parse(args, house.layer(layer_id), house.catalogue).plain()
    made = tiles.tile(house, actor, layer_id, address, query, request.if_none_match.as_set(include_weak=True))
    return response_of(made, request)


def response_of(made: tiles.Tile, request: Request) -> Response:
    """The tile as `request` takes it: gzip'd or not, 204 where nothing lies, 304 when it is known."""
    response = Response(mimetype=MVT)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Authorization, Cookie"
    response.set_etag(made.etag, weak=True)
    if made.body is None:
        response.status_code = 304
    elif not made.body:
        response.status_code = 204
    elif request.accept_encodings["gzip"] > 0:
        response.headers["Content-Encoding"] = "gzip"
        response.set_data(made.body)
    else:
        response.set_data(gzip.decompress(made.body))
    return response


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise invalid(name, "应为非负整数", "wants a whole number of 0 or more")
    return int(text)


def _require_format(given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise Problem("format_unknown", format=given[:60], known=", ".join(known))
    return given


@blueprint.get("/collections/<layer_id>/tiles")
def tile_sets(layer_id: str) -> Response:
    """The tile sets of a collection: one."""
    layer = _layer(layer_id)
    path = f"/collections/{layer.id}"
    return answer({"tilesets": [_tile_set(layer)], "links": [
        *self_and_alternate(f"{path}/tiles"), _link("up", f"{path}?f=json")]})


@blueprint.get(_SET)
def tile_set(layer_id: str) -> Response:
    """The tile set's description; `f=tilejson` for TileJSON 3."""
    layer = _layer(layer_id)
    if wanted_format(("json", "html", "tilejson")) == "tilejson":
        return known_by_content(jsonify(_tile_json(layer)))
    return answer(_tile_set(layer) | _bounding_box(layer))


@blueprint.get("/tileMatrixSets")
def matrix_sets() -> Response:
    """The tile matrix sets: one."""
    address = f"/tileMatrixSets/{MATRIX_SET}"
    return answer({"links": self_and_alternate("/tileMatrixSets"), "tileMatrixSets": [{
        "id": MATRIX_SET, "title": "Google Maps Compatible for the World", "uri": MATRIX_SET_URI,
        "links": [_link("self", address)]}]})


@blueprint.get("/tileMatrixSets/<name>")
def matrix_set(name: str) -> Response:
    """The definition of WebMercatorQuad, metres of EPSG:3857, upper left corner first."""
    if name != MATRIX_SET:
        raise Problem("not_found")
    half = sql_tiles.WORLD_M / 2
    matrices = [{
        "id": str(z), "scaleDenominator": sql_tiles.WORLD_M / (256 << z) / 0.00028,
        "cellSize": sql_tiles.WORLD_M / (256 << z), "cornerOfOrigin": "topLeft", "pointOfOrigin": [-half, half],
        "tileWidth": 256, "tileHeight": 256, "matrixWidth": 1 << z, "matrixHeight": 1 << z,
    } for z in range(tiles.MAX_ZOOM + 1)]
    return answer({"id": MATRIX_SET, "title": "Google Maps Compatible for the World", "uri": MATRIX_SET_URI,
                    "crs": "http://www.opengis.net/def/crs/EPSG/0/3857", "orderedAxes": ["X", "Y"],
                    "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
                    "tileMatrices": matrices})


def _layer(layer_id: str) -> Layer:
    layer, _ = features.open_layer(context.house(), context.actor(), layer_id, "read")
    return layer


def _link(rel: str, path: str, kind: str = "application/json", **more: Any) -> dict[str, Any]:
    return {"rel": rel, "href": url(path), "type": kind, **more}


def _template(layer: Layer) -> str:
    return f"/collections/{layer.id}/tiles/{MATRIX_SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"


def _tile_set(layer: Layer) -> dict[str, Any]:
    here = f"/collections/{layer.id}/tiles/{MATRIX_SET}"
    return {
        "title": layer.title.get(context.language()), "dataType": "vector", "tileMatrixSetURI": MATRIX_SET_URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "links": [*self_and_alternate(here), _link("item", _template(layer), MVT, templated=True),
                  _link("describedby", f"{here}?f=tilejson"), _link("up", f"/collections/{layer.id}/tiles?f=json"),
                  _link("http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", f"/tileMatrixSets/{MATRIX_SET}")],
        "layers": [{"id": layer.id, "dataType": "vector", "geometryDimension": _dimension(layer)}],
    }


def _dimension(layer: Layer) -> int:
    return 0 if "Point" in layer.geometry else 1 if "Line" in layer.geometry else 2


def _bounding_box(layer: Layer) -> dict[str, Any]:
    box = features.extent(context.house(), context.actor(), layer.id)
    if box is None or not all(map(math.isfinite, box)):
        return {}
    return {"boundingBox": {"lowerLeft": box[:2], "upperRight": box[2:],
                            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}}


def _tile_json(layer: Layer) -> dict[str, Any]:
    names = tiles.attributes(context.actor(), layer)
    fields = {name: layer.field(name).title.get(context.language()) for name in names}
    box = features.extent(context.house(), context.actor(), layer.id)
    path = _template(layer)
    for ours, theirs in (("tileMatrix", "z"), ("tileRow", "y"), ("tileCol", "x")):
        path = path.replace(f"{{{ours}}}", f"{{{theirs}}}")
    return {
        "tilejson": "3.0.0", "name": layer.title.get(context.language()), "scheme": "xyz",
        "tiles": [url(path)], "minzoom": 0, "maxzoom": tiles.MAX_ZOOM,
        **({"bounds": box} if box else {}),
        "vector_layers": [{"id": layer.id, "fields": {"id": "", **fields, "label": "", "count": ""},
                           "minzoom": 0, "maxzoom": tiles.MAX_ZOOM}],
    }
