"""Dates for the map page: since when the layers are recorded, and how many features fall into each month."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint

from gisapp import features, timeline
from gisapp.params import invalid, parse
from gisapp.views import context

blueprint = Blueprint("timeline", __name__)


@blueprint.get("/map/times")
def times() -> dict[str, Any]:
    """Today in the office's time zone, the first record of each layer (RFC 3339, null for an empty one), what names a
    mission layer's features and what its fields are called."""
    house, actor = context.house(), context.actor()
    began = timeline.beginnings(house, actor)
    return {"today": datetime.now(ZoneInfo(house.settings.time_zone)).date().isoformat(),
            "since": {name: moment.astimezone(UTC).isoformat() if moment else None for name, moment in began.items()},
            "titles": timeline.titles(house, actor, context.language())}


@blueprint.get("/map/times/<layer_id>")
def histogram(layer_id: str) -> dict[str, Any]:
    """How many features have the date `field` (one field, or two joined by -) in each `unit`, under the filter."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "read")
    args = context.asked()
    field, unit = (args.pop(name, [default])[0] for name, default in (("field", ""), ("unit", "month")))
    if unit not in timeline.UNITS:
        raise invalid("unit", " / ".join(timeline.UNITS), " / ".join(timeline.UNITS))
    query = parse(args, layer, house.catalogue).plain()
    return timeline.document(timeline.histogram(house, actor, layer_id, field, unit, query))
