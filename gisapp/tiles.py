"""Vector tiles: which picture of a layer a zoom gets, made once a revision, kept, and served to equal rights only.

A tile is stored under a hash of everything that shapes it: layer, attributes, label, filter, statement. The
reader's rights are in it because they decide the attributes. It is served while the revision of its place, read
in the same statement, is the one that was read before it was made.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg

from gisapp import counts, sql_stored_tiles, sql_tiles
from gisapp.db import Database
from gisapp.errors import Problem
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.sql import conditions
from gisapp.sql_tiles import Address, Picture

MAX_ZOOM = 22
#: More features than this in any tile of a zoom are confetti: counts are shown there, below the detail zoom.
CONFETTI, CONFETTI_LINES = 2000, 3000
#: What one tile draws at most one by one; the rest of a crowded tile are counts.
MOST, MOST_LINES = 16000, 1500
#: Names would cover each other in a fuller tile, and ids weigh more than all else.
MOST_LABELS = 1000
#: Level 1 takes a third of the time of level 6, for a tenth more bytes.
GZIP_LEVEL = 1
STORE_BYTES = 512 * 1024 ** 2
#: Every so many made tiles a process clears old ones and merges what writes have added.
TIDY_EVERY = 256
MOST_PLANS = 1000
#: While a layer is being written, what its zooms show is looked at again no sooner than this.
PLAN_KEEP_S = 2.0

_made = itertools.count(1)


@dataclass(frozen=True)
class Tile:
    """A gzip'd tile with its ETag value; `body` is None when the reader has it, b"" when nothing lies there."""

    etag: str
    body: bytes | None


@dataclass(frozen=True)
class _Plan:
    """At which zooms a question is answered by counts, as found at a revision of the layer."""

    revision: int
    counted: frozenset[int]
    made_at: float = field(default_factory=monotonic, compare=False)

    def holds(self, revision: int) -> bool:
        """Whether the plan may still be used for a layer of that revision."""
        return self.revision == revision or monotonic() - self.made_at < PLAN_KEEP_S


@dataclass
class _Room:
    """What a process remembers of one database."""

    kinds: dict[str, str | None] | None = None
    plans: dict[Any, _Plan] = field(default_factory=dict)

    def kind(self, driver: psycopg.Connection[Any], layer_id: str) -> str | None:
        """The code field that the layer's count grid knows; migrations alone change it."""
        if self.kinds is None:
            self.kinds = dict(driver.execute(counts.WATCHED).fetchall())
        return self.kinds.get(layer_id)

    def keep(self, key: Any, plan: _Plan) -> None:
        """Remember a plan, in place of all others once there are many."""
        if len(self.plans) >= MOST_PLANS:
            self.plans.clear()
        self.plans[key] = plan


_rooms: WeakKeyDictionary[Database, _Room] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Ask:
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
        return (self.query.equals, self.query.period, self.query.ids, self.query.bbox, self.query.bbox_crs)

    def variant(self, counted: bool) -> UUID:
        """The same for equal pictures only."""
        parts = (_RECIPE, self.layer.id, counted, self.layer.geometry, self.picture.columns, self.picture.label,
                 self.picture.where, sorted(self.picture.values.items()))
        return UUID(bytes=hashlib.blake2b(repr(parts).encode(), digest_size=16).digest())


def tile(house: House, actor: Actor, layer_id: str, address: Address, query: Query,
         known: Iterable[str] = ()) -> Tile:
    """The tile for this reader; `known` are ETag values that the reader holds already.

    Problems: `layer_unknown`, `tile_outside` (404), `field_masked` (403).
    """
    layer, table = open_layer(house, actor, layer_id, "read", query)
    _require_inside(address)
    where, values = sql_tiles.filter_text(table, conditions(layer, table, query))
    picture = _picture(actor, layer, query, where, values)
    room = _rooms.setdefault(house.db, _Room())
    if query.as_of:
        with _driver(house.db) as driver:
            return _past(driver, picture, address, list(known))
    with _driver(house.db) as driver:
        only_codes = not (query.period or query.ids or query.bbox)
        facets = counts.facets_of(room.kind(driver, layer_id), query.equals) if only_codes else None
        return _answer(driver, room, _Ask(picture, facets, query, address), list(known))


def _past(driver: psycopg.Connection[Any], picture: Picture, address: Address, known: list[str]) -> Tile:
    """The tile of a past moment, made anew each time: few look there, and nothing of it is kept up to date."""
    most = MOST_LINES if picture.lines else MOST
    many = _one(driver, *sql_tiles.past_count(picture, address, most + 1))[0] > most
    text, values = (sql_tiles.past_cells if many else sql_tiles.past_features)(picture, address)
    drawn = bytes(_one(driver, text, values)[0] or b"")
    etag = hashlib.blake2b(drawn, digest_size=12).hexdigest()
    return Tile(etag, None if etag in known else gzip.compress(drawn, GZIP_LEVEL, mtime=0) if drawn else b"")


def _require_inside(address: Address) -> None:
    side = 1 << min(address.z, MAX_ZOOM)
    if not (0 <= address.z <= MAX_ZOOM and 0 <= address.x < side and 0 <= address.y < side):
        raise Problem("tile_outside", z=address.z, y=address.y, x=address.x)


def attributes(actor: Actor, layer: Layer) -> tuple[str, ...]:
    """The fields that a tile of the layer carries for this reader, beside `id` and `label`, unless others are asked."""
    seen = visible_names(actor, layer)
    wanted = dict.fromkeys((*(["status"] if layer.states else []), layer.style.colour_by))
    return tuple(name for name in wanted if name and name in seen)


def _picture(actor: Actor, layer: Layer, query: Query, where: str, values: dict[str, Any]) -> Picture:
    label = layer.name_field if layer.name_field in visible_names(actor, layer) else None
    names = attributes(actor, layer) if query.properties is None else tuple(dict.fromkeys(query.properties))
    return Picture(layer, names, label, where, values)


@contextmanager
def _driver(database: Database) -> Iterator[psycopg.Connection[Any]]:
    """The driver's connection, each statement its own transaction."""
    with database.raw() as driver:
        driver.autocommit = True
        try:
            yield driver
        finally:
            if not driver.closed:
                driver.autocommit = False


def _answer(driver: psycopg.Connection[Any], room: _Room, ask: _Ask, known: list[str]) -> Tile:
    z, below = ask.address.z, ask.address.z < ask.layer.detail_zoom
    key = (ask.layer.id, ask.filter)
    plan = room.plans.get(key) if below else None
    counted = plan is not None and z in plan.counted
    found = _probe(driver, ask, counted, known)
    if below and (plan is None or not plan.holds(found.layer_revision)):
        plan = _make_plan(driver, ask, found.layer_revision)
        room.keep(key, plan)
        if (z in plan.counted) != counted:
            counted = not counted
            found = _probe(driver, ask, counted, known)
    return found.tile or _make(driver, ask, counted, found, known)


@dataclass(frozen=True)
class _Found:
    """What the database says first: revisions, the finished tile, else how many features to draw."""

    revision: int
    layer_revision: int
    tile: Tile | None
    expected: int


def _probe(driver: psycopg.Connection[Any], ask: _Ask, counted: bool, known: list[str]) -> _Found:
    cx0, cx1, cy0, cy1 = ask.address.change_cells()
    expected, values = ("0", {}) if counted else counts.expected(ask.layer, ask.address)
    probe = sql_stored_tiles.PROBE.format(expected=expected)
    revision, layer_revision, etag, body, number = _one(driver, probe, values | {
        "layer": ask.layer.id, "cx0": cx0, "cx1": cx1, "cy0": cy0, "cy1": cy1, "known": known,
        "variant": ask.variant(counted), "z": ask.address.z, "x": ask.address.x, "y": ask.address.y})
    return _Found(revision, layer_revision, Tile(etag, body) if etag else None, number or 0)


def _one(driver: psycopg.Connection[Any], text: str, values: dict[str, Any]) -> Any:
    with driver.cursor(binary=True) as cursor:
        return cursor.execute(text.encode(), values).fetchone()


def _make_plan(driver: psycopg.Connection[Any], ask: _Ask, revision: int) -> _Plan:
    """Counts where some tile of the zoom would be confetti; under a filter that the grid does not know, only
    if many features answer it."""
    most = CONFETTI_LINES if ask.picture.lines else CONFETTI
    if ask.facets is None:
        text, values = sql_tiles.matches(ask.picture, most + 1)
        if _one(driver, text, values)[0] <= most:
            return _Plan(revision, frozenset())
    text, values = counts.busiest(ask.layer, ask.facets or counts.Facets(), ask.layer.detail_zoom)
    with driver.cursor(binary=True) as cursor:
        rows = cursor.execute(text.encode(), values).fetchall()
    return _Plan(revision, frozenset(z for z, count in rows if count > most))


def _make(driver: psycopg.Connection[Any], ask: _Ask, counted: bool, found: _Found, known: list[str]) -> Tile:
    drawn = bytes(_one(driver, *_statement(ask, counted, found.expected))[0] or b"")
    etag = hashlib.blake2b(drawn, digest_size=12).hexdigest()
    if not drawn:
        return Tile(etag, None if etag in known else b"")
    body = gzip.compress(drawn, GZIP_LEVEL, mtime=0)
    _store(driver, ask, counted, found.revision, Tile(etag, body))
    return Tile(etag, None if etag in known else body)


def _statement(ask: _Ask, counted: bool, expected: int) -> tuple[str, dict[str, Any]]:
    layer, address = ask.layer, ask.address
    if counted:
        if ask.facets is None:
            return sql_tiles.grouped(ask.picture, address)
        return sql_tiles.cells_tile(layer, *counts.cells(layer, ask.facets, address))
    most = MOST_LINES if ask.picture.lines else MOST
    if expected <= most:
        return sql_tiles.features(ask.picture, address, labelled=expected <= MOST_LABELS)
    if ask.picture.lines:
        return sql_tiles.mixed_lines(ask.picture, address, most,
                                     *counts.cells(layer, ask.facets or counts.Facets(), address))
    return sql_tiles.mixed(ask.picture, address, most)


def _store(driver: psycopg.Connection[Any], ask: _Ask, counted: bool, revision: int, made: Tile) -> None:
    driver.execute(sql_stored_tiles.STORE.encode(), {
        "variant": ask.variant(counted), "z": ask.address.z, "x": ask.address.x, "y": ask.address.y,
        "revision": revision, "bytes": len(made.body or b""), "etag": made.etag, "body": made.body})
    if next(_made) % TIDY_EVERY == 0:
        driver.execute(sql_stored_tiles.EVICT.encode(), {"limit": STORE_BYTES})
        driver.execute(sql_stored_tiles.COMPACT.encode())


def _recipe() -> str:
    """Changes with the code that draws, so that no tile outlives it."""
    parts = (CONFETTI, CONFETTI_LINES, MOST, MOST_LINES, MOST_LABELS)
    sources = [Path(module.__file__ or "").read_bytes() for module in (sql_tiles, counts)]
    return hashlib.blake2b(repr((parts, sources)).encode(), digest_size=8).hexdigest()


_RECIPE = _recipe()
