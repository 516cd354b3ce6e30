"""Who may do what: one table of roles × acts. Every service asks here before it touches the database."""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.errors import Problem

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


def require(actor: Actor, act: str) -> None:
    """Raise `act_not_allowed` (403) unless the actor's role allows the act."""
    if not may(actor, act):
        raise Problem("act_not_allowed", role=actor.role, act=act)


def require_territory(actor: Actor, squadron_code: str | None) -> None:
    """Raise `outside_territory` (403) when an account bound to a squadron writes elsewhere."""
    if actor.squadron_code is not None and actor.squadron_code != squadron_code:
        raise Problem("outside_territory", squadron=actor.squadron_code)
