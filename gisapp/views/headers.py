"""What goes out with every answer: content policy, other security headers, what may be kept where."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import cast

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from gisapp.views.identity import chosen_request_id, is_open, request_id

YEAR = 31536000
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The own site needs the address for the check of unsafe requests; nobody else gets it.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), fullscreen=(self), camera=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class CookieSession(SecureCookieSessionInterface):
    """The session cookie is marked secure whenever the reader came by HTTPS, not only by a setting."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the cookie may travel by HTTPS only."""
        return bool(app.config["SESSION_COOKIE_SECURE"]) or request.is_secure

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Open addresses neither set nor depend on the cookie: `Vary: Cookie` would fetch every asset twice."""
        if not is_open():
            super().save_session(app, session, response)


def init_headers(app: Flask) -> None:
    """Send the headers with every answer; templates get `csp_nonce()`."""
    app.session_interface = CookieSession()
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_add_headers)


def csp_nonce() -> str:
    """The nonce of this request, for inline script and style tags of the page."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return cast(str, g.csp_nonce)


def allow_hosts(hosts: Iterable[str]) -> None:
    """Let this answer's page fetch pictures and data from the hosts (scheme://host) of configured basemaps."""
    g.csp_hosts = tuple(dict.fromkeys(hosts))


def policy(nonce: str | None = None, hosts: Iterable[str] = ()) -> str:
    """The Content-Security-Policy: nothing from elsewhere but the `hosts`, nothing inline without the nonce."""
    also = "".join(f" {host}" for host in hosts)
    inline = f" 'nonce-{nonce}'" if nonce else ""
    return ("default-src 'none'; "
            f"script-src 'self'{inline}; style-src 'self'{inline}; img-src 'self' data: blob:{also}; "
            f"connect-src 'self'{also}; font-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'; object-src 'none'")


_DATA_POLICY = policy()


def _add_headers(response: Response) -> Response:
    is_page = response.mimetype == "text/html"
    content = policy(csp_nonce() if is_page else None, g.get("csp_hosts", ()))
    _add(response, content, request_id(), current_app.session_interface.get_cookie_secure(current_app))
    _keep_private(response, is_page)
    return response


def add_fixed(response: Response, asked: Request, app: Flask) -> None:
    """The headers of an answer with data, for what is answered outside of the application; its Cache-Control must be
    set already."""
    secure = bool(app.config["SESSION_COOKIE_SECURE"]) or asked.is_secure
    _add(response, _DATA_POLICY, chosen_request_id(asked.environ.get("HTTP_X_REQUEST_ID", "")), secure)


def _add(response: Response, content_policy: str, number: str, secure: bool) -> None:
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = content_policy
    response.headers["X-Request-Id"] = number
    if secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"


def _keep_private(response: Response, is_page: bool) -> None:
    """What was made for one reader is never kept where another one could get it."""
    if is_open():
        return
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store" if is_page else "private, no-cache"
        # The way back to a page must not find the document that a script fetched from the same address.
        response.vary.add("Accept")
    elif not response.cache_control.no_store:
        response.cache_control.public = False
        response.cache_control.private = True
