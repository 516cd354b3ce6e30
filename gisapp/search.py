"""The search box: features by name, number, address or id, territories by name, places by coordinates.

Personal fields are never searched, whoever asks: a search over names of people is not a map's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from psycopg.errors import QueryCanceled
from sqlalchemy.exc import DBAPIError

from gisapp.coordinates import Place, parse_place
from gisapp.features import layers_for, open_layer
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.permissions import Actor
from gisapp.sql import search as sql_search
from gisapp.style import is_reference

MOST = 20
MOST_OF_A_LAYER = 8
MOST_WORDS = 6
LONGEST = 120
#: A search may take so long, in seconds; layers that it does not get through are named in the answer.
PATIENCE_S = 3.0


@dataclass(frozen=True)
class Result:
    """A feature that fits. `bbox` is in degrees, EPSG:4326, min lon first; `note` tells where the words stand."""

    layer: Layer
    id: UUID
    title: str
    note: str
    status: str | None
    bbox: tuple[float, float, float, float] | None
    rank: int


@dataclass
class Results:
    """What was found, best first; `skipped` are the layers that time did not suffice for."""

    text: str
    place: Place | None = None
    found: list[Result] = field(default_factory=list)
    skipped: list[Layer] = field(default_factory=list)


def search(house: House, actor: Actor, text: str, near_lon: float) -> Results:
    """What the text finds: at most 20 features. `near_lon`, degrees, tells the zone of bare projected coordinates.

    Problem: `act_not_allowed` (403).
    """
    asked = " ".join(text.replace("\x00", " ").split())[:LONGEST]
    results = Results(asked, parse_place(asked, near_lon))
    words = list(dict.fromkeys(asked.split()))[:MOST_WORDS]
    last = monotonic() + PATIENCE_S
    for layer in _small_first(layers_for(house, actor)):
        texts = searched_fields(layer)
        if words and texts:
            rows = _rows(house, actor, layer, texts, words, asked, last)
            if rows is None:
                results.skipped.append(layer)
            results.found += [_result(layer, texts, words, row) for row in rows or ()]
    order = {layer_id: place for place, layer_id in enumerate(house.catalogue.layers)}
    results.found.sort(key=lambda one: (one.rank, is_reference(one.layer) and one.rank > 0, order[one.layer.id]))
    del results.found[MOST:]
    return results


def searched_fields(layer: Layer) -> list[Field]:
    """The naming field, then every field that is declared searchable; never a personal one."""
    wanted = [layer.field(layer.name_field), *(one for one in layer.fields if one.searchable)]
    return [one for one in dict.fromkeys(wanted) if one.type == "text" and not one.personal]


def _small_first(layers: Sequence[Layer]) -> list[Layer]:
    """Territories are few and quickly searched; points and areas by the hundred thousand come last."""
    return sorted(layers, key=lambda layer: (bool(layer.states), layer.detail_zoom))


def _rows(house: House, actor: Actor, layer: Layer, texts: Sequence[Field], words: Sequence[str], whole: str,
          last: float) -> Sequence[Any] | None:
    """Rows of one layer; None when the time is over."""
    left = int((last - monotonic()) * 1000)
    if left <= 0:
        return None
    _, table = open_layer(house, actor, layer.id, "read")
    statement = sql_search.search(layer, table, [one.id for one in texts], words, whole, _key(whole), MOST_OF_A_LAYER)
    try:
        with house.db.snapshot() as connection:
            connection.execute(sql_search.limit_time(left))
            return connection.execute(statement).all()
    except DBAPIError as error:
        if isinstance(error.orig, QueryCanceled):
            return None
        raise


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _result(layer: Layer, texts: Sequence[Field], words: Sequence[str], row: Any) -> Result:
    key, status, rank, x0, y0, x1, y1, *values = row
    title, *others = (value or "" for value in values)
    note = next((value for value in others if any(word.lower() in value.lower() for word in words)),
                dict(zip((one.id for one in texts[1:]), others, strict=True)).get("address", ""))
    bbox = None if x0 is None else (x0, y0, x1, y1)
    return Result(layer, key, title or str(key), note[:160], status, bbox, rank)


def document(results: Results) -> dict[str, Any]:
    """The results as plain JSON."""
    place = results.place
    return {
        "q": results.text, "partial": [layer.id for layer in results.skipped],
        "place": None if place is None else {"lon": round(place.lon, 8), "lat": round(place.lat, 8),
                                             "crs": place.crs.name},
        "results": [{"layer": one.layer.id, "id": str(one.id), "title": one.title, "note": one.note,
                     "status": one.status, "bbox": one.bbox} for one in results.found]}
