"""The map page, built by folium: which layers, controls and scripts the browser gets. No user data goes into it.

folium names its scripts by CDN addresses. `localise` replaces them by files of static/ once, at start-up;
an address that is not known here stops the start rather than reach for another host.
"""

# ruff: noqa: E402  (folium is imported with pandas put aside)

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# folium loads pandas only to accept its tables: without it a web process takes 68 MB less.
_modules: dict[str, Any] = sys.modules
if (_spared := "pandas" not in _modules):
    _modules["pandas"] = None

import folium
from branca.element import CssLink, Figure, JavascriptLink, MacroElement
from folium.elements import JSCSSMixin
from folium.map import Layer as FoliumLayer
from folium.plugins import Fullscreen, GeoMan, LocateControl, MousePosition
from folium.template import Template

if _spared:
    del _modules["pandas"]

from gisapp import features, filters, style
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Catalogue, Layer
from gisapp.permissions import Actor, require

#: folium's name of a script or sheet → file under static/.
LOCAL = {
    "leaflet": "vendor/leaflet/leaflet.js",
    "leaflet_css": "vendor/leaflet/leaflet.css",
    "Control.Fullscreen.js": "vendor/leaflet.fullscreen/Control.FullScreen.js",
    "Control.FullScreen.css": "vendor/leaflet.fullscreen/Control.FullScreen.css",
    "Control_locate_min_js": "vendor/leaflet.locatecontrol/L.Control.Locate.min.js",
    "Control_locate_min_css": "vendor/leaflet.locatecontrol/L.Control.Locate.min.css",
    "Control_MousePosition_js": "vendor/leaflet-mouse-position/L.Control.MousePosition.js",
    "Control_MousePosition_css": "vendor/leaflet-mouse-position/L.Control.MousePosition.css",
    "leaflet_geoman_js": "vendor/leaflet-geoman-free/leaflet-geoman.min.js",
    "leaflet_geoman_css": "vendor/leaflet-geoman-free/leaflet-geoman.css",
    "protomaps": "vendor/protomaps-leaflet/protomaps-leaflet.js",
}

#: Used only by popups, icons and markers of folium, which the page does without.
UNUSED = {"jquery", "bootstrap", "awesome_markers", "bootstrap_css", "glyphicons_css",
          "awesome_markers_font_css", "awesome_markers_css", "awesome_rotate_css"}

#: Off until somebody asks: they lie over everything else.
OFF_AT_FIRST = {"communities", "unit_grids", "squadron_territories", "restricted_areas", "control_lines"}

MIN_ZOOM, MAX_ZOOM = 5, 20
TILES = "/collections/{layer}/tiles/WebMercatorQuad/{z}/{y}/{x}"

#: Text of labels and its outline, by theme.
THEMES = {"light": {"label": "#3d4c59", "halo": "#ffffff"}, "dark": {"label": "#c5d2dd", "halo": "#141c23"}}


@dataclass(frozen=True)
class Home:
    """Where the map opens: a box in degrees, EPSG:4326, lon before lat."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class MapPage:
    """Parts of the page: files under static/ in loading order, the map's element, its script."""

    scripts: tuple[str, ...]
    sheets: tuple[str, ...]
    html: str
    script: str


class TileStack(JSCSSMixin, MacroElement):
    """The canvas that all collections are drawn on (static/js/stack.js)."""

    default_js = [("protomaps", "")]  # noqa: RUF012  (folium declares it so)
    _template = Template("""
        {% macro script(this, kwargs) %}
            const {{ this.get_name() }} = gis.tileStack({{ this.options|tojson }});
        {% endmacro %}
    """)

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        self._name = "TileStack"
        self.options = options


class Collection(FoliumLayer):
    """One collection on the stack, drawn by the rules of `gisapp.style.paint`."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            const {{ this.get_name() }} = new gis.CollectionLayer(
                {{ this.stack.get_name() }}, {{ this.rules|tojson }});
        {% endmacro %}
    """)

    def __init__(self, stack: TileStack, rules: dict[str, Any], show: bool) -> None:
        super().__init__(name=rules["id"], overlay=True, control=False, show=show)
        self._name = "Collection"
        self.stack = stack
        self.rules = rules


class Marking(GeoMan):
    """Drawing on the map; its buttons are the page's own (templates/map/draw_bar.html)."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            {{ this._parent.get_name() }}.pm.setLang(document.documentElement.lang.startsWith("zh") ? "zh" : "en");
        {% endmacro %}
    """)


class Start(MacroElement):
    """Hands the map and its layers to static/js/map.js. Added last: the ids that folium draws are random."""

    _template = Template("""
        {% macro script(this, kwargs) %}
            L.control.scale({ imperial: false, position: "bottomleft" }).addTo({{ this._parent.get_name() }});
            gis.start({
                map: {{ this._parent.get_name() }},
                stack: {{ this.stack.get_name() }},
                layers: {
                    {% for layer in this.layers %}{{ layer.rules.id|tojson }}: {{ layer.get_name() }}, {% endfor %}
                },
                options: {{ this.options|tojson }},
            });
        {% endmacro %}
    """)

    def __init__(self, stack: TileStack, layers: list[Collection], options: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Start"
        self.stack, self.layers, self.options = stack, layers, options


#: Where the map opens while there is nothing to look at: the plains of middle China.
NOWHERE = Home(108.0, 27.0, 119.0, 36.0)


def home(house: House, actor: Actor) -> Home:
    """The box of the smallest territories that exist, else of all mission layers."""
    layers = house.catalogue.layers
    first = [name for name in ("streets", "districts") if name in layers]
    rest = [layer.id for layer in layers.values() if not style.is_reference(layer)]
    for name in first:
        box = features.extent(house, actor, name)
        if box:
            return Home(*box)
    boxes = [box for box in (features.extent(house, actor, name) for name in rest) if box]
    if not boxes:
        return NOWHERE
    west, south, east, north = zip(*boxes, strict=True)
    return Home(min(west), min(south), max(east), max(north))


def shown_at_first(layer: Layer) -> bool:
    """Whether the layer is switched on when a map is opened without a link."""
    return layer.id not in OFF_AT_FIRST


def archive(house: House, actor: Actor, name: str) -> Path:
    """The file of a basemap that this server keeps. Problem `not_found` for any other name."""
    require(actor, "read")
    found = next((one.file for one in house.basemaps if one.id == name and one.file), None)
    if found is None:
        raise Problem("not_found")
    return found


def build(catalogue: Catalogue, home: Home, words: dict[str, str], root: str = "",
          basemaps: Sequence[dict[str, Any]] = ()) -> MapPage:
    """The page's parts for all layers; `words` are the texts of the controls, `root` a path before every address,
    `basemaps` what is offered beside the own map."""
    view = folium.Map(tiles=None, zoom_control="bottomright", min_zoom=MIN_ZOOM, max_zoom=MAX_ZOOM,
                      location=[(home.south + home.north) / 2, (home.west + home.east) / 2], zoom_start=13,
                      attribution_control=True, zoom_snap=1, world_copy_jump=False)
    _add_controls(view, words)
    stack = TileStack({"url": root + TILES, "themes": THEMES, "minZoom": MIN_ZOOM, "maxZoom": MAX_ZOOM})
    stack.add_to(view)
    layers = [Collection(stack, style.paint(layer, catalogue.codelists), shown_at_first(layer))
              for layer in style.drawing_order(list(catalogue.layers.values()))]
    for layer in layers:
        layer.add_to(view)
    options = {"home": [home.west, home.south, home.east, home.north], "root": root, "words": words,
               "shown": [layer.rules["id"] for layer in layers if layer.show],
               "filters": filters.names(catalogue), "basemaps": list(basemaps),
               "missions": [layer.id for layer in catalogue.layers.values() if not style.is_reference(layer)],
               "ground": [layer.id for layer in catalogue.layers.values() if style.fills_ground(layer)]}
    Start(stack, layers, options).add_to(view)
    return parts(view)


def _add_controls(view: folium.Map, words: dict[str, str]) -> None:
    Fullscreen(position="bottomright", title=words["full_screen"], title_cancel=words["leave_full_screen"],
               force_separate_button=True).add_to(view)
    LocateControl(position="bottomright", locateOptions={"maxZoom": 17, "enableHighAccuracy": True},
                  strings={"title": words["locate"], "outsideMapBoundsMsg": words["locate_outside"]},
                  showPopup=False).add_to(view)
    Marking().add_to(view)
    digits = "(degrees) => degrees.toFixed(5)"
    MousePosition(position="bottomleft", separator=", ", empty_string=words["coordinates"], lng_first=True,
                  lat_formatter=digits, lng_formatter=digits, prefix="WGS 84").add_to(view)


def localise() -> None:
    """Make every folium class ask for files of static/ instead of another host's. Once per process."""
    for kind in _all_subclasses(JSCSSMixin):
        for attribute in ("default_js", "default_css"):
            links = getattr(kind, attribute)
            setattr(kind, attribute, [(name, LOCAL.get(name, url)) for name, url in links if name not in UNUSED])


def _all_subclasses(kind: type) -> Iterator[type]:
    child: type
    for child in kind.__subclasses__():
        yield child
        yield from _all_subclasses(child)


def parts(view: folium.Map) -> MapPage:
    """The rendered pieces of a map; folium's own addresses were replaced by `localise` before."""
    figure = view.get_root()
    assert isinstance(figure, Figure)  # noqa: S101  (told to mypy)
    figure.render()
    links = list(figure.header._children.values())
    return MapPage(
        scripts=tuple(_own(link.url) for link in links if isinstance(link, JavascriptLink)),
        sheets=tuple(_own(link.url) for link in links if isinstance(link, CssLink)),
        html=figure.html.render(), script=figure.script.render())


def _own(url: str) -> str:
    if url not in LOCAL.values():
        raise RuntimeError(f"the map page would load {url} from another host; add it to gisapp.maps.LOCAL")
    return url
