"""The gate before every handler: nobody passes unknown, and nobody is used by another site.

Closed by default: an address is open only when its rule stands in identity.OPEN. A new page needs no care here.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, current_app, redirect, request, session
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.wrappers import Response as AnyResponse

from gisapp.accounts import Account
from gisapp.errors import Problem
from gisapp.views import identity

SIGN_IN = "/sign-in"
# What an account with a password that must be changed may still do.
BEFORE_CHANGE = frozenset({"/account/password", "/sign-out", "/session"})
PAGES = ("/map", "/account", "/admin", "/imports", "/exports", "/panel", "/forms")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_csrf = CSRFProtect()


def init_gate(app: Flask) -> None:
    """Check every request before its handler."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    _csrf.init_app(app)
    app.before_request(_pass)
    app.after_request(_challenge)
    app.register_error_handler(CSRFError, _csrf_failed)


def wants_page() -> bool:
    """Whether the answer is read by a person in a browser, rather than by a program or a script of ours."""
    if request.headers.get("HX-Request") or request.args.get("f", "html") != "html":
        return False
    page, data = (request.accept_mimetypes[kind] for kind in ("text/html", "application/json"))
    return page > data or (page == data and is_page_path(request.path))


def is_page_path(path: str) -> bool:
    """Whether the address is one of the pages."""
    return path.startswith(PAGES)


def safe_next(given: str | None) -> str | None:
    """`given` when it is an address on this server, written so that no browser reads another host in it."""
    if not given or not given.startswith("/") or given.startswith("//") or not given.isprintable():
        return None
    parts = urlsplit(given)
    if "\\" in given or parts.scheme or parts.netloc or len(given) > 2000:
        return None
    return given


def _pass() -> AnyResponse | None:
    rule = request.url_rule.rule if request.url_rule else None
    if rule is None or identity.is_open():  # what does not exist is answered so to everybody
        return None
    if rule == SIGN_IN:
        _from_this_site(None)
        return None
    account = identity.current_account()
    if account is None:
        return _send_to_sign_in()
    _from_this_site(account)
    if account.must_change_password and rule not in BEFORE_CHANGE:
        return _send_to_change()
    return None


def _from_this_site(account: Account | None) -> None:
    """Raise `csrf_failed` for an unsafe request that another site may have sent in the reader's name."""
    if request.method in _SAFE:
        return
    if account is None or identity.by_session():
        _csrf.protect()
    elif request.authorization and request.authorization.type == "basic" and _from_elsewhere():
        # A browser that was once asked for a password adds it to requests of any site.
        raise Problem("csrf_failed")


def _from_elsewhere() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _send_to_sign_in() -> AnyResponse:
    problem = identity.sign_in_problem()
    if problem is None and wants_page():
        return redirect(_sign_in_address(_wanted()))
    raise problem or Problem("sign_in_required")


def _wanted() -> str:
    """The page to come back to: the one asked for, or the one whose form was sent when the session had ended."""
    if request.method == "GET":
        return request.script_root + request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    adapter = current_app.create_url_adapter(request)
    path = came_from.path.removeprefix(request.script_root)
    if adapter is None or came_from.netloc != request.host or not adapter.test(path, "GET"):
        return ""
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def _sign_in_address(then: str) -> str:
    query = urlencode({"next": then}) if safe_next(then) else ""
    return f"{request.script_root}{SIGN_IN}" + (f"?{query}" if query else "")


def _send_to_change() -> AnyResponse:
    if wants_page() and identity.by_session():
        return redirect(f"{request.script_root}/account/password")
    raise Problem("password_change_required")


def _challenge(response: Response) -> Response:
    """Tell programs how to sign in; a page's own requests get no dialog of the browser's."""
    if response.status_code != 401:
        return response
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", ""))
        then = (here.path or "/map") + (f"?{here.query}" if here.query else "")
        response.headers["HX-Redirect"] = _sign_in_address(then)
    elif not _is_browser():
        response.headers["WWW-Authenticate"] = 'Basic realm="gisapp", charset="UTF-8"'
    return response


def _is_browser() -> bool:
    asked = request.headers
    referrer = urlsplit(asked.get("Referer", "")).netloc
    return bool(asked.get("X-Requested-With") or asked.get("Sec-Fetch-Mode") or session
                or "text/html" in asked.get("Accept", "") or referrer == request.host)


def _csrf_failed(error: CSRFError) -> Any:
    return current_app.handle_user_exception(Problem("csrf_failed"))
