"""The column beside the map: the record of an atlas page, the legend with counts, the question, the scale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gisapp import style
from gisapp.layers import CodeList
from gisapp.printing.content import Drawn
from gisapp.printing.furniture import GREY, INK, NAVY, scale_bar
from gisapp.printing.ink import Ink
from gisapp.printing.paper import Box, Layout
from gisapp.printing.words import say

#: Below this share of its size type can no longer be read at arm's length.
SMALLEST = 0.7
#: Characters of one sentence of the question.
LONGEST = 300


@dataclass(frozen=True)
class Row:
    """Something of that height that stands in a column; a `heading` never stands alone at a column's foot, and
    `blank` is left out at its head."""

    height: float
    draw: Callable[[Ink, Box, float], None]
    heading: bool = False
    blank: bool = False


def place(ink: Ink, columns: Sequence[Box], rows: Sequence[Row], k: float, language: str) -> None:
    """The rows one under the other through the columns, as large as they fit; says how many did not."""
    size = next((k * (1 - 0.05 * n) for n in range(7) if _fits(columns, rows, k * (1 - 0.05 * n))), SMALLEST * k)
    spots = _spots(columns, rows, size)
    for row, box in zip(rows, spots, strict=False):
        row.draw(ink, box, size)
    if len(spots) < len(rows):
        last = columns[-1]
        more = say("more", language, count=len(rows) - len(spots))
        ink.text(last.x + k, last.bottom - 0.6 * k, more, 2.3 * k, colour=GREY)


def _fits(columns: Sequence[Box], rows: Sequence[Row], size: float) -> bool:
    return len(_spots(columns, rows, size)) == len(rows)


def _spots(columns: Sequence[Box], rows: Sequence[Row], size: float) -> list[Box]:
    """Where each row stands, up to the one that finds no room."""
    spots: list[Box] = []
    left = list(columns)
    y = left[0].y
    for n, row in enumerate(rows):
        needed = row.height + (rows[n + 1].height if row.heading and n + 1 < len(rows) else 0)
        while y + needed * size > left[0].bottom:
            left.pop(0)
            if not left:
                return spots
            y = left[0].y
        height = 0.0 if row.blank and y == left[0].y else row.height * size
        spots.append(Box(left[0].x, y, left[0].width, height))
        y += height
    return spots


def heading(text: str, right: str = "") -> Row:
    """A bar across the column."""
    def draw(ink: Ink, box: Box, size: float) -> None:
        bar = Box(box.x, box.y + 0.8 * size, box.width, 5.8 * size)
        ink.box(bar, fill=NAVY)
        ink.text(bar.x + 2 * size, bar.y + 4.15 * size, text, 3.3 * size, bold=True, colour="#ffffff")
        ink.text(bar.right - 2 * size, bar.y + 4.1 * size, right, 2.5 * size, colour="#ffffff", anchor=1)
    return Row(8, draw, heading=True)


def words(ink: Ink, text: str, size: float, width: float, *, bold: bool = False, colour: str = INK) -> list[Row]:
    """A paragraph in lines of `width` mm; `size` and `width` are those of A4, as they are drawn in proportion."""
    def line(shown: str) -> Row:
        def draw(ink: Ink, box: Box, unit: float) -> None:
            ink.text(box.x + unit, box.y + size * 1.1 * unit, shown, size * unit, colour=colour, bold=bold)
        return Row(size * 1.45, draw)
    return [line(shown) for shown in wrapped(ink, text, size, width - 2, bold)]


def wrapped(ink: Ink, text: str, size: float, wide: float, bold: bool = False) -> list[str]:
    """The text in lines that fit, broken at spaces or after Chinese characters."""
    face, lines = ink.face(bold), [""]
    for piece in _pieces(text):
        if lines[-1] and face.width((lines[-1] + piece).rstrip(), size) > wide:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
        while face.width(lines[-1].rstrip(), size) > wide and len(lines[-1]) > 1:
            fit = next(n for n in range(len(lines[-1]) - 1, 0, -1) if face.width(lines[-1][:n], size) <= wide or n == 1)
            lines[-1:] = [lines[-1][:fit], lines[-1][fit:]]
    return [line.rstrip() for line in lines]


def _pieces(text: str) -> list[str]:
    """Words with the space behind them; each Chinese character by itself, closing marks with the one before."""
    pieces: list[str] = []
    for letter in text:
        joins = (pieces and letter in "，。；：、）】”’,.;:)") or (
            pieces and letter < "\u2e80" and pieces[-1][-1] < "\u2e80" and not pieces[-1].endswith(" "))
        if joins:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def legend(layers: list[Drawn], codelists: dict[str, CodeList], language: str) -> list[Row]:
    """Each layer on the sheet, missions first and uppermost first, with how many features of each colour."""
    shown = [one for one in reversed(layers) if one.items]
    missions = [one for one in shown if not one.rules["reference"]]
    total = len({item.id for one in missions for item in one.items})  # a question's features lie in its layer, too
    rows = [heading(say("legend", language), say("here", language, count=total))]
    for one in missions:
        rows += _layer(one, codelists, language)
    ground = [one for one in shown if one.rules["reference"]]
    if ground and missions:
        rows.append(_subheading(say("ground", language), ""))
    for one in ground:
        rows.append(_entry(one, one.rules["colour"], one.title.get(language), ""))
    return rows


def _layer(one: Drawn, codelists: dict[str, CodeList], language: str) -> list[Row]:
    counts = one.counts
    entries = [entry for entry in style.legend(one.layer, codelists, language) if counts[entry["value"]]]
    title, total = one.title.get(language), str(len(one.items))
    if not entries:
        return [_entry(one, one.rules["colour"], title, total)]
    rest = len(one.items) - sum(counts[entry["value"]] for entry in entries)
    rows = [_entry(one, entry["colour"], entry["title"], str(counts[entry["value"]])) for entry in entries]
    other = [_entry(one, one.rules["colour"], say("other", language), str(rest))] if rest else []
    return [_subheading(title, total), *rows, *other]


def _subheading(text: str, count: str) -> Row:
    def draw(ink: Ink, box: Box, size: float) -> None:
        shown = wrapped(ink, text, 2.8 * size, box.width - 12 * size, bold=True)  # a question's name may be long
        ink.text(box.x + size, box.bottom - 1.3 * size, shown[0] + ("…" if len(shown) > 1 else ""), 2.8 * size,
                 bold=True, colour=NAVY)
        ink.text(box.right - 2 * size, box.bottom - 1.3 * size, count, 2.7 * size, bold=True, anchor=1, colour=NAVY)
        ink.line(box.x, box.bottom - 0.3 * size, box.right, box.bottom - 0.3 * size, stroke="#c9d4de",
                 width=0.15 * size)
    return Row(5.4, draw, heading=True)


def _entry(one: Drawn, colour: str, text: str, count: str) -> Row:
    def draw(ink: Ink, box: Box, size: float) -> None:
        x, y = box.x + size, box.y + box.height / 2
        _swatch(ink, one, colour, x, y, size)
        shown = wrapped(ink, text, 2.5 * size, box.width - 19 * size)
        ink.text(x + 8 * size, y + 0.9 * size, shown[0] + ("…" if len(shown) > 1 else ""), 2.5 * size)
        ink.text(box.right - 2 * size, y + 0.9 * size, count, 2.5 * size, anchor=1, colour=NAVY)
    return Row(4.2, draw)


def _swatch(ink: Ink, one: Drawn, colour: str, x: float, y: float, size: float) -> None:
    rules, dash = one.rules, [step * 0.2 * size for step in one.rules["dash"]]
    box = Box(x, y - 1.4 * size, 6 * size, 2.8 * size)
    corners = [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]
    if rules["shape"] == "point":
        ink.dot(x + 3 * size, y, 1.3 * size, fill=colour)
    elif rules["shape"] == "line":
        ink.line(x, y, x + 6 * size, y, stroke=rules["stroke"], width=1.5 * size)
        ink.line(x, y, x + 6 * size, y, stroke=colour, width=0.9 * size, dash=dash)
    elif rules["opacity"] >= 0.5 or not rules["reference"]:
        ink.box(box, fill=colour, alpha=rules["opacity"], stroke=GREY, width=0.15 * size)
        if one.specks:
            ink.dot(x + 3 * size, y, 0.8 * size, fill=colour, stroke=GREY, width=0.12 * size)
    else:
        edge = colour if rules["by"] else rules["stroke"]
        if rules["opacity"] >= 0.1 and rules["dash"]:
            ink.hatch([corners], stroke=colour, width=0.18 * size, step=1.2 * size)
        elif rules["opacity"] >= 0.1:
            ink.band([corners], stroke=colour, width=1 * size, alpha=0.3)
        ink.rings([corners], stroke=edge, width=0.3 * size, dash=dash)


def notes(ink: Ink, layers: list[Drawn], width: float, language: str, *, cut: bool) -> list[Row]:
    """What the sheet leaves out, said: ground that is too dense; with `cut` what lies around it."""
    missing = [one.title.get(language) for one in layers if one.left_out]
    titles = ("、" if language == "zh" else ", ").join(missing)
    said = [*([say("left_out", language, titles=titles)] if missing else []), *([say("cut", language)] if cut else [])]
    return [row for text in said for row in words(ink, text, 2.3, width, colour="#8a5a00")]


def facts(ink: Ink, title: str, lines: list[tuple[str, str]], width: float, language: str) -> list[Row]:
    """The record of an atlas page."""
    rows = [heading(say("feature", language)), *words(ink, title, 3.2, width, bold=True, colour=NAVY)]
    colon = "：" if language == "zh" else ": "
    for name, value in lines:
        rows += words(ink, f"{name}{colon}{value}", 2.4, width)
    return [*rows, gap(1.5)]


def question(ink: Ink, sentences: list[str], width: float, language: str) -> list[Row]:
    """What was asked, in words."""
    rows = [gap(1.2), heading(say("question", language))]
    for sentence in sentences:
        shown = sentence if len(sentence) <= LONGEST else sentence[:LONGEST] + "…"
        rows += words(ink, shown, 2.4, width)
    return rows


def gap(height: float) -> Row:
    """Nothing, so high."""
    return Row(height, lambda ink, box, size: None, blank=True)


def scale(ink: Ink, layout: Layout, denominator: int, language: str) -> None:
    """At the foot of the last column."""
    box, k = layout.columns[-1], layout.k
    y = box.bottom - 20 * k
    ink.box(Box(box.x, y, box.width, 20 * k), fill="#f2f5f8", stroke=NAVY, width=0.2 * k)
    ink.text(box.middle[0], y + 5 * k, f"{say('scale', language)}  1:{denominator}", 3.6 * k, bold=True, anchor=0.5,
             colour=NAVY)
    scale_bar(ink, box.x + 5 * k, y + 10.8 * k, box.width - 14 * k, denominator, k)
    rule = say("one_cm", language, metres=f"{denominator / 100:g}")
    ink.text(box.middle[0], y + 17.4 * k, rule, 2.3 * k, anchor=0.5, colour=GREY)
