"""WKB looked at without building shapes: which kind it is, and curves made straight lines."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely

_KINDS = {1: "Point", 2: "LineString", 3: "Polygon", 4: "Point", 5: "LineString", 6: "Polygon",
          7: "GeometryCollection", 8: "LineString", 9: "LineString", 10: "Polygon", 11: "LineString", 12: "Polygon",
          15: "Polygon", 16: "Polygon", 17: "Polygon"}
#: Circular strings, compound curves, curve polygons and their multis; surfaces of triangles.
_CURVED = frozenset({8, 9, 10, 11, 12, 13, 14, 15, 16, 17})
#: A quarter circle becomes so many straight pieces.
_PIECES = 16
_MAX_DEPTH = 8
_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000


def type_code(wkb: bytes | None) -> int:
    """The plain type number of ISO WKB or EWKB, 0 where there is none."""
    if not wkb or len(wkb) < 5:
        return 0
    code: int = struct.unpack_from("<I" if wkb[0] else ">I", wkb, 1)[0]
    return (code & 0x0FFFFFFF) % 1000


class Census:
    """How many shapes of each kind there are; points and many points are one kind."""

    def __init__(self) -> None:
        self._codes: Counter[int] = Counter()

    def add(self, shapes: Iterable[bytes | None]) -> None:
        self._codes.update(type_code(wkb) for wkb in shapes)

    @staticmethod
    def kind(wkb: bytes | None) -> str | None:
        """Point, LineString, Polygon or GeometryCollection; None where there is no shape."""
        return _KINDS.get(type_code(wkb))

    def counts(self) -> Counter[str]:
        """How many shapes of each kind there are."""
        found = Counter[str]()
        for code, count in self._codes.items():
            if code in _KINDS:
                found[_KINDS[code]] += count
        return found


def may_be_curved(wkb: bytes | None) -> bool:
    """Whether the shape must go through `straightened` before GEOS takes it; a collection may hold anything."""
    code = type_code(wkb)
    return code in _CURVED or code == 7


def plain_shapes(wkbs: Any) -> Any:
    """The shapes of an array of WKB; None for curves, which GEOS reads and shapely does not, and for what is none."""
    try:
        return shapely.from_wkb(wkbs, on_invalid="ignore")
    except NotImplementedError:
        straight = np.array([None if type_code(wkb) in _CURVED else wkb for wkb in wkbs], dtype=object)
        return shapely.from_wkb(straight, on_invalid="ignore")


def without_curves(wkb: bytes) -> bytes | None:
    """The shape as it is, or its chords where it may be curved; None where it cannot be read."""
    try:
        return straightened(wkb) if may_be_curved(wkb) else wkb
    except (struct.error, ValueError, IndexError):
        return None


def without_stubs(wkb: bytes) -> tuple[bytes, int] | None:
    """A line of several parts without those of a single point, and how many these were; None where that is not what
    keeps GEOS from reading it. Phones write such parts where their reception came back for a moment."""
    try:
        plain = straightened(wkb) if type_code(wkb) == 5 else b""
    except (struct.error, ValueError, IndexError):
        return None
    if not plain:
        return None
    parts, place, count = [], 9, struct.unpack_from("<I", plain, 5)[0]
    for _ in range(count):
        end = place + 9 + 16 * struct.unpack_from("<I", plain, place + 5)[0]
        parts.append(plain[place:end])
        place = end
    kept = [part for part in parts if len(part) > 9 + 16]
    dropped = sum(len(part) == 9 + 16 for part in parts)
    return (_head(5) + struct.pack("<I", len(kept)) + b"".join(kept), dropped) if kept and dropped else None


def straightened(wkb: bytes) -> bytes:
    """The same shape without curves, Z and M, as little-endian WKB: arcs become chords, sixteen to a quarter circle.

    Raises ValueError or struct.error for what is no such WKB.
    """
    made, end = _Reader(wkb).geometry(0)
    if end > len(wkb):
        raise ValueError("cut short")
    return made


def _head(kind: int) -> bytes:
    return struct.pack("<BI", 1, kind)


class _Reader:
    def __init__(self, wkb: bytes) -> None:
        self._wkb = wkb

    def geometry(self, at: int, depth: int = 0) -> tuple[bytes, int]:
        """A geometry without curves, and where the next one begins."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        kind, size, order, at = self._open(at)
        if kind == 1:
            points, at = self._points(at, 1, size, order)
            return _head(1) + points.tobytes(), at
        if kind in (2, 8):
            points, at = self._run(at, size, order)
            return _head(2) + _packed(_arc(points) if kind == 8 else points), at
        if kind in (3, 17):
            return self._polygon(at, size, order)
        if kind == 9:
            points, at = self._compound(at, order, depth)
            return _head(2) + _packed(points), at
        if kind == 10:
            return self._curve_polygon(at, order, depth)
        plain = {11: 5, 12: 6, 15: 6, 16: 6}.get(kind, kind)
        if plain not in (4, 5, 6, 7):
            raise ValueError(f"type {kind}")
        count, at = self._count(at, order)
        parts = []
        for _ in range(count):
            part, at = self.geometry(at, depth + 1)
            parts.append(part)
        return _head(plain) + struct.pack("<I", count) + b"".join(parts), at

    def _open(self, at: int) -> tuple[int, int, str, int]:
        order = "<" if self._wkb[at] else ">"
        code: int = struct.unpack_from(f"{order}I", self._wkb, at + 1)[0]
        at += 9 if code & _SRID else 5
        thousand = (code & 0x0FFFFFFF) // 1000
        size = 2 + (bool(code & _Z) + bool(code & _M) or {0: 0, 1: 1, 2: 1, 3: 2}.get(thousand, 0))
        return (code & 0x0FFFFFFF) % 1000, size, order, at

    def _count(self, at: int, order: str) -> tuple[int, int]:
        count: int = struct.unpack_from(f"{order}I", self._wkb, at)[0]
        if count > len(self._wkb):
            raise ValueError("count beyond the end")
        return count, at + 4

    def _points(self, at: int, count: int, size: int, order: str) -> tuple[Any, int]:
        end = at + count * size * 8
        if end > len(self._wkb):
            raise ValueError("cut short")
        numbers = np.frombuffer(self._wkb, dtype=f"{order}f8", count=count * size, offset=at)
        return numbers.reshape(count, size)[:, :2].astype("<f8"), end

    def _run(self, at: int, size: int, order: str) -> tuple[Any, int]:
        count, at = self._count(at, order)
        return self._points(at, count, size, order)

    def _polygon(self, at: int, size: int, order: str) -> tuple[bytes, int]:
        count, at = self._count(at, order)
        rings = []
        for _ in range(count):
            points, at = self._run(at, size, order)
            rings.append(_packed(points))
        return _head(3) + struct.pack("<I", count) + b"".join(rings), at

    def _curve_polygon(self, at: int, order: str, depth: int) -> tuple[bytes, int]:
        count, at = self._count(at, order)
        rings = []
        for _ in range(count):
            line, at = self.geometry(at, depth + 1)
            rings.append(line[5:])  # a line's count and points are what a ring is
        return _head(3) + struct.pack("<I", count) + b"".join(rings), at

    def _compound(self, at: int, order: str, depth: int) -> tuple[Any, int]:
        count, at = self._count(at, order)
        runs = []
        for number in range(count):
            line, at = self.geometry(at, depth + 1)
            points = np.frombuffer(line, dtype="<f8", offset=9).reshape(-1, 2)
            runs.append(points[1:] if number else points)
        return np.concatenate(runs) if runs else np.empty((0, 2)), at


def _packed(points: Any) -> bytes:
    return struct.pack("<I", len(points)) + np.ascontiguousarray(points, dtype="<f8").tobytes()


def _arc(points: Any) -> Any:
    """A circular string, start–middle–end over and over, as a line."""
    if len(points) < 3 or len(points) % 2 == 0:
        return points
    runs = [points[:1]]
    for place in range(0, len(points) - 2, 2):
        runs.append(_chords(*points[place:place + 3])[1:])
    return np.concatenate(runs)


def _chords(start: Any, middle: Any, end: Any) -> Any:
    """Points on the circle through three; a full circle when the first is the last."""
    centre = (start + middle) / 2 if np.array_equal(start, end) else _centre(start, middle, end)
    if centre is None:
        return np.stack([start, middle, end])
    angles = [np.arctan2(*(point - centre)[::-1]) for point in (start, middle, end)]
    turn = (angles[2] - angles[0]) % (2 * np.pi)
    if np.array_equal(start, end):
        turn = 2 * np.pi
    elif (angles[1] - angles[0]) % (2 * np.pi) > turn:
        turn -= 2 * np.pi
    pieces = max(2, int(np.ceil(abs(turn) / (np.pi / 2) * _PIECES)))
    swept = angles[0] + turn * np.arange(pieces + 1) / pieces
    made = centre + np.hypot(*(start - centre)) * np.column_stack([np.cos(swept), np.sin(swept)])
    made[0], made[-1] = start, end
    return made


def _centre(a: Any, b: Any, c: Any) -> Any:
    """The centre of the circle through three points; None when they lie on a line."""
    (bx, by), (cx, cy) = b - a, c - a
    twice = 2 * (bx * cy - by * cx)
    if abs(twice) < 1e-14 * max(abs(bx), abs(by), abs(cx), abs(cy), 1e-300) ** 2 or not np.isfinite(twice):
        return None
    square_b, square_c = bx * bx + by * by, cx * cx + cy * cy
    return a + np.array([(cy * square_b - by * square_c) / twice, (bx * square_c - cx * square_b) / twice])
