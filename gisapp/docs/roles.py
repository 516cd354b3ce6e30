"""The table of roles and acts for docs/deploy.md."""

from __future__ import annotations

from gisapp.docs.markdown import code, table
from gisapp.permissions import ACTS, ALLOWED, ROLES
from gisapp.role_words import ACT_WORDS, ROLE_WORDS


def table_of_roles() -> str:
    """One line an act, one column a role."""
    headings = ("Act · 操作", "", *(f"{role} {ROLE_WORDS[role].zh}" for role in ROLES))
    return "\n" + table(headings, map(_line, ACTS)) + "\n"


def _line(act: str) -> tuple[str, ...]:
    words = ACT_WORDS[act]
    return code(act), f"{words.en} · {words.zh}", *("✓" if act in ALLOWED[role] else "" for role in ROLES)
