"""Shapes by numbers for the map page: the form of coordinates and legs, and the shape that they make."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from gisapp import features
from gisapp.crs import CRS84, MENU, Crs, local_zone, parse_crs
from gisapp.errors import Problem
from gisapp.marking.construct import from_coordinates, from_legs
from gisapp.params import invalid
from gisapp.views import context
from gisapp.views.writes import read_json

blueprint = Blueprint("construct", __name__)

_KINDS = ("Point", "MultiPoint", "MultiLineString", "MultiPolygon")


@blueprint.get("/map/construct/<layer_id>")
def form(layer_id: str) -> str:
    """The form; the systems of the zone at `lon` (degrees) stand first."""
    house, actor, language = context.house(), context.actor(), context.language()
    features.layer_for(house, actor, layer_id, "create")
    return render_template("map/construct.html", menu=_menu(), language=language)


def _menu() -> list[Crs]:
    try:
        near = list(local_zone(float(request.args.get("lon", "nan")))[::-1])
    except (Problem, ValueError, OverflowError):
        near = []
    return list(dict.fromkeys([CRS84, *near, *MENU.values()]))


@blueprint.post("/map/construct/<layer_id>")
def make(layer_id: str) -> Response:
    """`geometry` of the wanted kind, from `points` or from `start` and `legs`; with legs also `closure`."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "create")
    body = read_json()
    texts = {name: _text(body, name) for name in ("kind", "crs", "points", "start", "legs")}
    if texts["kind"] not in _KINDS:
        raise invalid("kind", " / ".join(_KINDS), " / ".join(_KINDS))
    crs = parse_crs(texts["crs"]) if texts["crs"] else CRS84
    if not texts["legs"]:
        return jsonify({"geometry": from_coordinates(texts["points"], texts["kind"], crs), "closure": None})
    geometry, closure = from_legs(texts["start"], texts["legs"], texts["kind"], crs, body.get("adjust") is True)
    return jsonify({"geometry": geometry, "closure": closure.document()})


def _text(body: Any, name: str) -> str:
    given = body.get(name, "") if isinstance(body, dict) else None
    if not isinstance(given, str):
        raise Problem("body_invalid", reason=name)
    return given
