"""An answer handed to the server whole: granian sends a list at once, anything else piece by piece between threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

if TYPE_CHECKING:
    from wsgiref.types import StartResponse


def send(response: Response, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """The body of a response that holds all of it already, its head told."""
    pieces, status, headers = response.get_wsgi_response(environ)
    start_response(status, headers)
    body = list(pieces)
    response.close()
    return body
