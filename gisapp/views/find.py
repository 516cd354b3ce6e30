"""Finding: the search box, the list beside the map, the form of filters."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, render_template, request

from gisapp import features, filters, listing, maps, search, style
from gisapp.errors import Problem
from gisapp.marking import batch
from gisapp.params import invalid, parse
from gisapp.views import context

blueprint = Blueprint("find", __name__)

#: Rows of a page of the list unless `limit=` says otherwise.
ROWS = 50
_SEARCH = ("q", "lon", "f", "lang")


@blueprint.get("/search")
def find() -> str | Response:
    """What the text finds: a list for the search box, JSON for programs."""
    house, actor, language = context.house(), context.actor(), context.language()
    _require_known(_SEARCH)
    results = search.search(house, actor, request.args.get("q", ""), _near_lon())
    if "HX-Request" not in request.headers:
        return jsonify(search.document(results))
    rules = {layer.id: style.paint(layer, house.catalogue.codelists) for layer in house.catalogue.layers.values()}
    return render_template("find/results.html", results=results, rules=rules, language=language)


def _require_known(known: tuple[str, ...]) -> None:
    for name in request.args:
        if name not in known:
            raise Problem("parameter_unknown", name=name[:60], known=", ".join(known))


def _near_lon() -> float:
    """Where the reader looks, degrees east; the middle of the home view otherwise."""
    given = request.args.get("lon")
    if given is None:
        home = maps.home(context.house(), context.actor())
        return (home.west + home.east) / 2
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not abs(value) <= 180:
        raise invalid("lon", "应为 -180 到 180 的数字", "wants a number from -180 to 180")
    return value


@blueprint.get("/map/filter")
def filter_form() -> str:
    """The form of filters: territories, period, and for each mission layer its states and kinds."""
    house, actor, language = context.house(), context.actor(), context.language()
    rules = {layer.id: style.paint(layer, house.catalogue.codelists) for layer in house.catalogue.layers.values()}
    return render_template(
        "find/filter.html", parts=filters.parts(house, actor, language), rules=rules,
        districts=filters.areas(house, actor, "districts"), streets=filters.areas(house, actor, "streets"))


@blueprint.get("/map/picks/<layer_id>")
def picks(layer_id: str) -> Response:
    """What can be done to several features of a layer at once: its title, states, whether they can be merged."""
    house, actor, language = context.house(), context.actor(), context.language()
    return jsonify(batch.offer(house, actor, layer_id, language))


@blueprint.get("/list/<layer_id>")
def list_page(layer_id: str) -> str:
    """The features that answer the query, by name unless sorted otherwise: rows for the map page, else a page of
    its own."""
    house, actor, language = context.house(), context.actor(), context.language()
    layer = features.layer_for(house, actor, layer_id, "read")
    args = context.asked()
    query = parse({"limit": [str(ROWS)], "sortby": [layer.name_field]} | args, layer, house.catalogue).plain()
    page = listing.page(house, actor, layer_id, query, language)
    fragment = "HX-Request" in request.headers
    return render_template(
        "find/rows.html" if fragment else "find/list.html", page=page, layer=layer, language=language,
        sortable=listing.sortable(layer), title_of=listing.title_of, sorted_by=[*query.sortby, ("", False)][0],
        asked=_address, following=_address(after=page.after) if page.after else None,
        first="after" not in request.args)


def _address(**changed: Any) -> str:
    """This address with other parameters; None leaves one out."""
    asked = {name: value for name, value in {**request.args.to_dict(), **changed}.items() if value is not None}
    return f"{request.script_root}{request.path}" + (f"?{urlencode(asked)}" if asked else "")
