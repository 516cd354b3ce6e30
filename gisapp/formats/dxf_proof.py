"""Reads a drawing back with GDAL and compares it, object for object, with what was meant to be in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from pyogrio.raw import open_arrow

from gisapp.formats.drawing import Entity
from gisapp.formats.dxf_texts import values_of
from gisapp.formats.job import NotFaithful

_GROUP = "1000 "


def prove_drawing(path: Path, expected: Iterator[Entity]) -> None:
    """Raise NotFaithful unless the file holds exactly these objects: layer, vertices and extended data."""
    options = {"INCLUDE_RAW_CODE_VALUES": "YES"}
    with open_arrow(path, layer="entities", batch_size=8192, use_pyarrow=True, **options) as (meta, reader):
        geometry = meta["geometry_name"] or "wkb_geometry"
        for batch in reader:
            shapes = shapely.from_wkb(batch[geometry].to_numpy(zero_copy_only=False))
            rows = zip(batch["Layer"].to_pylist(), shapes, batch["RawCodeValues"].to_pylist(), strict=True)
            for row in rows:
                entity = next(expected, None)
                if entity is None or not _same(entity, *row):
                    raise NotFaithful(f"{path.name}: {entity.data[0] if entity else 'number of objects'}")
    if next(expected, None) is not None:
        raise NotFaithful(f"{path.name}: number of objects")


def _same(entity: Entity, layer: str, shape: Any, raw: list[str] | None) -> bool:
    data = [line[len(_GROUP):] for line in raw or () if line.startswith(_GROUP)]
    return (layer == entity.layer and list(shape.coords) == list(entity.points)
            and (data == list(entity.data) or values_of(data) == values_of(entity.data)))
