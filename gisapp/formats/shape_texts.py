"""Shapes as GeoJSON or WKT, a whole batch at a time: numbers become texts once, then are joined ring by ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.vertices import Ints, Vertices, kind_of, turned, types_of, vertices

_NAMES = {1: "Point", 2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon"}


@dataclass(frozen=True)
class _Style:
    """What stands before and after each point, between two numbers, two points or two parts, and about lists."""

    point: tuple[str, str]
    number: str
    between: str
    begin: str
    end: str


_JSON = _Style(("[", "]"), ",", ",", "[", "]")
_WKT = _Style(("", ""), " ", ", ", "(", ")")
_KML = _Style(("", ""), ",", " ", "", "")


def as_geojson(shapes: pa.Array) -> pa.Array:
    """WKB (2D) as GeoJSON geometries, outer rings counter-clockwise (RFC 7946); every digit kept."""
    return _told(shapes, _geojson)


def as_wkt(shapes: pa.Array) -> pa.Array:
    """WKB (2D) as WKT, every digit kept."""
    return _told(shapes, _wkt)


def as_kml(shapes: pa.Array) -> pa.Array:
    """WKB (2D, longitude first) as KML geometries, outer rings counter-clockwise; every digit kept."""
    return _told(shapes, _kml)


def _told(shapes: pa.Array, tell: Callable[[pa.Array, int], pa.Array]) -> pa.Array:
    """The texts of shapes of any types, type by type."""
    if shapes.null_count == len(shapes):
        return pa.nulls(len(shapes), pa.string())
    types = types_of(shapes)
    known = np.unique(types[types > 0])
    if len(known) == 1:
        return tell(shapes, int(known[0]))
    places = [np.flatnonzero(types == one) for one in (0, *known)]
    texts = [pa.nulls(len(places[0]), pa.string())]
    texts += [tell(shapes.take(pa.array(rows)), int(one)) for rows, one in zip(places[1:], known, strict=True)]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _geojson(shapes: pa.Array, number: int) -> pa.Array:
    name = _NAMES[number]
    found = vertices(shapes, kind_of(name))
    if kind_of(name) == "Polygon":
        found = turned(found, clockwise=False)
    head = f'{{"type":"{name}","coordinates":'
    return _whole(shapes, found, number, _JSON, head, "}", "[]")


def _wkt(shapes: pa.Array, number: int) -> pa.Array:
    name = _NAMES[number]
    return _whole(shapes, vertices(shapes, kind_of(name)), number, _WKT, f"{name.upper()} ", "", "EMPTY")


def _kml(shapes: pa.Array, number: int) -> pa.Array:
    name, kind = _NAMES[number], kind_of(_NAMES[number])
    found = vertices(shapes, kind)
    found = turned(found, clockwise=False) if kind == "Polygon" else found
    owners = np.repeat(np.arange(len(found.runs)), found.runs)
    texts = _wrapped("<coordinates>", _grouped(_points(found, _KML), found.sizes, _KML.between), "</coordinates>")
    if kind == "Polygon":
        sides = pc.if_else(pa.array(found.outer), "outerBoundaryIs>", "innerBoundaryIs>")
        texts = _wrapped("<", sides, "<LinearRing>", texts, "</LinearRing></", sides)
        first = np.flatnonzero(found.outer)
        texts, owners = _grouped(texts, np.diff(np.append(first, len(found.outer))), ""), owners[first]
    texts = _wrapped(f"<{kind}>", texts, f"</{kind}>")
    texts = _grouped(texts, np.bincount(owners, minlength=len(found.runs)).astype(np.int64), "")
    if kind != name:
        texts = _wrapped("<MultiGeometry>", texts, "</MultiGeometry>")
    return pc.if_else(shapes.is_valid(), texts, pa.scalar(None, pa.string()))


def _wrapped(*pieces: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*pieces, "")


def _whole(shapes: pa.Array, found: Vertices, number: int, style: _Style, head: str, tail: str,
           empty: str) -> pa.Array:
    texts = _points(found, style)
    owners = np.repeat(np.arange(len(found.runs)), found.runs)
    if number in (1, 4):
        texts = _grouped(texts, found.runs, style.between)
        if number == 4:
            texts = pc.binary_join_element_wise(style.begin, texts, style.end, "")
        elif style is _WKT:
            texts = pc.binary_join_element_wise("(", texts, ")", "")
    else:
        texts = _listed(texts, found.sizes, style)
        if number in (3, 6):
            texts, owners = _areas(texts, found, owners, style)
        counts = np.bincount(owners, minlength=len(found.runs)).astype(np.int64)
        texts = _grouped(texts, counts, style.between)
        if number == 6 or number == 5:
            texts = pc.binary_join_element_wise(style.begin, texts, style.end, "")
    there = pa.array(found.runs > 0)
    texts = pc.binary_join_element_wise(head, pc.if_else(there, texts, empty), tail, "")
    return pc.if_else(shapes.is_valid(), texts, pa.scalar(None, pa.string()))


def _points(found: Vertices, style: _Style) -> pa.Array:
    x, y = (pa.array(np.ascontiguousarray(axis)).cast(pa.string()) for axis in (found.points.real, found.points.imag))
    begin, end = style.point
    return pc.binary_join_element_wise(*([begin] if begin else []), x, style.number, y, *([end] if end else []), "")


def _areas(rings: pa.Array, found: Vertices, owners: Ints, style: _Style) -> tuple[pa.Array, Ints]:
    """The rings of each area as one text, and whose it is."""
    first = np.flatnonzero(found.outer)
    counts = np.diff(np.append(first, len(found.outer)))
    return _listed(rings, counts, style), owners[first]


def _grouped(texts: pa.Array, counts: Ints, between: str) -> pa.Array:
    """So many texts as one, parted."""
    bounds = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(bounds, texts), between)


def _listed(texts: pa.Array, counts: Ints, style: _Style) -> pa.Array:
    return pc.binary_join_element_wise(style.begin, _grouped(texts, counts, style.between), style.end, "")
