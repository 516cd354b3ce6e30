"""Where features lie: their territory codes follow from the boundaries, anew when those change."""

from __future__ import annotations

from gisapp.changes import writing
from gisapp.house import House
from gisapp.permissions import Actor, require
from gisapp.sql import statements as sql


def reassign(house: House, actor: Actor, layer_id: str | None = None) -> dict[str, int]:
    """Assign every feature (of one layer, or of all) by its representative point; returns how many changed.

    Each changed feature gets a new version with its history, in one transaction a layer.
    """
    require(actor, "manage_accounts")
    layers = [house.layer(layer_id)] if layer_id else list(house.catalogue.layers.values())
    changed = {}
    for layer in layers:
        if layer.assigned:
            with writing(house, actor, layer) as connection:
                statement = sql.reassign(layer, house.tables.layers[layer.id])
                changed[layer.id] = connection.execute(statement).rowcount
    return changed
