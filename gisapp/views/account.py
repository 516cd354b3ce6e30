"""One's own account: password, language, tokens."""

from __future__ import annotations

from flask import Blueprint, Response, flash, request as asked
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp.accounts import credentials, people, tokens
from gisapp.errors import Problem
from gisapp.views import context, identity
from gisapp.views.forms import form_page, keep_language, see
from gisapp.views.shell import role_title

blueprint = Blueprint("account", __name__, url_prefix="/account")

TOKEN_DAYS = (30, 90, 365, 730)


@blueprint.get("")
def page() -> AnyResponse:
    """What one's account is, and what can be changed about it."""
    return _page()


@blueprint.get("/password")
def password_page() -> AnyResponse:
    """The form to change one's password."""
    return _password_form()


@blueprint.post("/password")
def change_password() -> AnyResponse:
    """Set a new password; all other sessions of the account end, this one goes on under a new number."""
    actor, given = context.actor(), asked.form
    old, new = given.get("old", ""), given.get("new", "")
    try:
        _prove_again(actor.username, old)
        if new != given.get("again", ""):
            raise Problem("password_differs")
        account = people.change_password(context.house().db, actor, old, new,
                                         address=identity.caller().address)
    except Problem as problem:
        return _password_form(problem)
    if identity.by_session():
        identity.enter(account)
        flash(_("The password is changed. Other devices have been signed out."), "success")
    return see("/map")


@blueprint.post("/language")
def set_language() -> AnyResponse:
    """Remember the language for this account and this browser."""
    chosen = asked.form.get("language", "")
    try:
        people.set_language(context.house().db, context.actor(), chosen)
    except Problem as problem:
        return _page(problem)
    response = see("/account")
    keep_language(response, chosen)
    return response


@blueprint.post("/tokens")
def make_token() -> AnyResponse:
    """Make a token and show it, this once."""
    try:
        text = tokens.make(context.house().db, context.actor(), asked.form.get("name", ""),
                           _days(asked.form.get("days", "")), address=identity.caller().address)
    except Problem as problem:
        return _page(problem)
    return _page(new_token=text)


@blueprint.post("/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> AnyResponse:
    """End one of one's own tokens."""
    try:
        tokens.revoke(context.house().db, context.actor(), token_id, address=identity.caller().address)
    except Problem as problem:
        return _page(problem)
    flash(_("The token is revoked."), "success")
    return see("/account")


def _page(problem: Problem | None = None, new_token: str | None = None) -> Response:
    actor = context.actor()
    return form_page("auth/account.html", problem, actor=actor, role=role_title(actor.role),
                     tokens=tokens.own(context.house().db, actor), new_token=new_token,
                     token_days=TOKEN_DAYS, language=context.language())


def _password_form(problem: Problem | None = None) -> Response:
    account = identity.current_account()
    return form_page("auth/password.html", problem, least=credentials.MIN_LENGTH,
                     first=bool(account and account.must_change_password), username=context.actor().username)


def _days(given: str) -> int:
    """The number of days; 0, which is refused, for anything else."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 0


def _prove_again(username: str, password: str) -> None:
    """Who found an open session may not take the account with it; counted like a sign-in."""
    try:
        identity.door().prove(username, password, identity.caller(), how="change")
    except Problem as problem:
        raise (Problem("password_wrong") if problem.code == "sign_in_wrong" else problem) from None
