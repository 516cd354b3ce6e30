"""The sentences behind a vector tile: revision and finished tile, features, counts, the mix of both.

Text for the driver, since these are asked hundreds of times a second. Every name in them is an id of the
catalogue; every value is bound. Tiles are EPSG:3857 with y downwards, 4096 units wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, Select, and_, literal_column, select
from sqlalchemy.dialects.postgresql import psycopg as dialects

from gisapp.layers import Layer
from gisapp.sql.statements import Condition
from gisapp.tables import LAYERS, quoted

EXTENT = 4096
#: What is drawn beyond the edge, in units (16 to a px), so that outlines meet and no point is cut in half.
BUFFER = 128
#: Shapes that end within this many units beyond the edge are not clipped: to draw them whole costs less.
NEAR = 512
#: Lines and areas need no more than half their outline there.
EDGE = 48
WORLD_M = 40075016.685578488
#: Zoom of the cells in which writes are noted (gisapp.layer_changes).
CHANGE_ZOOM = 14
#: From here on areas inside the tile are only shifted and scaled: they are wider than a unit.
SHIFT_ZOOM = 13
#: Longer shapes are clipped and thinned even where they lie inside.
SHIFT_BYTES = 2000
LABEL_LENGTH = 80
#: A cell of counts is 4 px, 64 units, wide.
CELL = 64

_DIALECT = dialects.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Address:
    """A tile of WebMercatorQuad: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    @property
    def width_m(self) -> float:
        """Width in metres of EPSG:3857."""
        return WORLD_M / (1 << self.z)

    def box(self, margin: float = 0.0) -> tuple[float, float, float, float]:
        """min x, min y, max x, max y in EPSG:3857, widened by `margin` tiles."""
        width, half = self.width_m, WORLD_M / 2
        return ((self.x - margin) * width - half, half - (self.y + 1 + margin) * width,
                (self.x + 1 + margin) * width - half, half - (self.y - margin) * width)

    def change_cells(self) -> tuple[int, int, int, int]:
        """First and last column, first and last row of the cells whose writes may show in the tile."""
        scale, margin = 2.0 ** (CHANGE_ZOOM - self.z), BUFFER / EXTENT
        return (int((self.x - margin) * scale // 1), int((self.x + 1 + margin) * scale // 1),
                int((self.y - margin) * scale // 1), int((self.y + 1 + margin) * scale // 1))

    def values(self) -> dict[str, Any]:
        """What the statements below bind: the box, the wider box, the shift and the scale to units."""
        box, edge, wide, near = (self.box(margin / EXTENT) for margin in (0, EDGE, BUFFER, NEAR))
        scale = EXTENT / self.width_m
        return {"x0": box[0], "y0": box[1], "x1": box[2], "y1": box[3],
                "ex0": edge[0], "ey0": edge[1], "ex1": edge[2], "ey1": edge[3],
                "wx0": wide[0], "wy0": wide[1], "wx1": wide[2], "wy1": wide[3],
                "nx0": near[0], "ny0": near[1], "nx1": near[2], "ny1": near[3], "scale": scale,
                # Half a unit more, since the encoder cuts fractions off.
                "dx": -box[0] + 0.5 / scale, "dy": -box[3] - 0.5 / scale}


@dataclass(frozen=True)
class Picture:
    """How a layer's features travel: attribute columns, the column that names them, and a filter."""

    layer: Layer
    columns: tuple[str, ...]
    label: str | None
    where: str
    values: dict[str, Any]

    @property
    def table(self) -> str:
        """The table's name, never with an alias: the filter names it so."""
        return f"{LAYERS}.{quoted(self.layer.id)}"

    @property
    def lines(self) -> bool:
        return "Line" in self.layer.geometry


def filter_text(table: FromClause, conditions: Sequence[Condition]) -> tuple[str, dict[str, Any]]:
    """Conditions on a table as text to follow a WHERE clause, with the values they bind."""
    if not conditions:
        return "", {}
    # Within a statement on the table, so that a look at another layer leans on it instead of naming it again.
    whole: Select[Any] = select(literal_column("1")).select_from(table).where(and_(*conditions))
    compiled = whole.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    _, _, where = str(compiled).partition("\nWHERE ")
    return f" AND ({where})", dict(compiled.params)


BOX = "ST_MakeEnvelope(%(x0)s, %(y0)s, %(x1)s, %(y1)s, 3857)"
WIDE = "ST_MakeEnvelope(%(wx0)s, %(wy0)s, %(wx1)s, %(wy1)s, 3857)"
EDGED = "ST_MakeEnvelope(%(ex0)s, %(ey0)s, %(ex1)s, %(ey1)s, 3857)"
_NEAR = "ST_MakeEnvelope(%(nx0)s, %(ny0)s, %(nx1)s, %(ny1)s, 3857)"
CLIPPED = f"ST_AsMVTGeom({{shape}}, {BOX}::box2d, {EXTENT}, {BUFFER}, true)"
SHIFTED = "ST_TransScale({shape}, %(dx)s, %(dy)s, %(scale)s, -%(scale)s)"
#: Shapes that are drawn whole: short ones that lie in the tile or hardly beyond it.
SMALL = f"geom_3857 @ {_NEAR} AND pg_column_size(geom_3857) < {SHIFT_BYTES}"


def mvt(rows: str) -> str:
    """Rows without geometry are left out by ST_AsMVT; a condition here would have each drawn twice."""
    return f"SELECT ST_AsMVT(t, %(layer)s, {EXTENT}, 'g') FROM ({rows}) AS t"  # noqa: S608


def there(picture: Picture) -> str:
    """Condition on the features that show in the tile."""
    if "Point" in picture.layer.geometry:
        return f"geom_3857 && {WIDE}"
    if picture.layer.stand_in is None:
        return f"geom_3857 && {EDGED}"
    return f"geom_3857 && {WIDE} AND (geom_3857 && {EDGED} OR ST_Dimension(geom_3857) = 0)"


def drawn(picture: Picture, z: int) -> str:
    """The geometry in tile units."""
    whole = SMALL if z >= SHIFT_ZOOM else f"{SMALL} AND ST_Dimension(geom_3857) = 0"
    return (f"CASE WHEN {whole} THEN {SHIFTED.format(shape='geom_3857')}"
            f" ELSE {CLIPPED.format(shape='geom_3857')} END")


def carried(picture: Picture, labelled: bool) -> str:
    """Attributes to follow one another, each with its comma. A crowded tile leaves out `id` and `label`: an id
    is new in each feature, which makes half of such a tile's time and two thirds of its size."""
    columns = [_attribute(picture.layer, name) for name in picture.columns]
    if labelled:
        columns.insert(0, "id::text AS id")
    if labelled and picture.label:
        columns.append(f"left({quoted(picture.label)}::text, {LABEL_LENGTH}) AS label")
    return "".join(f"{column}, " for column in columns)


def _attribute(layer: Layer, name: str) -> str:
    """A column as a tile can hold it: exact numbers as floating ones, what is no number or truth as text."""
    cast = {"number": "::double precision", "integer": "", "boolean": ""}.get(layer.field(name).type, "::text")
    return f"{quoted(name)}{cast} AS {quoted(name)}"


def names(picture: Picture) -> str:
    """The attribute columns, each after a comma."""
    return "".join(f", {quoted(name)}" for name in picture.columns)


def no_values(picture: Picture) -> str:
    """NULL for each of the attribute columns, each after a comma."""
    return "".join(f", NULL AS {quoted(name)}" for name in picture.columns)


def features(picture: Picture, address: Address, *, labelled: bool) -> tuple[str, dict[str, Any]]:
    """A tile of all features there."""
    rows = (f"SELECT {carried(picture, labelled)}{drawn(picture, address.z)} AS g"  # noqa: S608
            f" FROM {picture.table} WHERE {there(picture)}{picture.where}")
    return mvt(rows), values(picture, address)


#: A square of tile units, wound as a vector tile wants it.
SQUARE = "ST_MakeEnvelope((_cx + 1) * {w}, _cy * {w}, _cx * {w}, (_cy + 1) * {w})"


def values(picture: Picture, address: Address, **more: Any) -> dict[str, Any]:
    """All that a statement about the picture binds."""
    return picture.values | address.values() | {"layer": picture.layer.id} | more


def grouped(picture: Picture, address: Address) -> tuple[str, dict[str, Any]]:
    """A tile of cells with the `count` of features whose middle lies there, counted from the features: for
    filters that the count grid does not know."""
    rows = f"""
        SELECT count(*) AS count, {SQUARE.format(w=CELL)} AS g FROM (
            SELECT floor(((ST_XMin(b) + ST_XMax(b)) / 2 - %(x0)s) * %(scale)s / {CELL})::integer AS _cx,
                   floor((%(y1)s - (ST_YMin(b) + ST_YMax(b)) / 2) * %(scale)s / {CELL})::integer AS _cy
              FROM (SELECT geom_3857::box2d::box3d AS b FROM {picture.table}
                     WHERE geom_3857 && {BOX}{picture.where} OFFSET 0) AS boxes) AS placed
         WHERE _cx BETWEEN 0 AND {EXTENT // CELL - 1} AND _cy BETWEEN 0 AND {EXTENT // CELL - 1} GROUP BY _cx, _cy
    """  # noqa: S608
    return mvt(rows), values(picture, address)


def matches(picture: Picture, most: int) -> tuple[str, dict[str, Any]]:
    """How many features answer the filter, counted up to `most`."""
    return (f"SELECT count(*) FROM (SELECT FROM {picture.table} WHERE true{picture.where} LIMIT %(most)s) AS q",  # noqa: S608
            picture.values | {"most": most})


def cells_tile(layer: Layer, cells: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A tile made of a query of cells (`count`, `g`)."""
    return mvt(cells), values | {"layer": layer.id}
