"""What a process remembers of passwords it has just checked, so that basic auth need not hash at each request.

Kept in memory only. The key is an HMAC under a key drawn at start, so that the memory holds no password
and nothing an outsider could compute. A verdict is good only for the very hash it was reached on: the
caller reads the account's present hash from the database each time, so a changed or reset password, here
or in another process, ends it at once; so does disabling, which the caller checks too.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

RIGHT_FOR = 300.0
WRONG_FOR = 60.0
_MOST = 2000


@dataclass(frozen=True)
class Verdict:
    """The stored hash it was reached on, whether the password fitted, and until when that is believed."""

    stored: str
    fits: bool
    until: float


class Verdicts:
    """A small, thread-safe memory of verdicts; the least recently used go first."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Verdict] = OrderedDict()

    def recall(self, name: str, password: str, stored: str) -> bool | None:
        """Whether the password fitted that stored hash a moment ago; None when it must be checked."""
        key = self._digest(name, password)
        with self._lock:
            verdict = self._known.get(key)
            if verdict is None:
                return None
            if verdict.until < time.monotonic() or verdict.stored != stored:
                del self._known[key]
                return None
            self._known.move_to_end(key)
            return verdict.fits

    def remember(self, name: str, password: str, stored: str, fits: bool) -> None:
        """Keep what argon2 said."""
        until = time.monotonic() + (RIGHT_FOR if fits else WRONG_FOR)
        with self._lock:
            self._known[self._digest(name, password)] = Verdict(stored, fits, until)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)

    def _digest(self, name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
