"""Shapefiles of points written byte by byte, as programs do that keep no rule."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

Text = str | bytes
#: Name, type letter, width, decimals.
Field = tuple[str, str, int, int]


def table(fields: Sequence[Field], rows: Sequence[Sequence[Text]], encoding: str = "gbk", language: int = 0,
          deleted: Sequence[int] = ()) -> bytes:
    """A .dbf with these cells, whatever they are; numbers to the right."""
    def raw(text: Text) -> bytes:
        return text if isinstance(text, bytes) else text.encode(encoding)

    width = 1 + sum(field[2] for field in fields)
    made = struct.pack("<B3BIHH", 3, 124, 1, 1, len(rows), 33 + 32 * len(fields), width)
    made += bytes(17) + bytes([language, 0, 0])
    for name, kind, size, decimals in fields:
        made += raw(name)[:11].ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([size, decimals]) + bytes(14)
    made += b"\r"
    for number, row in enumerate(rows):
        made += b"*" if number in deleted else b" "
        for field, cell in zip(fields, row, strict=True):
            text = raw(cell)[:field[2]]
            made += text.rjust(field[2]) if field[1] in "NF" else text.ljust(field[2])
    return made + b"\x1a"


def shapes(kind: int, records: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A .shp and its .shx of records as they stand there."""
    body = index = b""
    for number, content in enumerate(records, 1):
        index += struct.pack(">II", 50 + len(body) // 2, len(content) // 2)
        body += struct.pack(">II", number, len(content) // 2) + content

    def head(size: int) -> bytes:
        return struct.pack(">7I", 9994, 0, 0, 0, 0, 0, 50 + size // 2) + struct.pack(
            "<II8d", 1000, kind, 113.0, 31.0, 114.0, 32.0, 0, 0, 0, 0)

    return head(len(body)) + body, head(len(index)) + index


def points(places: Sequence[tuple[float, float]]) -> tuple[bytes, bytes]:
    """A .shp and its .shx of points."""
    return shapes(1, [struct.pack("<Idd", 1, *place) for place in places])


def shapefile(fields: Sequence[Field], rows: Sequence[Sequence[Text]], count: int | None = None,
              **more: Any) -> dict[str, bytes]:
    """The files of a shapefile with a point in the city for each row, or for `count` rows."""
    shp, shx = points([(113.38 + n / 1000, 31.69) for n in range(len(rows) if count is None else count)])
    return {"a.shp": shp, "a.shx": shx, "a.dbf": table(fields, rows, **more)}
