"""Drawing on paper in millimetres, y downwards. Everything is kept until `save`: only then the type can be cut."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import FILL_EVEN_ODD, Canvas

from gisapp.printing.paper import Box
from gisapp.printing.typeface import Face, faces

Rings = Sequence[Sequence[tuple[float, float]]]
Act = Callable[[Canvas], None]


class Ink:
    """The pages of one document."""

    def __init__(self) -> None:
        self.regular, self.bold = faces()
        self._pages: list[tuple[float, float, list[Act]]] = []

    def new_page(self, width: float, height: float) -> None:
        """Begin a page of that size in mm."""
        self._pages.append((width, height, []))

    def face(self, bold: bool) -> Face:
        return self.bold if bold else self.regular

    def _do(self, act: Act) -> None:
        self._pages[-1][2].append(act)

    def _up(self) -> float:
        return self._pages[-1][1]

    def rings(self, rings: Rings, *, fill: str | None = None, stroke: str | None = None, width: float = 0.2,
              alpha: float = 1.0, dash: Sequence[float] = (), closed: bool = True) -> None:
        """Lines, or areas with their holes (even-odd). `alpha` is that of the fill."""
        up = self._up()

        def act(canvas: Canvas) -> None:
            _pen(canvas, stroke, width, dash)
            if fill:
                canvas.setFillColor(_colour(fill))
                canvas.setFillAlpha(alpha)
            path = _path(canvas, rings, up, closed=closed)
            canvas.drawPath(path, stroke=int(bool(stroke)), fill=int(bool(fill)), fillMode=FILL_EVEN_ODD)
        self._do(act)

    def line(self, x1: float, y1: float, x2: float, y2: float, *, stroke: str, width: float = 0.2,
             dash: Sequence[float] = ()) -> None:
        self.rings([[(x1, y1), (x2, y2)]], stroke=stroke, width=width, dash=dash, closed=False)

    def box(self, box: Box, *, fill: str | None = None, stroke: str | None = None, width: float = 0.2,
            alpha: float = 1.0) -> None:
        corners = [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]
        self.rings([corners], fill=fill, stroke=stroke, width=width, alpha=alpha)

    def dot(self, x: float, y: float, radius: float, *, fill: str | None, stroke: str | None = None,
            width: float = 0.2, alpha: float = 1.0) -> None:
        up = self._up()

        def act(canvas: Canvas) -> None:
            _pen(canvas, stroke, width, ())
            if fill:
                canvas.setFillColor(_colour(fill))
                canvas.setFillAlpha(alpha)
            canvas.circle(x, up - y, radius, stroke=int(bool(stroke)), fill=int(bool(fill)))
        self._do(act)

    def text(self, x: float, y: float, text: str, size: float, *, bold: bool = False, colour: str = "#1d2b36",
             anchor: float = 0.0, angle: float = 0.0, halo: float = 0.0, alpha: float = 1.0,
             spacing: float = 0.0) -> float:
        """Text with its baseline at y; `anchor` 0 starts, 0.5 centres, 1 ends at x; `angle` turns it anticlockwise.

        `halo` is the width of a white rim in mm, `spacing` what is put between letters. Returns the length.
        """
        face, up = self.face(bold), self._up()
        shown = face.use(text)
        length = face.width(shown, size) + spacing * max(len(shown) - 1, 0)

        def act(canvas: Canvas) -> None:
            canvas.saveState()
            canvas.translate(x, up - y)
            canvas.rotate(angle)
            canvas.setLineWidth(halo)
            canvas.setLineJoin(1)
            # One text object for rim and letters: a new one would not say that it fills again.
            words = canvas.beginText()
            words.setFont(face.name, size)
            words.setCharSpace(spacing)
            for mode, tint in (((1, "#ffffff"),) if halo else ()) + ((0, colour),):
                words.setTextOrigin(-length * anchor, 0)
                words.setTextRenderMode(mode)
                words.setFillColor(_colour(tint), alpha)
                words.setStrokeColor(_colour(tint), alpha)
                words.textOut(shown)
            canvas.drawText(words)
            canvas.restoreState()
        self._do(act)
        return length

    def hatch(self, rings: Rings, *, stroke: str, width: float, step: float, alpha: float = 1.0) -> None:
        """Slanted strokes inside an area, `step` mm apart."""
        up = self._up()

        def act(canvas: Canvas) -> None:
            canvas.saveState()
            canvas.clipPath(_path(canvas, rings, up), stroke=0, fill=0, fillMode=FILL_EVEN_ODD)
            _pen(canvas, stroke, width, ())
            canvas.setStrokeAlpha(alpha)
            xs, ys = [x for x, _ in rings[0]], [up - y for _, y in rings[0]]
            tall, x = max(ys) - min(ys), math.floor(min(xs) / step) * step - (max(ys) - min(ys))
            lines = canvas.beginPath()
            while x < max(xs):
                lines.moveTo(x, min(ys))
                lines.lineTo(x + tall, max(ys))
                x += step
            canvas.drawPath(lines, stroke=1, fill=0)
            canvas.restoreState()
        self._do(act)

    def band(self, rings: Rings, *, stroke: str, width: float, alpha: float) -> None:
        """A soft band, `width` mm wide, along the inner edge of an area."""
        up = self._up()

        def act(canvas: Canvas) -> None:
            canvas.saveState()
            canvas.clipPath(_path(canvas, rings, up), stroke=0, fill=0, fillMode=FILL_EVEN_ODD)
            _pen(canvas, stroke, 2 * width, ())
            canvas.setStrokeAlpha(alpha)
            canvas.drawPath(_path(canvas, rings, up), stroke=1, fill=0)
            canvas.restoreState()
        self._do(act)

    def clip(self, box: Box) -> None:
        """From here to `unclip` nothing is drawn outside the box."""
        up = self._up()

        def act(canvas: Canvas) -> None:
            canvas.saveState()
            path = canvas.beginPath()
            path.rect(box.x, up - box.bottom, box.width, box.height)
            canvas.clipPath(path, stroke=0, fill=0)
        self._do(act)

    def unclip(self) -> None:
        self._do(lambda canvas: canvas.restoreState())

    def save(self, path: Path, **about: str) -> None:
        """Write the PDF; `about` are title, author, subject."""
        for face in (self.regular, self.bold):
            pdfmetrics.registerFont(TTFont(face.name, io.BytesIO(face.cut())))
        canvas = Canvas(str(path), pageCompression=1)
        for name, value in about.items():
            getattr(canvas, f"set{name.capitalize()}")(value)
        for width, height, acts in self._pages:
            canvas.setPageSize((width * mm, height * mm))
            canvas.scale(mm, mm)
            for act in acts:
                act(canvas)
            canvas.showPage()
        canvas.save()


def _path(canvas: Canvas, rings: Rings, up: float, *, closed: bool = True) -> Any:
    path = canvas.beginPath()
    for ring in rings:
        path.moveTo(ring[0][0], up - ring[0][1])
        for x, y in ring[1:]:
            path.lineTo(x, up - y)
        if closed:
            path.close()
    return path


def _pen(canvas: Canvas, stroke: str | None, width: float, dash: Sequence[float]) -> None:
    if stroke:
        canvas.setStrokeColor(_colour(stroke))
        canvas.setLineWidth(width)
        canvas.setLineJoin(1)
        canvas.setLineCap(0 if dash else 1)
        canvas.setDash(list(dash))


_COLOURS: dict[str, Any] = {}


def _colour(text: str) -> Any:
    if text not in _COLOURS:
        _COLOURS[text] = HexColor(text)
    return _COLOURS[text]
