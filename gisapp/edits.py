"""Changing a feature by a form: what it was when somebody began, what it is now, and what both sides did to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gisapp import features, form_shapes, workflow
from gisapp.forms import Form, Texts, only
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.permissions import Actor, require_territory
from gisapp.sql import statements as sql


@dataclass(frozen=True)
class Edition:
    """A feature (GeoJSON, EPSG:4326) at one of its versions."""

    version: int
    feature: dict[str, Any]

    def value(self, name: str) -> Any:
        """A property; None when it has none."""
        return self.feature["properties"].get(name)


def open_new(house: House, actor: Actor, layer_id: str) -> Layer:
    """The layer, for somebody who may add to it. Problems `layer_unknown`, `act_not_allowed`."""
    return features.layer_for(house, actor, layer_id, "create")


def open_edit(house: House, actor: Actor, layer_id: str, feature_id: UUID) -> tuple[Layer, Edition]:
    """The layer and the feature as it is now, for somebody who may change it there.

    Problems: `layer_unknown`, `feature_unknown` (404), `act_not_allowed`, `outside_territory` (403).
    """
    layer = features.layer_for(house, actor, layer_id, "update")
    found = features.get(house, actor, layer_id, feature_id)
    edition = Edition(found.version, json.loads(found.feature))
    require_territory(actor, edition.value("squadron_code"))
    return layer, edition


def earlier(house: House, actor: Actor, layer_id: str, feature_id: UUID, version: int) -> Edition | None:
    """The feature as it was at a version; None when history has none of that number."""
    layer = features.layer_for(house, actor, layer_id, "update")
    history = house.tables.history[layer.id]
    names = features.visible_names(actor, layer)
    with house.db.read() as connection:
        row = connection.execute(sql.select_version(layer, history, feature_id, names, version)).one_or_none()
    return None if row is None else Edition(version, json.loads(row.feature))


def states_on_offer(actor: Actor, layer: Layer, edition: Edition | None) -> list[str]:
    """Ids of the states that the actor may give: the present one and those that may follow; all to a new feature."""
    old = edition.value("status") if edition else None
    return [state.id for state in layer.states if workflow.is_reachable(actor, layer, old, state.id)]


def patch(form: Form, edition: Edition, texts: Texts) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """A GeoJSON patch with what the texts change of the edition, empty when that is nothing; and the faults."""
    changed = form.changed(form.texts(edition.feature), texts)
    if not changed:
        return {}, []
    members, faults = form.content(only(texts, changed), partial=True)
    stand_in = form.layer.stand_in
    if stand_in and members.get("geometry", "") is None and stand_in.id not in changed:
        # Taking the outline away leaves the point, which the patch must then name.
        members["properties"][stand_in.id] = form_shapes.shapes(form.layer, edition.feature)[stand_in.id]
    return members, faults


@dataclass(frozen=True)
class Clash:
    """Two people changed one feature: what the form should now hold, and the fields that both changed."""

    texts: Texts
    theirs: set[str]
    both: set[str]


def clash(form: Form, base: Edition | None, now: Edition, typed: Texts) -> Clash:
    """Both sides' changes put together. `texts` keep what was typed; where only they changed, what is stored now.

    Without a base (a version that never was) every difference counts as changed by both.
    """
    stored = form.texts(now.feature)
    start = form.texts(base.feature) if base else None
    mine = form.changed(start if start is not None else stored, typed)
    theirs = form.changed(start, stored) if start is not None else set(mine)
    differing = form.changed(stored, typed)
    kept = only(typed, mine)
    return Clash(stored | kept, theirs, mine & theirs & differing)
