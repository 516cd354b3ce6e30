"""A browser as far as sign-in needs one: cookies, forms with their token, no script."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Browser:
    """Keeps cookies; `submit` sends a form with the CSRF token of the session."""

    def __init__(self, app: Flask, address: str = "192.0.2.10", scheme: str = "http") -> None:
        self.client = app.test_client()
        self._more = {"environ_base": {"REMOTE_ADDR": address}, "base_url": f"{scheme}://localhost"}

    def get(self, path: str, **more: Any) -> TestResponse:
        """The answer to a reader who follows a link."""
        return self.client.get(path, headers=PAGE | dict(more.pop("headers", {})), **self._more, **more)

    def submit(self, path: str, form: str | None = None, **fields: str) -> TestResponse:
        """The answer to a form found on the page `form` (default: the address it is sent to)."""
        token = self.token(form or path)
        return self.client.post(path, data={"csrf_token": token} | fields, headers=PAGE, **self._more)

    def post(self, path: str, **more: Any) -> TestResponse:
        """A POST without a token."""
        return self.client.post(path, headers=PAGE | dict(more.pop("headers", {})), **self._more, **more)

    def token(self, page: str) -> str:
        """The CSRF token on a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        assert found is not None, f"no form on {page}"
        return found[1]

    def sign_in(self, username: str, password: str, **fields: str) -> TestResponse:
        """The answer to the sign-in form."""
        return self.submit("/sign-in", username=username, password=password, **fields)

    def is_signed_in(self) -> bool:
        """Whether the server knows who asks."""
        return self.get("/session", headers={"Accept": "application/json"}).status_code == 200

    def cookie(self, name: str) -> str | None:
        """The value of a cookie."""
        found = self.client.get_cookie(name)
        return found.value if found else None


def first_match(pattern: str, page: str) -> str:
    """The first group of the pattern on the page."""
    found = re.search(pattern, page)
    assert found is not None, pattern
    return found[1]
