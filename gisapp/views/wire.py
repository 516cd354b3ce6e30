"""What lies between an answer and the wire: compression of the API's documents, and other sites' scripts (CORS).

Pages are not compressed: they carry the form token beside words of the reader's, and sizes would tell of it.
"""

from __future__ import annotations

import brotli
from flask import Flask, Request, Response, request
from isal import igzip

from gisapp.views import context
from gisapp.views.identity import is_open

#: Smaller answers fit one packet anyway.
_LEAST = 1200
#: Brotli packs closer and takes longer: for what is not large.
_MOST_BROTLI = 512 * 1024
_TYPES = ("application/json", "application/geo+json", "application/schema+json", "application/problem+json",
          "application/vnd.oai.openapi+json", "application/vnd.mapbox.style+json")
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_ASKED = ("Authorization, Content-Type, Content-Crs, If-Match, If-None-Match, If-Range, Range, Accept, "
          "Accept-Language, X-Request-Id")
_SHOWN = ("Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Link, Content-Crs, Retry-After, "
          "X-Request-Id")


def init_wire(app: Flask) -> None:
    """To be called before the gate: a preflight carries no sign-in."""
    app.before_request(_preflight)
    app.after_request(_compress)
    app.after_request(_share)


def _preflight() -> Response | None:
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or not _welcome():
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Allow-Headers"] = _ASKED
    response.headers["Access-Control-Max-Age"] = "600"
    return response


def _welcome() -> bool:
    """Whether the request comes from a page of one of the sites that the settings name."""
    return request.headers.get("Origin") in context.house().settings.cors_origins.split()


def _share(response: Response) -> Response:
    """Let scripts of the named sites read the answer. They sign in by token: cookies stay with our own pages."""
    if not context.house().settings.cors_origins:
        return response
    response.vary.add("Origin")
    if _welcome():
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _SHOWN
    return response


def _compress(response: Response) -> Response:
    if response.mimetype in _TYPES and not response.is_streamed and not response.direct_passthrough and not is_open():
        pack(response, request)
    return response


def pack(response: Response, asked: Request) -> None:
    """Compress a document as the request takes it."""
    response.vary.add("Accept-Encoding")
    strong = response.get_etag() != (None, None) and not response.get_etag()[1]
    # A strong ETag is a feature's version and would have to differ with the encoding.
    if strong or "Content-Encoding" in response.headers or response.status_code in (204, 304):
        return
    encoding = _encoding(asked, response.calculate_content_length() or 0)
    if encoding:
        body = response.get_data()
        response.set_data(brotli.compress(body, quality=4) if encoding == "br" else igzip.compress(body, 2))
        response.headers["Content-Encoding"] = encoding


def _encoding(asked: Request, size: int) -> str | None:
    accepted = asked.accept_encodings
    if size < _LEAST:
        return None
    gzip, br = accepted["gzip"], accepted["br"]
    if br > gzip or (br and br == gzip and size <= _MOST_BROTLI):
        return "br"
    return "gzip" if gzip else None
