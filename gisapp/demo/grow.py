"""Many times the demo city: further parts of it edge to edge, and denser where that is not enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from gisapp.demo import load
from gisapp.demo.city import SEED, make_city
from gisapp.demo.crowd import Columns, builds, signs
from gisapp.demo.feature import Feature
from gisapp.demo.fleet import Fleet, routes
from gisapp.demo.frame import TILE_H, TILE_W, Rng, stream
from gisapp.demo.moulds import Mould
from gisapp.demo.rows import from_columns, from_features
from gisapp.house import House
from gisapp.sql import bulk as sql_bulk

BASE = {"illegal_builds": 424, "rooftop_signs": 145, "truck_routes": 80}
#: Layers without which further tiles would have no ground and no territory.
GROUND = ("districts", "streets", "communities", "unit_grids", "squadron_territories", "blocks", "roads")
DENSE_FROM = 4  # so many tiles are laid before they get denser
VARIANTS = 5  # cities that the tiles are copies of, beside the first
TERRITORIES = {"districts", "streets", "communities", "unit_grids", "squadron_territories"}
_TAG = "@"  # stands for the tile's number in the codes of a variant
_PLACEHOLDERS = ("000000", "000001")


@dataclass(frozen=True)
class Tile:
    """One copy of the city: its number and where it lies, in metres from the first."""

    number: int
    east: float
    north: float

    @property
    def seed(self) -> int:
        return SEED if self.number == 0 else SEED + 1 + self.number % VARIANTS


def tiles(count: int) -> list[Tile]:
    """The first so many tiles, nearest to the first city first."""
    reach = math.isqrt(count) + 1
    places = [(i * TILE_W, j * TILE_H) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)]
    places.sort(key=lambda p: (max(abs(p[0]) / 1.1, abs(p[1])), math.atan2(p[1], p[0])))
    return [Tile(number, *place) for number, place in enumerate(places[:count])]


def tile_count(times: float) -> int:
    """How many tiles for so many times as much: one each at first, then fewer, the rest by density."""
    if times <= DENSE_FROM:
        return math.ceil(times)
    return min(900, math.ceil(DENSE_FROM * math.sqrt(times / DENSE_FROM)))


@cache
def _mould(seed: int) -> Mould:
    return Mould(make_city(seed, "" if seed == SEED else _TAG, _PLACEHOLDERS))


@cache
def _fleet(seed: int) -> Fleet:
    return Fleet(_mould(seed).city)


def grow(house: House, scale: int, only: dict[str, int], progress: load.Say) -> dict[str, int]:
    """Lays the further tiles and fills them; returns how many features came in by layer."""
    wanted = only or {layer: count * scale for layer, count in BASE.items()}
    laid = tiles(tile_count(max(count / BASE[layer] for layer, count in wanted.items())))
    progress(f"{len(laid)} 片城区", f"{len(laid)} parts of town")
    copied = [name for name in load.ORDER if name not in BASE and (not only or name in GROUND)]
    done = {name: _copy(house, name, laid[1:], progress) for name in copied}
    for layer, count in wanted.items():
        done[layer] = _fill(house, layer, count - BASE[layer], laid, progress)
    _mould.cache_clear()
    _fleet.cache_clear()
    return done


def _store(
    house: House, layer: str, texts: Callable[[], Iterator[str]], many: bool, progress: load.Say
) -> int:
    return load.once(house, f"demo:grown:{layer}", layer, texts, many, progress)


def _copy(house: House, layer: str, laid: list[Tile], progress: load.Say) -> int:
    """The layer's features of the tiles' own cities."""
    columns = sql_bulk.stored_columns(house.layer(layer))

    def texts() -> Iterator[str]:
        for tile in laid:
            features = [_retagged(f, tile) for f in _mould(tile.seed).city.features.get(layer, [])]
            yield "".join(from_features(columns, features, tile.east, tile.north))

    about = len(_mould(laid[0].seed).city.features.get(layer, [])) * len(laid) if laid else 0
    return _store(house, layer, texts, about >= sql_bulk.MANY, progress) if about else 0


def _retagged(item: Feature, tile: Tile) -> Feature:
    """The feature under codes of its tile."""
    tag = f"T{tile.number:03d}"
    known = {
        name: value.replace(_TAG, tag) if isinstance(value, str) else value
        for name, value in item.properties.items()
    }
    if item.layer in TERRITORIES:
        known["code"] = _code(item.properties["code"], tile)
    if item.layer == "districts":
        known["name"] = f"示范{2 * tile.number + int(item.properties['code'])}区（虚构）"
    return replace(item, key=f"{tag}/{item.key}", properties=known)


def _code(code: str, tile: Tile) -> str:
    """Codes that begin with 99 belong to no real place."""
    if code.startswith("ZD"):
        return "ZD" + _code(code[2:], tile)
    return f"99{2 * tile.number + int(code[:6]):04d}{code[6:]}"


def shares(count: int, base: int, laid: int) -> list[int]:
    """How many of `count` further features each tile gets; the first one has `base` already."""
    each = (count + base) / laid
    first = max(0, min(count, round(each) - base))
    others = laid - 1
    if others == 0:
        return [count]
    rest = count - first
    return [first, *(rest // others + (1 if i < rest % others else 0) for i in range(others))]


def _fill(house: House, layer: str, count: int, laid: list[Tile], progress: load.Say) -> int:
    """So many further features, spread over the tiles."""
    if count <= 0:
        return 0
    columns = sql_bulk.stored_columns(house.layer(layer))

    def texts() -> Iterator[str]:
        for tile, share in zip(laid, shares(count, BASE[layer], len(laid)), strict=True):
            if share:
                rng = stream(tile.seed * 1000 + tile.number, f"grow {layer}")
                yield from_columns(columns, _made(layer, tile, share, rng), share)
            if tile.number % 20 == 19:
                done = tile.number + 1
                progress(f"{layer}：{done}/{len(laid)} 片", f"{layer}: {done} of {len(laid)} parts")
        progress(f"{layer}：写入历史、索引和统计…", f"{layer}: writing history, indexes and counts …")

    return _store(house, layer, texts, count >= sql_bulk.MANY, progress)


def _made(layer: str, tile: Tile, count: int, rng: Rng) -> Columns:
    tag, shift = f"G{tile.number:03d}", (tile.east, tile.north)
    if layer == "truck_routes":
        return routes(_fleet(tile.seed), count, tag, rng, shift)
    maker: Any = builds if layer == "illegal_builds" else signs
    made: Columns = maker(_mould(tile.seed), count, tag, rng, shift)
    return {name: np.asarray(values, dtype=object).tolist() for name, values in made.items()}
