"""The short way to a tile: what a browser on the map asks for hundreds of times needs none of the framework.

It answers only the plainest requests, by the same services and with the same words as `gisapp.views.tiles`; anything
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

from gisapp import tiles
from gisapp.accounts.sessions import Claim
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.params import parse
from gisapp.sql_tiles import Address
from gisapp.views import headers
from gisapp.views.claims import Claims
from gisapp.views.one_piece import send
from gisapp.views.tiles import IGNORED, MATRIX_SET, response_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

_PATH = re.compile(rf"/collections/([a-z][a-z0-9_]{{0,60}})/tiles/{MATRIX_SET}/(\d{{1,2}})/(\d{{1,7}})/(\d{{1,7}})")


class TileLane:
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
        if path is None or "HTTP_AUTHORIZATION" in environ or "HTTP_ORIGIN" in environ:
            return None
        request = Request(environ)
        try:
            claim = self._claims.of(request)
            made = self._tile(request, claim, *path.groups()) if claim else None
        except (Problem, psycopg.Error, SQLAlchemyError, queue.Empty):
            return None  # the application says it better
        if made is None:
            return None
        response = response_of(made, request)
        headers.add_fixed(response, request, self._app)
        if self._house.settings.cors_origins:
            response.vary.add("Origin")
        return response

    def _tile(self, request: Request, claim: Claim, layer_id: str, z: str, row: str, column: str) -> tiles.Tile | None:
        args = {name: values for name, values in request.args.lists() if name not in IGNORED}
        if args.pop("f", ["mvt"]) != ["mvt"]:
            return None
        query = parse(args, self._house.layer(layer_id), self._house.catalogue).plain()
        return tiles.proven_tile(self._house, claim, layer_id, Address(int(z), int(column), int(row)), query,
                                 request.if_none_match.as_set(include_weak=True))
