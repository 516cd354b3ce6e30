"""What a refused request sent is read before it is answered, so that its connection can carry the next one.

The server ends a connection whose body nobody has read, now and then without having said so: the client's next
request on it is lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

#: A larger body is not worth the reading; its connection ends.
MOST = 2**20
_PIECE = 2**16


class ReadBodies:
    """Stands around the application, within the short ways, which take no bodies."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._inner(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            _read_on(environ)
        return answer


def _read_on(environ: dict[str, Any]) -> None:
    told = environ.get("CONTENT_LENGTH") or ("0" if "HTTP_TRANSFER_ENCODING" not in environ else str(MOST))
    left = int(told) if told.isascii() and told.isdigit() else 0
    if left > MOST:
        return
    while left > 0 and (piece := environ["wsgi.input"].read(min(left, _PIECE))):
        left -= len(piece)
