"""How a page with a form answers: the page itself, with the problem on it and the problem's status."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp.errors import Problem
from gisapp.views import context


def form_page(template: str, problem: Problem | None = None, **words: Any) -> Response:
    """The page; `problem` is what the form did wrong, shown in the reader's language. Never kept."""
    sentence = problem.sentence(context.language()) if problem else None
    response = make_response(render_template(template, problem=sentence, **words),
                             problem.kind.status if problem else 200)
    response.headers.update(problem.headers if problem else {})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def see(path: str) -> AnyResponse:
    """After a form was carried out: look at `path`, an address below the application's root."""
    return redirect(f"{request.script_root}{path}", 303)


def keep_language(response: AnyResponse, chosen: str) -> None:
    """Remember the reader's language in this browser."""
    response.set_cookie("language", chosen, max_age=365 * 86400, samesite="Lax", secure=request.is_secure)
