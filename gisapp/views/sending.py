"""A file as an answer: streamed, whole or the part that is asked for, under its name, never kept by a cache."""

from __future__ import annotations

from typing import IO
from urllib.parse import quote

from flask import Response, request
from werkzeug.datastructures import Range
from werkzeug.wsgi import FileWrapper

_CHUNK = 2**18


def send_file(file: IO[bytes], size: int, media_type: str, ascii_name: str, name: str, etag: str = "") -> Response:
    """The open file, closed afterwards; of one that may be asked for by parts the part that is asked for (206).

    Both names are ours, made of ids, titles and the time. Problem `range_outside` (416).
    """
    response = Response(FileWrapper(file, _CHUNK), mimetype=media_type, direct_passthrough=True)
    response.call_on_close(file.close)
    response.content_length = size
    response.headers["Content-Disposition"] = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Accept-Ranges"] = "bytes"
    if etag:
        response.set_etag(etag)
    try:
        # A whole file answers a list of parts, units that nobody knows, and HEAD with a range, as RFC 9110 has it.
        response.make_conditional(request, accept_ranges=_part() is not None, complete_length=size)
    except BaseException:
        file.close()
        raise
    return response


def _part() -> Range | None:
    """The one part that is asked for."""
    given = request.range if request.method == "GET" else None
    return given if given and given.units == "bytes" and len(given.ranges) == 1 else None


def goes_on() -> bool:
    """Whether the request asks for a later part of a file only, as a download does that was broken off."""
    part = _part()
    return part is not None and part.ranges[0][0] != 0


def begun() -> str:
    """The ETag of the file that such a request goes on with; empty where it names none."""
    return (request.if_range.etag or "") if goes_on() else ""
