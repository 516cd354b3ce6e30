"""The short way to a page of features: what a client leafing through a box asks for needs none of the framework.

It answers only the plainest requests, by the same services and with the same words as `gisapp.views.api`; anything
else, and whatever it is not sure of, goes to the application. Who asks is proved at every request.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from gisapp import features
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.params import parse
from gisapp.views import headers, wire
from gisapp.views.claims import Claims
from gisapp.views.documents import prefers_page
from gisapp.views.items_page import links_of, response_of
from gisapp.views.one_piece import send

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

_PATH = re.compile(r"/collections/([a-z][a-z0-9_]{0,60})/items")
#: What a plain request asks; the service refuses more than it can answer in short.
_TAKEN = frozenset({"f", "lang", "bbox", "bbox-crs", "crs", "limit", "after", "before", "properties"})


class ItemsLane:
    """Stands before the application; to be put inside of what reads a proxy's headers."""

    def __init__(self, app: Flask, house: House, claims: Claims) -> None:
        self._app = app
        self._house = house
        self._inner: WSGIApplication = app.wsgi_app
        self._claims = claims

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ) if environ["REQUEST_METHOD"] == "GET" else None
        return send(answer, environ, start_response) if answer else self._inner(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> Response | None:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None or "HTTP_ORIGIN" in environ or "bbox=" not in environ.get("QUERY_STRING", ""):
            return None
        request = Request(environ)
        try:
            response = self._page(request, path[1])
        except (Problem, psycopg.Error, SQLAlchemyError, queue.Empty):
            return None  # the application says it better
        if response is None:
            return None
        wire.pack(response, request)
        response.headers["Cache-Control"] = "private, no-cache"
        headers.add_fixed(response, request, self._app)
        if self._house.settings.cors_origins:
            response.vary.add("Origin")
        return response

    def _page(self, request: Request, layer_id: str) -> Response | None:
        args = request.args.to_dict(flat=False)
        if not args.keys() <= _TAKEN or args.get("f", ["json"]) != ["json"]:
            return None
        if "f" not in args and prefers_page(request):
            return None
        claim = self._claims.of(request)
        if claim is None:
            return None
        house = self._house
        query = parse(args, house.layer(layer_id), house.catalogue)
        page = features.proven_page(house, claim, layer_id, query, house.settings.count_limit)
        if page is None:
            return None
        base = f"{request.host_url.rstrip('/')}{request.root_path}/collections/{layer_id}"
        return response_of(page, links_of(f"{base}/items", base, request.args, page), query.crs, request)
