"""DXF (R12) for drawing programs: points, lines, and areas as closed polylines, with a label and extended data.

Texts are GBK (code page ANSI_936), other characters as \\U+XXXX, the way DXF writes them. The attributes are extended
data (application GISAPP): texts `name=value`, going on as `name+=value` where one is longer than a group holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from gisapp.formats.drawing import Entity, entities
from gisapp.formats.dxf_proof import prove_drawing
from gisapp.formats.dxf_texts import APPLICATION, CODE_PAGE, line_of
from gisapp.formats.job import Job, Written
from gisapp.formats.noting import Noting
from gisapp.formats.sheet import Sheet
from gisapp.formats.spool import Spool

_GREEN, _RED, _WHITE = 3, 1, 7


def write(job: Job, spool: Spool) -> Written:
    """One .dxf, proven by reading it back. Raises NotFaithful when it differs."""
    sheet = Sheet(job, spool, booleans="words")
    path = job.folder / f"{spool.name}.dxf"
    with path.open("w", encoding="gbk", newline="\r\n") as file:
        _write_head(file, job)
        for entity in entities(sheet, Noting(job.book, path.name)):
            file.write(_text_of(entity))
        file.write(_groups([(0, "ENDSEC"), (0, "EOF")]))
    prove_drawing(path, entities(sheet, Noting(None, path.name)))
    return Written((path,), spool.rows, (sheet.described(),))


def _groups(pairs: Sequence[tuple[int, object]]) -> str:
    return "".join(f"{code:>3}\n{value}\n" for code, value in pairs)


def _write_head(file: TextIO, job: Job) -> None:
    note = f"{job.layer.title.zh} {job.datum or job.crs.name} {job.made_at:%Y-%m-%dT%H:%M:%SZ} {job.author}"
    file.write(_groups([
        (999, line_of(note)), (0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, "AC1009"),
        (9, "$DWGCODEPAGE"), (3, CODE_PAGE), (0, "ENDSEC"), (0, "SECTION"), (2, "TABLES")]))
    names = layer_names(job)
    colours = {"_HOLES": _RED, "_TEXT": _WHITE}
    rows = [[(0, "LAYER"), (2, name), (70, 0), (62, colours.get(name[name.rfind("_"):], _GREEN)), (6, "CONTINUOUS")]
            for name in names]
    _write_table(file, "LTYPE", [[(0, "LTYPE"), (2, "CONTINUOUS"), (70, 0), (3, "Solid line"), (72, 65), (73, 0),
                                  (40, 0.0)]])
    _write_table(file, "LAYER", rows)
    # The big font holds the Chinese characters.
    _write_table(file, "STYLE", [[(0, "STYLE"), (2, "STANDARD"), (70, 0), (40, 0.0), (41, 1.0), (50, 0.0), (71, 0),
                                  (42, 2.5), (3, "txt"), (4, "gbcbig")]])
    _write_table(file, "APPID", [[(0, "APPID"), (2, APPLICATION), (70, 0)]])
    file.write(_groups([(0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES")]))


def _write_table(file: TextIO, name: str, rows: list[list[tuple[int, object]]]) -> None:
    file.write(_groups([(0, "TABLE"), (2, name), (70, len(rows)), *(pair for row in rows for pair in row),
                        (0, "ENDTAB")]))


def layer_names(job: Job) -> list[str]:
    """The layers of the drawing: the features, holes, labels, and the second geometry."""
    name, second = job.layer.id.upper(), job.layer.second_geometry
    return [name, f"{name}_HOLES", f"{name}_TEXT", *([f"{name}_{second.id.upper()}"] if second else [])]


def _text_of(entity: Entity) -> str:
    layer, data = entity.layer, _extended(entity)
    x, y = entity.points[0]
    if entity.text is not None:
        return (f"  0\nTEXT\n  8\n{layer}\n{_place(x, y)} 40\n{entity.height}\n  1\n{line_of(entity.text)}\n"
                f"  7\nSTANDARD\n{data}")
    if len(entity.points) == 1:
        return f"  0\nPOINT\n  8\n{layer}\n{_place(x, y)}{data}"
    points = entity.points[:-1] if entity.closed else entity.points
    vertices = "".join(f"  0\nVERTEX\n  8\n{layer}\n{_place(x, y)}" for x, y in points)
    return (f"  0\nPOLYLINE\n  8\n{layer}\n 66\n1\n 70\n{int(entity.closed)}\n{data}"
            f"{vertices}  0\nSEQEND\n  8\n{layer}\n")


def _place(x: float, y: float) -> str:
    return f" 10\n{x!r}\n 20\n{y!r}\n"


def _extended(entity: Entity) -> str:
    if not entity.data:
        return ""
    return f"1001\n{APPLICATION}\n" + "".join(f"1000\n{text}\n" for text in entity.data)
