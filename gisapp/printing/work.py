"""The child that prints: `python -m gisapp.children gisapp.printing.work`.

A sheet hangs on a wall, so it is read as somebody without the right to personal data would read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gisapp import features, panels
from gisapp.config import Settings
from gisapp.errors import Problem
from gisapp.house import House, make_house
from gisapp.params import Box as Bounds
from gisapp.permissions import Actor
from gisapp.printing import content, furniture, index_page, legend, names, symbols
from gisapp.printing.ground import Window, fitting, shows
from gisapp.printing.ink import Ink
from gisapp.printing.order import LONGEST_TITLE, Order, read_order
from gisapp.printing.paper import Layout, lay_out
from gisapp.printing.words import say
from gisapp.selection import question

#: Pages of an atlas.
MOST_PAGES = 100
#: The scale of a sheet that was given a place and nothing else.
_USUAL_SCALE = 5000
#: The largest scale of an atlas page that chooses its own.
_ATLAS_SCALE = 1000


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Write sheet.pdf, and sheet.png of it when asked; answers with the path and the number of pages."""
    settings = Settings(layers=Path(order["layers"]), time_zone=order["time_zone"], threads=1,
                        statement_timeout_s=order["statement_timeout_s"])
    house = make_house(settings, order["database_url"])
    # Whose questions the sheet may show, its reader decides; what of the features, a viewer's rights.
    reader = Actor(**order["actor"])
    asked, actor = read_order(house, reader, order["args"]), replace(reader, role="viewer")
    press = Press(house, actor, asked, order)
    pages = press.print()
    path = Path(order["folder"]) / "sheet.pdf"
    press.ink.save(path, title=press.title, author=actor.username, subject=" ".join(press.question))
    house.db.close()
    if order["format"] == "png":
        path = picture(path, asked.dpi)
    return {"path": str(path), "pages": pages, "question": press.question, "title": press.title}


@dataclass(frozen=True)
class Index:
    """What the first page of an atlas tells: its entries, the page of the first of them, the list where it fits."""

    entries: list[index_page.Entry]
    first: int
    listed: list[legend.Row]


class Press:
    """One document on its way to paper."""

    def __init__(self, house: House, actor: Actor, order: Order, spec: dict[str, Any]) -> None:
        self.house, self.actor, self.order = house, actor, order
        self.language: str = spec["language"]
        self.cut = False
        self.first_only = spec["format"] == "png"
        self.moment = datetime.fromisoformat(spec["made_at"]).astimezone(ZoneInfo(spec["time_zone"]))
        self.layout: Layout = lay_out(order.paper, order.orientation)
        self.ink = Ink()
        self.title = order.title or self._usual_title()
        self.question = question(house, actor, order.selection, self.language)
        if order.atlas and order.in_view and order.selection.view:
            self.question.append(say("in_view", self.language))

    def _usual_title(self) -> str:
        shown = [self.order.atlas] if self.order.atlas else self.order.selection.missions
        if not 0 < len(shown) <= 2:
            return say("map", self.language)
        titles = (say("and", self.language)).join(entry.title.get(self.language) for entry in shown)
        title = say("map_of", self.language, layer=titles)
        return title if len(title) <= LONGEST_TITLE else title[:LONGEST_TITLE - 1] + "…"

    def print(self) -> int:
        """Draw every page; how many. Problems `print_nothing`, `print_atlas_size`, `print_too_many` (422)."""
        if self.order.atlas is None:
            self._page(self._window())
            return 1
        layer, box = self.order.atlas.layer, self.order.selection.view if self.order.in_view else None
        query = self.order.selection.query(self.order.atlas, box)
        count = features.count_features(self.house, self.actor, layer.id, query)
        if not 0 < count <= MOST_PAGES:
            raise Problem("print_atlas_size", count=count, limit=MOST_PAGES)
        rows, _ = content.found(self.house, self.actor, layer, query)
        rows.sort(key=lambda row: (str(row[1]), str(row[0])))
        return self._atlas([(str(row[0]), str(row[1] or ""), content.bounds(row)) for row in rows])

    def _atlas(self, records: list[tuple[str, str, Bounds]]) -> int:
        """An index, then a page for each record: its id, its name, its box."""
        entries = [index_page.Entry(name, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for _, name, box in records]
        listed = index_page.in_column(self.layout, entries, 2, self.language)
        first = 2 if listed else 3
        pages = first - 1 + len(records)
        self._page(index_page.around(entries, self.layout.frame), pages=pages,
                   index=Index(entries, first, listed))
        if self.first_only:
            return 1
        if not listed:
            self._list_page(entries, first, pages)
        for number, (chosen, _, box) in enumerate(records, first):
            window = fitting(box, self.layout.frame, self.order.scale or _ATLAS_SCALE)
            self._page(window, chosen, number, pages)
        return pages

    def _list_page(self, entries: list[index_page.Entry], first: int, pages: int) -> None:
        self.ink.new_page(self.layout.width, self.layout.height)
        furniture.title(self.ink, self.layout, self.title, "")
        index_page.list_page(self.ink, self.layout, entries, first, self.language)
        self._foot(None, 2, pages, made_up=False)

    def _window(self) -> Window:
        order, frame = self.order, self.layout.frame
        bounds = order.selection.view or (None if order.at else self._extent())
        if bounds is None:
            lon, lat = order.at or (0.0, 0.0)
            return Window(lon, lat, order.scale or _USUAL_SCALE, frame)
        made = fitting(bounds, frame, room=1.0 if order.selection.view else 0.9)
        self.cut = not order.scale and not shows(made, bounds)
        if order.at:
            made = replace(made, lon=order.at[0], lat=order.at[1])
        return replace(made, scale=order.scale) if order.scale else made

    def _extent(self) -> Bounds:
        """Around everything found in the mission layers, else in the ground."""
        selection = self.order.selection
        for entries in (selection.missions, list(selection.layers)):
            boxes = [features.extent(self.house, self.actor, one.layer.id, selection.query(one)) for one in entries]
            if known := [box for box in boxes if box]:
                west, south, east, north = zip(*known, strict=True)
                return min(west), min(south), max(east), max(north)
        raise Problem("print_nothing")

    def _page(self, window: Window, chosen: str | None = None, number: int = 1, pages: int = 1,
              index: Index | None = None) -> None:
        layers = [content.drawn(self.house, self.actor, entry, self.order.selection, window)
                  for entry in self.order.selection.layers]
        ink, layout, language = self.ink, self.layout, self.language
        ink.new_page(layout.width, layout.height)
        ink.box(layout.frame, fill="#f5f7f8")
        ink.clip(layout.frame)
        symbols.draw(ink, layers, window, layout.k, chosen)
        ink.unclip()
        furniture.grid(ink, window, layout)
        names.name(symbols.Look.of(ink, window, layout.k), layers, layout.frame, chosen, furniture.north_box(layout))
        if index:
            index_page.numbers(ink, window, layout.k, index.entries, index.first)
        if not any(one.items for one in layers):
            ink.text(*layout.frame.middle, say("empty", language), 5 * layout.k, anchor=0.5, colour=furniture.GREY)
        furniture.north(ink, layout, language)
        furniture.neat_line(ink, layout)
        made_up = any(item.synthetic for one in layers for item in one.items)
        furniture.title(ink, layout, self.title, f"1:{window.scale}", say("synthetic", language) if made_up else "")
        if made_up:
            furniture.synthetic(ink, layout, language)
        self._column(window, layers, chosen, index.listed if index else [])
        self._foot(window, number, pages, made_up)

    def _column(self, window: Window, layers: list[content.Drawn], chosen: str | None,
                listed: list[legend.Row]) -> None:
        ink, language, layout = self.ink, self.language, self.layout
        last = layout.columns[-1]
        columns = [*layout.columns[:-1], replace(last, height=last.height - 21.5 * layout.k)]
        width = last.width / layout.k
        rows = self._facts(chosen, width) if chosen else list(listed)
        rows += legend.legend(layers, self.house.catalogue.codelists, language)
        rows += legend.notes(ink, layers, width, language, cut=self.cut)
        rows += legend.question(ink, self.question, width, language)
        legend.place(ink, columns, rows, layout.k, language)
        legend.scale(ink, layout, window.scale, language)

    def _facts(self, chosen: str, width: float) -> list[legend.Row]:
        assert self.order.atlas  # noqa: S101  (only an atlas has a chosen feature)
        atlas = self.order.atlas
        card = panels.card(self.house, self.actor, atlas.layer.id, UUID(chosen), self.language,
                           self.order.selection.query(atlas).as_of)
        state = [card.state] if card.state else []
        lines = [(fact.title, fact.text) for fact in (*state, *card.sizes, *card.facts, *card.place)]
        return legend.facts(self.ink, card.title, lines[:14], width, self.language)

    def _foot(self, window: Window | None, number: int, pages: int, made_up: bool) -> None:
        said = [say("made", self.language, moment=f"{self.moment:%Y-%m-%d %H:%M}"),
                say("by", self.language, name=self.actor.username)]
        if made_up:
            said.insert(0, say("synthetic_long", self.language))
        if pages > 1:
            said.append(say("page", self.language, page=number, pages=pages))
        grid = say("crs", self.language, meridian=window.meridian) if window else ""
        furniture.foot(self.ink, self.layout, grid, " · ".join(said))


def picture(pdf: Path, dpi: int) -> Path:
    """The first page as PNG; a pixel that begins counts."""
    import pypdfium2

    path = pdf.with_suffix(".png")
    document = pypdfium2.PdfDocument(pdf)
    document[0].render(scale=dpi / 72).to_pil().convert("RGB").save(path, dpi=(dpi, dpi))
    document.close()
    return path
