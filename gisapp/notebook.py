"""Layers in a notebook: `read` for a GeoDataFrame, `explore` for a map, from the own database or a server's API.

Needs geopandas (`pip install gisapp[notebook]`); it is imported when it is used. docs/notebook.md shows it in use.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from gisapp import features, map_styles
from gisapp.cluster.connections import running
from gisapp.config import ROOT, Settings
from gisapp.errors import Problem
from gisapp.house import House, make_house
from gisapp.layers import Layer
from gisapp.params import parse
from gisapp.permissions import SYSTEM

LANGUAGES = ("zh", "en")
T = TypeVar("T")
PAGE = 10_000
_TIMEOUT_S = 120
_LEAFLET = ROOT / "static" / "vendor" / "leaflet"


class Refused(Exception):
    """What was asked cannot be had; `code` is one of docs/errors.md."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{sentence} ({code})")
        self.code = code


class _Local:
    """The own database: whoever may enter it sees everything, as on the command line."""

    def __init__(self, settings: Settings | None) -> None:
        settings = settings or Settings.from_env()
        self._house: House = make_house(settings, running(settings).app)

    def __enter__(self) -> _Local:
        return self

    def __exit__(self, *_: object) -> None:
        self._house.db.close()

    def schema(self, layer: str, language: str) -> dict[str, Any]:
        return features.schema_of(self._house, SYSTEM, layer, language)

    def style(self, layer: str, language: str) -> dict[str, Any]:
        found = self._house.layer(layer)
        return map_styles.style_document(
            "light", layer, [found], self._house.catalogue.codelists, language,
            lambda one: map_styles.Source("", 0, tuple(field.id for field in one.all_fields)))

    def pages(self, layer: str, asked: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        declared: Layer = self._house.layer(layer)
        query = parse({name: [value] for name, value in asked.items()}, declared, self._house.catalogue)
        while True:
            page = features.list_features(self._house, SYSTEM, layer, query)
            yield [json.loads(text) for text in page.features]
            if page.after is None:
                return
            query = parse({**{name: [value] for name, value in asked.items()}, "after": [page.after]}, declared,
                          self._house.catalogue)


class _Remote:
    """A server, by its API and a token made under “My account”."""

    def __init__(self, server: str, token: str | None) -> None:
        if urlsplit(server).scheme not in ("http", "https"):
            raise Refused("parameter_invalid", f"{server!r} is no address; write it like https://map.example")
        self._server = server.rstrip("/")
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def __enter__(self) -> _Remote:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def schema(self, layer: str, language: str) -> dict[str, Any]:
        return self._get(f"{self._server}/collections/{layer}/schema?f=json&lang={language}")

    def style(self, layer: str, language: str) -> dict[str, Any]:
        return self._get(f"{self._server}/collections/{layer}/styles/light?f=json&lang={language}")

    def pages(self, layer: str, asked: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        path = f"{self._server}/collections/{layer}/items"
        address: str | None = f"{path}?{urlencode(asked | {'f': 'json'})}"
        while address:
            page = self._get(address)
            yield page["features"]
            following = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
            # Behind a proxy the server may know itself by another name: only the question is taken from its link.
            address = f"{path}?{urlsplit(following).query}" if following else None

    def _get(self, address: str) -> dict[str, Any]:
        try:
            with urlopen(Request(address, headers=self._headers), timeout=_TIMEOUT_S) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            raise _refusal(error) from None


def _refusal(error: HTTPError) -> Refused:
    try:
        told = json.load(error)
        return Refused(told["code"], told["en"])
    except (ValueError, KeyError, TypeError):
        return Refused(str(error.code), error.reason)


def read(layer: str, *, filter: str | None = None, crs: str | int | None = None,
         bbox: tuple[float, float, float, float] | None = None, titles: str | None = None, limit: int | None = None,
         server: str | None = None, token: str | None = None, settings: Settings | None = None,
         **asked: str) -> Any:
    """The features of a layer as a GeoDataFrame, index `id`, columns on Arrow; see `gisapp.read`."""
    with _source(server, token, settings) as source:
        return _read(source, layer, _question(filter, bbox, limit, asked), crs, titles, limit)


def explore(layer: str, *, language: str = "zh", tiles: str | None = None, server: str | None = None,
            token: str | None = None, settings: Settings | None = None, **asked: Any) -> Any:
    """A folium map of what `read` gives for the same arguments, in the layer's style; see `gisapp.explore`."""
    import folium

    question = _question(asked.pop("filter", None), asked.pop("bbox", None), asked.get("limit"), asked)
    question.pop("limit", None)
    with _source(server, token, settings) as source:
        frame = _read(source, layer, question | {"limit": str(PAGE)}, None, None, asked.get("limit"))
        schema, style = _told(lambda: (source.schema(layer, language), source.style(layer, language)))
    made = folium.Map(tiles=tiles, control_scale=True)
    _keep_at_home(made)
    if len(frame):
        west, south, east, north = (float(edge) for edge in frame.total_bounds)
        made.fit_bounds([[south, west], [north, east]])
        _drawn(frame, schema, style).add_to(made)
    return made


def _keep_at_home(made: Any) -> None:
    """Leaflet inside the page, from `static/vendor` where it was built, so that a saved map asks no other host for it;
    folium's other libraries serve markers with icons, which this map has none of."""
    if not (_LEAFLET / "leaflet.js").exists():
        return
    made.default_js = [("leaflet", _inline("leaflet.js", "text/javascript"))]
    made.default_css = [("leaflet_css", _inline("leaflet.css", "text/css"))]


def _inline(name: str, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode((_LEAFLET / name).read_bytes()).decode()}"


def _source(server: str | None, token: str | None, settings: Settings | None) -> _Local | _Remote:
    return _Remote(server, token) if server else _Local(settings)


def _question(filter: str | None, bbox: tuple[float, ...] | None, limit: int | None,
              asked: dict[str, Any]) -> dict[str, str]:
    """The parameters of the items address; the same for the database and the API."""
    found = {name: str(value) for name, value in asked.items() if value is not None}
    found["limit"] = str(min(limit or PAGE, PAGE))
    if filter:
        found["filter"] = filter
    if bbox:
        found["bbox"] = ",".join(str(edge) for edge in bbox)
    return found


def _told(get: Callable[[], T]) -> T:
    """What `get` gives; a problem as `Refused`."""
    try:
        return get()
    except Problem as problem:
        told = problem.document("en")
        raise Refused(told["code"], told["en"]) from None


def _read(source: _Local | _Remote, layer: str, asked: dict[str, str], crs: str | int | None, titles: str | None,
          limit: int | None) -> Any:
    if titles not in (None, *LANGUAGES):
        raise Refused("parameter_invalid", "titles takes 'zh' or 'en'")
    schema = _told(lambda: source.schema(layer, titles or "zh"))
    found = _told(lambda: _collected(source.pages(layer, asked), limit))
    frame = _frame(found, schema["properties"], titles)
    return frame if crs is None else frame.to_crs(crs)


def _collected(pages: Iterator[list[dict[str, Any]]], limit: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for page in pages:
        found += page
        if limit is not None and len(found) >= limit:
            return found[:limit]
    return found


def _frame(found: list[dict[str, Any]], properties: dict[str, Any], titles: str | None) -> Any:
    import geopandas
    import pandas
    import pyarrow
    import shapely

    names = [name for name in properties if not str(properties[name].get("format", "")).startswith("geometry")]
    used = [name for name in names if name != "id" and (not found or name in found[0]["properties"])]
    columns = {name: _column([one["properties"].get(name) for one in found], properties[name], titles, pyarrow)
               for name in used}
    table = pyarrow.table(columns) if columns else pyarrow.table({"synthetic": []})
    data = table.to_pandas(types_mapper=pandas.ArrowDtype)
    data.index = pandas.Index([one["id"] for one in found], name="id", dtype=object)
    shapes = shapely.from_geojson([json.dumps(one["geometry"]) if one["geometry"] else None for one in found])
    return geopandas.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")


def _column(values: list[Any], schema: dict[str, Any], titles: str | None, arrow: Any) -> Any:
    """A column of Arrow in the type of the field; with titles in place of codes on wish."""
    named = schema.get("items", schema).get("x-titles") if titles else None
    if named:
        values = [[named.get(one, one) for one in value] if isinstance(value, list) else named.get(value, value)
                  for value in values]
    if schema.get("format") in ("date", "date-time"):
        kind = arrow.date32() if schema["format"] == "date" else arrow.timestamp("us", "UTC")
        return arrow.array(values, arrow.string()).cast(kind)
    kinds = {"string": arrow.string(), "integer": arrow.int64(), "number": arrow.float64(), "boolean": arrow.bool_(),
             "array": arrow.list_(arrow.string())}
    return arrow.array(values, kinds[schema["type"]])


def _drawn(frame: Any, schema: dict[str, Any], style: dict[str, Any]) -> Any:
    """folium's layer: colours, widths and opacity of the style document, titles of codes at the pointer."""
    import folium

    paint: dict[str, Any] = {}
    for one in style["layers"]:
        if one["id"].rsplit("-", 1)[-1] in ("fill", "outline", "line", "point"):
            paint |= one["paint"]
    shown = {name: one["title"] for name, one in schema["properties"].items() if name in frame.columns[:6]}
    plain = frame[["geometry"]].copy()
    for name in shown:
        titles = schema["properties"][name].get("x-titles", {})
        plain[name] = [titles.get(value, value) if isinstance(value, str) else str(value) for value in frame[name]]
    colour = next(paint[key] for key in ("fill-color", "circle-color", "line-color") if key in paint)
    plain["colour"] = [_colour(colour, row) for row in frame.to_dict("records")]
    look = {"weight": paint.get("line-width", 1), "fillOpacity": paint.get("fill-opacity", 0.8)}
    return folium.GeoJson(
        json.loads(plain.to_json()), marker=folium.CircleMarker(radius=paint.get("circle-radius", 5), fill=True),
        style_function=lambda one: look | {"color": one["properties"]["colour"],
                                           "fillColor": one["properties"]["colour"]},
        tooltip=folium.GeoJsonTooltip(fields=list(shown), aliases=list(shown.values())) if shown else None)


def _colour(expression: Any, row: dict[str, Any]) -> str:
    """The value of a colour of ours, plain or `["match", ["get", field], value, colour, …, colour]`, for a feature."""
    if isinstance(expression, str):
        return expression
    pairs = dict(zip(expression[2:-1:2], expression[3:-1:2], strict=True))
    return str(pairs.get(row.get(expression[1][1]), expression[-1]))
