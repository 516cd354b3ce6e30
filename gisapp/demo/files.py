"""The demo city as files: one GeoJSON per layer, the same bytes for the same seed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gisapp.demo.feature import Feature
from gisapp.demo.frame import feature_id, to_lonlat

Record = dict[str, Any]


def records(features: Iterable[Feature]) -> list[Record]:
    """GeoJSON features (EPSG:4326, lon/lat); a second geometry stands among the properties under its id."""
    items = list(features)
    shapes = _geometries([f.geometry for f in items])
    seconds = {
        name: _geometries([f.second.get(name) for f in items])
        for name in sorted({n for f in items for n in f.second})
    }
    return [
        {
            "type": "Feature",
            "id": feature_id(item.layer, item.key),
            "geometry": shapes[i],
            "properties": _properties(item, {name: found[i] for name, found in seconds.items()}),
        }
        for i, item in enumerate(items)
    ]


def _geometries(shapes: list[Any]) -> list[Any]:
    turned = shapely.orient_polygons(to_lonlat(np.array(shapes, dtype=object)))
    return [None if text is None else json.loads(text) for text in shapely.to_geojson(turned)]


def _properties(item: Feature, seconds: dict[str, Any]) -> dict[str, Any]:
    known = {**item.properties, **seconds, "synthetic": True}
    return {name: value for name, value in known.items() if value is not None}


def write(folder: Path, layers: dict[str, list[Feature]]) -> dict[str, int]:
    """Writes <layer>.geojson for every layer, one feature a line; the number of features by layer."""
    folder.mkdir(parents=True, exist_ok=True)
    for layer, features in layers.items():
        lines = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in records(features)]
        head = f'{{"type":"FeatureCollection","name":"{layer}","synthetic":true,"features":[\n'
        (folder / f"{layer}.geojson").write_text(head + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
    return {layer: len(features) for layer, features in layers.items()}


def read(path: Path) -> list[Record]:
    """The features of one file."""
    found: list[Record] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found
