"""A client that does a fixed amount of work: every request exactly once, over kept connections."""

from __future__ import annotations

import itertools
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Round:
    """What one round of requests took; times in seconds, sizes in bytes of the answers' bodies as sent."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """Time in seconds that this share of the requests stayed under."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    @property
    def median(self) -> float:
        return statistics.median(self.times)


def get(path: str, **headers: str) -> bytes:
    """A GET request, ready to send."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def drive(port: int, requests: Sequence[bytes], clients: int) -> Round:
    """Send every request once, `clients` at a time."""
    turns, found, lock = itertools.count(), Round(), threading.Lock()

    def work() -> None:
        times, sizes, statuses = [], [], []
        link = _Link(port)
        while (turn := next(turns)) < len(requests):
            began = time.perf_counter()
            status, size = link.ask(requests[turn])
            times.append(time.perf_counter() - began)
            sizes.append(size)
            statuses.append(status)
        link.close()
        with lock:
            found.times += times
            found.sizes += sizes
            found.statuses.update(statuses)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found.seconds = time.perf_counter() - began
    assert len(found.times) == len(requests), "a client gave up"
    return found


class _Link:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = self._open()

    def _open(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self, request: bytes) -> tuple[int, int]:
        """Status and size of the body."""
        # A server that sends head and body apart would wait 40 ms for this side's acknowledgement.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.socket.sendall(request)
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            part = self.socket.recv(1 << 18)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if not part:
                raise ConnectionError("closed by the server")
            data += part
        head = bytes(data[:end]).lower()
        status, body = int(head[9:12]), len(data) - end - 4
        size = self._rest(head, status, body, data[end + 4:])
        if b"connection: close" in head:
            self.socket.close()
            self.socket = self._open()
        return status, size

    def _rest(self, head: bytes, status: int, body: int, first: bytearray) -> int:
        if status in (204, 304):
            return 0
        mark = head.find(b"content-length:")
        if mark >= 0:
            length = int(head[mark + 15:].split(b"\r\n", 1)[0])
            while body < length:
                body += self._more()
            return length
        if b"transfer-encoding: chunked" in head:
            tail = bytes(first)
            while not tail.endswith(b"0\r\n\r\n"):
                part = self.socket.recv(1 << 18)
                body += len(part)
                tail = tail[-8:] + part
            return body
        while part := self.socket.recv(1 << 18):
            body += len(part)
        self.socket = self._open()
        return body

    def _more(self) -> int:
        part = len(self.socket.recv(1 << 18))
        if not part:
            raise ConnectionError("closed by the server")
        return part

    def close(self) -> None:
        self.socket.close()
