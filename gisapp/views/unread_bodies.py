"""What a refused request sent is read before it is answered, so that its connection can carry the next one.

The server ends a connection whose body nobody has read, now and then without having said so: the client's next
request on it is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
        if environ["REQUEST_METHOD"] in ("GET", "HEAD") or (length := _length(environ)) > MOST:
            return self._inner(environ, start_response)
        environ["wsgi.input"] = body = _Counted(environ["wsgi.input"])
        answer = self._inner(environ, start_response)
        while body.seen < length and body.read(min(length - body.seen, _PIECE)):
            pass
        return answer


def _length(environ: dict[str, Any]) -> int:
    told = environ.get("CONTENT_LENGTH") or ("0" if "HTTP_TRANSFER_ENCODING" not in environ else str(MOST))
    return int(told) if told.isascii() and told.isdigit() else 0


class _Counted:
    """A body that knows how much of it was read: a server may hand over the connection itself, on which one would wait
    for ever for what comes after the body."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.seen = 0

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._inner.read(size)
        self.seen += len(piece)
        return piece

    def readline(self, size: int = -1) -> bytes:
        piece: bytes = self._inner.readline(size)
        self.seen += len(piece)
        return piece

    def readinto(self, space: Any) -> int:
        piece = self.read(len(space))
        space[:len(piece)] = piece
        return len(piece)

    def readlines(self, hint: int = -1) -> list[bytes]:
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
