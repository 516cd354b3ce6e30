"""Vector tiles: which picture of a layer a zoom gets, made once a revision, kept, and served to equal rights only.

A tile is stored under a hash of everything that shapes it: layer, attributes, label, filter, statement. The
reader's rights are in it because they decide the attributes. It is served while the revision of its place, read
in the same statement, is the one that was read before it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from isal import igzip

from gisapp import counts, tile_drawing
from gisapp.accounts.sessions import Claim
from gisapp.db import Database
from gisapp.errors import Problem
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.sql import stored_tiles as sql_stored_tiles, tiles as sql_tiles, tiles_past as sql_tiles_past
from gisapp.sql.sessions import PROOF
from gisapp.sql.statements import conditions
from gisapp.sql.tiles import Address, Picture
from gisapp.tile_drawing import Ask, one, statement
from gisapp.tile_shelf import Shelf

MAX_ZOOM = 22
#: More features than this in any tile of a zoom are confetti: counts are shown there, below the detail zoom.
CONFETTI, CONFETTI_LINES = 2000, 3000
#: ISA-L's level 2 packs as well as zlib's level 1 in a tenth of the time.
GZIP_LEVEL = 2
MOST_PLANS = 1000
#: While a layer is being written, what its zooms show is looked at again no sooner than this.
PLAN_KEEP_S = 2.0


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

    shelf: Shelf
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


def _room(database: Database) -> _Room:
    found = _rooms.get(database)
    return found if found is not None else _rooms.setdefault(database, _Room(Shelf(database)))


def settle(house: House) -> None:
    """Return when all finished tiles of this process are put away."""
    _room(house.db).shelf.settle()


def tile(house: House, actor: Actor, layer_id: str, address: Address, query: Query,
         known: Iterable[str] = ()) -> Tile:
    """The tile for this reader; `known` are ETag values that the reader holds already.

    Problems: `layer_unknown`, `tile_outside` (404), `field_masked` (403).
    """
    picture, codes = _pictured(house, actor, layer_id, address, query)
    room = _room(house.db)
    with house.db.driver() as driver:
        if query.as_of:
            return _past(driver, picture, address, list(known))
        facets = counts.facets_of(room.kind(driver, picture.layer.id), query.equals) if codes else None
        answer = _unkept if query.fleeting else _answer
        return answer(driver, room, Ask(picture, facets, query, address), list(known))


def proven_tile(house: House, claim: Claim, layer_id: str, address: Address, query: Query,
                known: Iterable[str] = ()) -> Tile | None:
    """The same for a browser session: that the claim holds is proved by the statement that looks for the tile. None
    where that alone cannot tell, or the claim does not hold: sign the reader in and ask for `tile` then."""
    if query.as_of or query.fleeting:
        return None
    picture, codes = _pictured(house, claim.actor, layer_id, address, query)
    room = _room(house.db)
    if room.kinds is None:
        return None
    facets = counts.facets_of(room.kinds.get(picture.layer.id), query.equals) if codes else None
    ask, below = Ask(picture, facets, query, address), address.z < picture.layer.detail_zoom
    plan = room.plans.get((ask.layer.id, ask.filter)) if below else None
    counted = plan is not None and address.z in plan.counted
    found = _find(lambda text, values: house.db.lookups.one(
        sql_stored_tiles.PROVEN.format(proof=PROOF, probe=text).encode(), values | claim.values()),
        ask, counted, list(known))
    if found is None or (below and (plan is None or not plan.holds(found.layer_revision))):
        return None
    if found.tile:
        return found.tile
    with house.db.driver() as driver:
        return _make(driver, room.shelf, ask, counted, found, list(known))


def _pictured(house: House, actor: Actor, layer_id: str, address: Address, query: Query) -> tuple[Picture, bool]:
    """What the reader may see of the layer, and whether the filter asks for codes only, as the count grid does."""
    layer, table = open_layer(house, actor, layer_id, "read", query)
    _require_inside(address)
    asked = conditions(layer, table, query, local=address.z >= layer.detail_zoom)
    where, values = sql_tiles.filter_text(table, asked)
    return _picture(actor, layer, query, where, values), len(asked) == len(query.equals)


def _unkept(driver: psycopg.Connection[Any], room: _Room, ask: Ask, known: list[str]) -> Tile:
    """A tile made anew each time: what it shows may change while its layer does not."""
    key, plan = (ask.layer.id, ask.filter), None
    if ask.address.z < ask.layer.detail_zoom:
        plan = room.plans.get(key)
        if plan is None or not plan.holds(-1):
            plan = _make_plan(driver, ask, 0)
            room.keep(key, plan)
    expected = one(driver, *counts.expected(ask.layer, ask.facets, ask.address))[0] or 0
    counted = plan is not None and ask.address.z in plan.counted
    return _packed(bytes(one(driver, *statement(driver, ask, counted, expected))[0] or b""), known)


def _packed(drawn: bytes, known: list[str]) -> Tile:
    etag = hashlib.blake2b(drawn, digest_size=12).hexdigest()
    return Tile(etag, None if etag in known else igzip.compress(drawn, GZIP_LEVEL, mtime=0) if drawn else b"")


def _past(driver: psycopg.Connection[Any], picture: Picture, address: Address, known: list[str]) -> Tile:
    """The tile of a past moment, made anew each time: few look there, and nothing of it is kept up to date."""
    most = tile_drawing.MOST_LINES_DRAWN if picture.lines else tile_drawing.MOST_POINTS
    many = one(driver, *sql_tiles_past.count(picture, address, most + 1))[0] > most
    text, values = (sql_tiles_past.cells if many else sql_tiles_past.features)(picture, address)
    return _packed(bytes(one(driver, text, values)[0] or b""), known)


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


def _answer(driver: psycopg.Connection[Any], room: _Room, ask: Ask, known: list[str]) -> Tile:
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
    return found.tile or _make(driver, room.shelf, ask, counted, found, known)


@dataclass(frozen=True)
class _Found:
    """What the database says first: revisions, the finished tile, else how many features to draw."""

    revision: int
    layer_revision: int
    tile: Tile | None
    expected: int


def _probe(driver: psycopg.Connection[Any], ask: Ask, counted: bool, known: list[str]) -> _Found:
    found = _find(lambda text, values: one(driver, text, values), ask, counted, known)
    assert found is not None  # noqa: S101  (told to mypy: the sums of no changes are a row too)
    return found


def _find(fetch: Callable[[str, dict[str, Any]], Any], ask: Ask, counted: bool, known: list[str]) -> _Found | None:
    cx0, cx1, cy0, cy1 = ask.address.change_cells()
    expected, values = ("0", {}) if counted else counts.expected(ask.layer, ask.facets, ask.address)
    row = fetch(sql_stored_tiles.PROBE.format(expected=expected), values | {
        "layer": ask.layer.id, "cx0": cx0, "cx1": cx1, "cy0": cy0, "cy1": cy1, "known": known,
        "variant": ask.variant(counted), "z": ask.address.z, "x": ask.address.x, "y": ask.address.y})
    if row is None:
        return None
    revision, layer_revision, etag, body, number = row
    return _Found(revision, layer_revision, Tile(etag, body) if etag else None, number or 0)


def _make_plan(driver: psycopg.Connection[Any], ask: Ask, revision: int) -> _Plan:
    """Counts where some tile of the zoom would be confetti; under a filter that the grid does not know, only
    if many features answer it."""
    most = CONFETTI_LINES if ask.picture.lines else CONFETTI
    if ask.facets is None:
        text, values = sql_tiles.matches(ask.picture, most + 1)
        if one(driver, text, values)[0] <= most:
            return _Plan(revision, frozenset())
    text, values = counts.busiest(ask.layer, ask.facets or counts.Facets(), ask.layer.detail_zoom)
    with driver.cursor(binary=True) as cursor:
        rows = cursor.execute(text.encode(), values).fetchall()
    return _Plan(revision, frozenset(z for z, count in rows if count > most))


def _make(driver: psycopg.Connection[Any], shelf: Shelf, ask: Ask, counted: bool, found: _Found,
          known: list[str]) -> Tile:
    drawn = bytes(one(driver, *statement(driver, ask, counted, found.expected))[0] or b"")
    etag = hashlib.blake2b(drawn, digest_size=12).hexdigest()
    if not drawn:
        return Tile(etag, None if etag in known else b"")
    body = igzip.compress(drawn, GZIP_LEVEL, mtime=0)
    shelf.put({"variant": ask.variant(counted), "z": ask.address.z, "x": ask.address.x, "y": ask.address.y,
               "revision": found.revision, "bytes": len(body), "etag": etag, "body": body})
    return Tile(etag, None if etag in known else body)
