"""Merged cells of a sheet: a heading of two or three rows, and values that stand for several rows at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

#: A heading has so many rows at most; and so many merged cells are looked at.
_HEADING_ROWS, _MOST = 3, 200_000


@dataclass(frozen=True)
class Span:
    """Merged cells, counted from the first cell of the sheet that holds anything; the last row and column included."""

    top: int
    left: int
    bottom: int
    right: int


def spans(sheet: Any) -> list[Span]:
    """The merged cells of a sheet of python-calamine, from above to below."""
    first = sheet.start
    if first is None:
        return []
    found = (sheet.merged_cell_ranges or [])[:_MOST]
    moved = (Span(a - first[0], b - first[1], c - first[0], d - first[1]) for (a, b), (c, d) in found)
    return sorted((one for one in moved if one.left >= 0 and one.top >= 0), key=lambda one: one.top)


def heading_rows(merged: Sequence[Span], first: int) -> tuple[int, int]:
    """The first and last row of the heading that row `first` belongs to: a name over two rows ties them together."""
    tall = [one for one in merged if 0 < one.bottom - one.top < _HEADING_ROWS and one.left == one.right]
    top = min((one.top for one in tall if one.top < first <= one.bottom), default=first)
    bottom = max((one.bottom for one in tall if top <= one.top <= first), default=first)
    return top, bottom


def names(rows: Sequence[Sequence[str]], merged: Sequence[Span], top: int) -> list[str]:
    """One name for each column of a heading of several rows: the lowest one, with those above it where it is short
    or stands twice."""
    width = max((len(row) for row in rows), default=0)
    grid = [[*row, *[""] * (width - len(row))] for row in rows]
    for one in merged:
        if top <= one.top < top + len(rows) and one.top == one.bottom:
            grid[one.top - top][one.left:one.right + 1] = [grid[one.top - top][one.left]] * len(
                grid[one.top - top][one.left:one.right + 1])
    stacks = [[cell for cell in column if cell] for column in zip(*grid, strict=True)]
    lowest = [stack[-1] if stack else "" for stack in stacks]
    return ["".join(stack) if len(low) < 2 or lowest.count(low) > 1 else low
            for stack, low in zip(stacks, lowest, strict=True)]


def filled(rows: Iterator[list[Any]], merged: Sequence[Span], first: int) -> Iterator[list[Any]]:
    """The rows, which begin with row `first` of the sheet; a value over several rows stands in each that holds
    anything else."""
    tall = [one for one in merged if one.bottom > one.top and one.top >= first]
    place, open_spans = 0, list[tuple[Span, Any]]()
    for number, row in enumerate(rows, first):
        open_spans = [(one, value) for one, value in open_spans if one.bottom >= number]
        if any(cell is not None for cell in row):
            for one, value in open_spans:
                if one.left < len(row) and row[one.left] is None:
                    row[one.left] = value
        while place < len(tall) and tall[place].top <= number:
            one = tall[place]
            open_spans.append((one, row[one.left] if one.left < len(row) else None))
            place += 1
        yield row


def note(merged: Sequence[Span], first: int) -> list[dict[str, str]]:
    """What is to be said of values that were written into several rows; nothing where there are none."""
    count = sum(one.bottom > one.top and one.top >= first for one in merged)
    return [{"code": "cells_merged", "zh": f"有 {count} 处合并单元格跨多行，其值已填入所跨的各行",
             "en": f"{count} merged cells span several rows; their value stands in each of them"}] if count else []
