"""Who asks, as the short ways before the application remember it; the services prove it again at every request."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from time import monotonic

from flask import Flask, Request

from gisapp.accounts import actor_of, sessions, tokens
from gisapp.accounts.sessions import Claim
from gisapp.house import House

#: Claims that a process remembers, and for how many seconds.
_MOST, _KEEP_S = 1000, 60.0


class Claims:
    """The claims of browser sessions and tokens that were found good not long ago."""

    def __init__(self, app: Flask, house: House) -> None:
        self._app = app
        self._house = house
        self._known: dict[bytes, tuple[Claim, float]] = {}

    def clear(self) -> None:
        """Forget them all."""
        self._known.clear()

    def of(self, request: Request) -> Claim | None:
        """Whose session cookie or bearer token the request carries; None for a stranger, for other ways to sign in, and
        for who brings both: the application knows which counts. Raises what looking up raises."""
        given = request.environ.get("HTTP_AUTHORIZATION", "")
        cookie = request.cookies.get(self._app.config["SESSION_COOKIE_NAME"], "")
        if bool(given) == bool(cookie):
            return None
        brought = given or cookie
        key = sha256(brought.encode("utf-8", "surrogateescape")).digest()
        claim, looked_up_at = self._known.get(key, (None, 0.0))
        if claim is not None and monotonic() - looked_up_at < _KEEP_S:
            return claim
        self._known.pop(key, None)
        claim = self._of_token(request) if given else self._of_session(request)
        if claim is not None:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = claim, monotonic()
        return claim

    def _of_session(self, request: Request) -> Claim | None:
        session = self._app.session_interface.open_session(self._app, request)
        number = session.get("number") if session else None
        if not session or not isinstance(number, str):
            return None
        settings = self._house.settings
        idle, longest = timedelta(hours=settings.session_idle_hours), timedelta(days=settings.session_days)
        account = sessions.load(self._house.db, number, idle, longest)
        if account is None or account.fs_uniquifier != session.get("_user_id"):
            return None
        return Claim(sessions.digest_of(number), account.fs_uniquifier, actor_of(account), idle, longest)

    def _of_token(self, request: Request) -> Claim | None:
        given = request.authorization
        if given is None or given.type != "bearer":
            return None
        text = given.token or ""
        account = tokens.load(self._house.db, text)
        return Claim(tokens.digest_of(text), account.fs_uniquifier, actor_of(account), by="token")
