"""A refused request's body is read all the same: the server would end the connection, and the next request with it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from gisapp.errors import Problem
from gisapp.views import unread_bodies
from gisapp.views.unread_bodies import LARGE, MOST, ReadBodies
from tests.conftest import Role
from tests.waiting import PATIENCE


def refuse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return [b""]


def left_of(body: bytes, **environ: str) -> bytes:
    """What nobody has read of the body of a request that was refused at once."""
    stream = io.BytesIO(body)
    asked: dict[str, Any] = {"REQUEST_METHOD": "POST", "wsgi.input": stream} | environ
    assert list(ReadBodies(refuse)(asked, lambda *told: None)) == [b""]  # type: ignore[arg-type]
    return stream.read()


@pytest.mark.parametrize("size", [0, 1, 70_000, MOST])
def test_what_was_sent_is_read(size: int) -> None:
    assert left_of(b"x" * size, CONTENT_LENGTH=str(size)) == b""
    assert left_of(b"x" * size, HTTP_TRANSFER_ENCODING="chunked") == b""


def test_a_body_that_is_too_large_is_left(size: int = MOST + 1) -> None:
    assert len(left_of(b"x" * size, CONTENT_LENGTH=str(size))) == size


@pytest.mark.parametrize("told", ["", "-5", "many", "²"])
def test_a_length_that_is_none_reads_nothing(told: str) -> None:
    assert left_of(b"xyz", CONTENT_LENGTH=told) == b"xyz"


@pytest.mark.parametrize("path", ["/nothing", "/collections/nothing/items", "/collections"])
def test_the_application_reads_what_it_refuses(admin: Role, path: str) -> None:
    stream = io.BytesIO(b'{"a": 1}')
    answer = admin.post(path, input_stream=stream, content_length=8, content_type="application/json")
    assert answer.status_code in (404, 405)
    assert stream.read() == b""


class Connection(io.BytesIO):
    """What comes behind the body is the next request: to ask for it would be to wait for it."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body + b"POST /next HTTP/1.1")
        self.most = len(body)

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert 0 <= size <= self.most - self.tell(), "this would wait for ever"
        return super().read(size)


@pytest.mark.parametrize("read", [0, 3, 8])
def test_what_was_read_already_is_not_waited_for(read: int) -> None:
    stream = Connection(b"12345678")

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        taken = environ["wsgi.input"].read(read)
        return [taken]

    asked: dict[str, Any] = {"REQUEST_METHOD": "POST", "wsgi.input": stream, "CONTENT_LENGTH": "8"}
    assert list(ReadBodies(answer)(asked, lambda *told: None)) == [b"12345678"[:read]]  # type: ignore[arg-type]
    assert stream.tell() == 8


class Slow(io.BytesIO):
    """The body of a client that sends nothing more until it is let go."""

    def __init__(self) -> None:
        super().__init__(b"name=x")
        self.asked, self.go = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        self.asked.set()
        assert self.go.wait(PATIENCE)
        return super().read(size)


@pytest.mark.parametrize("length", [6, LARGE + 1, MOST + 1])
def test_slow_clients_take_only_some_of_the_threads(length: int) -> None:
    """Nobody else waits for them: a further body is refused for the moment, what has none is answered."""
    codes: list[str] = []

    def read(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(6)]

    bodies = ReadBodies(read, threads=4)

    def ask(stream: io.BytesIO, size: int = length, method: str = "POST") -> list[bytes]:
        environ = {"REQUEST_METHOD": method, "wsgi.input": stream, "CONTENT_LENGTH": str(size)}
        return list(bodies(environ, lambda status, _: codes.append(status)))  # type: ignore[arg-type]

    slow = [Slow() for _ in range(2 if length > LARGE else 1)]
    threads = [threading.Thread(target=ask, args=(one,)) for one in slow]
    for thread, one in zip(threads, slow, strict=True):
        thread.start()
        assert one.asked.wait(PATIENCE)
    with pytest.raises(Problem, match="busy"):
        ask(io.BytesIO(b"name=y"))
    assert ask(io.BytesIO(b"name=y"), 6 if length > LARGE else MOST + 1) == [b"name=y"]
    assert ask(io.BytesIO(b"name=y"), method="GET") == [b"name=y"]
    for thread, one in zip(threads, slow, strict=True):
        one.go.set()
        thread.join(PATIENCE)
    assert ask(io.BytesIO(b"name=z")) == [b"name=z"]


def test_a_body_that_finds_no_place_is_an_answer(admin: Role, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_bodies, "PATIENCE_S", 0.01)
    monkeypatch.setattr(threading.BoundedSemaphore, "acquire", lambda *_, **__: False)
    answer = admin.post("/sign-in", data="name=x", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
