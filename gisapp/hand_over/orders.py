"""What a person asks of a file, checked: an order that can be kept and made later, by another process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gisapp import addresses, features, params, published
from gisapp.crs import CGCS2000, CRS84, STORED_SRID, Crs, local_zone, parse_crs
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS, Format
from gisapp.formats.choices import BOOLEANS, DATUMS, GEOMETRIES
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor, require

Args = Mapping[str, Sequence[str]]

#: What a shapefile is in when nobody says otherwise: the system that departments hand over in.
_DEFAULT_CRS = {"shp": "EPSG:4490", "gpkg": "EPSG:4490", "archive": "EPSG:4490"}
_LONLAT = (STORED_SRID, CGCS2000)
#: Parameters that a further layer takes over from the question about the first: those that every layer has.
_SHARED = ("bbox", "bbox-crs", "datetime", "as_of", "q")
MOST_LAYERS = 20
SHORTEST_REASON, LONGEST_REASON = 4, 200


def make_order(house: House, actor: Actor, layer_id: str, format_name: str, args: Args,
               language: str) -> dict[str, Any]:
    """The order for a file: JSON without a secret or an account.

    Problems: `act_not_allowed`, `layer_unknown`, those of `params.parse`, `format_unknown`, `format_geometry`,
    `format_crs`, `reason_missing`, `field_masked`."""
    require(actor, "export")
    chosen, args = file_format(format_name), _chosen(args)
    asked = [_asked(house, actor, layer_id, dict(args), language), *_further(house, actor, args, language)]
    reason = _reason(actor, args)
    for layer, given in asked:
        _check(house, actor, chosen, layer, given, personal=bool(reason))
    datum = _datum(args)
    crs = _crs(house, actor, chosen, asked[0][0], args, datum)
    (layer, given), *further = asked
    photos = chosen.photos or _one_of(args, "photos", ("no", "yes")) == "yes"
    return {
        "layer": layer.id, "format": chosen.name, "args": given, "crs": crs.name, "datum": datum,
        "encoding": _encoding(chosen, args), "language": language,
        "further": [{"layer": each.id, "args": theirs} for each, theirs in further],
        "pack": chosen.always_packed or photos or _one_of(args, "pack", ("no", "yes")) == "yes", "photos": photos,
        "base": addresses.server(house.settings),
        "booleans": _one_of(args, "booleans", BOOLEANS), "geometry": _one_of(args, "geometry-as", GEOMETRIES),
        "personal": bool(reason), "reason": reason,
    }


def _chosen(args: Args) -> dict[str, Sequence[str]]:
    """The arguments that say something; a form sends empty ones too, and a datum among the systems.

    A field that is empty asks for features without a value there.
    """
    chosen = {name: given for name, given in args.items() if name not in params.COMMON or any(given)}
    if _plain(chosen.get("crs", [""])[0]) in map(_plain, DATUMS):
        chosen["datum"] = chosen.pop("crs")
    return chosen


def _plain(name: str) -> str:
    return name.strip().upper().replace("-", "").replace("_", "")


def file_format(name: str) -> Format:
    """The file format of that short name. Problem `format_unknown` (400)."""
    if name not in FILE_FORMATS:
        raise Problem("format_unknown", format=name[:40], known=", ".join(FILE_FORMATS))
    return FILE_FORMATS[name]


def _asked(house: House, actor: Actor, name: str, args: dict[str, Sequence[str]], language: str
           ) -> tuple[Layer, dict[str, list[str]]]:
    """The layer and the arguments of an items request; a saved question adds what it asks."""
    found = published.find(house, actor, name, language)
    return found.layer, found.asking({key: given for key, given in args.items() if key not in params.FILE_ONLY})


def _further(house: House, actor: Actor, args: Args, language: str) -> list[tuple[Layer, dict[str, list[str]]]]:
    names = [name.strip() for given in args.get("layers", ()) for name in given.split(",") if name.strip()]
    if len(names) > MOST_LAYERS:
        raise params.invalid("layers", f"最多 {MOST_LAYERS} 个", f"names {MOST_LAYERS} layers at most")
    shared = {name: args[name] for name in _SHARED if name in args}
    return [_asked(house, actor, name, dict(shared), language) for name in names]


def _check(house: House, actor: Actor, chosen: Format, layer: Layer, args: Args, *, personal: bool) -> None:
    query = params.parse(args, layer, house.catalogue).plain()
    features.open_layer(house, actor, layer.id, "export", query)
    if not personal and features.names_people(house, layer, query):
        raise Problem("reason_missing")
    if not chosen.holds(layer.geometry):
        raise Problem("format_geometry", format=chosen.title.en, layer=layer.title.zh, layer_en=layer.title.en)


def _reason(actor: Actor, args: Args) -> str:
    """Why personal fields are taken along; empty when they stay at home."""
    text = (args.get("personal-reason") or [""])[0].strip()
    if not text:
        return ""
    require(actor, "read_personal")
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise params.invalid("personal-reason", f"应为 {SHORTEST_REASON}–{LONGEST_REASON} 个字符",
                             f"has {SHORTEST_REASON} to {LONGEST_REASON} characters")
    return text


def _datum(args: Args) -> str:
    """GCJ-02, BD-09, or empty for coordinates as they are."""
    given = (args.get("datum") or [""])[0].strip()
    found = next((name for name in DATUMS if _plain(name) == _plain(given)), None)
    if given and found is None:
        raise params.invalid("datum", f"可用：{'、'.join(DATUMS)}", f"is one of {', '.join(DATUMS)}")
    return found or ""


def _crs(house: House, actor: Actor, chosen: Format, layer: Layer, args: Args, datum: str) -> Crs:
    """The system of the file: as asked, or the format's own."""
    given = (args.get("crs") or [""])[0]
    crs = parse_crs(given or _DEFAULT_CRS.get(chosen.name, CRS84.name))
    if not given and not datum and chosen.local_zone:
        bounds = features.extent(house, actor, layer.id, Query())
        crs = local_system(bounds) or crs
    if datum and crs.database_srid not in _LONLAT:
        raise params.invalid("datum", "只用于经纬度，请去掉 crs", "goes with longitude and latitude: leave crs away")
    if chosen.lonlat_only and crs.database_srid not in _LONLAT:
        raise Problem("format_crs", format=chosen.title.en)
    return CRS84 if datum else crs


def local_system(bounds: tuple[float, float, float, float] | None) -> Crs | None:
    """The 3-degree zone (no prefix) of the middle of `bounds` in degrees; None outside of China's zones."""
    try:
        return local_zone((bounds[0] + bounds[2]) / 2)[1] if bounds else None
    except Problem:
        return None


def _one_of(args: Args, name: str, known: Sequence[str]) -> str:
    given = (args.get(name) or [""])[0]
    if given and given not in known:
        raise params.invalid(name, f"可用：{'、'.join(known)}", f"is one of {', '.join(known)}")
    return given


def _encoding(chosen: Format, args: Args) -> str:
    given = (args.get("encoding") or [""])[0]
    if not given:
        return chosen.encodings[0]
    wanted = given.upper().replace("UTF8", "UTF-8")
    if wanted not in chosen.encodings:
        raise Problem("parameter_invalid", name="encoding", reason=" / ".join(chosen.encodings))
    return wanted
