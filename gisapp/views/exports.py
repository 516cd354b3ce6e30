"""Files out: the answer to an items request with a file format, and the page that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from flask import Response, request

from gisapp.exports import HandOver, hand_over
from gisapp.formats import Format
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.views import context

_CHUNK = 2**18


def respond_with_file(house: House, actor: Actor, layer: Layer, query: Query, chosen: Format) -> Response:
    """All features that the request asks for as a file, streamed. `query` was parsed from the same arguments."""
    args = request.args.to_dict(flat=False)
    handed = hand_over(house, actor, layer.id, chosen.name, args, context.language(), request.remote_addr)
    return _streamed(handed)


def _streamed(handed: HandOver) -> Response:
    response = Response(_chunks(handed.file), mimetype=handed.format.media_type, direct_passthrough=True)
    response.call_on_close(handed.file.close)
    response.content_length = handed.size
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{handed.ascii_name}\"; filename*=UTF-8''{quote(handed.name)}")
    response.headers["Content-Crs"] = f"<{handed.crs.uri}>"
    response.headers["OGC-NumberReturned"] = response.headers["OGC-NumberMatched"] = str(handed.rows)
    if handed.losses:
        response.headers["Gisapp-Losses"] = ", ".join(f"{kind}={n}" for kind, n in sorted(handed.losses.items()))
    response.headers["Cache-Control"] = "no-store"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk
