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
