"""Where things stand on the paper."""

from __future__ import annotations

from dataclasses import dataclass

#: Width and height in mm, upright.
PAPERS = {"A4": (210.0, 297.0), "A3": (297.0, 420.0)}
ORIENTATIONS = ("landscape", "portrait")
#: Scales to choose from: 1 to so many.
SCALES = (500, 1000, 2000, 2500, 3000, 4000, 5000, 7500, 10_000, 15_000, 20_000, 25_000, 30_000, 40_000, 50_000, 75_000,
          100_000, 200_000)


@dataclass(frozen=True)
class Box:
    """A rectangle in mm from the top left of the paper, y downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def inset(self, by: float) -> Box:
        """The box without a rim of `by` mm."""
        return Box(self.x + by, self.y + by, self.width - 2 * by, self.height - 2 * by)

    def overlaps(self, other: Box) -> bool:
        return (self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom)

    def holds(self, other: Box) -> bool:
        return (self.x <= other.x and self.y <= other.y and other.right <= self.right and other.bottom <= self.bottom)


@dataclass(frozen=True)
class Layout:
    """The parts of a sheet. `k` is the size of type and lines, 1 on A4; `neat` is the line around `frame`, where
    the map is; the labels of the grid stand between the two."""

    width: float
    height: float
    k: float
    band: Box
    neat: Box
    frame: Box
    columns: tuple[Box, ...]
    foot: Box


def lay_out(paper: str, orientation: str) -> Layout:
    """The parts of a sheet of that paper: the legend stands right of the map, or under it when upright."""
    short, long = PAPERS[paper]
    width, height = (long, short) if orientation == "landscape" else (short, long)
    k = 1.0 if paper == "A4" else 1.35
    margin = 7 * k
    band = Box(margin, margin, width - 2 * margin, 14 * k)
    foot = Box(margin, height - margin - 4.5 * k, width - 2 * margin, 4.5 * k)
    body = Box(margin, band.bottom + 2 * k, width - 2 * margin, foot.y - band.bottom - 3.5 * k)
    neat, columns = _beside(body, k) if orientation == "landscape" else _below(body, k)
    return Layout(width, height, k, band, neat, neat.inset(4 * k), columns, foot)


def _beside(body: Box, k: float) -> tuple[Box, tuple[Box, ...]]:
    column, gap = 54 * k, 2.5 * k
    neat = Box(body.x, body.y, body.width - column - gap, body.height)
    return neat, (Box(neat.right + gap, body.y, column, body.height),)


def _below(body: Box, k: float) -> tuple[Box, tuple[Box, ...]]:
    tall, gap = 66 * k, 2.5 * k
    neat = Box(body.x, body.y, body.width, body.height - tall - gap)
    wide = (body.width - 2 * gap) / 3
    return neat, tuple(Box(body.x + n * (wide + gap), neat.bottom + gap, wide, tall) for n in range(3))
