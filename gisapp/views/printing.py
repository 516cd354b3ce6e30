"""What the map shows, taken away: on paper (form, PDF, PNG) and as one HTML file."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from flask import Blueprint, Response, render_template, request

from gisapp import map_file, maps, selection
from gisapp.house import House
from gisapp.permissions import rights
from gisapp.printing import order as orders
from gisapp.printing.paper import PAPERS, SCALES
from gisapp.printing.press import printed
from gisapp.views import context

blueprint = Blueprint("printing", __name__)


@blueprint.get("/print")
def page() -> str:
    """The form: at which scale, on which paper; with a preview of the sheet."""
    house, actor, language = context.house(), context.actor(), context.language()
    asked = _arguments(house)
    order = orders.read_order(house, actor, asked)
    carried = [(name, value) for name, given in asked.items() if name not in (*orders.OWN, "lang")
               or name in ("lon", "lat") for value in given]
    address = urlencode([(name, value) for name, given in asked.items() if name not in ("dpi", "atlas")
                         for value in given if value])
    return render_template(
        "print/print.html", order=order, scales=SCALES, papers=PAPERS, dpis=orders.DPIS, carried=carried,
        address=address, language=language, may_atlas="export" in rights(actor),
        question=selection.question(house, actor, order.selection, language))


@blueprint.get("/print.pdf")
def pdf() -> Response:
    """The sheet, or an atlas, as PDF."""
    return _answer("pdf", "application/pdf")


@blueprint.get("/print.png")
def png() -> Response:
    """The sheet as a picture."""
    return _answer("png", "image/png")


@blueprint.get("/map/export")
def map_export() -> Response:
    """The map as one HTML file, to be saved."""
    house, actor = context.house(), context.actor()
    chosen = selection.read_selection(house, actor, _arguments(house))
    made = map_file.make(house, actor, chosen, context.language(), request.remote_addr)
    response = Response(made.content, mimetype="text/html")
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"map.html\"; filename*=UTF-8''{quote(made.title)}.html")
    response.headers["Cache-Control"] = "no-store"
    return response


def _arguments(house: House) -> dict[str, list[str]]:
    """Those of the request; without `layers` the ones that a map opens with."""
    asked = request.args.to_dict(flat=False)
    if not any(asked.get("layers", [])):
        asked["layers"] = [",".join(one.id for one in house.catalogue.layers.values() if maps.shown_at_first(one))]
    return asked


def _answer(file_format: str, media_type: str) -> Response:
    house, actor = context.house(), context.actor()
    made = printed(house, actor, _arguments(house), file_format, context.language(), request.remote_addr)
    response = Response(made.content, mimetype=media_type)
    response.headers["Content-Disposition"] = (
        f"inline; filename=\"map.{file_format}\"; filename*=UTF-8''{quote(made.title)}.{file_format}")
    response.headers["Cache-Control"] = "no-store"
    return response
