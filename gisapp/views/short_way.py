"""A short way before the application: the plainest requests of a kind need none of the framework.

It answers by the same services and with the same words as the application's own views; whatever it is not sure of
goes on to the application. Who asks is proved at every request.
"""

from __future__ import annotations

import queue
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from flask import Flask, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from gisapp.errors import Problem
from gisapp.house import House
from gisapp.views import headers
from gisapp.views.claims import Claims

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication


class ShortWay:
    """Stands before the application; to be put inside of what reads a proxy's headers."""

    def __init__(self, app: Flask, house: House, claims: Claims) -> None:
        self._app = app
        self._house = house
        self._inner: WSGIApplication = app.wsgi_app
        self._claims = claims

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ) if environ["REQUEST_METHOD"] == "GET" else None
        return send(answer, environ, start_response) if answer else self._inner(environ, start_response)

    def _found(self, environ: dict[str, Any]) -> Response | None:
        """The answer but for the headers that all have; None, or any Problem, leaves it to the application."""
        raise NotImplementedError

    def _answer(self, environ: dict[str, Any]) -> Response | None:
        try:
            response = self._found(environ)
        except (Problem, psycopg.Error, SQLAlchemyError, queue.Empty):
            return None  # the application says it better
        if response is None:
            return None
        headers.add_fixed(response, Request(environ), self._app)
        if self._house.settings.cors_origins:
            response.vary.add("Origin")
        return response


def send(response: Response, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """The body of a response that holds all of it already, its head told. As a list: granian sends one at once,
    anything else piece by piece between threads."""
    pieces, status, told = response.get_wsgi_response(environ)
    start_response(status, told)
    body = list(pieces)
    response.close()
    return body
