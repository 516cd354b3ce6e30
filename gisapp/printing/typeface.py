"""The Chinese type of a sheet: found on this machine, measured, and cut down to the characters that were used.

Debian's Noto Sans CJK is a collection of PostScript outlines, which the PDF library cannot embed: the glyphs in use
are redrawn as TrueType. That also makes a small file.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, TTLibError

from gisapp.errors import Problem

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts",
           "/opt/homebrew/share/fonts", "~/.local/share/fonts", "~/.fonts", "~/Library/Fonts")
#: Regular and bold, best first.
NAMES = (("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"),
         ("NotoSansCJKsc-Regular.otf", "NotoSansCJKsc-Bold.otf"),
         ("NotoSansSC-Regular.otf", "NotoSansSC-Bold.otf"),
         ("SourceHanSansSC-Regular.otf", "SourceHanSansSC-Bold.otf"),
         ("wqy-microhei.ttc", "wqy-microhei.ttc"), ("wqy-zenhei.ttc", "wqy-zenhei.ttc"),
         ("Hiragino Sans GB.ttc", "Hiragino Sans GB.ttc"), ("STHeiti Light.ttc", "STHeiti Medium.ttc"))


class Face:
    """One weight. Remembers which characters were asked for; lengths are in the unit of `size`."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._font = TTFont(path, fontNumber=_simplified(path), lazy=True)
        self._glyphs: dict[int, str] = self._font.getBestCmap()
        self._em: int = self._font["head"].unitsPerEm
        self._used: set[str] = {" "}

    def known(self, text: str) -> str:
        """The text without what the font cannot show: spaces for odd spaces, a box for an unknown character."""
        shown = "".join(" " if one.isspace() else one for one in text if one.isspace() or one.isprintable())
        return "".join(one if ord(one) in self._glyphs else "□" for one in shown)

    def width(self, text: str, size: float) -> float:
        """How long the text runs."""
        metrics = self._font["hmtx"].metrics
        return size / self._em * float(sum(metrics[self._glyphs[ord(one)]][0] for one in self.known(text)))

    def use(self, text: str) -> str:
        """The text as it can be shown; its characters will be in the cut-down font."""
        shown = self.known(text)
        self._used.update(shown)
        return shown

    def cut(self) -> bytes:
        """A TrueType font of the characters that were used."""
        glyph_set = self._font.getGlyphSet()
        letters = {ord(one): self._glyphs[ord(one)] for one in sorted(self._used)}
        order = [".notdef", *dict.fromkeys(letters.values())]
        builder = FontBuilder(self._em, isTTF=True)
        builder.setupGlyphOrder(order)
        builder.setupCharacterMap(letters)
        builder.setupGlyf({glyph: _redrawn(glyph_set, glyph) for glyph in order})
        metrics = self._font["hmtx"].metrics
        builder.setupHorizontalMetrics({glyph: metrics[glyph] for glyph in order})
        head = self._font["hhea"]
        builder.setupHorizontalHeader(ascent=head.ascent, descent=head.descent)
        builder.setupNameTable({"familyName": self.name, "styleName": "Regular", "psName": self.name})
        builder.setupOS2(sTypoAscender=head.ascent, sTypoDescender=head.descent, usWinAscent=head.ascent,
                         usWinDescent=-head.descent)
        builder.setupPost()
        file = io.BytesIO()
        builder.save(file)
        return file.getvalue()


def _redrawn(glyph_set: object, glyph: str) -> object:
    pen, outline = TTGlyphPen(None), DecomposingRecordingPen(glyph_set)
    glyph_set[glyph].draw(outline)  # type: ignore[index]
    outline.replay(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
    return pen.glyph()


def faces() -> tuple[Face, Face]:
    """Regular and bold, fresh. Problem `print_font_missing` (503) when this machine has no Chinese font."""
    regular, bold = _paths()
    return Face(regular, "SheetSans"), Face(bold, "SheetSans-Bold")


@cache
def _paths() -> tuple[Path, Path]:
    found = {path.name: path for folder in reversed(FOLDERS)
             for path in Path(folder).expanduser().glob("**/*.[ot]t[cf]")}
    for regular, bold in NAMES:
        if regular in found:
            return found[regular], found.get(bold, found[regular])
    for path in found.values():
        if _draws_chinese(path):
            return path, path
    raise Problem("print_font_missing")


def _draws_chinese(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            glyphs = TTFont(file, fontNumber=_simplified(path), lazy=True).getBestCmap() or {}
    except (TTLibError, OSError):  # not every file that is called a font is one
        return False
    return all(ord(letter) in glyphs for letter in "图例比例尺")


def _simplified(path: Path) -> int:
    """Which font of a collection draws characters as mainland China does."""
    if path.suffix != ".ttc":
        return -1
    with TTCollection(path, lazy=True) as collection:
        names = [str(one["name"].getDebugName(4)) for one in collection.fonts]
    return next((n for n, name in enumerate(names) if " SC" in name or " GB" in name), 0)
