"""Basemaps from elsewhere: what the file of `GISAPP_BASEMAPS` offers beside the own map, and which hosts it needs.

The file is TOML with `[[basemaps]]` tables; the keys are in docs/deploy.md. Whatever the kind, the browser gets
one address with {z}, {x}, {y} (web mercator, 256 px), or the address of a PMTiles archive.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from gisapp.faults import ConfigError
from gisapp.words import Words

#: Datums of a tile grid in web mercator. CGCS2000 lies within a metre of WGS 84 and is drawn as it is.
DATUMS = ("WGS84", "CGCS2000", "GCJ-02")
KINDS = ("xyz", "wmts", "pmtiles")
TEXTS = ("url", "file", "attribution", "attribution_url", "layer", "style", "matrix_set", "matrix", "format")
KEYS = {"id", "title", "kind", "datum", "subdomains", "min_zoom", "max_zoom", *TEXTS}
#: Names in a WMTS resource template and what stands for them here.
_REST = {"TileMatrix": "matrix", "TileRow": "y", "TileCol": "x", "Layer": "layer", "Style": "style",
         "TileMatrixSet": "matrix_set"}
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_HOST = re.compile(r"(\{s\}\.)?[A-Za-z0-9.-]+(:\d{1,5})?\Z")
_ZOOMS = range(23)


@dataclass(frozen=True)
class Basemap:
    """`url` is empty for an archive that this server hands out itself (`file`)."""

    id: str
    title: Words
    kind: str
    url: str
    datum: str
    attribution: str
    attribution_url: str
    subdomains: tuple[str, ...]
    min_zoom: int
    max_zoom: int
    file: Path | None

    @property
    def hosts(self) -> tuple[str, ...]:
        """scheme://host[:port] of every server that the browser has to reach for it."""
        if not self.url:
            return ()
        scheme, host = urlsplit(self.url)[:2]
        return tuple(f"{scheme}://{host.replace('{s}', name)}" for name in self.subdomains or ("",))

    def told(self, language: str) -> dict[str, Any]:
        """What the browser needs to draw it and to name it."""
        return {"id": self.id, "title": self.title.get(language), "kind": self.kind, "url": self.url,
                "datum": self.datum, "credit": self.attribution, "creditUrl": self.attribution_url,
                "subdomains": list(self.subdomains), "minZoom": self.min_zoom, "maxZoom": self.max_zoom}


@dataclass(frozen=True)
class _Entry:
    """One table of the file, asked key by key."""

    path: Path
    number: int
    table: dict[str, Any]

    def wrong(self, key: str, zh: str, en: str) -> ConfigError:
        place = f"{self.path.name}: basemaps[{self.number}].{key}"
        return ConfigError(f"{place}：{zh}。", f"{place}: {en}.")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or not (value.strip() or key in self.table or default is not None):
            raise self.wrong(key, "需要一段文字", "wants a text")
        return value.strip()

    def choice(self, key: str, known: tuple[str, ...], default: str | None = None) -> str:
        value = self.table.get(key, default)
        if value not in known:
            raise self.wrong(key, f"只能是 {', '.join(known)}", f"use one of {', '.join(known)}")
        return str(value)

    def zoom(self, key: str, default: int) -> int:
        value = self.table.get(key, default)
        if type(value) is not int or value not in _ZOOMS:
            raise self.wrong(key, "应为 0 到 22 的整数", "wants a whole number from 0 to 22")
        return value


def load_basemaps(path: Path, default: Path) -> tuple[Basemap, ...]:
    """The basemaps of a file, in its order; none when the default file is not there.

    Raises ConfigError, one line, for whatever is wrong in it.
    """
    if not path.is_file():
        if path == default:
            return ()
        raise ConfigError(f"GISAPP_BASEMAPS 指定的文件 {path} 不存在。", f"GISAPP_BASEMAPS: there is no file {path}.")
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} 不是有效的 TOML：{error}", f"{path.name} is not TOML: {error}") from None
    if set(tables) - {"basemaps"} or not isinstance(tables.get("basemaps", []), list):
        raise ConfigError(f"{path.name}：只能有 [[basemaps]]。", f"{path.name}: only [[basemaps]] may stand in it.")
    made = tuple(_basemap(_Entry(path, number, table)) for number, table in enumerate(tables.get("basemaps", []), 1))
    if len({one.id for one in made}) < len(made):
        raise ConfigError(f"{path.name}：id 重复。", f"{path.name}: an id stands twice.")
    return made


def _basemap(entry: _Entry) -> Basemap:
    for key in entry.table:
        if key not in KEYS:
            raise entry.wrong(key, "没有这个键", "is not a known key")
    kind = entry.choice("kind", KINDS)
    file = entry.path.parent / entry.text("file") if "file" in entry.table else None
    if file and (kind != "pmtiles" or "url" in entry.table or not file.is_file()):
        raise entry.wrong("file", "须为已有的 PMTiles 文件，且不与 url 并用",
                          "wants a PMTiles file that is there, and no url")
    subdomains = _subdomains(entry)
    return Basemap(
        id=_id(entry), title=_title(entry), kind=kind, url="" if file else _url(entry, kind, subdomains),
        datum=entry.choice("datum", DATUMS), attribution=entry.text("attribution"),
        attribution_url=_link(entry), subdomains=subdomains, min_zoom=entry.zoom("min_zoom", 0),
        max_zoom=entry.zoom("max_zoom", 18), file=file)


def _id(entry: _Entry) -> str:
    name = entry.text("id")
    if not _ID.match(name) or name == "own":
        raise entry.wrong("id", "小写字母开头，字母、数字、连字符，且不能是 own",
                          "wants small letters, digits and hyphens, a letter first, and not own")
    return name


def _title(entry: _Entry) -> Words:
    title = entry.table.get("title")
    if not isinstance(title, dict) or set(title) != {"zh", "en"} or not all(
            isinstance(word, str) and word.strip() for word in title.values()):
        raise entry.wrong("title", '应为 { zh = "…", en = "…" }', 'wants { zh = "…", en = "…" }')
    return Words(title["zh"], title["en"])


def _subdomains(entry: _Entry) -> tuple[str, ...]:
    names = entry.table.get("subdomains", [])
    if not isinstance(names, list) or not all(isinstance(one, str) and re.match(r"[a-z0-9-]+\Z", one) for one in names):
        raise entry.wrong("subdomains", '应为 ["a", "b"] 这样的列表', 'wants a list such as ["a", "b"]')
    return tuple(names)


def _link(entry: _Entry) -> str:
    link = entry.text("attribution_url", "")
    if link and urlsplit(link).scheme not in ("http", "https"):
        raise entry.wrong("attribution_url", "应为 http(s) 地址", "wants an http(s) address")
    return link


def _url(entry: _Entry, kind: str, subdomains: tuple[str, ...]) -> str:
    url = entry.text("url")
    scheme, host = urlsplit(url)[:2]
    if scheme not in ("http", "https") or not _HOST.match(host) or ("{s}" in host) != bool(subdomains):
        raise entry.wrong("url", "应为 http(s) 地址；主机名里的 {s} 与 subdomains 须同时出现",
                          "wants an http(s) address; {s} in the host and subdomains go together")
    if kind == "wmts":
        url = _wmts(entry, url)
    if kind != "pmtiles" and not all(name in url.replace("{-y}", "{y}") for name in ("{z}", "{x}", "{y}")):
        raise entry.wrong("url", "缺少 {z}、{x} 或 {y}", "lacks {z}, {x} or {y}")
    if set(re.findall(r"\{([^}]*)\}", url)) - {"z", "x", "y", "-y", "s"}:
        raise entry.wrong("url", "只能用 {z} {x} {y} {-y} {s}", "takes no names but {z} {x} {y} {-y} {s}")
    return url


def _wmts(entry: _Entry, url: str) -> str:
    """A resource template with its names filled in, else the request by key and value."""
    values = {"layer": entry.text("layer", ""), "style": entry.text("style", "default"),
              "matrix_set": entry.text("matrix_set", "GoogleMapsCompatible"),
              "matrix": entry.text("matrix", "{z}"), "x": "{x}", "y": "{y}"}
    if re.search(r"\{TileMatrix\}", url, re.IGNORECASE):
        names = {name.lower(): values[key] for name, key in _REST.items()}
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1].lower(), found[0]), url)
    if not values["layer"]:
        raise entry.wrong("layer", "WMTS 需要图层名", "WMTS wants the name of a layer")
    asked = urlencode({"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": values["layer"],
                       "STYLE": values["style"], "TILEMATRIXSET": values["matrix_set"],
                       "FORMAT": entry.text("format", "image/png")})
    return f"{url}{'&' if '?' in url else '?'}{asked}&TILEMATRIX={values['matrix']}&TILEROW={{y}}&TILECOL={{x}}"
