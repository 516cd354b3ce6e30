"""Who may do what: one table of roles × acts. Every service asks here before it touches the database."""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.errors import Problem
from gisapp.role_words import ACT_WORDS, ROLE_WORDS
from gisapp.words import Words

ROLES = ("viewer", "inspector", "reviewer", "exporter", "admin")

ACTS = ("read", "read_personal", "create", "update", "change_state", "delete",
        "export", "import", "manage_receivers", "manage_accounts", "own_account")

_EVERYONE = frozenset({"read", "own_account"})
_WRITER = _EVERYONE | {"read_personal", "create", "update", "change_state"}

ALLOWED: dict[str, frozenset[str]] = {
    "viewer": _EVERYONE,
    "inspector": _WRITER,
    "reviewer": _WRITER | {"delete", "export", "import", "manage_receivers"},
    "exporter": _EVERYONE | {"export"},
    "admin": frozenset(ACTS),
}


@dataclass(frozen=True)
class Actor:
    """Who acts in this request. An account without a squadron may write in the whole city."""

    id: str
    username: str
    role: str
    squadron_code: str | None = None
    request_id: str = ""


#: What the command line and the start-up act as; never reachable by a request.
SYSTEM = Actor(id="system", username="system", role="admin")


def may(actor: Actor, act: str) -> bool:
    """Whether the actor's role allows the act; an unknown role allows nothing."""
    return act in ALLOWED.get(actor.role, frozenset())


def rights(actor: Actor | None) -> frozenset[str]:
    """The acts that pages may offer this reader; none to a stranger. It allows nothing: the service asks again."""
    return ALLOWED.get(actor.role, frozenset()) if actor else frozenset()


def not_allowed(actor: Actor, act: str) -> Problem:
    """The Problem of somebody whose role does not include the act: the words for people, the names for programs."""
    role, what = ROLE_WORDS.get(actor.role), ACT_WORDS.get(act)
    return Problem("act_not_allowed", more={"role": actor.role, "act": act},
                   role=role or Words(actor.role, actor.role), act=what or Words(act, act))


def require(actor: Actor, act: str) -> None:
    """Raise `act_not_allowed` (403) unless the actor's role allows the act."""
    if not may(actor, act):
        raise not_allowed(actor, act)


def at_home(actor: Actor, squadron_code: str | None) -> bool:
    """Whether a feature of that squadron lies where the actor may write: everywhere for an account without one."""
    return actor.squadron_code is None or actor.squadron_code == squadron_code


def require_territory(actor: Actor, squadron_code: str | None) -> None:
    """Raise `outside_territory` (403) when an account bound to a squadron writes elsewhere."""
    if not at_home(actor, squadron_code):
        raise Problem("outside_territory", squadron=actor.squadron_code)
