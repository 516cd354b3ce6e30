"""Files out: the answer to an items request with a file format, and the page that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request

from gisapp.formats import Format
from gisapp.formats.choices import DATUMS
from gisapp.hand_over import exports, receivers
from gisapp.hand_over.offers import offer
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import FILE_ONLY
from gisapp.permissions import Actor
from gisapp.views import context

blueprint = Blueprint("exports", __name__)

_CHUNK = 2**18
#: What the page itself chooses; every other argument of its address is the question.
_CHOSEN_HERE = ("layer", "f", "crs", "encoding", "lang", "limit", "after", "before", *FILE_ONLY)


def respond_with_file(house: House, actor: Actor, layer: Layer, chosen: Format) -> Response:
    """All features that the request asks for as a file, streamed."""
    args = context.asked()
    return _streamed(exports.hand_over(house, actor, layer.id, chosen.name, args, context.language(),
                                       request.remote_addr))


@blueprint.get("/exports")
def page() -> str:
    """The form that asks for a file: what, in which format and system of coordinates, told how."""
    house, actor, language = context.house(), context.actor(), context.language()
    asked = request.args.get("layer") or next(iter(house.catalogue.layers))
    question = {name: given for name, given in request.args.to_dict(flat=False).items() if name not in _CHOSEN_HERE}
    return render_template(
        "hand_over/export.html", offer=offer(house, actor, asked, question, language), question=question,
        layers=house.catalogue.layers.values(), receivers=receivers.listed(house, actor), language=language,
        datums=DATUMS)


def _streamed(handed: exports.HandOver) -> Response:
    response = Response(_chunks(handed.file), mimetype=handed.media_type, direct_passthrough=True)
    response.call_on_close(handed.file.close)
    response.content_length = handed.size
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{handed.ascii_name}\"; filename*=UTF-8''{quote(handed.name)}")
    if not handed.datum:  # shifted coordinates are in no system that has a name on the web
        response.headers["Content-Crs"] = f"<{handed.crs.uri}>"
    response.headers["OGC-NumberReturned"] = response.headers["OGC-NumberMatched"] = str(handed.rows)
    if handed.losses:
        response.headers["Gisapp-Losses"] = ", ".join(f"{kind}={n}" for kind, n in sorted(handed.losses.items()))
    response.headers["Cache-Control"] = "no-store"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
