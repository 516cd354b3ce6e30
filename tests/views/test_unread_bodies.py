"""A refused request's body is read all the same: the server would end the connection, and the next request with it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest

from gisapp.views.unread_bodies import MOST, ReadBodies
from tests.conftest import Role


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
