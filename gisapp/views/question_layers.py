"""A saved question as a collection: before its handler, a request to `q-…` becomes one to the layer with the question
asked along. Handlers read `context.asked()`; addresses in their answers go back to the question's."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, g, request

from gisapp import published
from gisapp.errors import Problem
from gisapp.params import parse_id
from gisapp.published import Collection
from gisapp.views import context

blueprint = Blueprint("question_layers", __name__)

#: Handlers that take the arguments of an items request.
_ASKED = frozenset({"api.items", "statistics.numbers", "tiles.tile", "find.list_page", "timeline.histogram",
                    "streams.stream"})
#: Handlers that tell of the collection, or of one feature in it.
_TOLD = frozenset({"api.collection", "api.schema", "api.item", "queryables.of_layer", "tiles.tile_sets",
                   "tiles.tile_set", "styles.of_layer", "styles.one", "attachments.listed", "attachments.photo",
                   "attachments.thumbnail"})


@blueprint.before_app_request
def _ask_along() -> None:
    given = request.view_args or {}
    if request.method == "OPTIONS" or not published.is_question(given.get("layer_id", "")):
        return
    if request.endpoint not in _ASKED | _TOLD:
        raise Problem("question_read_only", id=given["layer_id"][:60])
    house, actor = context.house(), context.actor()
    found = published.find(house, actor, given["layer_id"], context.language())
    if "feature_id" in given:
        published.require_member(house, actor, found, parse_id(given["feature_id"]))
    given["layer_id"] = found.layer.id
    g.collection = found
    g.asked = found.asking(request.args.to_dict(flat=False))


def current() -> Collection | None:
    """The question's collection that this request is about; None for a layer's own."""
    return cast("Collection | None", g.get("collection"))


def address(path: str) -> str:
    """A path of the layer as one of the question's collection, where the request is about one."""
    found = current()
    base = f"/collections/{found.layer.id}" if found else ""
    rest = path.removeprefix(base)
    return f"/collections/{found.id}{rest}" if found and rest != path and rest[:1] in ("", "/", "?") else path
