"""A page of features as GeoJSON over HTTP, for whoever answers: the application, or the short way before it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Request, Response

from gisapp.crs import Crs
from gisapp.features import Page
from gisapp.views.documents import GEOJSON, MARKED_BY, link, mark

_KEYS = ("after", "before")


def links_of(items: str, collection: str, args: Mapping[str, str], page: Page) -> list[dict[str, str]]:
    """The links of a page; `items` and `collection` are the absolute addresses, `args` what was asked of the first."""
    asked = urlencode({name: text for name, text in args.items() if name not in ("f", *_KEYS)})
    key = {name: args[name] for name in _KEYS if name in args}

    def at(**more: str) -> str:
        return f"{items}?{asked}{'&' if asked else ''}{urlencode(more)}"

    links = [link("self", at(**key, f="json"), GEOJSON), link("alternate", at(**key, f="html"), "text/html"),
             link("collection", f"{collection}?f=json", "application/json")]
    if key:
        links.append(link("first", at(f="json"), GEOJSON))
    if page.before:
        links.append(link("prev", at(before=page.before, f="json"), GEOJSON))
    if page.after:
        links.append(link("next", at(after=page.after, f="json"), GEOJSON))
    return links


def response_of(page: Page, links: list[dict[str, str]], crs: Crs, request: Request) -> Response:
    """The page as a FeatureCollection with a weak ETag of its features, or 304 when the client has just that."""
    said = {"numberMatchedEstimated": True} if page.estimated else {}
    whole = {"type": "FeatureCollection", "numberMatched": page.number_matched, **said,
             "numberReturned": len(page.features), "links": links}
    head, body = json.dumps(whole, ensure_ascii=False)[:-1], b",".join(page.features)
    now = json.dumps(datetime.now(UTC).isoformat(timespec="seconds"))
    response = Response([f'{head}, "timeStamp": {now}, "features": ['.encode(), body, b"]}"],
                        content_type=f"{GEOJSON}; charset=utf-8")
    response.headers["Content-Crs"] = f"<{crs.uri}>"
    # Without the time of the answer: the same features are the same page.
    response.set_etag(mark((head.encode(), body)), weak=True)
    response.vary.update(MARKED_BY)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response
