"""What a person sees of an API document: tables of its parts, each with the way on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_babel import gettext as _

from gisapp.crs import MENU
from gisapp.views import context

_URIS = {crs.uri: crs for crs in MENU.values()}


#: Shown in another way, or of no use to a person.
_ELSEWHERE = ("type", "additionalProperties", "title", "description", "links", "id", "$id", "$schema", "required")


@dataclass(frozen=True)
class Cell:
    """A text, perhaps with an address behind it."""

    text: str
    href: str = ""
    code: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Part:
    """A part of the document: a table, or else `text`."""

    title: str
    heads: tuple[str, ...] = ()
    rows: list[list[Cell]] = field(default_factory=list)
    text: str = ""
    folded: bool = False


def ways_on(document: dict[str, Any]) -> list[Cell]:
    """The document's links in words, to pages where there are any; each address once."""
    titles = {"up": _("Up"), "items": _("Features"), "data": _("Collections"), "conformance": _("Conformance classes"),
              "service-desc": "OpenAPI (JSON)", "service-doc": _("Description of the interface"),
              "functions": _("Functions"), "styles": _("Styles"), "tiling-schemes": _("Tile matrix sets"),
              "tilesets-vector": _("Tile sets"), "queryables": _("Queryables"), "schema": _("Fields"),
              "stylesheet": _("MapLibre style"), "tiling-scheme": _("Tile matrix set"), "describedby": "TileJSON"}
    found: dict[str, Cell] = {}
    for link in document.get("links", ()):
        relation = link["rel"].rsplit("/", 1)[-1]
        title = link.get("title") or titles.get(relation)
        if title and not link.get("templated") and not (relation == "describedby" and "schema" in link["type"]):
            plain = link["type"] in ("application/json", "application/schema+json", "application/geo+json")
            href = link["href"].replace("f=json", "f=html") if plain else link["href"]
            found.setdefault(href, Cell(title, href))
    return list(found.values())


def parts_of(document: dict[str, Any]) -> list[Part]:
    """The document's parts, short facts first, without what the page shows elsewhere."""
    shown = {name: value for name, value in document.items() if name not in _ELSEWHERE and value not in (None, [], {})}
    facts = {name: value for name, value in shown.items() if isinstance(value, (str, int))}
    first = [Part(_("Particulars"), (_("Name"), _("Value")), [[Cell(name, code=True), Cell(str(value))]
                                                             for name, value in facts.items()])] if facts else []
    return first + [_part(name, value, document) for name, value in shown.items() if name not in facts]


def _part(name: str, value: Any, document: dict[str, Any]) -> Part:
    make = _TABLES.get(name)
    if make is None:
        return Part(name, text=json.dumps(value, ensure_ascii=False, indent=2))
    return make(value, document)


def _page(path: str) -> str:
    return f"{request.script_root}{path}?f=html"


def _collections(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["title"], _page(f"/collections/{one['id']}")), Cell(one["id"], code=True),
             Cell(one["description"]), Cell(_("Show"), _page(f"/collections/{one['id']}/items"))] for one in value]
    return Part(_("Collections"), (_("Title"), _("Collection"), _("Description"), _("Features")), rows)


def _classes(value: list[str], _document: dict[str, Any]) -> Part:
    rows = [[Cell(uri.split("/spec/")[-1].split("/")[0]), Cell(uri.rsplit("/", 1)[-1]), Cell(uri, code=True)]
            for uri in value]
    return Part(_("Conformance classes"), (_("Standard"), _("Class"), "URI"), rows)


def _properties(value: dict[str, dict[str, Any]], document: dict[str, Any]) -> Part:
    required = document.get("required", ())
    rows = [[Cell(name, code=True), Cell(one.get("title", "")), Cell(_kind(one)),
             Cell(one.get("x-unit", "")), Cell(_marks(name, one, required)), Cell(_codes(one))]
            for name, one in value.items()]
    heads = (_("Field"), _("Title"), _("Type"), _("Unit"), _("Remarks"), _("Codes"))
    return Part(_("Fields"), heads, rows)


def _kind(one: dict[str, Any]) -> str:
    return str(one.get("format") or one.get("type") or "")


def _marks(name: str, one: dict[str, Any], required: Any) -> str:
    marks = [_("required") if name in required else "", _("read only") if one.get("readOnly") else "",
             _("personal data") if one.get("x-personal") else "",
             _("at most %(count)s characters", count=one["maxLength"]) if "maxLength" in one else ""]
    return " · ".join(mark for mark in marks if mark)


def _codes(one: dict[str, Any]) -> str:
    holder = one.get("items", one)
    titles = holder.get("x-titles", {})
    return "; ".join(f"{code} {titles.get(code, '')}".strip() for code in holder.get("enum", ()))


def _functions(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    def call(one: dict[str, Any]) -> str:
        return f"{one['name']}({', '.join(argument['title'] for argument in one['arguments'])})"

    rows = [[Cell(call(one), code=True), Cell(one["description"]),
             Cell("; ".join(f"{a['title']}: {a['description']}" for a in one["arguments"])),
             Cell(", ".join(one["returns"]) + (f" ({one['x-unit']})" if "x-unit" in one else ""))] for one in value]
    return Part(_("Functions"), (_("Function"), _("Description"), _("Arguments"), _("Result")), rows)


def _styles(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["title"]), Cell(one["id"], code=True),
             Cell("MapLibre", one["links"][0]["href"])] for one in value]
    return Part(_("Styles"), (_("Title"), _("Style"), _("Document")), rows)


def _legend(value: list[dict[str, str]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["layer"]), Cell(one["title"], colour=one["colour"]), Cell(one["colour"], code=True)]
            for one in value]
    return Part(_("Legend"), (_("Layer"), _("Title"), _("Colour")), rows)


def _tile_sets(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["title"], one["links"][0]["href"].replace("f=json", "f=html")),
             Cell(one["tileMatrixSetURI"].rsplit("/", 1)[-1], _page("/tileMatrixSets/WebMercatorQuad")),
             Cell(_template_of(one), code=True)] for one in value]
    return Part(_("Tile sets"), (_("Title"), _("Tile matrix set"), _("Address of a tile")), rows)


def _template_of(one: dict[str, Any]) -> str:
    return next((link["href"] for link in one["links"] if link["rel"] == "item"), "")


def _matrix_sets(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["id"], _page(f"/tileMatrixSets/{one['id']}")), Cell(one["title"])] for one in value]
    return Part(_("Tile matrix sets"), (_("Tile matrix set"), _("Title")), rows)


def _matrices(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    rows = [[Cell(one["id"]), Cell(f"{one['cellSize']:.6g}"), Cell(f"1:{one['scaleDenominator']:,.0f}"),
             Cell(f"{one['matrixWidth']} × {one['matrixHeight']}")] for one in value]
    return Part(_("Zoom levels"), (_("Zoom"), _("Metres per pixel"), _("Scale"), _("Tiles")), rows)


def _systems(value: list[str], _document: dict[str, Any]) -> Part:
    known = [(uri, _URIS[uri]) for uri in value if uri in _URIS]
    rows = [[Cell(crs.name), Cell(crs.title.get(context.language())),
             Cell(_("north, east") if crs.axis_swapped else _("east, north")), Cell(uri, code=True)]
            for uri, crs in known]
    return Part(_("Coordinate reference systems"), (_("System"), _("Title"), _("Axis order"), "URI"), rows, folded=True)


def _extent(value: dict[str, Any], _document: dict[str, Any]) -> Part:
    rows = [[Cell(", ".join(f"{number:.5f}" for number in box))] for box in value.get("spatial", {}).get("bbox", ())]
    return Part(_("Extent"), (_("West, south, east, north (degrees)"),), rows)


def _questions(value: list[dict[str, Any]], _document: dict[str, Any]) -> Part:
    layers, language = context.house().catalogue.layers, context.language()
    rows = [[Cell(one["name"], f"{request.script_root}/q/{one['id']}"),
             Cell(layers[one["layer"]].title.get(language) if one["layer"] in layers else one["layer"]),
             Cell(one["description"] or ""), Cell(one["owner"] or "")] for one in value]
    return Part(_("Saved questions"), (_("Question"), _("Layer"), _("Description"), _("Made by")), rows)


def _query(value: dict[str, Any], _document: dict[str, Any]) -> Part:
    rows = [[Cell(name, code=True), Cell(str(text))] for name, text in value.items()]
    return Part(_("Question"), (_("Name"), _("Value")), rows)


_TABLES: dict[str, Callable[[Any, dict[str, Any]], Part]] = {
    "collections": _collections, "conformsTo": _classes, "properties": _properties, "functions": _functions,
    "styles": _styles, "legend": _legend, "tilesets": _tile_sets, "tileMatrixSets": _matrix_sets,
    "tileMatrices": _matrices, "crs": _systems, "extent": _extent, "questions": _questions,
    "query": _query}
