"""Where the demo city lies: a local metre frame on EPSG:4547 and the way from it to lon/lat."""

import uuid
import zlib
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

Floats = NDArray[np.float64]
Rng = np.random.Generator

ORIGIN_E, ORIGIN_N = 441_217.48, 3_507_645.44  # 113.38 E, 31.69 N in EPSG:4547
TILE_W, TILE_H = 6000.0, 5000.0
DECIMALS = 7  # of a degree: about a centimetre
NAMESPACE = uuid.UUID("6c1f1d0e-5a0b-5d4e-9d5c-67697361f001")

_TO_LONLAT = Transformer.from_crs("EPSG:4547", "EPSG:4326", always_xy=True)


def stream(seed: int, stage: str) -> Rng:
    """A random stream of its own for every stage, so that one stage's draws never move another's."""
    return np.random.default_rng([seed, zlib.crc32(stage.encode())])


def lonlat(points: Floats, east: float = 0.0, north: float = 0.0) -> Floats:
    """EPSG:4326 lon, lat (rounded) of points given in metres of the local frame."""
    x, y = _TO_LONLAT.transform(points[:, 0] + ORIGIN_E + east, points[:, 1] + ORIGIN_N + north)
    return np.round(np.column_stack([x, y]), DECIMALS)


def to_lonlat(geometries: Any, east: float = 0.0, north: float = 0.0) -> Any:
    """The same geometries in EPSG:4326, lon/lat; equal vertices stay equal."""
    return shapely.transform(geometries, lambda points: lonlat(points, east, north))


def feature_id(layer: str, key: str) -> str:
    """The lasting UUID of a demo feature."""
    return str(uuid.uuid5(NAMESPACE, f"{layer}/{key}"))
