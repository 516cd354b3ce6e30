"""GeoJSON text sequences looked through: GDAL passes over what is no feature, and nobody would learn of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gisapp.errors import Problem

_BOM, _MARK = b"\xef\xbb\xbf", b"\x1e"
#: What stands in the place of a record that is no feature: a row that is refused, at its own number.
_EMPTY = b'{"type":"Feature","properties":null,"geometry":null}'
_SHAPES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
_TOLD = 5
#: Of one record, which is held in memory several times over.
_MOST = 48 * 2**20


def without_mark(path: Path) -> None:
    """Write the file anew without the mark of its encoding: GDAL reads one record behind it and stops."""
    with path.open("rb") as file:
        if file.read(3) != _BOM:
            return
        other = path.with_name(f"{path.name}.plain")
        with other.open("wb") as sink:
            while chunk := file.read(2**20):
                sink.write(chunk)
    other.replace(path)


def count(path: Path) -> tuple[int, bool]:
    """How many records there are, features or not; whether all look like features."""
    found, alike = 0, True
    with path.open("rb") as file:
        for record in _records(file):
            found, alike = found + 1, alike and b'"Feature"' in record
    return found, alike


def mended(path: Path) -> list[int]:
    """Write an empty feature in the place of each record that is none, and those of a collection one by one; the
    numbers of the wrong ones, counted from 1."""
    other, wrong = path.with_name(f"{path.name}.mended"), list[int]()
    with path.open("rb") as file, other.open("wb") as sink:
        for number, record in enumerate(_records(file), 1):
            features = _features(record)
            sink.writelines(one + b"\n" for one in features or [_EMPTY])
            if not features:
                wrong.append(number)
    other.replace(path)
    return wrong


def note(wrong: list[int]) -> dict[str, str]:
    """What is to be said of records that are no features."""
    told = ", ".join(map(str, wrong[:_TOLD])) + (" …" if len(wrong) > _TOLD else "")
    return {"code": "records_broken", "zh": f"有 {len(wrong)} 条记录不是 GeoJSON 要素（第 {told} 条），逐条拒绝",
            "en": f"{len(wrong)} records are no GeoJSON features (number {told}) and are refused one by one"}


def _records(file: IO[bytes]) -> Iterator[bytes]:
    """Pieces between marks where the file has marks, else its lines; those with nothing in them are none."""
    marked = file.read(1) == _MARK
    file.seek(0)
    piece = b""
    while line := file.readline(_MOST):
        if len(line) + len(piece) >= _MOST:
            raise Problem("file_unreadable", reason=f"有一条记录超过 {_MOST >> 20} MB，请简化或拆分 / "
                                                    f"a record is larger than {_MOST >> 20} MB; simplify or split it")
        if not marked:
            piece = line
        elif not line.startswith(_MARK):
            piece += line
            continue
        if piece.strip(b"\x1e \t\r\n"):
            yield piece.strip(b"\x1e \t\r\n")
        piece = line if marked else b""
    if piece.strip(b"\x1e \t\r\n"):
        yield piece.strip(b"\x1e \t\r\n")


def _features(record: bytes) -> list[bytes]:
    """The features in a record, each on a line; none where it is something else."""
    try:
        given = json.loads(record)
    except (ValueError, RecursionError):
        return []
    kind = given.get("type") if isinstance(given, dict) else None
    if kind == "FeatureCollection" and isinstance(given.get("features"), list):
        return [json.dumps(one).encode() for one in given["features"] if isinstance(one, dict)]
    return [b" ".join(record.splitlines())] if kind in ("Feature", *_SHAPES) else []
