"""The short way to a tile: what a browser on the map asks for hundreds of times needs none of the framework.

It answers only the plainest requests, by the same services and with the same words as `gisapp.views.tiles`; anything
else, and whatever it is not sure of, goes to the application. Who asks is proved at every request.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, Request
from sqlalchemy.exc import SQLAlchemyError

from gisapp import tiles
from gisapp.accounts import actor_of, sessions
from gisapp.accounts.sessions import Claim
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.params import parse
from gisapp.sql_tiles import Address
from gisapp.views import headers
from gisapp.views.tiles import IGNORED, MATRIX_SET, response_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

_PATH = re.compile(rf"/collections/([a-z][a-z0-9_]{{0,60}})/tiles/{MATRIX_SET}/(\d{{1,2}})/(\d{{1,7}})/(\d{{1,7}})")
#: Sessions that a process remembers, and for how many seconds.
_MOST_CLAIMS, _CLAIM_KEEP_S = 1000, 60.0


class TileLane:
    """Stands before the application; to be put inside of what reads a proxy's headers."""

    def __init__(self, app: Flask, house: House) -> None:
        self._app = app
        self._house = house
        self._inner: WSGIApplication = app.wsgi_app
        self._claims: dict[str, tuple[Claim, float]] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ) if environ["REQUEST_METHOD"] == "GET" else None
        return (answer or self._inner)(environ, start_response)

    def _answer(self, environ: dict[str, Any]) -> WSGIApplication | None:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None or "HTTP_AUTHORIZATION" in environ or "HTTP_ORIGIN" in environ:
            return None
        request = Request(environ)
        try:
            claim = self._claim(request)
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

    def _claim(self, request: Request) -> Claim | None:
        """Whose session the cookie was found to be not long ago; the service proves it again."""
        cookie = request.cookies.get(self._app.config["SESSION_COOKIE_NAME"], "")
        claim, looked_up_at = self._claims.get(cookie, (None, 0.0))
        if claim is not None and monotonic() - looked_up_at < _CLAIM_KEEP_S:
            return claim
        self._claims.pop(cookie, None)
        claim = self._look_up(request) if cookie else None
        if claim is not None:
            if len(self._claims) >= _MOST_CLAIMS:
                self._claims.clear()
            self._claims[cookie] = claim, monotonic()
        return claim

    def _look_up(self, request: Request) -> Claim | None:
        session = self._app.session_interface.open_session(self._app, request)
        number = session.get("number") if session else None
        if not session or not isinstance(number, str):
            return None
        settings = self._house.settings
        idle, longest = timedelta(hours=settings.session_idle_hours), timedelta(days=settings.session_days)
        account = sessions.load(self._house.db, number, idle, longest)
        if account is None or account.fs_uniquifier != session.get("_user_id"):
            return None
        return Claim(sessions.digest_of(number), account.fs_uniquifier, actor_of(account), idle, longest)
