"""Sign-in, sign-out and one's own account: password, language, tokens."""

from __future__ import annotations

from flask import Blueprint, Response, flash, jsonify, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from gisapp.accounts import Account, credentials, people, tokens
from gisapp.errors import Problem
from gisapp.permissions import ALLOWED
from gisapp.views import context, identity
from gisapp.views.gate import safe_next
from gisapp.views.shell import role_title

blueprint = Blueprint("auth", __name__)

YEAR = 365 * 86400
TOKEN_DAYS = (30, 90, 365, 730)


@blueprint.get("/sign-in")
def sign_in_page() -> AnyResponse:
    """The form; who is signed in already goes on."""
    if identity.current_account():
        return redirect(_onward(request.args.get("next")))
    return _sign_in_form()


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """Check name and password and begin a session."""
    given = request.form
    try:
        account = identity.door().prove(given.get("username", ""), given.get("password", ""), identity.caller())
    except Problem as problem:
        return _sign_in_form(problem)
    identity.enter(account)
    onward = "/account/password" if account.must_change_password else None
    response = redirect(f"{request.script_root}{onward}" if onward else _onward(given.get("next")), 303)
    _remember_browser(response, account)
    return response


@blueprint.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session; what the browser kept of it goes too."""
    actor = context.actor()
    people.note_sign_out(context.house().db, actor, address=identity.caller().address)
    identity.leave()
    response = redirect(f"{request.script_root}/sign-in", 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.get("/session")
def session_state() -> Response:
    """Who is signed in, what they may do, and a fresh CSRF token for scripts and the field page."""
    actor = context.actor()
    account = identity.current_account()
    answer = jsonify(username=actor.username, role=actor.role, squadron_code=actor.squadron_code,
                     acts=sorted(ALLOWED.get(actor.role, ())), language=context.language(),
                     must_change_password=bool(account and account.must_change_password),
                     csrf_token=generate_csrf() if identity.by_session() else None)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.get("/account")
def account_page() -> AnyResponse:
    """One's own account."""
    return _account_page()


@blueprint.get("/account/password")
def password_page() -> AnyResponse:
    """The form to change one's password."""
    return _password_form()


@blueprint.post("/account/password")
def change_password() -> AnyResponse:
    """Set a new password; all other sessions of the account end, this one goes on under a new number."""
    actor, given = context.actor(), request.form
    old, new = given.get("old", ""), given.get("new", "")
    try:
        _prove_again(actor.username, old)
        if new != given.get("again", ""):
            raise Problem("password_differs")
        account = people.change_password(context.house().db, actor, old, new,
                                         address=identity.caller().address)
    except Problem as problem:
        return _password_form(problem)
    identity.enter(account)
    flash(_("The password is changed. Other devices have been signed out."), "success")
    return redirect(f"{request.script_root}/map", 303)


@blueprint.post("/account/language")
def set_language() -> AnyResponse:
    """Remember the language for this account and this browser."""
    chosen = request.form.get("language", "")
    try:
        people.set_language(context.house().db, context.actor(), chosen)
    except Problem as problem:
        return _account_page(problem)
    response = redirect(f"{request.script_root}/account?lang={chosen}", 303)
    _keep_language(response, chosen)
    return response


@blueprint.post("/account/tokens")
def make_token() -> AnyResponse:
    """Make a token and show it, this once."""
    given = request.form
    days = given.get("days", "")
    try:
        text = tokens.make(context.house().db, context.actor(), given.get("name", ""),
                           int(days) if days.isascii() and days.isdigit() and len(days) < 6 else 0,
                           address=identity.caller().address)
    except Problem as problem:
        return _account_page(problem)
    return _account_page(new_token=text)


@blueprint.post("/account/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> AnyResponse:
    """End one of one's own tokens."""
    try:
        tokens.revoke(context.house().db, context.actor(), token_id, address=identity.caller().address)
    except Problem as problem:
        return _account_page(problem)
    flash(_("The token is revoked."), "success")
    return redirect(f"{request.script_root}/account", 303)


def _onward(then: str | None) -> str:
    return safe_next(then) or f"{request.script_root}/map"


def _sign_in_form(problem: Problem | None = None) -> Response:
    page = render_template("auth/sign_in.html", problem=_sentence(problem), username=request.form.get("username", ""),
                           next=safe_next(request.values.get("next")))
    return _answer(page, problem)


def _password_form(problem: Problem | None = None) -> Response:
    account = identity.current_account()
    page = render_template("auth/password.html", problem=_sentence(problem), least=credentials.MIN_LENGTH,
                           first=bool(account and account.must_change_password), username=context.actor().username)
    return _answer(page, problem)


def _account_page(problem: Problem | None = None, new_token: str | None = None) -> Response:
    actor = context.actor()
    page = render_template("auth/account.html", problem=_sentence(problem), actor=actor,
                           role=role_title(actor.role), tokens=tokens.own(context.house().db, actor),
                           new_token=new_token, token_days=TOKEN_DAYS, language=context.language())
    return _answer(page, problem)


def _answer(page: str, problem: Problem | None) -> Response:
    response = make_response(page, problem.kind.status if problem else 200)
    response.headers.update(problem.headers if problem else {})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _sentence(problem: Problem | None) -> str | None:
    return problem.sentence(context.language()) if problem else None


def _prove_again(username: str, password: str) -> None:
    """Who found an open session may not take the account with it; counted like a sign-in."""
    try:
        identity.door().prove(username, password, identity.caller(), how="change")
    except Problem as problem:
        raise Problem("password_wrong") if problem.code == "sign_in_wrong" else problem from None


def _remember_browser(response: AnyResponse, account: Account) -> None:
    secure = request.is_secure or context.house().settings.https
    response.set_cookie(identity.DEVICE_COOKIE, identity.device_cookie(account), secure=secure, httponly=True,
                        max_age=identity.DEVICE_SECONDS, samesite="Lax")
    if account.language:
        _keep_language(response, account.language)


def _keep_language(response: AnyResponse, chosen: str) -> None:
    response.set_cookie("language", chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure)
