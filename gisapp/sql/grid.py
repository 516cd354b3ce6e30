"""Counting and leafing through large boxes by the grid that the writes keep (see counts): only the features at the
edge of the box are looked at.

The middle of a feature's bounds decides its cell. Whoever has it in an inner cell, and bounds that do not reach the
rim around the inner cells, lies in the box; every other candidate reaches the rim and is asked exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from gisapp.counts import Facets
from gisapp.layers import Layer
from gisapp.sql.pages import (
    KEY_ZOOM,
    MARGIN_M,
    Box,
    Values,
    Where,
    envelope,
    envelope_values,
    exactly_in,
    outer_and_inner,
    row_of,
)
from gisapp.sql.tiles import WORLD_M

#: So many cells across a box: the rim around small ones holds few features, and few large ones fill the middle.
FINE, COARSE = 256, 24
_HALF_M = WORLD_M / 2
_Sides = tuple[int, int]


@dataclass(frozen=True)
class Cells:
    """The cells of a kept zoom that lie wholly within a box: columns from the left, rows from the north, both ends
    included; `box` is in metres of Web Mercator."""

    box: Box
    zoom: int
    columns: tuple[int, int]
    rows: tuple[int, int]

    @property
    def size(self) -> float:
        """Of a cell, in metres of Web Mercator."""
        return WORLD_M / (64 << self.zoom)

    @property
    def shift(self) -> int:
        """How many halvings away from the rows of a page's key."""
        return KEY_ZOOM - 6 - self.zoom

    @property
    def inner(self) -> Box:
        """What the cells cover, metres."""
        (left, right), (top, bottom) = self.columns, self.rows
        return (left * self.size - _HALF_M, _HALF_M - (bottom + 1) * self.size,
                (right + 1) * self.size - _HALF_M, _HALF_M - top * self.size)


def cells_within(box: Box, kept: Sequence[int], across: int) -> Cells | None:
    """The inner cells of a box (metres of Web Mercator), of the finest zoom with that many across at most; None when
    it is too small to have some."""
    for zoom in reversed(kept):
        size = WORLD_M / (64 << zoom)
        if max(box[2] - box[0], box[3] - box[1]) <= across * size:
            columns = (math.floor((box[0] + _HALF_M) / size) + 1, math.floor((box[2] + _HALF_M) / size) - 1)
            rows = (math.floor((_HALF_M - box[3]) / size) + 1, math.floor((_HALF_M - box[1]) / size) - 1)
            wide = columns[1] - columns[0] > 1 and rows[1] - rows[0] > 1
            return Cells(box, zoom, columns, rows) if wide else None
    return None


def _band(fine: Cells, coarse: Cells) -> list[tuple[_Sides, _Sides]]:
    """The fine cells that lie in no coarse one, as (columns, rows) of four rectangles."""
    halvings = fine.zoom - coarse.zoom
    left, right, top, bottom = (coarse.columns[0] << halvings, (coarse.columns[1] + 1) << halvings,
                                coarse.rows[0] << halvings, (coarse.rows[1] + 1) << halvings)
    found = [(fine.columns, (fine.rows[0], top - 1)), (fine.columns, (bottom, fine.rows[1])),
             ((fine.columns[0], left - 1), (top, bottom - 1)), ((right, fine.columns[1]), (top, bottom - 1))]
    return [(columns, rows) for columns, rows in found if columns[0] <= columns[1] and rows[0] <= rows[1]]


def _sums(name: str, zoom: int, rectangles: Sequence[tuple[_Sides, _Sides]], facets: Facets) -> tuple[str, Values]:
    """Rows of (column, row, count) over rectangles of cells, tile by tile as the grid is kept."""
    parts = [(x, y, max(columns[0] - x * 64, 0), min(columns[1] - x * 64, 63),
              64 * max(rows[0] - y * 64, 0), 64 * min(rows[1] - y * 64, 63) + 63)
             for columns, rows in rectangles
             for x in range(columns[0] >> 6, (columns[1] >> 6) + 1) for y in range(rows[0] >> 6, (rows[1] >> 6) + 1)]
    names = [f"{name}_{what}" for what in ("x", "y", "left", "right", "first", "last")]
    condition, values = facets.condition()
    return f"""
        SELECT x * 64 + (cell & 63) AS grid_column, y * 64 + (cell >> 6) AS grid_row, n
          FROM unnest({", ".join(f"%({one})s::integer[]" for one in names)}) AS part (x, y, c0, c1, first, last)
          JOIN {facets.table} ON layer = %(layer)s AND zoom = %({name}_zoom)s AND tile_x = x AND tile_y = y
               AND cell BETWEEN first AND last AND (cell & 63) BETWEEN c0 AND c1{condition}
    """, values | {f"{name}_zoom": zoom} | {  # noqa: S608
        one: [part[at] for part in parts] for at, one in enumerate(names)}


def select_count(layer: Layer, table: Table, fine: Cells, coarse: Cells, facets: Facets, asked: Where, others: Where
                 ) -> tuple[str, Values]:
    """One row: the rows of coarse cells that meet the box and about how many features have their middle in each (two
    arrays), and how many features answer. `asked` is the whole question, `others` without its box.

    Counted are those that the index knows to meet the box (the sum of the fine cells, and what reaches the rim around
    them), less those at the edge of the box that do not answer when they are looked at.
    """
    (left, right), (top, bottom) = coarse.columns, coarse.rows
    middle, values = _sums("middle", coarse.zoom, [((left - 1, right + 1), (top - 1, bottom + 1))], facets)
    near, within = outer_and_inner(coarse.box)
    met, more = _met(table, fine, coarse, near, facets, others)
    return f"""
        SELECT array_agg(grid_row), array_agg(n), ({met}) - (
               SELECT count(*) FROM {table} WHERE {_meets(table, "frame")} AND {others.text}
                  AND NOT {exactly_in(layer, table)})
          FROM (SELECT grid_row, sum(n)::bigint AS n, coalesce(sum(n) FILTER (
                       WHERE grid_column BETWEEN %(left)s AND %(right)s AND grid_row BETWEEN %(top)s AND %(bottom)s
                       ), 0) AS inner_n
                  FROM ({middle}) AS counted GROUP BY 1 ORDER BY 1) AS by_row
    """, asked.values | others.values | values | more | _around("frame", near, within) | {  # noqa: S608
        "layer": layer.id, "left": left, "right": right, "top": top, "bottom": bottom}


def _met(table: Table, fine: Cells, coarse: Cells, near: Box, facets: Facets, others: Where) -> tuple[str, Values]:
    """Those with their middle in an inner cell by the grid, those that reach the rim by the index; who does both
    reaches over the line between them, and is counted once."""
    band, values = _sums("band", fine.zoom, _band(fine, coarse), facets)
    column = f"gisapp.cell_of({_HALF_M} + (ST_XMin(box) + ST_XMax(box)) / 2, %(cells)s)"
    row = f"gisapp.cell_of({_HALF_M} - (ST_YMin(box) + ST_YMax(box)) / 2, %(cells)s)"
    x0, y0, x1, y1 = fine.inner
    lines = ((x0, y1, x1, y1), (x0, y0, x1, y0), (x0, y0, x0, y1), (x1, y0, x1, y1))
    return f"""
        coalesce(sum(inner_n), 0)::bigint
        + (SELECT coalesce(sum(n), 0)::bigint FROM ({band}) AS counted)
        + (SELECT count(*) FROM {table} WHERE {_meets(table, "rim")} AND {others.text})
        - (SELECT count(*) FROM (SELECT {table}.geom_3857::box2d::box3d AS box FROM {table}
                                  WHERE {_meets(table, "line")} AND {others.text} OFFSET 0) AS over_the_line
            WHERE {column} BETWEEN %(column_0)s AND %(column_1)s AND {row} BETWEEN %(row_0)s AND %(row_1)s)
    """, values | _around("rim", near, fine.inner) | _boxes("line", lines) | {  # noqa: S608
        "cells": 64 << fine.zoom, "column_0": fine.columns[0], "column_1": fine.columns[1],
        "row_0": fine.rows[0], "row_1": fine.rows[1]}


def _meets(table: Table, name: str) -> str:
    """Condition on what reaches one of the four boxes bound under `name`."""
    return "(" + " OR ".join(f"{table}.geom_3857 && {envelope(f'{name}_{at}')}" for at in range(4)) + ")"


def _around(name: str, outer: Box, inner: Box) -> Values:
    """Four boxes that fill an outer box around an inner one."""
    (x0, y0, x1, y1), (left, bottom, right, top) = outer, inner
    return _boxes(name, ((x0, top, x1, y1), (x0, y0, x1, bottom), (x0, y0, left, y1), (right, y0, x1, y1)))


def _boxes(name: str, boxes: Sequence[Box]) -> Values:
    return {key: value for at, box in enumerate(boxes) for key, value in envelope_values(f"{name}_{at}", box).items()}


def strip_end(cells: Cells, counted: Sequence[tuple[int, int]], wanted: int, key: int | None, back: bool) -> int | None:
    """The row of a page's key behind which (or before which) about `wanted` features follow the one at `key`, if the
    features of a row of cells lie evenly; None when all of the box may be needed."""
    left, height, scale = float(wanted), 1 << cells.shift, (1 << KEY_ZOOM) / WORLD_M
    low, high = (_HALF_M - cells.box[3]) * scale, (_HALF_M - cells.box[1]) * scale
    if key is not None:
        low, high = (low, min(high, key)) if back else (max(low, key), high)
    for row, n in (reversed(counted) if back else counted):
        first, end = max(row * height, low), min((row + 1) * height, high)
        held = n * max(end - first, 0) / height
        if held >= left:
            reach = (end - first) * left / held
            return math.floor(end - reach) if back else math.ceil(first + reach)
        left -= held
    return None


def in_strip(table: Table, cells: Cells, key: int | None, end: int | None, asked: Where, back: bool) -> Where:
    """The question of a page, asked only of what lies between the row of its key and the row `end`, else the end of
    the box. Who has its middle beyond that end and reaches into the box meets it."""
    x0, y0, x1, y1 = cells.box
    height = WORLD_M / (1 << KEY_ZOOM)
    near = (y0 if back else y1) if key is None else _HALF_M - (key + back) * height
    far = (y1 if back else y0) if end is None else _HALF_M - (end + (not back)) * height
    low, high = (max(y0, min(y1, edge)) for edge in (min(near, far), max(near, far)))
    values: dict[str, Any] = envelope_values("strip", (x0 - MARGIN_M, low - MARGIN_M, x1 + MARGIN_M, high + MARGIN_M))
    strip = f"{table}.geom_3857 && {envelope('strip')}"
    if end is None:
        return asked.also(strip, values)
    return asked.also(f"{strip} AND {row_of(table)} {'>=' if back else '<='} %(strip)s", values | {"strip": end})
