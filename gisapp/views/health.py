"""`/healthz`: whether the service answers and its database does."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from gisapp.views.context import house

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 when the database answers; else 503 with code `database_unavailable`."""
    house().db.ping()
    response = jsonify(status="ok")
    response.headers["Cache-Control"] = "no-store"
    return response
