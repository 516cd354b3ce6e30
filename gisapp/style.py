"""From a layer's declared style to drawing rules for the browser and to a legend. Colours only come from the files.

A layer with a workflow is a *mission* layer and is drawn above; one without is *reference* and is part of the
ground map. In the dark theme the ground map is recoloured here, mission layers keep their colours.
"""

from __future__ import annotations

import colorsys
from typing import Any

from gisapp.layers import CodeList, Layer

SHAPES = {"Point": "point", "MultiPoint": "point", "MultiLineString": "line", "MultiPolygon": "area"}

#: Ground of the map, light and dark; also --map-bg of the style sheet.
GROUND = {"light": "#eaeef1", "dark": "#1b242c"}

#: Areas, lines and points are drawn in this order within a plane.
_ORDER = {"area": 0, "line": 1, "point": 2}


def is_reference(layer: Layer) -> bool:
    """Whether the layer belongs to the ground map: it has no workflow."""
    return not layer.states


def fills_ground(layer: Layer) -> bool:
    """Whether the layer makes up the own basemap: reference lines, and areas that cover what lies below."""
    shape = SHAPES[layer.geometry]
    return is_reference(layer) and (shape == "line" or (shape == "area" and layer.style.opacity >= 0.5))


def colours(layer: Layer, codelists: dict[str, CodeList]) -> dict[str, str]:
    """Colour by the value of `style.colour_by`, in the order of the code list; empty for one colour."""
    by = layer.style.colour_by
    if by is None:
        return {}
    listed = codelists[layer.field(by).codelist or ""].codes
    return {code.id: code.colour or layer.style.colour for code in listed if not code.retired}


def paint(layer: Layer, codelists: dict[str, CodeList]) -> dict[str, Any]:
    """Drawing rules as JSON: px, #rrggbb, zoom levels. `dark` overrides the colours in the dark theme."""
    style, by_value, reference = layer.style, colours(layer, codelists), is_reference(layer)
    rules: dict[str, Any] = {
        "id": layer.id, "shape": SHAPES[layer.geometry], "reference": reference,
        "colour": style.colour, "stroke": style.stroke, "width": style.width, "opacity": style.opacity,
        "radius": style.radius, "dash": list(style.dash), "by": style.colour_by, "colours": by_value,
        "detailZoom": layer.detail_zoom, "label": _label(layer), "ranks": _ranks(layer, by_value),
    }
    if reference:
        rules["dark"] = {
            "colour": night(style.colour), "stroke": night(style.stroke),
            "colours": {value: night(colour) for value, colour in by_value.items()},
        }
    return rules


def drawing_order(layers: list[Layer]) -> list[Layer]:
    """Bottom first: reference under mission, areas under lines under points."""
    return sorted(layers, key=lambda one: (not is_reference(one), _ORDER[SHAPES[one.geometry]]))


def legend(layer: Layer, codelists: dict[str, CodeList], language: str) -> list[dict[str, Any]]:
    """One entry per state or code, in order: value, title in `language`, colour. Empty for one colour."""
    by = layer.style.colour_by
    if by is None:
        return []
    listed = codelists[layer.field(by).codelist or ""].by_id
    return [{"value": value, "title": listed[value].title.get(language), "colour": colour}
            for value, colour in colours(layer, codelists).items()]


def night(colour: str) -> str:
    """The colour for a dark ground: as far from it as the light one is from a light ground."""
    red, green, blue = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    dark = min(0.14 + abs(light - 0.925) * 1.25, 0.62)
    channels = colorsys.hls_to_rgb(hue, dark, saturation * 0.5)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def _label(layer: Layer) -> dict[str, Any] | None:
    """From which zoom a layer's features are named: territories early, what fills the ground when close."""
    shape, style = SHAPES[layer.geometry], layer.style
    if not is_reference(layer):
        return {"along": False, "minZoom": 18} if shape != "line" else None
    if shape == "area" and style.opacity < 0.1:
        return {"along": False, "minZoom": layer.detail_zoom}
    least = {"area": 15, "line": 14, "point": 16}[shape]
    return {"along": shape == "line", "minZoom": max(layer.detail_zoom + 1, least)}


def _ranks(layer: Layer, by_value: dict[str, str]) -> dict[str, float]:
    """Width factors of reference lines: a code list names the most important kind first."""
    if SHAPES[layer.geometry] != "line" or not is_reference(layer) or not by_value:
        return {}
    last = max(len(by_value) - 1, 1)
    return {value: round(1.5 - place / last, 2) for place, value in enumerate(by_value)}
