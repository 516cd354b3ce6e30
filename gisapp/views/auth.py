"""Sign-in and sign-out, and who is signed in."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, redirect, request
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from gisapp.accounts import Account, people
from gisapp.errors import Problem
from gisapp.permissions import rights
from gisapp.views import context, identity
from gisapp.views.forms import form_page, keep_language, see
from gisapp.views.gate import safe_next

blueprint = Blueprint("auth", __name__)


@blueprint.get("/sign-in")
def sign_in_page() -> AnyResponse:
    """The form; who is signed in already goes on."""
    if identity.current_account():
        return _onward(request.args.get("next"))
    return _form()


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """Check name and password and begin a session."""
    given = request.form
    try:
        account = identity.door().prove(given.get("username", ""), given.get("password", ""), identity.caller())
    except Problem as problem:
        return _form(problem)
    identity.enter(account)
    response = see("/account/password") if account.must_change_password else _onward(given.get("next"))
    _remember_browser(response, account)
    return response


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session; what the browser kept of it goes too."""
    people.note_sign_out(context.house().db, context.actor(), address=identity.caller().address)
    identity.leave()
    response = see("/sign-in")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.get("/session")
def session_state() -> Response:
    """Who is signed in, what they may do, and a fresh CSRF token for scripts and the field page."""
    actor = context.actor()
    account = identity.current_account()
    answer = jsonify(username=actor.username, role=actor.role, squadron_code=actor.squadron_code,
                     acts=sorted(rights(actor)), language=context.language(),
                     must_change_password=bool(account and account.must_change_password),
                     csrf_token=generate_csrf() if identity.by_session() else None)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _onward(then: str | None) -> AnyResponse:
    wanted = safe_next(then)
    return redirect(wanted, 303) if wanted else see("/map")


def _form(problem: Problem | None = None) -> Response:
    return form_page("auth/sign_in.html", problem, username=request.form.get("username", ""),
                     next=safe_next(request.values.get("next")))


def _remember_browser(response: AnyResponse, account: Account) -> None:
    secure = request.is_secure or context.house().settings.https
    response.set_cookie(identity.DEVICE_COOKIE, identity.device_cookie(account), secure=secure, httponly=True,
                        max_age=identity.DEVICE_SECONDS, samesite="Lax")
    if account.language:
        keep_language(response, account.language)
