"""What a handler asks for first: the house, who acts, and in which language."""

from __future__ import annotations

from typing import cast

from flask import current_app, g, request

from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import Actor

LANGUAGES = ("zh", "en")


def house() -> House:
    """The house of this application."""
    return cast(House, current_app.extensions["gisapp"])


def actor() -> Actor:
    """Who acts. Problem `sign_in_required` (401) for a stranger."""
    from gisapp.views.security import current_actor  # late: security's own handlers use this module

    found = current_actor()
    if found is None:
        raise Problem("sign_in_required")
    return found


def language() -> str:
    """The reader's language: `lang=`, then what was chosen before, then Accept-Language, then the setting."""
    if "language" not in g:
        g.language = _chosen_language()
    return cast(str, g.language)


def asked() -> dict[str, list[str]]:
    """The arguments of this request; those to a question's collection with its question asked along."""
    found: dict[str, list[str]] = g.asked if "asked" in g else request.args.to_dict(flat=False)
    return dict(found)


def _chosen_language() -> str:
    for given in (request.args.get("lang"), request.cookies.get("language")):
        if given in LANGUAGES:
            return given
    return request.accept_languages.best_match(LANGUAGES) or house().settings.language
