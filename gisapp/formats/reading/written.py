"""A whole place in one cell, as people and programs write it: WKT, hexadecimal WKB, GeoJSON, 113.38,31.69 and rows of
such pairs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import shapely

from gisapp.formats.reading.degrees import coordinate
from gisapp.formats.wkb import plain_shapes
from gisapp.shapes import MAX_VERTICES

#: Collections within collections, and lists within lists, that are still read: GEOS recurses into them.
_NESTED = 16
_IS_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)(?:\s*Z?M?)\s*"
                     r"(?:\(|EMPTY)", re.IGNORECASE)
#: POINTZ(…) of some programs, for POINT Z (…).
_GLUED = re.compile(r"\A([A-Z]*(?:POINT|STRING|POLYGON|COLLECTION))(ZM|Z|M)(?=[\s(])", re.IGNORECASE)
#: Read by GEOS and not by shapely.
_CURVED = re.compile(r"CIRCULAR|CURVE|SURFACE", re.IGNORECASE)
_SRID = re.compile(r"\ASRID=(\d{1,6});\s*", re.IGNORECASE)
_HEX = re.compile(r"(?:\\x|0x)?(0[01][0-9a-fA-F]{16,})")
#: What stands about a pair, and before its numbers.
_AROUND = "()[]{}<>（）【】「」\"'“”‘’ \t\r\n　;；,，"
_LABEL = re.compile(r"(longitude|latitude|long|lon|lng|lat|经度|纬度|[xy])\s*[:：=]\s*", re.IGNORECASE)
_PAIR = 120
_NORTH, _LATITUDE = re.compile(r"[NS北南]", re.IGNORECASE), re.compile(r"lat|纬", re.IGNORECASE)
#: What parts the two numbers, the surest first; and how whole pairs are parted.
_PARTING = (re.compile(r"\s*[;；|/、]\s*"), re.compile(r"\s*[,，]\s*"), re.compile(r"(?<=[EWNSewns″”\"秒'′])\s+(?=\S)"),
            re.compile(r"(?<=\S)\s*(?=(?:东经|西经|北纬|南纬))"), re.compile(r"\s+"))
#: The plain form of nearly all pairs, and how much of a row of them is looked at to tell what it is.
_PLAIN_PAIR = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*[,，\s]\s*([+-]?\d+(?:\.\d+)?)\s*")
_LOOKED_AT = 2000
#: Longer cells hold more vertices than any shape may have.
_MOST = 8 * 2**20
_DEEP = re.compile(r"(?:\[\s*){8}")
_CHAIN = re.compile(r"\s*[;；|\n]\s*")
#: So exact is a place that is told from other numbers: three decimals, degrees, or metres of a projection.
_EXACT = re.compile(r"\d[.,]\d{3}|[°度]|\d{6}")


@dataclass(frozen=True)
class Found:
    """A shape as WKB, None for one without a point; `turned` says whether its pairs had north first, None where that
    is no question."""

    wkb: bytes | None
    turned: bool | None = None


def is_empty(cell: Any) -> bool:
    """Whether a cell says that there is no place."""
    return cell is None or str(cell).strip() in ("", "NULL", "null", "-", "/")


def is_shape(text: str) -> bool:
    """Whether a cell holds WKT, hexadecimal WKB or GeoJSON."""
    return bool(_IS_WKT.match(text)) or bool(_HEX.fullmatch(text)) or _is_geojson(text)


def is_place(text: str) -> bool:
    """Whether a cell surely holds a pair of numbers in which somebody in China would give a place, or a row of them."""
    if len(text) > _LOOKED_AT:
        text = text[:_LOOKED_AT].rpartition(";")[0] or text[:_LOOKED_AT].rpartition("；")[0]
    found = _chain(text)
    return bool(found) and all(_EXACT.search(one) for one in _CHAIN.split(text.strip(_AROUND))) and all(
        _in_china(*(pair[::-1] if is_crossed(*pair) else pair)) for pair, _ in found)


def _in_china(east: float, north: float) -> bool:
    degrees = 73 <= east <= 136 and 3 <= north <= 54
    return degrees or ((1e5 <= east <= 9e5 or 13e6 <= east <= 46e6) and 1.5e6 <= north <= 6.1e6)


def is_crossed(first: float, second: float) -> bool:
    """Whether two numbers are north and east, as far as places in China tell: latitude first, northing first."""
    return (3 <= first <= 54 and 73 <= second <= 136) or (
        300_000 <= first <= 6_100_000 and (100_000 <= second <= 900_000 or 13_000_000 <= second <= 46_000_000)
        and not 100_000 <= first <= 900_000)


def named_srid(text: str) -> str | None:
    """The EPSG number that EWKT or EWKB names, as digits."""
    found = _SRID.match(text)
    if found:
        return found[1]
    hexed = _HEX.fullmatch(text)
    shape = shapely.from_wkb(hexed[1], on_invalid="ignore") if hexed else None
    return str(shapely.get_srid(shape)) if shape is not None and shapely.get_srid(shape) else None


def from_wkt(cells: Sequence[Any], named: str) -> tuple[Any, Any]:
    """WKB of cells that hold WKT, all at once, None for all others and for those in another system than `named`; and
    which of them are shapes without a point."""
    texts = np.array([_plain(cell, named) for cell in cells], dtype=object)
    shapes = np.array(shapely.from_wkt(texts, on_invalid="ignore"), dtype=object)
    return np.array(shapely.to_wkb(shapes), dtype=object), shapely.is_empty(shapes)


def _plain(cell: Any, named: str) -> str | None:
    """The WKT of a cell, None where there is none that shapely can be given."""
    text = str(cell).strip() if cell is not None else ""
    if not _IS_WKT.match(text) or _CURVED.search(text) or text.upper().count("COLLECTION") > _NESTED:
        return None
    said = _SRID.match(text)
    if said and named.isdigit() and said[1] != named:
        return None
    return _GLUED.sub(r"\1 \2 ", _SRID.sub("", text))


def other_shape(text: str, named: str) -> Found | None:
    """The shape of a cell that is no WKT; None where it is none, or in another system than `named`."""
    if len(text) > _MOST:
        return None
    if _is_geojson(text):
        return _told(shapely.from_geojson(text, on_invalid="ignore"))
    hexed = _HEX.fullmatch(text)
    if hexed:
        said = named_srid(text)
        other = said is not None and named.isdigit() and said != named
        return None if other else _of_wkb(bytes.fromhex(hexed[1]))
    pairs = [] if _IS_WKT.match(text) else _chain(text)
    if not pairs:
        return None
    turned = pairs[0][1]
    points = np.array([pair[::-1] if turned else pair for pair, _ in pairs])
    return _told(shapely.points(points[0]) if len(points) == 1 else shapely.linestrings(points), turned)


def _told(shape: Any, turned: bool | None = None) -> Found | None:
    if shape is None:
        return None
    return Found(None if shapely.is_empty(shape) else shapely.to_wkb(shape), turned)


def _of_wkb(wkb: bytes) -> Found:
    """The shape in the bytes; curves and broken ones are judged where all shapes are."""
    shape = plain_shapes(np.array([wkb], dtype=object))[0]
    return Found(None if shape is not None and shapely.is_empty(shape) else wkb)


def _is_geojson(text: str) -> bool:
    return (text.startswith("{") and '"coordinates"' in text[:2000] and not _DEEP.search(text)
            and text.count('"geometries"') <= _NESTED)


def _chain(text: str) -> list[tuple[tuple[float, float], bool]]:
    """The pairs in a text with whether each has north first; none where one of them is no pair."""
    whole = _pair(text)
    if whole:
        return [whole]
    parts = [part for part in _CHAIN.split(text.strip(_AROUND)) if part]
    found = [_pair(part) for part in parts] if 1 < len(parts) <= MAX_VERTICES else []
    kept = [one for one in found if one]
    return kept if len(kept) == len(found) else []


def _pair(text: str) -> tuple[tuple[float, float], bool] | None:
    """Two numbers, a height after them left out, and whether the first of them is north."""
    plain = text.strip(_AROUND) if len(text) <= _PAIR else ""
    if not plain:
        return None
    quick = _PLAIN_PAIR.fullmatch(plain)
    if quick:
        first, second = float(quick[1]), float(quick[2])
        return (first, second), is_crossed(first, second)
    labels = _LABEL.findall(plain)
    bare = _LABEL.sub(" ", plain).strip()
    for parting in _PARTING:
        parts = [part for part in parting.split(bare) if part]
        if len(parts) not in (2, 3):
            continue
        numbers = [coordinate(part) for part in parts]
        if all(map(isfinite, numbers)):
            said = _LATITUDE.search(labels[0]) if labels else _NORTH.search(parts[0])
            return (numbers[0], numbers[1]), bool(said) or is_crossed(numbers[0], numbers[1])
    return None
