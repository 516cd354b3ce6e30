"""Bodies of requests: what a refused request sent is read before it is answered, so that its connection can carry the
next one; and clients that send slowly, or never, take only some of the threads.

The server ends a connection whose body nobody has read, now and then without having said so: the client's next
request on it is lost. Nor does it limit how long a body may take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from gisapp.errors import Problem

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

#: A larger body is not worth the reading; its connection ends.
MOST = 2**20
#: A form, a feature or a sign-in is smaller; photos and files, which take long on a thin line, are larger: they must
#: not keep those waiting.
LARGE = 2**16
_PIECE = 2**16
#: So long, in seconds, a body waits for its turn to be read: those that are there already take no time.
PATIENCE_S = 0.25
_AGAIN_S = 5


class ReadBodies:
    """Stands around the application, within the short ways, which take no bodies. Of the `threads` of this process at
    most half wait for large bodies, and less than half for others: one at least answers what has none."""

    def __init__(self, inner: WSGIApplication, threads: int = 4) -> None:
        self._inner = inner
        self._large = threading.BoundedSemaphore(max(1, threads // 2))
        self._small = threading.BoundedSemaphore(max(1, threads // 2 - 1))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._inner(environ, start_response)
        length = _length(environ)
        large = length > LARGE
        environ["wsgi.input"] = body = _Counted(environ["wsgi.input"], self._large if large else self._small)
        answer = self._inner(environ, start_response)
        with suppress(Problem):  # too many wait already: then the connection ends
            while length <= MOST and body.seen < length and body.read(min(length - body.seen, _PIECE)):
                pass
        return answer


def _length(environ: dict[str, Any]) -> int:
    told = environ.get("CONTENT_LENGTH") or ("0" if "HTTP_TRANSFER_ENCODING" not in environ else str(MOST))
    return int(told) if told.isascii() and told.isdigit() else 0


class _Counted:
    """A body that knows how much of it was read: a server may hand over the connection itself, on which one would wait
    for ever for what comes after the body. Problem `busy` where too many threads wait for bodies already."""

    def __init__(self, inner: Any, places: threading.BoundedSemaphore) -> None:
        self._inner = inner
        self._places = places
        self.seen = 0

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=PATIENCE_S):
            raise Problem("busy", seconds=_AGAIN_S, headers={"Retry-After": str(_AGAIN_S)})
        try:
            yield
        finally:
            self._places.release()

    def read(self, size: int = -1) -> bytes:
        with self._place():
            piece: bytes = self._inner.read(size)
        self.seen += len(piece)
        return piece

    def readline(self, size: int = -1) -> bytes:
        with self._place():
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
