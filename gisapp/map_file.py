"""What a map shows as one HTML file that opens from disk, without a network and without this server: folium's page,
Leaflet, the features and the legend in one piece. Personal data and the names of colleagues never go into it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
from branca.element import MacroElement
from folium.template import Template

from gisapp import features, filters, maps, style
from gisapp.accounts.log import record
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.panels import TERRITORIES
from gisapp.permissions import Actor, require
from gisapp.selection import Entry, Selection, question

STATIC = Path(__file__).resolve().parent.parent / "static"
#: Features of one layer: of the ones that a map is about, and of its ground.
MOST, MOST_GROUND = 10_000, 5_000
#: Bytes of the whole file: browsers open more than this slowly, mail servers refuse it.
MOST_BYTES = 30_000_000
#: Fields that say nothing to somebody who has no account here.
_LEFT_OUT = {"created_by", "updated_by", "version", "updated_at"}


@dataclass(frozen=True)
class MapFile:
    """The page; `title` is what its file may be called, `features` how many of all layers are in it."""

    content: bytes
    title: str
    features: int


class Shown(MacroElement):
    """Hands folium's map to static/js/map_file.js, which draws what lies in the page's JSON."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            mapFile.start({{ this._parent.get_name() }});
        {% endmacro %}
    """)

    _name = "Shown"


def make(house: House, actor: Actor, selection: Selection, language: str, address: str | None = None) -> MapFile:
    """The file of a selection. Needs the right to export. Problems: `act_not_allowed` (403), `field_masked` (403),
    `map_file_too_many`, `map_file_too_large` (422)."""
    require(actor, "export")
    # The file leaves the house: it is made for a reader who may not see personal data, whoever asks.
    reader = replace(actor, role="exporter")
    data = _data(house, reader, selection, language)
    content = _page(data, _view(house, reader, selection), language)
    if len(content) > MOST_BYTES:
        raise Problem("map_file_too_large", size=f"{len(content) / 1e6:.0f}", limit=MOST_BYTES // 1_000_000)
    count = sum(len(layer["features"]) for layer in data["layers"])
    detail = {"layers": [entry.id for entry in selection.layers], "format": "html", "rows": count,
              "question": data["question"][language], "bytes": len(content)}
    with house.db.begin(actor.id, actor.request_id) as connection:
        record(connection, "export", actor, address=address, detail=detail)
    return MapFile(content, str(data["title"][language]), count)


def _data(house: House, actor: Actor, selection: Selection, language: str) -> dict[str, Any]:
    layers = [_layer(house, actor, entry, selection) for entry in selection.layers]
    kept = [one for one in layers if one is not None]
    missing = [entry for entry, one in zip(selection.layers, layers, strict=True) if one is None]
    names = [entry.title for entry in selection.missions[:2]] if len(selection.missions) < 3 else []
    now = datetime.now(UTC).astimezone(ZoneInfo(house.settings.time_zone))
    made_up = any(row["properties"].get("synthetic") for one in kept for row in one["features"])
    return {
        "language": language, "layers": kept, "codes": _codes(house, actor, selection), "synthetic": made_up,
        "title": {"zh": "、".join(name.zh for name in names) or "综合行政执法一张图",
                  "en": ", ".join(name.en for name in names) or "Enforcement map"},
        "missing": {"zh": "、".join(one.title.zh for one in missing), "en": ", ".join(one.title.en for one in missing)},
        "question": {one: question(house, actor, selection, one) for one in ("zh", "en")},
        "made": f"{now:%Y-%m-%d %H:%M}", "by": actor.username, "zone": house.settings.time_zone,
    }


def _layer(house: House, actor: Actor, entry: Entry, selection: Selection) -> dict[str, Any] | None:
    """Rules, fields and features; None for ground that is too dense."""
    layer = entry.layer
    reference, names = style.is_reference(layer), _names(layer)
    most = MOST_GROUND if reference else MOST
    query = replace(selection.query(entry, selection.view), properties=tuple(names), limit=most)
    features.open_layer(house, actor, layer.id, "export", query)
    page = features.list_features(house, actor, layer.id, query)
    if page.number_matched > most:
        if reference:
            return None
        raise Problem("map_file_too_many", layer=f"{layer.title.zh} / {layer.title.en}", count=page.number_matched,
                      limit=most)
    legends = [style.legend(layer, house.catalogue.codelists, one) for one in ("zh", "en")]
    fields = [] if reference else [_field(layer.field(name)) for name in names if name != "synthetic"]
    return {
        "rules": style.paint(layer, house.catalogue.codelists) | {"id": entry.id}, "title": vars(entry.title),
        "name": layer.name_field,
        "legend": [{"value": zh["value"], "colour": zh["colour"], "title": {"zh": zh["title"], "en": en["title"]}}
                   for zh, en in zip(*legends, strict=True)],
        "fields": fields, "features": [json.loads(text) for text in page.features],
    }


def _names(layer: Layer) -> list[str]:
    """The fields that go out: of the ground only what draws and names it."""
    if style.is_reference(layer):
        wanted = (layer.name_field, layer.style.colour_by, "synthetic")
        return [name for name in dict.fromkeys(wanted) if name and not layer.field(name).personal]
    return [field.id for field in layer.all_fields if not field.personal and field.id not in _LEFT_OUT
            and field.id != "id"]


def _field(field: Field) -> dict[str, Any]:
    codes = field.codelist or (field.id if field.id in TERRITORIES else None)
    return {"id": field.id, "title": vars(field.title), "type": field.type, "unit": field.unit,
            "decimals": field.decimals, "codes": codes}


def _codes(house: House, actor: Actor, selection: Selection) -> dict[str, dict[str, dict[str, str]]]:
    """Titles by code list and code, of the lists that the fields need; territories are lists of their names."""
    wanted = {field.codelist for entry in selection.missions for field in entry.layer.all_fields if field.codelist}
    lists = {name: {code.id: vars(code.title) for code in house.catalogue.codelists[name].codes} for name in wanted}
    for field_id, (layer_id, _) in TERRITORIES.items():
        lists[field_id] = {area.code: {"zh": area.title, "en": area.title}
                           for area in filters.areas(house, actor, layer_id)}
    return lists


def _view(house: House, actor: Actor, selection: Selection) -> list[list[float]]:
    """South-west and north-east corner, lat before lon as Leaflet wants them."""
    home = maps.home(house, actor)
    west, south, east, north = selection.view or (home.west, home.south, home.east, home.north)
    return [[south, west], [north, east]]


def _page(data: dict[str, Any], view: list[list[float]], language: str) -> bytes:
    maps.localise()
    built = folium.Map(tiles=None, zoom_control="bottomright", min_zoom=maps.MIN_ZOOM, max_zoom=maps.MAX_ZOOM,
                       prefer_canvas=True, attribution_control=False)
    built.fit_bounds(view)
    Shown().add_to(built)
    parts = maps.parts(built)
    sheets = [_sheet(name) for name in (*parts.sheets, "css/map_file.css")]
    scripts = [*(_script(name) for name in (*parts.scripts, "js/map_file.js")), parts.script]
    # What is inside a script ends at the first "</", wherever it stands.
    told = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return "\n".join((
        "<!doctype html>", f'<html lang="{"zh-CN" if language == "zh" else "en"}">', '<head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts, sheets)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(data['title'][language])}</title>", *(f"<style>{sheet}</style>" for sheet in sheets),
        "</head>", '<body><header id="head"></header><main>', parts.html, '</main><aside id="side"></aside>',
        f'<script type="application/json" id="data">{told}</script>',
        *(f"<script>{script}</script>" for script in scripts), "</body></html>\n")).encode()


def _policy(scripts: list[str], sheets: list[str]) -> str:
    """Just these scripts and sheets, pictures out of the file itself, and no network at all."""
    def hashes(texts: list[str]) -> str:
        return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
                        for text in texts)
    return (f"default-src 'none'; script-src {hashes(scripts)}; style-src {hashes(sheets)}; img-src data:; "
            "base-uri 'none'; form-action 'none'")


def _script(name: str) -> str:
    """A script as the browser will hash it, without the address of a map for debuggers."""
    text = (STATIC / name).read_text("utf-8").replace("\r\n", "\n")
    return re.sub(r"(?m)^//# sourceMappingURL=.*$", "", text)


def _sheet(name: str) -> str:
    """A style sheet with its pictures in it; those of markers, which nobody draws, are dropped."""
    path = STATIC / name
    def inline(found: re.Match[str]) -> str:
        picture = path.parent / found.group(1)
        if not picture.is_file():
            return "url()"
        return f"url(data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()})"
    text = re.sub(r"behavior:[^;]*;", "", path.read_text("utf-8").replace("\r\n", "\n"))
    return re.sub(r"url\(([^)#:]*)\)", inline, text)
