"""Everything about who asks and what they may misuse, in the order in which it has to be set up."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from gisapp.house import House
from gisapp.views.claims import Claims
from gisapp.views.gate import init_gate
from gisapp.views.headers import csp_nonce, init_headers, policy
from gisapp.views.identity import current_account, current_actor, init_identity
from gisapp.views.items_lane import ItemsLane
from gisapp.views.tile_lane import TileLane
from gisapp.views.unread_bodies import ReadBodies
from gisapp.views.wire import init_wire

__all__ = ["csp_nonce", "current_account", "current_actor", "init_security", "policy"]


def init_security(app: Flask, house: House) -> None:
    """Sessions, tokens, basic auth, CSRF check, headers. To be called once, before blueprints are registered."""
    settings = house.settings
    claims = Claims(app, house)
    app.wsgi_app = ReadBodies(app.wsgi_app, house.settings.threads)  # type: ignore[method-assign]
    app.wsgi_app = TileLane(app, house, claims)  # type: ignore[method-assign]
    app.wsgi_app = ItemsLane(app, house, claims)  # type: ignore[method-assign]
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=count)
    app.config.update(
        SESSION_COOKIE_NAME="gisapp_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=settings.session_days),
    )
    init_headers(app)
    init_wire(app)
    init_identity(app, house)
    init_gate(app)
