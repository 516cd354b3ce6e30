"""Names and passwords: what is accepted, how they are compared, hashed and drawn.

Passwords are hashed with argon2id at 19 MiB and two passes (OWASP's second profile): four of the
textbook's 64 MiB at once would be as much memory as a whole worker may use.
"""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gisapp.errors import Problem

MIN_LENGTH = 10
MAX_LENGTH = 200
MAX_USERNAME = 60

TIME_COST, MEMORY_KIB, LANES = 2, 19456, 1
_HASHER = PasswordHasher(TIME_COST, MEMORY_KIB, LANES)
# Two at a time per process: a storm of sign-ins waits here instead of taking all memory.
_AT_ONCE = threading.BoundedSemaphore(2)
# Hash of nothing anybody knows: unknown names cost the same time as known ones.
_NOBODY = _HASHER.hash(secrets.token_hex(16))

# No colon: HTTP basic cannot carry one. No white space or control characters: look-alikes.
_USERNAME = re.compile(r"[^\s:\x00-\x1f\x7f/\\<>\"'&%?#]+")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"

# Those of ten characters and more that lead the public lists, with the ones typed in China.
_LEADING = """
    password12 password123 password1234 passw0rd123 p@ssw0rd123 p@ssword123 mypassword welcome123 welcome1234
    administrator admin12345 admin123456 admin@1234 admin@12345 admin@123456 administrator1 changeme123
    letmein123 iloveyou123 iloveyou1314 woaini1314 woaini5201314 woaini520520 5201314520 1314520520
    woaiwojia1 woaiwojia123 qwertyuiop qwertyuiop123 qwerty12345 qwerty123456 asdfghjkl123 zxcvbnm123
    1qaz2wsx3edc 1qaz@wsx3edc qazwsxedcrfv q1w2e3r4t5 q1w2e3r4t5y6 1q2w3e4r5t 1q2w3e4r5t6y zaq12wsxcde3
    a123456789 a1234567890 abc1234567 abcd123456 abc123456789 aa12345678 aa123456789 qq123456789 zz123456789
    123456789a 1234567890a 123456abcdef 123123123a 0123456789 1234567890 9876543210 0987654321 1029384756
    147258369a 1472583690 3.1415926535 football123 baseball123 superman123 chengguan123 chengguan@123
    wuhan12345 suizhou123 suizhou1234 suizhou@123 hubei12345
"""
_COMMON = frozenset(_LEADING.split())
_RUNS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz",
         "qwertyuiopasdfghjklzxcvbnm")


def username_key(username: str) -> str:
    """The form in which names are compared: compatibility characters and case do not make two people."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def check_username(username: str) -> str:
    """The name as it will be stored; raises `username_invalid` (422)."""
    name = unicodedata.normalize("NFKC", username).strip()
    if not _USERNAME.fullmatch(name) or len(name) > MAX_USERNAME or not name.isprintable():
        raise Problem("username_invalid", limit=MAX_USERNAME)
    return name


def check_password(password: str, username: str) -> None:
    """Raise `password_too_short`, `password_too_long`, `password_like_name`, `password_common`: 422."""
    plain = _same_form(password)
    if len(plain) < MIN_LENGTH:
        raise Problem("password_too_short", least=MIN_LENGTH)
    if len(plain) > MAX_LENGTH:
        raise Problem("password_too_long", most=MAX_LENGTH)
    low, name = plain.casefold(), username_key(username)
    if low.startswith(name) and len(low) - len(name) < 4:
        raise Problem("password_like_name")
    if low in _COMMON or len(set(low)) < 4 or any(low in run for run in _RUNS):
        raise Problem("password_common")


def hash_password(password: str) -> str:
    """The argon2id hash, with its own salt and parameters in the text."""
    with _AT_ONCE:
        return _HASHER.hash(_same_form(password))


def password_fits(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; without a hash it takes the same time and says no."""
    with _AT_ONCE:
        try:
            fits = _HASHER.verify(stored or _NOBODY, _same_form(password[:MAX_LENGTH * 4]))
        except (VerificationError, InvalidHashError):
            return False
    return fits and stored is not None


def draw_password(groups: int = 4) -> str:
    """A random password of groups of four, without letters that are mistaken for one another."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(groups))


def _same_form(password: str) -> str:
    # An input method may send full-width digits: the same password on another keyboard.
    return unicodedata.normalize("NFKC", password)
