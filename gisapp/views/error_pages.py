"""Error pages for people; programs get problem+json from gisapp.views.api."""

from __future__ import annotations

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _

from gisapp.errors import Problem
from gisapp.views import context


def wants_page() -> bool:
    """Whether the client is a browser that asks for a page: it names text/html, and not by `f=`."""
    if request.args.get("f", "html") != "html" or "HX-Request" in request.headers:
        return False
    accepted = request.accept_mimetypes
    return "text/html" in accepted.values() and accepted["text/html"] >= accepted["application/json"]


def page(problem: Problem, request_id: str = "") -> Response:
    """The page of a problem in the reader's language, with its code and status."""
    status = problem.kind.status
    body = render_template("errors/error.html", status=status, code=problem.code, title=_title(status),
                           detail=problem.sentence(context.language()), request_id=request_id)
    response = make_response(body, status)
    response.headers.update(problem.headers)
    return response


def _title(status: int) -> str:
    titles = {
        400: _("This request cannot be understood"), 401: _("Please sign in"),
        403: _("You may not do this"), 404: _("Not found"), 405: _("This cannot be done here"),
        413: _("That is too large"), 429: _("Too many requests"), 503: _("The service is busy"),
    }
    return titles.get(status, _("Something went wrong") if status >= 500 else _("This request cannot be carried out"))
