"""The map page and what it swaps in: the feature panel and the answer to a click."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request, url_for
from flask_babel import gettext as _

from gisapp import filters, identify as identifying, maps, panels, published, style, timeline, tree
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import invalid, parse_as_of, parse_id
from gisapp.views import context
from gisapp.views.headers import allow_hosts

blueprint = Blueprint("pages", __name__)
#: Counts may be this old, in seconds: counting a million rows for every page would cost more than it tells.
STOCK_KEEP_S = 60
#: Pages and counts kept per process.
SHELF = 64
#: Parameters of a click; others are the filter's.
_CLICK = ("lon", "lat", "zoom", "layers", "list", "f", "lang")

blueprint.record_once(lambda _: maps.localise())


@blueprint.get("/map")
def map_page() -> str:
    """The map with every layer; what it shows at first is in maps.home and maps.shown_at_first."""
    house, actor, language = context.house(), context.actor(), context.language()
    words, root, home = control_words(), request.script_root, maps.home(house, actor)
    basemaps = [one.told(language) for one in house.basemaps]
    page = _kept(("page", language, root, home), lambda: maps.build(house.catalogue, home, words, root, basemaps))
    allow_hosts(host for one in house.basemaps for host in one.hosts)
    return render_template("map/map.html", page=page, basemaps=basemaps, groups=tree.groups(house, actor, language),
                           questions=tree.questions(house, actor, language),
                           dated=timeline.dated_layers(house, actor, language), zone=house.settings.time_zone)


def _kept(key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What `make` gave for this key before, in this process."""
    shelf: dict[tuple[Any, ...], Any] = current_app.extensions.setdefault("gisapp.pages", {})
    if key not in shelf:
        if len(shelf) >= SHELF:
            shelf.clear()
        shelf[key] = make()
    return shelf[key]


@blueprint.get("/map/stock")
def stock() -> dict[str, Any]:
    """How many features each layer holds under the filter, short enough for the tree, and whether demo data is
    among them."""
    house, actor, language = context.house(), context.actor(), context.language()
    args = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "lang"}
    asked = filters.parse_filter(args, house.catalogue)
    key = ("stock", actor.role, int(time.monotonic() // STOCK_KEEP_S), tuple(sorted(asked.items(), key=itemgetter(0))))
    held = _kept(key, lambda: tree.stock(house, actor, asked))
    return {"synthetic": held.synthetic,
            "counts": {name: tree.short(count, language) for name, count in held.counts.items()}}


def control_words() -> dict[str, str]:
    """Texts that the browser shows by itself."""
    return {
        "full_screen": _("Full screen"), "leave_full_screen": _("Leave full screen"),
        "locate": _("Show where I am"), "locate_outside": _("You are outside the map"),
        "zoom_in": _("Zoom in"), "zoom_out": _("Zoom out"), "coordinates": _("WGS 84 coordinates"),
        "signed_out": _("Your session has ended. Sign in again to go on."),
        "signed_out_typing": _("Your session has ended. Sign in in a new tab, then save here again."),
        "sign_in": _("Sign in"), "typed_is_kept": _("Nothing was saved. What you typed is kept."),
        "offline": _("The server cannot be reached. The map shows what was loaded before."),
        "failed": _("That did not work. Try again in a moment."),
        "not_there": _("There is no such record, or it was not there on the day shown."),
        "measure": _("Measure distance and area"),
        "copy_link": _("Copy this link"), "link_copied": _("Link copied"),
        "views": _("is looking at this"), "edits": _("is editing this"),
    }


@blueprint.get("/panel/<layer_id>/<feature_id>")
def panel(layer_id: str, feature_id: str) -> str:
    """The panel of one feature: an HTML fragment for the map, a whole page for a link that is followed."""
    house, actor, language = context.house(), context.actor(), context.language()
    card = panels.card(house, actor, layer_id, parse_id(feature_id), language, _moment(layer_id))
    if "HX-Request" not in request.headers:
        return render_template("map/panel_page.html", card=card, language=language, whole=True)
    return render_template("map/panel.html", card=card, language=language, back_url=_back_url())


def _moment(layer_id: str) -> datetime | None:
    """The day that is looked at: asked outright, or of the layer by the click that led here."""
    return parse_as_of(request.args.get("as_of", request.args.get(f"{layer_id}.as_of")))


def _back_url() -> str | None:
    """Address of the list that the feature was chosen from, when it was."""
    if not {"lon", "lat", "zoom", "layers"} <= request.args.keys():
        return None
    return _list_url()


@blueprint.get("/identify")
def identify() -> str | Response:
    """What lies under a click: the only mission feature's panel at once, else a list to choose from."""
    house, actor, language = context.house(), context.actor(), context.language()
    lon, lat, zoom, layer_ids = _click(house)
    narrowed = filters.parse_filter({name: [value] for name, value in request.args.items() if name not in _CLICK},
                                    house.catalogue)
    questions = [published.find(house, actor, one, language) for one in _asked_layers() if published.is_question(one)]
    hits = identifying.identify(house, actor, lon, lat, zoom, layer_ids, narrowed, questions)
    if request.args.get("f") == "json":
        return jsonify({"lon": lon, "lat": lat, "zoom": zoom, "hits": identifying.document(hits)})
    lines = [_line(house, hit, language) for hit in hits]
    missions, grounds = ([one for one in lines if one.reference is wanted] for wanted in (False, True))
    if len(missions) == 1 and "list" not in request.args:
        found = missions[0]
        card = panels.card(house, actor, found.layer.id, parse_id(found.id), language, _moment(found.layer.id))
        return render_template("map/panel.html", card=card, language=language,
                               back_url=_list_url() if grounds else None)
    return render_template("map/hits.html", hits=missions, grounds=grounds, lon=lon, lat=lat)


@dataclass(frozen=True)
class Line:
    """One hit as the list shows it."""

    layer: Layer
    id: str
    title: str
    layer_title: str
    url: str
    rules: dict[str, Any]
    colour: str
    state: str | None
    distance: str | None
    reference: bool


def _line(house: House, hit: identifying.Hit, language: str) -> Line:
    layer = house.layer(hit.layer)
    state = layer.state(hit.status) if hit.status else None
    url = url_for("pages.panel", layer_id=layer.id, feature_id=hit.id, **_click_args())
    return Line(
        layer=layer, id=str(hit.id), title=hit.title or layer.title.get(language),
        layer_title=layer.title.get(language), url=url, rules=style.paint(layer, house.catalogue.codelists),
        colour=state.colour if state else layer.style.colour, state=state.title.get(language) if state else None,
        distance=f"{hit.distance_m:.0f} m" if hit.distance_m >= 1 else None, reference=style.is_reference(layer))


def _list_url() -> str:
    return url_for("pages.identify", **_click_args(), list=1)


def _click_args() -> dict[str, Any]:
    """Where was clicked and under which filter."""
    return {name: value for name, value in request.args.items() if name not in ("list", "f", "lang")}


def _click(house: House) -> tuple[float, float, float, list[str]]:
    """lon, lat (degrees, EPSG:4326), zoom and layers of a click. Problems: `parameter_invalid`, `layer_unknown`."""
    lon, lat, zoom = _number("lon", 180), _number("lat", 90), _number("zoom", 24)
    asked = _asked_layers()
    if zoom < 0 or len(asked) > 200:
        raise invalid("zoom", "应为 0 到 24", "wants a number from 0 to 24")
    return lon, lat, zoom, [house.layer(one).id for one in asked if not published.is_question(one)]


def _asked_layers() -> list[str]:
    """Ids of layers, and of questions that stand among them, each once."""
    return list(dict.fromkeys(one for one in request.args.get("layers", "").split(",") if one))


def _number(name: str, limit: float) -> float:
    try:
        value = float(request.args.get(name, ""))
    except ValueError:
        value = math.nan
    if not abs(value) <= limit:
        raise invalid(name, f"应为 -{limit} 到 {limit} 的数字", f"wants a number from -{limit} to {limit}")
    return value
