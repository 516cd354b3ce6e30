"""OGC API – Features: what the office keeps, as collections of GeoJSON features. Reading; writes are beside."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp import features, published
from gisapp.cql2 import CLASSES as CQL2_CLASSES
from gisapp.crs import CRS84, MENU, Crs
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS
from gisapp.hand_over.exports import formats_for
from gisapp.layers import Layer
from gisapp.params import FILE_ONLY, invalid, parse, parse_as_of, parse_crs_argument, parse_id
from gisapp.permissions import Actor
from gisapp.published import Collection
from gisapp.views import context, items_page, pages_of_api
from gisapp.views.documents import (
    GEOJSON,
    OWN_FORMATS,
    SCHEMA,
    answer,
    link,
    self_and_alternate,
    url,
    wanted_format,
)
from gisapp.views.jobs import respond_with_file_or_job
from gisapp.views.question_layers import current

blueprint = Blueprint("api", __name__)

SCHEMA_RELATION = "http://www.opengis.net/def/rel/ogc/1.0/schema"
CONFORMANCE = tuple(f"http://www.opengis.net/spec/{name}" for name in (
    "ogcapi-common-1/1.0/conf/core", "ogcapi-common-1/1.0/conf/landing-page", "ogcapi-common-1/1.0/conf/json",
    "ogcapi-common-1/1.0/conf/html", "ogcapi-common-1/1.0/conf/oas30", "ogcapi-common-2/1.0/conf/collections",
    "ogcapi-features-1/1.0/conf/core", "ogcapi-features-1/1.0/conf/geojson", "ogcapi-features-1/1.0/conf/html",
    "ogcapi-features-1/1.0/conf/oas30",
    "ogcapi-features-2/1.0/conf/crs",
    "ogcapi-features-3/1.0/conf/queryables", "ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "ogcapi-features-3/1.0/conf/filter",
    "ogcapi-features-3/1.0/conf/features-filter", *(f"cql2/1.0/conf/{name}" for name in CQL2_CLASSES),
    "ogcapi-features-4/1.0/conf/create-replace-delete", "ogcapi-features-4/1.0/conf/update",
    "ogcapi-features-4/1.0/conf/optimistic-locking-etags", "ogcapi-features-4/1.0/conf/features",
    # Part 5 is also part 3 of Common, and clients look for either name.
    *(f"{part}/1.0/conf/{name}" for part in ("ogcapi-features-5", "ogcapi-common-3")
      for name in ("schemas", "returnables-and-receivables")), "ogcapi-features-5/1.0/conf/core-roles-features",
    "ogcapi-tiles-1/1.0/conf/core", "ogcapi-tiles-1/1.0/conf/mvt", "ogcapi-tiles-1/1.0/conf/tileset",
    "ogcapi-tiles-1/1.0/conf/tilesets-list", "ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "ogcapi-tiles-1/1.0/conf/oas30",
    "ogcapi-styles-1/1.0/conf/core",
))


@blueprint.get("/")
def landing() -> AnyResponse:
    """The landing page for programs; people go to the map."""
    if wanted_format() == "html" and "f" not in request.args:
        return redirect(f"{request.script_root}/map")
    words = {"zh": ("城管一张图", "违法建设、户外广告、便民点、建筑垃圾与渣土运输的一张图"),
             "en": ("Enforcement map", "Illegal builds, rooftop signs, vendor points, construction waste and routes")}
    title, description = words[context.language()]
    return answer({"title": title, "description": description, "links": [
        *self_and_alternate("/"),
        link("conformance", url("/conformance", f="json"), "application/json"),
        link("data", url("/collections", f="json"), "application/json"),
        link("http://www.opengis.net/def/rel/ogc/1.0/functions", url("/functions", f="json"), "application/json"),
        link("service-desc", url("/api", f="json"), "application/vnd.oai.openapi+json;version=3.0"),
        link("service-doc", url("/api", f="html"), "text/html"),
        link("http://www.opengis.net/def/rel/ogc/1.0/styles", url("/styles", f="json"), "application/json"),
        link("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", url("/tileMatrixSets", f="json"),
             "application/json"),
    ]})


@blueprint.get("/conformance")
def conformance() -> Response:
    """The conformance classes that hold."""
    return answer({"links": self_and_alternate("/conformance"), "conformsTo": list(CONFORMANCE)})


@blueprint.get("/collections")
def collections() -> Response:
    """Every layer as a collection, and every question that was made one."""
    house, actor = context.house(), context.actor()
    found = [describe(actor, one) for one in published.listed(house, actor, context.language())]
    links = [*self_and_alternate("/collections"), link("up", url("/", f="json"), "application/json")]
    return answer({"links": links, "crs": [crs.uri for crs in MENU.values()], "collections": found})


@blueprint.get("/collections/<layer_id>")
def collection(layer_id: str) -> Response:
    """One collection, with its extent and its systems of coordinates."""
    house, actor = context.house(), context.actor()
    found = current() or published.find(house, actor, layer_id, context.language())
    document = describe(actor, found) | {"crs": [crs.uri for crs in MENU.values()]}
    bounds = features.extent(house, actor, layer_id, found.query(house) if found.question else None)
    if bounds:
        document["extent"] = {"spatial": {"bbox": [list(bounds)], "crs": CRS84.uri}}
    return answer(document)


def describe(actor: Actor, found: Collection) -> dict[str, Any]:
    """The collection object of a layer or question."""
    language, base = context.language(), f"/collections/{found.id}"
    files = [link("enclosure", url(f"{base}/items", f=name), kind.media_type, kind.title.get(language))
             for name, kind in formats_for(actor).items() if kind.holds(found.layer.geometry)]
    return {
        "id": found.id, "title": found.title, "itemType": "feature", "description": found.description,
        "storageCrs": CRS84.uri, "crs": ["#/crs"],
        "links": [
            *self_and_alternate(base),
            link("up", url("/collections", f="json"), "application/json"),
            link("items", url(f"{base}/items", f="json"), GEOJSON),
            link("items", url(f"{base}/items", f="html"), "text/html"),
            link("describedby", url(f"{base}/schema", f="json"), SCHEMA),
            link(SCHEMA_RELATION, url(f"{base}/schema", f="json"), SCHEMA),
            link("http://www.opengis.net/def/rel/ogc/1.0/queryables", url(f"{base}/queryables", f="json"), SCHEMA),
            link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", url(f"{base}/tiles", f="json"),
                 "application/json"),
            link("http://www.opengis.net/def/rel/ogc/1.0/styles", url(f"{base}/styles", f="json"), "application/json"),
            *files,
        ]}


@blueprint.get("/collections/<layer_id>/schema")
def schema(layer_id: str) -> Response:
    """The JSON Schema of a layer's features, without the fields this reader may not see."""
    house, actor = context.house(), context.actor()
    document = features.schema_of(house, actor, layer_id, context.language())
    return answer({"$id": url(f"/collections/{layer_id}/schema"), **document}, SCHEMA)


@blueprint.get("/collections/<layer_id>/items")
def items(layer_id: str) -> AnyResponse:
    """The features that answer the query, page by page; or all of them as a file with `f=shp` and its like."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "read")
    wanted = wanted_format((*OWN_FORMATS, *FILE_FORMATS))
    if wanted not in OWN_FORMATS:
        response = respond_with_file_or_job(house, actor, layer, FILE_FORMATS[wanted])
        response.vary.add("Accept")
        return response
    query = parse(context.asked(), layer, house.catalogue)
    for name in FILE_ONLY:
        if name in request.args:
            raise invalid(name, "只用于导出文件（f=shp、gpkg 等）", "is for files only (f=shp, gpkg and the like)")
    page = features.list_features(house, actor, layer_id, query, house.settings.count_limit)
    if wanted == "html":
        return pages_of_api.render_items(layer, page, _page_links(layer, page))
    return items_page.response_of(page, _page_links(layer, page), query.crs, request)


def _page_links(layer: Layer, page: features.Page) -> list[dict[str, str]]:
    base = f"/collections/{layer.id}"
    return items_page.links_of(url(f"{base}/items"), url(base), request.args, page)


@blueprint.get("/collections/<layer_id>/items/<feature_id>")
def item(layer_id: str, feature_id: str) -> AnyResponse:
    """One feature; its ETag is what a change must carry in If-Match."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "read")
    unknown = set(request.args) - {"f", "lang", "crs", "as_of"}
    if unknown:
        raise Problem("parameter_unknown", name=sorted(unknown)[0][:60], known="f, lang, crs, as_of")
    if wanted_format() == "html":
        return redirect(f"{request.script_root}/panel/{layer.id}/{parse_id(feature_id)}")
    crs = parse_crs_argument(request.args.get("crs"))
    as_of = parse_as_of(request.args.get("as_of"))
    return feature_response(layer, features.get(house, actor, layer_id, parse_id(feature_id), crs, as_of), crs)


def feature_response(layer: Layer, found: features.Found, crs: Crs = CRS84, status: int = 200) -> Response:
    """A feature with its links, ETag and system of coordinates."""
    base = f"/collections/{layer.id}"
    links = [link("self", url(f"{base}/items/{found.id}", f="json"), GEOJSON),
             link("alternate", url(f"{base}/items/{found.id}", f="html"), "text/html"),
             link("collection", url(base, f="json"), "application/json")]
    body = found.feature[:-1] + f', "links": {json.dumps(links)}}}'
    response = Response(body, status, content_type=f"{GEOJSON}; charset=utf-8")
    response.headers["Content-Crs"] = f"<{crs.uri}>"
    response.set_etag(str(found.version))
    response.vary.update(("Cookie", "Authorization", "Accept"))
    if request.method == "GET":
        response.make_conditional(request)
    return response
