"""Marking beside plain writes: what lies near, what is wrong, many at once, split and merged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import shapely
from flask import Blueprint, Response, jsonify, request

from gisapp import features
from gisapp.errors import Problem
from gisapp.features import Found
from gisapp.marking import batch as batches, check as checks, duplicates, parts, undo as undoing
from gisapp.params import invalid, parse_id
from gisapp.shapes import check_shape, stored
from gisapp.views import context
from gisapp.views.api import feature_response
from gisapp.views.documents import GEOJSON
from gisapp.views.writes import body_crs, if_match, read_json, version_of

blueprint = Blueprint("marking", __name__)


@blueprint.get("/collections/<layer_id>/near")
def near(layer_id: str) -> Response:
    """The features within `metres` of lon, lat (EPSG:4326), nearest first."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "read")
    place = shapely.Point(_number("lon"), _number("lat"))
    check_shape(place)
    metres = _number("metres", str(house.settings.duplicate_metres))
    if not 0 <= metres <= 1000:
        raise invalid("metres", "0 至 1000", "0 to 1000")
    found = duplicates.near(house, actor, layer.id, stored(place), metres)
    return jsonify({"metres": metres, "features": [one.document() for one in found]})


def _number(name: str, default: str = "") -> float:
    try:
        number = float(request.args.get(name, default))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise invalid(name, "应为数字", "wants a number")
    return number


@blueprint.post("/collections/<layer_id>/check")
def check(layer_id: str) -> Response:
    """What is wrong with the feature in the body; nothing is stored."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "create")
    return jsonify(checks.check(house, actor, layer_id, read_json(), body_crs()))


@blueprint.post("/collections/<layer_id>/batch")
def batch(layer_id: str) -> Response:
    """The same properties for many features, each done or refused."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "update")
    results = batches.change_many(house, actor, layer_id, read_json())
    done = sum(one["outcome"] == "done" for one in results)
    return jsonify({"done": done, "refused": len(results) - done, "results": results})


@blueprint.post("/collections/<layer_id>/items/<feature_id>/split")
def split(layer_id: str, feature_id: str) -> Response:
    """The parts as a FeatureCollection; the first one kept the id."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "update")
    number = parse_id(feature_id)
    version = if_match(partial(version_of, layer_id, number))
    return _collection(parts.split(house, actor, layer_id, number, read_json(), version, body_crs()))


@blueprint.post("/collections/<layer_id>/merge")
def merge(layer_id: str) -> Response:
    """The feature that is left."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "delete")
    return feature_response(layer, parts.merge(house, actor, layer_id, read_json()))


@blueprint.post("/collections/<layer_id>/undo")
def undo(layer_id: str) -> Response:
    """Take back what the reader's request (`request`, its X-Request-Id) did to the layer."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "update")
    body = read_json()
    given = body.get("request") if isinstance(body, dict) else None
    if not isinstance(given, str) or not 0 < len(given) <= 80 or not given.isprintable():
        raise Problem("body_invalid", reason="request: X-Request-Id")
    return jsonify({"undone": [str(one) for one in undoing.undo(house, actor, layer_id, given)]})


def _collection(found: Sequence[Found]) -> Response:
    body = '{"type": "FeatureCollection", "features": [' + ",".join(one.feature for one in found) + "]}"
    return Response(body, content_type=f"{GEOJSON}; charset=utf-8")


