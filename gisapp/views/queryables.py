"""OGC API – Features part 3: what can be asked of a collection, and the functions that a filter may call."""

from __future__ import annotations

from flask import Blueprint, Response

from gisapp import queryables
from gisapp.views import context
from gisapp.views.documents import SCHEMA, answer, link, self_and_alternate, url

blueprint = Blueprint("queryables", __name__)


@blueprint.get("/collections/<layer_id>/queryables")
def of_layer(layer_id: str) -> Response:
    """The JSON Schema of what a filter on the layer may name."""
    house, actor = context.house(), context.actor()
    document = queryables.queryables_of(house, actor, layer_id, context.language())
    return answer({"$id": url(f"/collections/{layer_id}/queryables"), **document}, SCHEMA)


@blueprint.get("/functions")
def functions() -> Response:
    """The functions that a filter may call, with their arguments."""
    document = queryables.functions(context.actor(), context.language())
    return answer(document | {"links": [*self_and_alternate("/functions"),
                                        link("up", url("/", f="json"), "application/json")]})
