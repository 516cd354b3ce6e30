"""Addresses that take few parameters: any other is refused, as OGC API wants it, and not left unread."""

from __future__ import annotations

from flask import Blueprint, request

from gisapp.errors import Problem

blueprint = Blueprint("plain_addresses", __name__)

_COLLECTION = "/collections/<layer_id>"
_TILES = f"{_COLLECTION}/tiles"
#: What an address takes besides `f` and `lang`, by its rule. Addresses that read more check it where they parse it.
TAKES: dict[str, tuple[str, ...]] = {
    "/": (), "/conformance": (), "/api": (), "/collections": (), _COLLECTION: (), f"{_COLLECTION}/schema": (),
    f"{_COLLECTION}/queryables": (), "/functions": (), "/questions": (), "/questions/<question_id>": (),
    _TILES: (), f"{_TILES}/WebMercatorQuad": (), "/tileMatrixSets": (), "/tileMatrixSets/<name>": (),
    "/styles": (), "/styles/<style_id>": (), f"{_COLLECTION}/styles": (), f"{_COLLECTION}/styles/<style_id>": (),
    f"{_COLLECTION}/near": ("lon", "lat", "metres"),
}


@blueprint.before_app_request
def refuse_unknown() -> None:
    """Problem `parameter_unknown` (400) for what the address does not take."""
    rule = request.url_rule.rule if request.url_rule else ""
    if not request.args or request.method not in ("GET", "HEAD") or rule not in TAKES:
        return
    known = ("f", "lang", *TAKES[rule])
    for name in request.args:
        if name not in known:
            raise Problem("parameter_unknown", name=name[:60], known=", ".join(known))
