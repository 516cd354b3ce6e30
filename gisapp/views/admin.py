"""Accounts as an administrator sees them, and the access log."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, flash, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp.accounts import log, people
from gisapp.errors import Problem
from gisapp.permissions import ROLES
from gisapp.views import context, identity
from gisapp.views.forms import form_page, see
from gisapp.views.log_words import told
from gisapp.views.shell import role_title

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

LOG_LINES = 200


@blueprint.get("/accounts")
def accounts() -> AnyResponse:
    """All accounts, and the form for a new one."""
    return _list()


@blueprint.post("/accounts")
def make_account() -> AnyResponse:
    """Make an account and show its first password, this once."""
    given = request.form
    try:
        account, password = people.make(
            context.house(), context.actor(), given.get("username", ""), given.get("role", ""),
            squadron_code=given.get("squadron_code", "").strip() or None, address=identity.caller().address)
    except Problem as problem:
        return _list(problem)
    return _one(str(account.id), password=password)


@blueprint.get("/accounts/<account_id>")
def account(account_id: str) -> AnyResponse:
    """One account and what can be done to it."""
    return _one(account_id)


@blueprint.post("/accounts/<account_id>/role")
def set_role(account_id: str) -> AnyResponse:
    """Give the account another role."""
    return _change(account_id, lambda: people.set_role(
        context.house().db, context.actor(), account_id, request.form.get("role", ""),
        address=identity.caller().address))


@blueprint.post("/accounts/<account_id>/squadron")
def set_squadron(account_id: str) -> AnyResponse:
    """Bind the account to a squadron, or free it."""
    return _change(account_id, lambda: people.set_squadron(
        context.house(), context.actor(), account_id, request.form.get("squadron_code", "").strip() or None,
        address=identity.caller().address))


@blueprint.post("/accounts/<account_id>/disable")
def disable(account_id: str) -> AnyResponse:
    """Let the account in no more."""
    return _change(account_id, lambda: people.disable(
        context.house().db, context.actor(), account_id, address=identity.caller().address))


@blueprint.post("/accounts/<account_id>/enable")
def enable(account_id: str) -> AnyResponse:
    """Let the account in again."""
    return _change(account_id, lambda: people.enable(
        context.house().db, context.actor(), account_id, address=identity.caller().address))


@blueprint.post("/accounts/<account_id>/reset")
def reset(account_id: str) -> AnyResponse:
    """Set a drawn password and show it, this once."""
    password = people.reset_password(context.house().db, context.actor(), account_id,
                                     address=identity.caller().address)
    return _one(account_id, password=password)


@blueprint.get("/log")
def access_log() -> AnyResponse:
    """The newest lines of the access log, of one act or of all."""
    act = request.args.get("act") or None
    house, language = context.house(), context.language()
    found = log.recent(house.db, context.actor(), LOG_LINES, act)
    lines = [(line, told(line.detail, house, language)) for line in found]
    return form_page("admin/log.html", lines=lines, act=act, acts=_act_titles(), language=language, limit=LOG_LINES)


def _change(account_id: str, act: Callable[[], None]) -> AnyResponse:
    try:
        act()
    except Problem as problem:
        if problem.kind.status == 404:
            raise
        return _one(account_id, problem=problem)
    flash(_("Saved."), "success")
    return see(f"/admin/accounts/{account_id}")


def _list(problem: Problem | None = None) -> Response:
    house, actor = context.house(), context.actor()
    return form_page("admin/accounts.html", problem, accounts=people.list_accounts(house.db, actor),
                     roles=_role_titles(), given=request.form, squadrons=people.squadrons(house, actor))


def _one(account_id: str, *, problem: Problem | None = None, password: str | None = None) -> Response:
    house, actor = context.house(), context.actor()
    return form_page("admin/account.html", problem, account=people.show(house.db, actor, account_id),
                     roles=_role_titles(), password=password, squadrons=people.squadrons(house, actor))


def _role_titles() -> dict[str, str]:
    return {role: role_title(role) for role in ROLES}


def _act_titles() -> dict[str, str]:
    return {
        "sign_in": _("Sign-in"), "sign_in_failed": _("Failed sign-in"), "sign_out": _("Sign-out"),
        "password_changed": _("Password changed"), "account_made": _("Account made"),
        "account_disabled": _("Account disabled"), "account_enabled": _("Account enabled"),
        "role_set": _("Role changed"), "squadron_set": _("Squadron changed"),
        "password_reset": _("Password reset"), "token_made": _("Token made"),
        "token_revoked": _("Token revoked"), "export": _("Hand-over"), "import": _("Import"),
        "file_taken": _("File taken"), "file_removed": _("File deleted"), "receiver_made": _("Receiver made"),
        "receiver_changed": _("Receiver changed"), "link_made": _("Link made"), "link_revoked": _("Link revoked"),
        "link_used": _("Link used"),
    }
