"""A layer's drawing rules as a MapLibre style document, for maps that are not ours: MapLibre, QGIS, OpenLayers.

The tiles carry a feature's `id`, its state or kind and `label`, or, where features would be confetti, squares with
`count`; both are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gisapp.layers import CodeList, Layer
from gisapp.style import GROUND, drawing_order, legend, paint
from gisapp.words import Words

MEDIA_TYPE = "application/vnd.mapbox.style+json"
#: Style id → title. The two themes of the map page.
STYLES = {"light": Words("浅色", "Light"), "dark": Words("深色", "Dark")}
DEFAULT = "light"
FONTS = ["Noto Sans CJK SC", "Microsoft YaHei", "sans-serif"]
_INK = {"light": ("#26323c", "#ffffff"), "dark": ("#e6edf3", "#1b242c")}
_COUNTED: list[Any] = ["has", "count"]
_SINGLE: list[Any] = ["!", ["has", "count"]]
_KINDS = {"area": "Polygon", "line": "LineString", "point": "Point"}


@dataclass(frozen=True)
class Source:
    """Where a layer's tiles are: address with {z}, {y} and {x}, deepest zoom, the attributes that a tile carries."""

    tiles: str
    maxzoom: int
    attributes: tuple[str, ...]


def style_document(style: str, title: str, layers: Sequence[Layer], codelists: dict[str, CodeList], language: str,
                   source_of: Callable[[Layer], Source]) -> dict[str, Any]:
    """The style `style` (a key of STYLES) of the layers, bottom first. Colours by state or kind, with their titles in
    each layer's `metadata`. Texts are drawn with fonts of the client's own, so there are no `glyphs`."""
    background = {"id": "background", "type": "background", "paint": {"background-color": GROUND[style]}}
    drawn: list[dict[str, Any]] = [background]
    sources = {}
    for layer in drawing_order(list(layers)):
        source = source_of(layer)
        sources[layer.id] = {"type": "vector", "tiles": [source.tiles], "minzoom": 0, "maxzoom": source.maxzoom}
        drawn += _Drawing(layer, codelists, language, style, source.attributes).layers()
    return {"version": 8, "name": title, "sources": sources, "layers": drawn}


def legends(document: dict[str, Any]) -> list[dict[str, str]]:
    """What the colours of a style document stand for: `layer`, `title`, `colour`, mission layers first."""
    found = []
    for one in reversed(document["layers"]):
        if one["id"].endswith("-counts"):
            title, colour = one["metadata"]["gisapp:title"], one["paint"]["fill-color"]
            entries = one["metadata"]["gisapp:legend"] or [{"title": title, "colour": colour}]
            found += [{"layer": title, "title": entry["title"], "colour": entry["colour"]} for entry in entries]
    return found


class _Drawing:
    """The style layers of one layer in one theme."""

    def __init__(self, layer: Layer, codelists: dict[str, CodeList], language: str, style: str,
                 attributes: tuple[str, ...]) -> None:
        self._layer = layer
        self._rules = paint(layer, codelists)
        dark = self._rules.get("dark", {}) if style == "dark" else {}
        self._rules = self._rules | dark
        self._ink, self._halo = _INK[style]
        self._coloured = self._rules["by"] in attributes
        self._metadata = {"gisapp:title": layer.title.get(language),
                          "gisapp:legend": legend(layer, codelists, language) if self._coloured else []}

    def layers(self) -> list[dict[str, Any]]:
        """Counts, then shapes, then names."""
        shape = self._rules["shape"]
        found = [self._counts()]
        if shape == "area":
            found += [self._area(), self._line("outline", "area", self._rules["stroke"])]
        if shape == "line":
            found += [self._line("casing", "line", self._rules["stroke"], wider=2), self._line("line", "line", None)]
        if shape == "point" or self._layer.stand_in:
            found.append(self._circle())
        return [*found, *self._names()]

    def _make(self, part: str, kind: str, matches: list[Any], paint: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"id": f"{self._layer.id}-{part}", "type": kind, "source": self._layer.id,
                "source-layer": self._layer.id, "filter": matches, "metadata": self._metadata, "paint": paint, **more}

    def _of(self, shape: str) -> list[Any]:
        return ["all", _SINGLE, ["==", ["geometry-type"], _KINDS[shape]]]

    def _colour(self) -> Any:
        """The colour by state or kind, as an expression."""
        by, colours, plain = self._rules["by"], self._rules["colours"], self._rules["colour"]
        if not self._coloured or not colours:
            return plain
        return ["match", ["get", by], *(part for pair in colours.items() for part in pair), plain]

    def _counts(self) -> dict[str, Any]:
        opacity = ["interpolate", ["linear"], ["get", "count"], 1, 0.25, 20, 0.6, 200, 0.85]
        return self._make("counts", "fill", _COUNTED, {"fill-color": self._rules["colour"], "fill-opacity": opacity})

    def _area(self) -> dict[str, Any]:
        return self._make("fill", "fill", self._of("area"),
                          {"fill-color": self._colour(), "fill-opacity": self._rules["opacity"]})

    def _line(self, part: str, shape: str, colour: str | None, wider: float = 0.0) -> dict[str, Any]:
        """A line in `colour`, else in that of the state or kind; `wider` by so many px."""
        width = self._rules["width"]
        paint = {"line-color": colour or self._colour(), "line-width": width + wider}
        if self._rules["dash"]:
            # MapLibre counts dashes in widths of the line.
            paint["line-dasharray"] = [round(length / max(width, 0.1), 2) for length in self._rules["dash"]]
        layout = {"line-join": "round"} | ({} if self._rules["dash"] else {"line-cap": "round"})
        return self._make(part, "line", self._of(shape), paint, layout=layout)

    def _circle(self) -> dict[str, Any]:
        return self._make("point", "circle", self._of("point"), {
            "circle-color": self._colour(), "circle-radius": self._rules["radius"],
            "circle-opacity": max(self._rules["opacity"], 0.6), "circle-stroke-width": 1,
            "circle-stroke-color": self._rules["stroke"]})

    def _names(self) -> list[dict[str, Any]]:
        label, shape = self._rules["label"], self._rules["shape"]
        if label is None:
            return []
        layout: dict[str, Any] = {"text-field": ["get", "label"], "text-font": FONTS, "text-size": 11}
        layout |= {"symbol-placement": "line"} if label["along"] else {}
        layout |= {"text-anchor": "top", "text-offset": [0, 0.8]} if shape == "point" else {}
        return [self._make("label", "symbol", ["all", _SINGLE, ["has", "label"]], {
            "text-color": self._ink, "text-halo-color": self._halo, "text-halo-width": 1.4},
            minzoom=label["minZoom"], layout=layout)]
