"""Archives of basemap tiles (PMTiles) that this server keeps: the browser reads them in pieces."""

from __future__ import annotations

from flask import Blueprint, Response, send_file

from gisapp import maps
from gisapp.views import context

blueprint = Blueprint("basemaps", __name__)
KEEP_S = 3600


@blueprint.get("/basemaps/<name>.pmtiles")
def archive(name: str) -> Response:
    """The archive, whole or the range that is asked for. Problem `not_found` for any other name."""
    found = maps.archive(context.house(), context.actor(), name)
    response = send_file(found, mimetype="application/vnd.pmtiles", conditional=True, max_age=KEEP_S)
    response.headers["Accept-Ranges"] = "bytes"
    return response
