"""A file as an answer: streamed, under its name, never kept by a cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from urllib.parse import quote

from flask import Response

_CHUNK = 2**18


def send_file(file: IO[bytes], size: int, media_type: str, ascii_name: str, name: str) -> Response:
    """The open file, closed afterwards. Both names are ours, made of ids, titles and the time."""
    response = Response(_chunks(file), mimetype=media_type, direct_passthrough=True)
    response.call_on_close(file.close)
    response.content_length = size
    response.headers["Content-Disposition"] = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name)}"
    response.headers["Cache-Control"] = "no-store"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
