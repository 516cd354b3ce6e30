"""`/presence/<layer>/<id>`: a page says every ten seconds that its reader is at a feature, and hears who else is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request

from gisapp import presence
from gisapp.params import parse_id
from gisapp.views import context
from gisapp.views.writes import read_json

blueprint = Blueprint("presence", __name__)


@blueprint.get("/presence/<layer_id>/<feature_id>")
def others(layer_id: str, feature_id: str) -> Response:
    """Who else is there."""
    number = parse_id(feature_id)
    return _answer(layer_id, number, presence.others(context.house(), context.actor(), layer_id, number))


@blueprint.post("/presence/<layer_id>/<feature_id>")
def here(layer_id: str, feature_id: str) -> Response:
    """A heartbeat: `act` (view, edit or leave) as JSON or as a form; answers who else is there."""
    number = parse_id(feature_id)
    return _answer(layer_id, number, presence.here(context.house(), context.actor(), layer_id, number, _act()))


def _act() -> str:
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request.form.get("act", "view")
    given: Any = read_json() if request.get_data() else {}
    act = given.get("act", "view") if isinstance(given, dict) else None
    return act if isinstance(act, str) else ""


def _answer(layer_id: str, feature_id: UUID, found: list[presence.Present]) -> Response:
    response = jsonify({
        "layer": layer_id, "id": str(feature_id), "life_s": presence.LIFE_S, "beat_s": presence.BEAT_S,
        "others": [{"username": one.username, "act": one.act, "since": one.since.isoformat(),
                    "seen_at": one.seen_at.isoformat()} for one in found]})
    response.headers["Cache-Control"] = "private, no-store"
    return response
