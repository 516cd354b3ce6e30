"""Literals of a filter: numbers as they are counted in SQL, instants in UTC, geometries in EPSG:4326."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from gisapp.cql2.faults import refused
from gisapp.cql2.tree import Literal, Shape
from gisapp.crs import Crs

GEOMETRIES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection")


def literal(value: Any) -> Literal:
    """A plain JSON value, typed. Whole numbers stay whole, others exact, so that an index may serve them."""
    if isinstance(value, bool):
        return Literal(value, "boolean")
    if isinstance(value, str):
        return Literal(_text(value), "text")
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e300:
        whole = float(value).is_integer() and abs(value) < 2**53
        return Literal(int(value) if whole or isinstance(value, int) else Decimal(repr(value)), "number")
    raise refused(f"不能使用的值 {str(value)[:40]}", f"{str(value)[:40]} is no value")


def _text(value: str) -> str:
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise refused("含有不能使用的字符", "holds a character that cannot be used")
    return value


def instant(tree: Mapping[str, Any]) -> Literal:
    """`{"date": …}` or `{"timestamp": …}`."""
    kind, text = next(iter(tree.items()))
    return read_instant(text, kind)


def read_instant(text: Any, kind: str = "") -> Literal:
    """A date or a timestamp out of its text; without a kind, whichever it is."""
    try:
        if not isinstance(text, str):
            raise ValueError(text)
        if kind == "date" or (not kind and len(text) == 10):
            return Literal(date.fromisoformat(text), "date")
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))
        if len(text) <= 10:
            raise ValueError(text)
        return Literal((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC), "timestamp")
    except (ValueError, OverflowError):
        raise refused(f"不是日期或时间：{str(text)[:40]}", f"is no date or timestamp: {str(text)[:40]}") from None


def shape(tree: Mapping[str, Any], crs: Crs) -> Shape:
    """A GeoJSON geometry or `{"bbox": […]}` whose coordinates are in `crs`, in its axis order."""
    try:
        found = _box(tree["bbox"], crs) if "bbox" in tree else _geometry(tree, crs)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError,
            shapely.errors.ShapelyError) as error:
        raise refused("几何写法不正确", "a geometry is not written as it should be") from error
    if not found.is_valid:
        reason = shapely.is_valid_reason(found)[:80]
        raise refused(f"几何无效：{reason}", f"a geometry is not valid: {reason}")
    return Shape(bytes(shapely.to_wkb(_stored(found, crs))), found.geom_type == "GeometryCollection")


def _geometry(tree: Mapping[str, Any], crs: Crs) -> BaseGeometry:
    found = shapely.force_2d(shapely.geometry.shape(dict(tree)))
    if found.is_empty:
        raise ValueError(tree)
    return shapely.transform(found, lambda xy: xy[:, ::-1]) if crs.axis_swapped else found


def _box(numbers: Any, crs: Crs) -> BaseGeometry:
    if len(numbers) not in (4, 6) or any(isinstance(n, bool) or not math.isfinite(float(n)) for n in numbers):
        raise ValueError(numbers)
    a, b, c, d = (float(n) for n in (numbers if len(numbers) == 4 else [*numbers[:2], *numbers[3:5]]))
    if crs.axis_swapped:
        a, b, c, d = b, a, d, c
    if b > d:
        raise ValueError(numbers)
    if a <= c:
        return shapely.box(a, b, c, d)
    if crs.projected or crs.srid == 3857:
        raise ValueError(numbers)
    # Across the antimeridian.
    return shapely.union_all([shapely.box(a, b, 180, d), shapely.box(-180, b, c, d)])


def _stored(found: BaseGeometry, crs: Crs) -> BaseGeometry:
    if crs.database_srid not in (4326, 4490):
        # A straight edge in one system is curved in the other: densify before it is moved.
        width = max(found.bounds[2] - found.bounds[0], found.bounds[3] - found.bounds[1], 1.0)
        found = shapely.transform(shapely.segmentize(found, width / 50), _mover(crs.database_srid))
    x0, y0, x1, y1 = found.bounds
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or x0 < -180 or x1 > 180 or y0 < -90 or y1 > 90:
        raise refused("几何的坐标超出范围，请检查坐标系和轴序",
                      "a geometry's coordinates are out of range: check filter-crs and its axis order")
    return found


@lru_cache(maxsize=64)
def _mover(srid: int) -> Any:
    transformer = pyproj.Transformer.from_crs(srid, 4326, always_xy=True)

    def move(xy: numpy.ndarray[Any, Any]) -> Any:
        return numpy.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    return move
