"""Geometries in a form: a place by longitude and latitude, anything else as GeoJSON text (EPSG:4326, longitude first).

Drawing on the map fills the same inputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import shapely

from gisapp import repairs
from gisapp.layers import Layer
from gisapp.schema import ValueFault
from gisapp.words import Words

Raw = str | tuple[str, ...]

#: Names of inputs are this and the field's id: no field can take the name of another part of the form.
PREFIX = "f-"
#: The slot of the main geometry; the second one has its own id.
MAIN = "geom"
#: A decimal number as people and browsers write it; no other digits, spaces or words.
NUMBER = re.compile(r"[+-]?([0-9]{1,25}(\.[0-9]{0,25})?|\.[0-9]{1,25})([eE][+-]?[0-9]{1,3})?\Z")
#: A longer GeoJSON text is not put into the page; left blank, the stored geometry stays.
MAX_TEXT = 60_000


class _Posted(Protocol):
    def __contains__(self, name: object, /) -> bool: ...

    def getlist(self, name: str, /) -> list[str]: ...


@dataclass(frozen=True)
class Slot:
    """One geometry of the form: `kind` is "place" (longitude, latitude) or "geojson"."""

    id: str
    geometry: str
    title: Words
    required: bool
    foreign: str | None = None

    @property
    def kind(self) -> str:
        return "place" if self.geometry == "Point" else "geojson"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its inputs."""
        name = PREFIX + self.id
        return (f"{name}-lon", f"{name}-lat") if self.kind == "place" else (name,)

    def text(self, shape: Any) -> Raw:
        """What the inputs hold for a GeoJSON geometry."""
        if self.kind == "place":
            return tuple(str(number) for number in shape["coordinates"][:2]) if shape else ("", "")
        text = json.dumps(shape) if shape else ""
        return text if len(text) <= MAX_TEXT else ""

    def shape(self, raw: Raw) -> Any:
        """The GeoJSON geometry; None when nothing was given. ValueFault for what is none."""
        blank = not any(part.strip() for part in raw) if isinstance(raw, tuple) else not raw.strip()
        if blank:
            if self.required:
                raise ValueFault("required", "必填", "is required")
            return None
        return _place(raw) if isinstance(raw, tuple) else self._geojson(raw)

    def _geojson(self, text: str) -> Any:
        try:
            given = json.loads(text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise ValueFault("json_invalid", "不是有效的 GeoJSON 文本", "is not valid GeoJSON text") from None
        if isinstance(given, dict) and given.get("type") == "Feature":
            given = given.get("geometry")
        if not isinstance(given, dict) or "coordinates" not in given:
            raise ValueFault("wrong_type", f"应为一个 GeoJSON 几何（{self.geometry}）",
                             f"wants one GeoJSON geometry ({self.geometry})")
        if given.get("type") == self.foreign:
            raise ValueFault("wrong_type", "点请填写在经度、纬度中", "give a point as longitude and latitude")
        return given


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _place(raw: tuple[str, ...]) -> dict[str, Any]:
    parts = [part.strip() for part in raw]
    if len(parts) != 2 or not all(map(NUMBER.match, parts)):
        raise ValueFault("wrong_type", "经度和纬度都要填写十进制度数，例如 113.38、31.69",
                         "wants longitude and latitude, both in decimal degrees, such as 113.38 and 31.69")
    return {"type": "Point", "coordinates": [float(part) for part in parts]}


def slots(layer: Layer) -> tuple[Slot, ...]:
    """The geometries of a layer, a point that may stand in first: it is what can be given at once."""
    second, stand_in = layer.second_geometry, layer.stand_in
    main = Slot(MAIN, layer.geometry, _TITLES[layer.geometry], required=stand_in is None,
                foreign=stand_in.geometry if stand_in else None)
    other = (Slot(second.id, second.geometry, second.title, required=False),) if second else ()
    return (*other, main) if stand_in else (main, *other)


_TITLES = {"Point": Words("位置", "Place"), "MultiPoint": Words("点位", "Places"),
           "MultiLineString": Words("线", "Line"), "MultiPolygon": Words("范围", "Outline")}


def shapes(layer: Layer, feature: Mapping[str, Any]) -> dict[str, Any]:
    """The geometry of each slot; a point shown in place of a missing outline is in its own slot only."""
    main, properties = feature.get("geometry"), feature.get("properties") or {}
    if main and layer.stand_in and main.get("type") == layer.stand_in.geometry:
        main = None
    return {slot.id: main if slot.id == MAIN else properties.get(slot.id) for slot in slots(layer)}


def texts(layer: Layer, feature: Mapping[str, Any]) -> dict[str, Raw]:
    """What the inputs hold for a feature's geometries."""
    held = shapes(layer, feature)
    return {slot.id: slot.text(held[slot.id]) for slot in slots(layer)}


def read(layer: Layer, posted: _Posted) -> dict[str, Raw]:
    """What was filled in, slot by slot; those that the page did not have are left out."""
    held: dict[str, Raw] = {}
    for slot in slots(layer):
        if all(name in posted for name in slot.names):
            sent = tuple(posted.getlist(name)[0] for name in slot.names)
            held[slot.id] = sent if slot.kind == "place" else sent[0]
    return held


_VERTICES = Words("{} 个顶点", "{} vertices")


def told(raw: str, language: str) -> str:
    """A GeoJSON text for reading: its size (m², else m, on the ellipsoid) and its vertices; "" for what is none."""
    try:
        given = json.loads(raw)
        shape = shapely.geometry.shape(given)
        area = repairs.area_m2(shape)
        size = f"{area:,.2f} m²" if area else f"{repairs.length_m(shape):,.1f} m"
        return f"{size}, {_VERTICES.get(language).format(vertices(given))}"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, shapely.errors.ShapelyError):
        return ""


def vertices(shape: Any) -> int:
    """How many positions a GeoJSON geometry has."""
    def count(part: Any) -> int:
        return sum(map(count, part)) if part and isinstance(part[0], (list, tuple)) else 1

    return count(shape["coordinates"]) if shape else 0
