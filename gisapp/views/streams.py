"""All features of a collection as one stream."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gisapp import streams
from gisapp.features import layer_for
from gisapp.params import invalid, parse
from gisapp.views import context
from gisapp.views.documents import wanted_format

blueprint = Blueprint("streams", __name__)

#: Parameters of a page, which a stream has not.
NOT_HERE = ("limit", "after", "before", "compute")


@blueprint.get("/collections/<layer_id>/stream")
def stream(layer_id: str) -> Response:
    """Whatever answers the query, straight from the database: a feature a line, or one FeatureCollection."""
    house, actor = context.house(), context.actor()
    layer = layer_for(house, actor, layer_id, "export")
    kind = wanted_format(tuple(streams.KINDS)) if "f" in request.args else "ndjson"
    args = context.asked()
    if misplaced := next((name for name in NOT_HERE if name in args), None):
        raise invalid(misplaced, "不用于 /stream", "is not for /stream")
    query = parse(args, layer, house.catalogue)
    pieces = streams.stream(house, actor, layer_id, query, kind, request.remote_addr)
    next(pieces)
    response = Response(pieces, content_type=f"{streams.KINDS[kind]}; charset=utf-8")
    response.headers["Content-Crs"] = f"<{query.crs.uri}>"
    response.headers["Cache-Control"] = "no-store"
    return response
