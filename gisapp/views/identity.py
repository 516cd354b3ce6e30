"""From a request to an account: browser session, then bearer token, then HTTP basic.

Flask-Security keeps the sign-in state (and its second factor, once an office wants it); the loaders below
replace its own, so that a session lives in the database and tokens are ours.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

from flask import Flask, Request, current_app, g, request, session
from flask_login import current_user
from flask_security import Security, SQLAlchemySessionUserDatastore, uia_username_mapper
from flask_security.utils import login_user, logout_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import scoped_session, sessionmaker

from gisapp.accounts import Account, Caller, SignIn, actor_of, sessions, tokens
from gisapp.accounts.credentials import LANES, MEMORY_KIB, TIME_COST
from gisapp.accounts.rows import Role
from gisapp.config import secret_key
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import SYSTEM, Actor

# Rules that anybody may ask for; nobody looks up who asks, so they answer without a database.
OPEN = frozenset({"/healthz", "/sw.js", "/favicon.ico", "/robots.txt", "/assets/<version>/<path:name>",
                  "/d/<token>"})
DEVICE_COOKIE = "gisapp_device"
DEVICE_SECONDS = 180 * 86400
_DEVICE_ACCOUNTS = 8
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{8,64}")


def init_identity(app: Flask, house: House) -> None:
    """Flask-Security without its own pages, open registration or mail, on the accounts of the house."""
    key = secret_key(house.settings)
    app.secret_key = key
    app.config.update(_flask_security_settings())
    store = scoped_session(sessionmaker(house.db.engine))
    app.teardown_appcontext(lambda _: store.remove())
    Security(app, SQLAlchemySessionUserDatastore(store, Account, Role), register_blueprint=False)
    manager: Any = app.extensions["security"].login_manager
    manager.user_loader(_session_account)
    manager.request_loader(_header_account)
    app.extensions["gisapp.sign_in"] = SignIn(house.db, key)


def _flask_security_settings() -> dict[str, Any]:
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__time_cost": TIME_COST, "argon2__memory_cost": MEMORY_KIB, "argon2__parallelism": LANES},
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"username": {"mapper": uia_username_mapper, "case_insensitive": True}}],
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_CLI_USERS_NAME": False,
        "SECURITY_CLI_ROLES_NAME": False,
        # A phone in the street changes its address; the session's own number is the proof.
        "SESSION_PROTECTION": None,
    }


def is_open() -> bool:
    """Whether the address is open to anybody."""
    return request.url_rule is not None and request.url_rule.rule in OPEN


def request_id() -> str:
    """The id under which this request's writes and log lines are found; a caller may bring a plain one."""
    if "request_id" not in g:
        g.request_id = chosen_request_id(request.headers.get("X-Request-Id", ""))
    return cast(str, g.request_id)


def chosen_request_id(given: str) -> str:
    """The id that a caller brought, when it is a plain one, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else uuid4().hex


def current_account() -> Account | None:
    """The account that asks, else None; whether it must change its password first is not looked at."""
    found = current_user._get_current_object()
    return found if isinstance(found, Account) else None


def current_actor() -> Actor | None:
    """Who acts in this request, else None."""
    account = current_account()
    return actor_of(account, request_id()) if account else None


def by_session() -> bool:
    """Whether the account came by a browser session, so that other sites could misuse it."""
    return bool(g.get("account_by") == "session")


def sign_in_problem() -> Problem | None:
    """Why the given token or password was not accepted, when one was given."""
    return cast(Problem | None, g.get("sign_in_problem"))


def caller() -> Caller:
    """Where the request comes from."""
    device, accounts = _device()
    return Caller(address=request.remote_addr or "", agent=request.user_agent.string, request_id=request_id(),
                  device=device, device_accounts=accounts)


def door() -> SignIn:
    """The sign-in of this process."""
    return cast(SignIn, current_app.extensions["gisapp.sign_in"])


def enter(account: Account) -> None:
    """Begin a session: everything the browser held before is dropped, so no number can be planted."""
    house = cast(House, current_app.extensions["gisapp"])
    session.clear()
    g.pop("csrf_token", None)
    with house.db.begin(SYSTEM.username) as connection:
        sessions.sweep(connection, idle_time())
        number = sessions.begin(connection, account, caller())
    session["number"] = number
    session.permanent = True
    login_user(account, remember=False, authn_via=["password"])
    g.account_by = "session"


def leave() -> None:
    """End this browser's session, here and in the table."""
    house = cast(House, current_app.extensions["gisapp"])
    if session.get("number"):
        sessions.end(house.db, session["number"])
    logout_user()
    session.clear()
    g.pop("csrf_token", None)


def device_cookie(account: Account) -> str:
    """The value that lets this browser's own attempts be counted apart from others' (see accounts.pacing)."""
    device, known = _device()
    others = [other for other in sorted(known) if other != str(account.id)][:_DEVICE_ACCOUNTS - 1]
    return _device_seal().dumps([device or uuid4().hex, [str(account.id), *others]])


def idle_time() -> timedelta:
    """How long a session may go unused."""
    return timedelta(hours=cast(House, current_app.extensions["gisapp"]).settings.session_idle_hours)


def _session_account(user_id: str) -> Account | None:
    number = session.get("number")
    if is_open() or not number or _asked_before("session"):
        return None
    house = cast(House, current_app.extensions["gisapp"])
    account = sessions.load(house.db, number, idle_time(), timedelta(days=house.settings.session_days))
    if account is None or account.fs_uniquifier != user_id:
        return None
    g.account_by = "session"
    return account


def _header_account(asked: Request) -> Account | None:
    try:
        return _by_header(asked)
    except Problem as problem:
        g.sign_in_problem = problem
        return None


def _by_header(asked: Request) -> Account | None:
    given = asked.authorization
    if given is None or is_open() or _asked_before("header"):
        return None
    if given.type == "bearer":
        g.account_by = "bearer"
        return tokens.load(cast(House, current_app.extensions["gisapp"]).db, given.token or "")
    if given.type == "basic":
        g.account_by = "basic"
        return door().prove_quickly(given.username or "", given.password or "", caller())
    return None


def _asked_before(by: str) -> bool:
    """True at a second look-up: the first one failed, and the page that says so is drawn for a stranger."""
    looked: set[str] = g.setdefault("looked_up", set())
    again = by in looked
    looked.add(by)
    return again


def _device_seal() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="gisapp.device")


def _device() -> tuple[str, frozenset[str]]:
    try:
        number, accounts = _device_seal().loads(request.cookies.get(DEVICE_COOKIE, ""), max_age=DEVICE_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return "", frozenset()
    return str(number), frozenset(map(str, accounts))
