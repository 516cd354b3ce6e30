"""How a tile of the present is drawn: feature by feature, the large ones over counts, or as counts alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from gisapp import counts
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql import tiles as sql_tiles, tiles_crowded as sql_tiles_crowded, tiles_lines as sql_tiles_lines
from gisapp.sql.tiles import Address, Picture

#: Up to so many features a tile has each with its id and name; ids weigh more than all else.
MOST_LABELS = 1000
#: What one tile of 256 px draws at most: an area has 4 × 4 px then. The rest of a crowded tile are counts.
MOST, MOST_POINTS, MOST_LINES = 4000, 16000, 3000
#: The longest of more lines than that.
MOST_LINES_DRAWN = 1500
Statement = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Ask:
    """One reader's question, with all that its statements need."""

    picture: Picture
    facets: counts.Facets | None
    query: Query
    address: Address

    @property
    def layer(self) -> Layer:
        return self.picture.layer

    @property
    def filter(self) -> tuple[Any, ...]:
        """The same for equal sets of features only."""
        return self.picture.where, repr(sorted(self.picture.values.items()))

    def variant(self, counted: bool) -> UUID:
        """The same for equal pictures only."""
        parts = (_RECIPE, self.layer.id, counted, self.layer.geometry, self.picture.columns, self.picture.label,
                 self.picture.where, sorted(self.picture.values.items()))
        return UUID(bytes=hashlib.blake2b(repr(parts).encode(), digest_size=16).digest())


def one(driver: psycopg.Connection[Any], text: str, values: dict[str, Any]) -> Any:
    """The first row of a statement of these modules."""
    with driver.cursor(binary=True) as cursor:
        return cursor.execute(text.encode(), values).fetchone()


def statement(driver: psycopg.Connection[Any], ask: Ask, counted: bool, expected: int) -> Statement:
    """The sentence that makes the tile, of about `expected` features; `counted` where they would be confetti."""
    if counted:
        if ask.facets is None:
            return sql_tiles.grouped(ask.picture, ask.address)
        return sql_tiles.cells_tile(ask.layer, *counts.cells(ask.layer, ask.facets, ask.address))
    return _lines(ask, expected) if ask.picture.lines else _shapes(driver, ask, expected)


def _shapes(driver: psycopg.Connection[Any], ask: Ask, expected: int) -> Statement:
    areas = ask.layer.geometry == "MultiPolygon"
    most = MOST if areas else MOST_POINTS
    if expected <= most:
        return sql_tiles.features(ask.picture, ask.address, labelled=expected <= MOST_LABELS)
    if ask.facets is None or not areas:
        return sql_tiles_crowded.mixed(ask.picture, ask.address, most)
    known = one(driver, sql_tiles_crowded.AREA_QUANTILE, {"layer": ask.layer.id, "share": 1 - MOST / expected})
    least_area_m2 = known[0] if known and known[0] else 0.0
    return sql_tiles_crowded.largest(ask.picture, ask.address, MOST, least_area_m2,
                                     *counts.cells(ask.layer, ask.facets, ask.address))


def _lines(ask: Ask, expected: int) -> Statement:
    if expected <= MOST_LINES:
        return sql_tiles_lines.lines(ask.picture, ask.address, labelled=expected <= MOST_LABELS)
    return sql_tiles_lines.longest(ask.picture, ask.address, MOST_LINES_DRAWN, *counts.cells(
        ask.layer, ask.facets or counts.Facets(), ask.address))


def _recipe() -> str:
    """Changes with the code that draws, so that no tile outlives it."""
    parts = (MOST, MOST_POINTS, MOST_LINES, MOST_LINES_DRAWN, MOST_LABELS)
    sources = [Path(module.__file__ or "").read_bytes() for module in (
        sql_tiles, sql_tiles_crowded, sql_tiles_lines, counts)]
    return hashlib.blake2b(repr((parts, sources)).encode(), digest_size=8).hexdigest()


_RECIPE = _recipe()
