"""Workflow: which state may follow which, and who may step outside of that."""

from __future__ import annotations

from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.permissions import Actor, may


def require_reachable(actor: Actor, layer: Layer, old: str | None, new: str | None) -> None:
    """Raise `state_not_reachable` (422) unless `new` may follow `old`.

    Whoever may delete (reviewer, admin) may also correct a state that was set by mistake.
    """
    if not is_reachable(actor, layer, old, new):
        state = layer.state(old or "")
        raise Problem("state_not_reachable", old=old, new=new, allowed=", ".join(state.next if state else ()) or "—")


def spoken(problem: Problem, layer: Layer, language: str) -> Problem:
    """A `state_not_reachable` with the titles of the states in the place of their ids; any other problem as it is."""
    if problem.code != "state_not_reachable":
        return problem
    titles = {state.id: state.title.get(language) for state in layer.states}
    words = {"old": titles.get(problem.params["old"], problem.params["old"]),
             "new": titles.get(problem.params["new"], problem.params["new"]),
             "allowed": ", ".join(titles.get(one, one) for one in problem.params["allowed"].split(", "))}
    return Problem(problem.code, errors=problem.errors, headers=problem.headers, more=problem.more, **words)


def is_reachable(actor: Actor, layer: Layer, old: str | None, new: str | None) -> bool:
    """Whether the actor may put `new` in the place of `old` (None: a new feature, which may begin anywhere)."""
    if old is None or new is None or old == new or may(actor, "delete"):
        return True
    state = layer.state(old)
    return state is None or new in state.next
