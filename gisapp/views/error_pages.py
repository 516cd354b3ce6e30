"""Error pages for people; programs get problem+json from gisapp.views.api."""

from __future__ import annotations

from flask import Response, make_response, render_template
from flask_babel import gettext as _

from gisapp.errors import Problem
from gisapp.views import context
from gisapp.views.gate import wants_page

__all__ = ["page", "wants_page"]


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
        410: _("No longer there"),
        413: _("That is too large"), 429: _("Too many requests"), 503: _("The service is busy"),
    }
    other = _("Something went wrong") if status >= 500 else _("This request cannot be carried out")
    return str(titles.get(status, other))
