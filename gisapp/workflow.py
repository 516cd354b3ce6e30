"""Workflow: which state may follow which, and who may step outside of that."""

from __future__ import annotations

from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.permissions import Actor, may


def require_reachable(actor: Actor, layer: Layer, old: str | None, new: str | None) -> None:
    """Raise `state_not_reachable` (422) unless `new` may follow `old`.

    Whoever may delete (reviewer, admin) may also correct a state that was set by mistake.
    """
    if old is None or new is None or old == new or may(actor, "delete"):
        return
    state = layer.state(old)
    if state is not None and new not in state.next:
        raise Problem("state_not_reachable", old=old, new=new, allowed=", ".join(state.next) or "—")
