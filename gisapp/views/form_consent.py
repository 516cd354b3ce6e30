"""What somebody agreed to on a form: to save beside these neighbours, to have this very shape repaired."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import request

from gisapp.errors import Problem
from gisapp.forms import Form, Texts
from gisapp.layers import Layer
from gisapp.shapes import Mended

_MOST = 4000


@dataclass(frozen=True)
class Consent:
    """`known` are the neighbours that were shown, `repair` the mark of the shapes that may be repaired."""

    known: frozenset[UUID]
    repair: str

    @classmethod
    def read(cls) -> Consent:
        """What the form that was sent says; text that is no id counts for nothing."""
        given = ",".join(request.form.getlist("known"))[:_MOST].split(",")
        marks = request.form.getlist("repair")
        return cls(frozenset(one for one in map(_id, given) if one), marks[-1][:64] if marks else "")

    @property
    def known_text(self) -> str:
        """As the form sends it."""
        return ",".join(sorted(map(str, self.known)))

    def mended(self, form: Form, texts: Texts) -> Mended:
        """A list for repairs when just these shapes may be repaired, else None."""
        return [] if self.repair and self.repair == mark(form, texts) else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def mark(form: Form, texts: Texts) -> str:
    """Tells these shapes from others: a word given for one shape is none for the next."""
    held = [texts.get(slot.id, "") for slot in form.slots]
    return hashlib.sha256(json.dumps(held).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Neighbour:
    """A feature that lies near, as the form shows it."""

    id: str
    title: str
    state: Any
    distance: str
    point: list[float]


def neighbours(problem: Problem | None, layer: Layer, language: str) -> list[Neighbour]:
    """The neighbours that a `duplicates_near` names."""
    if problem is None or problem.code != "duplicates_near":
        return []
    return [Neighbour(one["id"], one["title"] or layer.title.get(language),
                      layer.state(one["status"]) if one["status"] else None, f"{one['distance_m']:.1f} m",
                      one["point"]["coordinates"]) for one in problem.more["duplicates"]]
