"""The documents of the API, as JSON or as pages: format by `f=` or Accept, links, ETag and 304."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Request, Response, jsonify, request
from isal import isal_zlib

from gisapp import addresses
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS
from gisapp.views import pages_of_api
from gisapp.views.question_layers import address

GEOJSON = "application/geo+json"
SCHEMA = "application/schema+json"
#: Formats that the API's own documents come in; the others are files of gisapp.formats.
OWN_FORMATS = ("json", "html")
_OWN_TYPES = ("text/html", "application/json", GEOJSON)
#: Files by their media types. A zip may be several things, and has to be asked for by its name.
_FILES = {kind.media_type: name for name, kind in FILE_FORMATS.items()
          if not kind.always_packed and kind.media_type not in _OWN_TYPES}
_MOST_DIGESTED = 64 * 1024
#: What an answer with an ETag of its bytes differs by.
MARKED_BY = ("Accept", "Accept-Language", "Cookie", "Authorization")


def url(path: str, **query: Any) -> str:
    """An absolute address of this server."""
    asked = {key: value for key, value in query.items() if value is not None}
    base = f"{request.host_url.rstrip('/')}{request.script_root}{address(path)}"
    return base + (f"?{urlencode(asked)}" if asked else "")


def init_addresses(app: Flask) -> None:
    """Let services that write links into files know where readers found this server."""
    app.before_request(lambda: addresses.found_at(f"{request.host_url.rstrip('/')}{request.script_root}"))


def link(rel: str, href: str, kind: str, title: str = "") -> dict[str, str]:
    """A link object."""
    return {"rel": rel, "type": kind, "href": href} | ({"title": title} if title else {})


def self_and_alternate(path: str, kind: str = "application/json") -> list[dict[str, str]]:
    """The links of a document to itself and to its page."""
    return [link("self", url(path, f="json"), kind), link("alternate", url(path, f="html"), "text/html")]


def wanted_format(known: tuple[str, ...] = OWN_FORMATS) -> str:
    """The short name of the format asked for: `f=`, else what Accept prefers, else json."""
    given = request.args.get("f")
    if given is not None:
        given = "json" if given == "geojson" and "geojson" not in known else given
        if given not in known:
            raise Problem("format_unknown", format=given[:40], known=", ".join(known))
        return given
    file = preferred_file(request)
    return file if file in known else "html" if prefers_page(request) else "json"


def prefers_page(asked: Request) -> bool:
    """Whether the request would rather have a page than JSON."""
    accepted = asked.accept_mimetypes
    return bool(accepted["text/html"] > max(accepted["application/json"], accepted[GEOJSON]))


def preferred_file(asked: Request) -> str:
    """The file format whose media type the request names and prefers to the API's own documents; empty for none."""
    told = [(kind.partition(";")[0].strip().lower(), quality) for kind, quality in asked.accept_mimetypes]
    file, most = next(((_FILES[kind], quality) for kind, quality in told if kind in _FILES), ("", 0.0))
    if not file:
        return ""
    own = max((quality for kind, quality in told if kind in _OWN_TYPES), default=0.0)
    any_ = max((quality for kind, quality in told if "*" in kind), default=0.0)
    return file if most > own and most >= any_ else ""


def answer(document: dict[str, Any], content_type: str = "application/json") -> Response:
    """The document as JSON, or as its page for a browser; 304 for who has it already."""
    if wanted_format() == "html":
        return pages_of_api.render(document)
    response = jsonify(document)
    response.content_type = content_type
    if "links" not in document:
        response.headers["Link"] = f'<{url(request.path, f="html")}>; rel="alternate"; type="text/html"'
    return known_by_content(response)


def mark(parts: Sequence[bytes]) -> str:
    """What tells one content from another; two checksums of a large one, in a hundredth of a digest's time."""
    if sum(map(len, parts)) > _MOST_DIGESTED:
        return "-".join(f"{len(part):x}-{isal_zlib.crc32(part):x}-{isal_zlib.adler32(part):x}" for part in parts)
    digest = blake2b(digest_size=12)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def known_by_content(response: Response, *parts: bytes) -> Response:
    """The response with a weak ETag of its bytes (or of `parts`), or 304 when the client has just that."""
    response.set_etag(mark(parts or (response.get_data(),)), weak=True)
    response.vary.update(MARKED_BY)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response
